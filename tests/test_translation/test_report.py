"""Whether translated files are whole, and the report on them."""
import json
from pathlib import Path
from typing import Dict, List

import numpy as np
import pytest
from mmseg.models import SegDataPreProcessor
from torch import Tensor, nn

from pages import pictures_of, text_of
from small_data import write_image
from udas_mmseg.datasets import SampleError
from udas_mmseg.translation.domain_distance import FeatureNetwork
from udas_mmseg.translation.report import verify_images, write_report
from udas_mmseg.visualization import page


class Pixels(nn.Module):
    """A backbone whose features are the images."""

    def forward(self, inputs: Tensor) -> List[Tensor]:
        return [inputs]


NETWORK = FeatureNetwork(Pixels(), SegDataPreProcessor(mean=[128.] * 3, std=[64.] * 3), 'Pixels, weights none')


@pytest.fixture
def sets(tmp_path: Path) -> Dict[str, List[str]]:
    """Bright source images, translations that are nearly as dark as the target, and a few dark target images."""
    rng, paths = np.random.default_rng(0), {}
    for name, count, level, shape in (('images', 9, 200, (20, 40, 3)), ('translations', 9, 90, (20, 40, 3)),
                                      ('targets', 5, 80, (30, 40, 3))):
        paths[name] = [str(write_image(tmp_path / name / 'town' / f'{number}.png',
                                       rng.integers(level - 20, level + 20, shape, dtype=np.uint8)))
                       for number in range(count)]
    return paths


def truncate(path: str) -> None:
    Path(path).write_bytes(Path(path).read_bytes()[:-200])


def report_of(sets: Dict[str, List[str]], folder: Path, **changes: object) -> dict:
    return write_report(str(folder), **{**sets, **changes})


def test_report_has_the_distances_before_and_after(sets: Dict[str, List[str]], tmp_path: Path) -> None:
    report = report_of(sets, tmp_path / 'new' / 'report', network=NETWORK, facts=dict(checkpoint='iter_8.pth'))
    assert sorted(path.name for path in (tmp_path / 'new' / 'report').iterdir()) == [
        'report.html', 'report.json']
    assert report == json.loads((tmp_path / 'new' / 'report' / 'report.json').read_text())
    for key in ('color_distance', 'feature_distance'):
        distance = report[key]
        assert distance['after'] < 0.2 * distance['before'] and distance['target_halves'] < 0.5 * distance['after']
    assert report['color_distance']['before'] == pytest.approx(
        report['sets']['source']['lab_mean'][0] - report['sets']['target']['lab_mean'][0], rel=0.02)
    assert {name: part['images'] for name, part in report['sets'].items()} == dict(source=9, translated=9, target=5)
    assert report['network'] == dict(description='Pixels, weights none', short_side=20)
    text = text_of(tmp_path / 'new' / 'report' / 'report.html')
    color, feature = report['color_distance'], report['feature_distance']
    left = round(100 * color['after'] / color['before'])
    assert f'\ncolours | {color["before"]:.2f} | {color["after"]:.2f} | {left} % |' in text
    assert f'\nfeatures | {feature["before"]:.4g} | {feature["after"]:.4g} |' in text
    assert '\ncheckpoint: iter_8.pth\n' in text and '\ntarget | 5 | 5 |' in text
    assert 'Pixels, weights none; images with a shorter side of 20 pixels' in text and 'no nearer' not in text


def test_translation_that_does_not_help_is_said_to(sets: Dict[str, List[str]], tmp_path: Path) -> None:
    report_of({**sets, 'images': sets['translations'], 'translations': sets['images']}, tmp_path / 'report',
              network=NETWORK)
    assert 'By colours and features, the translation is no nearer' in text_of(tmp_path / 'report' / 'report.html')


def test_without_a_network_colors_alone_are_compared(sets: Dict[str, List[str]], tmp_path: Path) -> None:
    report = report_of(sets, tmp_path / 'report')
    assert report['feature_distance'] is None and report['network'] is None and report['color_distance']['before'] > 0
    text = text_of(tmp_path / 'report' / 'report.html')
    assert 'features |' not in text and 'not compared: no network was given. Give `--backbone CONFIG`' in text


def test_single_images_have_no_feature_distance(sets: Dict[str, List[str]], tmp_path: Path) -> None:
    single = {name: paths[:1] for name, paths in sets.items()}
    report = report_of(single, tmp_path / 'report', network=NETWORK)
    assert report['feature_distance'] is None and report['color_distance']['target_halves'] is None
    assert 'needs two images of each set' in text_of(tmp_path / 'report' / 'report.html')


def test_a_part_is_measured_evenly_spread(sets: Dict[str, List[str]], tmp_path: Path,
                                          capsys: pytest.CaptureFixture) -> None:
    for unseen in (1, 2, 3, 5, 6, 7):
        truncate(sets['images'][unseen])
        truncate(sets['translations'][unseen])
    report = report_of(sets, tmp_path / 'report', max_images=3, samples=3, network=NETWORK)
    assert [part['measured'] for part in report['sets'].values()] == [3, 3, 3]
    errors = capsys.readouterr().err
    assert all(f'measuring {name}: 3/3 images, took 0:00:0' in errors for name in ('source', 'translated', 'target'))


def test_picture_has_a_row_for_each_sample(sets: Dict[str, List[str]], tmp_path: Path) -> None:
    for name in sets:
        for number, path in enumerate(sets[name]):
            write_image(Path(path), np.full((30 if name == 'targets' else 20, 40, 3), 10 * number, np.uint8))
    report_of(sets, tmp_path / 'report', samples=3)
    picture, = pictures_of(tmp_path / 'report' / 'report.html')
    for row, (image, target) in enumerate([(0, 0), (4, 2), (8, 4)]):
        middle = 22 + 6 + (160 + 18 + 6) * row + 80  # see `grid`: cells of 320x160
        assert picture[middle, 10].tolist() == picture[middle, 6 + 326 + 160].tolist() == [10 * image] * 3
        assert picture[middle, 6 + 652 + 100].tolist() == [10 * target] * 3
        assert picture[middle, 6 + 652 + 250].tolist() == [255] * 3  # the target is narrower, and not stretched


def test_fewer_targets_than_samples_leave_places_empty(sets: Dict[str, List[str]], tmp_path: Path) -> None:
    report_of({**sets, 'targets': sets['targets'][:2]}, tmp_path / 'report', samples=4)
    picture, = pictures_of(tmp_path / 'report' / 'report.html')
    shown = [(picture[28 + 184 * row:188 + 184 * row, 658:] < 255).any() for row in range(4)]
    assert shown == [True, True, False, False]


@pytest.mark.parametrize('name', ['images', 'translations', 'targets'])
def test_unreadable_image_is_named(sets: Dict[str, List[str]], tmp_path: Path, name: str) -> None:
    truncate(sets[name][2])
    with pytest.raises(SampleError, match=rf'{name}/town/2\.png is truncated'):
        report_of(sets, tmp_path / 'report', network=NETWORK)
    assert not (tmp_path / 'report').exists()


def test_full_disk_leaves_the_old_report(sets: Dict[str, List[str]], tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    report_of(sets, tmp_path / 'report')
    before = {path.name: path.read_bytes() for path in (tmp_path / 'report').iterdir()}

    def full_disk(*args: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(page, 'replace_file', full_disk)
    with pytest.raises(OSError, match='No space left'):
        report_of(sets, tmp_path / 'report', samples=2)
    assert before == {path.name: path.read_bytes() for path in (tmp_path / 'report').iterdir()}


@pytest.mark.parametrize('changes, message', [
    (dict(targets=[]), '9 images, 9 translations and 0 images of the target'),
    (dict(images=[]), '0 images, 9 translations'),
    (dict(translations=['a.png']), '9 images, 1 translations'),
    (dict(max_images=0), 'max_images=0'),
    (dict(samples=0), 'samples=0'),
])  # yapf: disable
def test_sets_that_do_not_fit_are_refused(sets: Dict[str, List[str]], tmp_path: Path, changes: dict,
                                          message: str) -> None:
    with pytest.raises(ValueError, match=message):
        report_of(sets, tmp_path / 'report', **changes)


def test_whole_files_have_no_problems(sets: Dict[str, List[str]], capsys: pytest.CaptureFixture) -> None:
    assert verify_images(sets['images'], workers=3, sizes=[(40, 20)] * 9) == []
    assert verify_images(sets['targets'], workers=0) == []
    assert 'verifying: 9/9 images, took 0:00:0' in capsys.readouterr().err
    with pytest.raises(ValueError, match='1 sizes for 9 files'):
        verify_images(sets['images'], sizes=[(40, 20)])


def test_every_damaged_file_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = ['good.png', 'good.jpg', 'truncated.png', 'truncated.jpg', 'bits.png', 'grey.png', 'alpha.png', 'deep.png',
             'large.png', 'text.png', 'empty.png', 'missing.png', 'folder.png']
    paths = [str(write_image(tmp_path / name, rng.integers(0, 256, (20, 40, 3), dtype=np.uint8))) for name in names]
    files = dict(zip(names, map(Path, paths)))
    truncate(str(files['truncated.png']))
    truncate(str(files['truncated.jpg']))
    content = bytearray(files['bits.png'].read_bytes())
    content[900:908] = bytes(8)
    files['bits.png'].write_bytes(content)
    write_image(files['grey.png'], np.zeros((20, 40), np.uint8))
    write_image(files['alpha.png'], np.zeros((20, 40, 4), np.uint8))
    write_image(files['deep.png'], np.zeros((20, 40, 3), np.uint16))
    write_image(files['large.png'], np.zeros((40, 20, 3), np.uint8))
    files['text.png'].write_text('no image')
    files['empty.png'].write_bytes(b'')
    files['missing.png'].unlink()
    files['folder.png'].unlink()
    files['folder.png'].mkdir()
    found = verify_images(paths, sizes=[(40, 20)] * len(paths))
    assert [problem.path for problem in found] == paths[2:]
    assert all(problem.path in problem.problem for problem in found)
    expected = ['truncated', 'truncated', 'decoded', '1 channels of uint8', '4 channels of uint8',
                '3 channels of uint16', '20x40; it must be 40x20', 'decoded', 'empty', 'not exist', 'irectory']
    for problem, words in zip(found, expected):
        assert words in problem.problem
