"""Sets of pseudo-labels: what is stored, counted and compared. `test_utils/test_file_set.py` tests the writing."""
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, List

import cv2
import numpy as np
import pytest
import torch

from udas_mmseg.datasets.label_files import decode_label
from udas_mmseg.datasets.thresholds import encode_confidence
from udas_mmseg.pseudo_labels.writer import PseudoLabelWriter, confidence_path

IMAGES = ['data/train/a/1.jpg', 'data/train/a/2.jpg', 'data/train/b/1.jpg']
TEACHER = dict(config='mine.py', checkpoint='iter_8.pth', sha256='ab' * 32, config_digest='cd')


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., PseudoLabelWriter]:

    def build(**changes: Any) -> PseudoLabelWriter:
        arguments: Dict[str, Any] = dict(out=str(tmp_path / 'set'), images=IMAGES, image_root='data/train',
                                         classes=('road', 'sidewalk', 'other'), teacher=TEACHER)
        return PseudoLabelWriter(**{**arguments, **changes})

    return build


def label_of(index: int) -> np.ndarray:
    return np.full((2, 4), index, np.uint8)


def write(writer: PseudoLabelWriter, indices: List[int]) -> None:
    for index in indices:
        writer.write(index, label_of(index), torch.full((2, 4), 0.6))


def files(folder: Path) -> List[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file())


def test_confidence_is_stored_so_that_thresholds_are_exact() -> None:
    assert encode_confidence(torch.tensor([[0, 0.5, 0.999, 1]])).tolist() == [[0, 127, 254, 255]]
    confidence = torch.cat([torch.rand(10000, generator=torch.Generator().manual_seed(0)), torch.tensor([0.6, 1.0])])
    stored = encode_confidence(confidence[None])[0]
    assert stored.dtype == np.uint8 and np.abs(stored / 255 - confidence.numpy()).max() < 1 / 255
    assert np.array_equal(stored >= 0.6 * 255, (confidence >= 0.6).numpy())
    assert bool((confidence.numpy()[stored >= 0.9 * 255] >= 0.9).all())


@pytest.mark.parametrize('value', [float('nan'), -0.1, 1.01])
def test_confidence_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r'must be in \[0, 1\]'):
        encode_confidence(torch.tensor([[0.5, value]]))


def test_set_appears_when_it_is_whole(make: Callable, tmp_path: Path) -> None:
    writer = make()
    assert writer.begin() == [0, 1, 2]
    write(writer, [0, 1, 2])
    assert not (tmp_path / 'set').exists()
    index = writer.finish()
    assert files(tmp_path) == ['set/a/1.png', 'set/a/1_confidence.png', 'set/a/2.png', 'set/a/2_confidence.png',
                               'set/b/1.png', 'set/b/1_confidence.png', 'set/index.json']
    for number, label in enumerate(writer.labels):
        assert np.array_equal(decode_label((tmp_path / 'set' / label).read_bytes()), label_of(number))
        confidence = cv2.imread(str(tmp_path / 'set' / confidence_path(label)), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(confidence, np.full((2, 4), 153, np.uint8))
    assert index == json.loads((tmp_path / 'set/index.json').read_text())
    assert index['teacher'] == TEACHER and index['views'] == 1 and index['num_images'] == 3
    assert index['classes'] == ['road', 'sidewalk', 'other']
    assert index['augment'] is None and index['seed'] == 0 and index['temperature'] == 1 and index['skipped'] == {}
    assert index['class_share'] == {'road': 0.333333, 'sidewalk': 0.333333, 'other': 0.333333}
    assert index['confidence_histogram'] == {name: histogram(153, 8) for name in ('road', 'sidewalk', 'other')}


def histogram(level: int, count: int) -> List[int]:
    counts = [0] * 256
    counts[level] = count
    return counts


def test_counts_are_those_of_the_files(make: Callable, tmp_path: Path) -> None:
    """Of this process, of another one, and of an earlier run."""
    rng, one, two = np.random.default_rng(0), make(), make()
    labels = rng.integers(0, 3, (3, 2, 4), dtype=np.uint8)
    sure = torch.from_numpy(rng.random((3, 2, 4), np.float32))
    sure[0, 0, 0] = 1
    killed = make()
    killed.begin()
    killed.write(2, labels[2], sure[2])
    assert one.begin() == [0, 1]
    one.write(0, labels[0], sure[0])
    two.write(1, labels[1], sure[1])
    one.add(two.counts)
    index = one.finish()
    stored = np.floor(sure.numpy() * 255).astype(int)
    expected = np.zeros((3, 256), int)
    np.add.at(expected, (labels.ravel(), stored.ravel()), 1)
    assert list(index['confidence_histogram'].values()) == expected.tolist()
    assert list(index['class_share'].values()) == pytest.approx(expected.sum(1) / 24, abs=1e-6)


def test_threads_may_write_at_once(make: Callable) -> None:
    names = [f'data/train/{number}.png' for number in range(40)]
    writer = make(images=names)
    writer.begin()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: writer.write(index, label_of(index % 3), torch.full((2, 4), 0.6)), range(40)))
    assert writer.counts.sum() == 320 and writer.finish()['num_images'] == 40


def test_skipped_images_have_no_files(make: Callable, tmp_path: Path) -> None:
    writer = make()
    writer.begin()
    write(writer, [0, 2])
    (tmp_path / 'set.part/a/2.png').write_bytes(b'half of an earlier one')
    index = writer.finish({'a/2.jpg': 'a/2.jpg is truncated'})
    assert index['skipped'] == {'a/2.jpg': 'a/2.jpg is truncated'} and index['num_images'] == 2
    assert [name for name in files(tmp_path / 'set') if '2' in name] == []
    assert make().complete() == index


def test_interrupted_set_is_completed(make: Callable, tmp_path: Path) -> None:
    killed = make()
    killed.begin()
    write(killed, [0, 1])
    (tmp_path / 'set.part/a/2.png').write_bytes((tmp_path / 'set.part/a/2.png').read_bytes()[:-20])  # a power cut
    # of another size than its label: of two different runs
    (tmp_path / 'set.part/b').mkdir()
    cv2.imwrite(str(tmp_path / 'set.part/b/1.png'), label_of(0))
    cv2.imwrite(str(tmp_path / 'set.part/b/1_confidence.png'), label_of(0).T)
    (tmp_path / 'set.part/b/1_confidence.png.part').write_bytes(b'half')
    cv2.imwrite(str(tmp_path / 'set.part/gone.png'), label_of(0))
    writer = make(teacher={**TEACHER, 'checkpoint': 'moved/iter_8.pth'})
    assert writer.begin() == [1, 2]
    write(writer, [1, 2])
    assert writer.finish()['class_share'] == {'road': 0.333333, 'sidewalk': 0.333333, 'other': 0.333333}
    assert not (tmp_path / 'set.part').exists()
    assert len(files(tmp_path / 'set')) == 7


@pytest.mark.parametrize('change, message', [
    (dict(teacher={**TEACHER, 'sha256': 'ef' * 32}), r'another checkpoint \(teacher iter_8.pth, sha256 abababababab\)'),
    (dict(views=3, classes=('a', 'b', 'c')), 'another number of views and another list of classes'),
    (dict(temperature=0.5), 'another temperature'),
    (dict(views=3, seed=1), 'another number of views and another seed'),
    (dict(views=3, augment=dict(type='SegRandAugment')), 'another number of views and another augmentation'),
])  # yapf: disable
def test_labels_of_something_else_are_refused_or_replaced(make: Callable, change: dict, message: str) -> None:
    killed = make()
    killed.begin()
    write(killed, [0])
    with pytest.raises(FileExistsError, match=f'{message}.*--overwrite'):
        make(**change).begin()
    again = make(**change, overwrite=True)
    assert again.begin() == [0, 1, 2] and not again.counts.any()


def test_complete_set_of_the_same_is_found(make: Callable, tmp_path: Path) -> None:
    augment = dict(type='SegAutoAugment', policy=[[('Rotate', 0.5, 5)]])  # JSON has lists where Python has tuples
    drawn = dict(views=3, seed=1, augment=augment)
    writer = make(**drawn)
    assert writer.complete() is None
    write(writer, writer.begin())
    assert writer.complete() is None
    index = writer.finish()
    assert make(**drawn).complete() == index
    assert make(**drawn, teacher={**TEACHER, 'config': 'other.py', 'checkpoint': 'moved.pth'}).complete() == index
    for change in (dict(seed=2), dict(views=2), dict(augment=dict(augment, prob=0.5)), dict(temperature=2),
                   dict(teacher={**TEACHER, 'sha256': 'ef'}), dict(images=IMAGES[:2]),
                   dict(images=[*IMAGES, 'data/train/b/2.jpg'])):
        assert make(**{**drawn, **change}).complete() is None, change
    (tmp_path / 'set/a/1_confidence.png').unlink()
    assert make(**drawn).complete() is None


def test_draws_do_not_matter_to_one_view(make: Callable) -> None:
    writer = make(seed=1)
    write(writer, writer.begin())
    index = writer.finish()
    assert make(seed=2).complete() == index


@pytest.mark.parametrize('images, message', [
    ([], 'no images'),
    (['data/train/1.png', 'data/train/1_confidence.png'], r'both have the file 1_confidence\.png'),
])  # yapf: disable
def test_images_that_do_not_make_a_set_are_refused(make: Callable, images: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(images=images)


def test_labels_that_do_not_fit_are_refused(make: Callable) -> None:
    writer = make()
    writer.begin()
    with pytest.raises(ValueError, match=r'the label is \(2, 4\), its confidence is \(4, 2\)'):
        writer.write(0, label_of(0), torch.ones(4, 2))
    with pytest.raises(ValueError, match='id 3; allowed are 0-2'):
        writer.write(0, label_of(3), torch.ones(2, 4))


def test_sets_of_earlier_versions_are_read_and_gone_on_with(make: Callable, tmp_path: Path) -> None:
    """Their index is the same, but the first ones had no temperature."""
    header = dict(teacher=TEACHER, views=1, augment=None, seed=0, classes=['road', 'sidewalk', 'other'],
                  image_root='data/train')
    writer = make()
    write(writer, writer.begin())
    (tmp_path / 'set.part/b/1.png').unlink()
    (tmp_path / 'set.part/index.json').write_text(json.dumps(header, indent=2) + '\n')
    assert make().begin() == [2]
    write(writer, [2])
    index = writer.finish()
    (tmp_path / 'set/index.json').write_text(json.dumps({**index, **header}))
    found = make().complete()
    assert found is not None and found['num_images'] == 3
    assert make(temperature=2.0).complete() is None
