"""The report on sets of pseudo-labels, and the ground truth that it asks."""
import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
import pytest
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from pages import pictures_of, text_of
from pseudo_labels import index_of, random_label, write_images, write_set
from small_data import CLASSES, write_image
from udas_mmseg.datasets import SampleError
from udas_mmseg.datasets.image_groups import ImageGroups
from udas_mmseg.pseudo_labels import label_change
from udas_mmseg.pseudo_labels import report as pseudo_label_report
from udas_mmseg.pseudo_labels.ground_truth import GroundTruth, class_shares, label_reader
from udas_mmseg.pseudo_labels.quality import count_agreement, measure_quality, overall_coverage
from udas_mmseg.pseudo_labels.report import markdown_summary, write_quality_report

NAMES = ['ulm/0.jpg', 'ulm/1.jpg', 'bonn/0.jpg', '2.jpg']
LABELS = [name.replace('.jpg', '.png') for name in NAMES]
TRUTHS = {name: random_label(seed, classes=3)[0] for seed, name in enumerate(LABELS)}


def guess(name: str, skill: int) -> tuple:
    """A label that is wrong in one of `skill` columns, less sure there."""
    label, confidence = TRUTHS[name].copy(), np.full(TRUTHS[name].shape, 240, np.uint8)
    label[:, ::skill] = (label[:, ::skill] + 1) % 3
    confidence[:, ::skill] = 140
    confidence[::2, ::skill] = 170
    return label, confidence


@pytest.fixture
def sets(tmp_path: Path) -> Dict[str, str]:
    return {f'round {number}': str(write_set(tmp_path / f'r{number}', {name: guess(name, skill) for name in LABELS}))
            for number, skill in ((1, 2), (2, 8))}


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., BaseDataset]:
    """Data sets of the images: without labels, or with raw ids that are a hundred too high."""
    write_images(tmp_path / 'data/images', NAMES)
    for name, truth in TRUTHS.items():
        write_image(tmp_path / 'data/labels' / name, truth + 100)

    def build(labels: bool = False, **changes: Any) -> BaseDataset:
        prefix = dict(img_path='images', **(dict(seg_map_path='labels') if labels else {}))
        load = [dict(type='LoadVerifiedImage'), *([dict(type='LoadLabelIds')] if labels else [])]
        return DATASETS.build({**dict(
            type='LabelMappedDataset', metainfo=CLASSES, data_root=str(tmp_path / 'data'), data_prefix=prefix,
            img_suffix='.jpg', label_map={100: 0, 101: 1, 102: 2} if labels else None,
            pipeline=[*load, dict(type='Resize', scale=(8, 8)), dict(type='PackSegInputs')]),
            **changes})  # yapf: disable

    return build


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts take most of the time."""
    for name in ('draw_confidence', 'draw_reliability'):
        monkeypatch.setattr(pseudo_label_report, name, lambda *arguments: b'a chart')


@pytest.mark.usefixtures('no_charts')
def test_report_without_truth(sets: Dict[str, str], dataset: Callable, tmp_path: Path,
                              capsys: pytest.CaptureFixture) -> None:
    share = dict(road=0.5, sidewalk=0.25, other=0.25)
    report = write_quality_report(str(tmp_path / 'new/out'), sets, dataset(), source_share=share, samples=2,
                                  facts=dict(config='<mine>.py'))
    assert report == json.loads((tmp_path / 'new/out/report.json').read_text())
    assert sorted(path.name for path in (tmp_path / 'new/out').iterdir()) == ['report.html', 'report.json']
    first, second = report['sets']
    assert [entry['name'] for entry in report['sets']] == ['round 1', 'round 2']
    assert first['change'] is None
    assert second['change'] == pytest.approx(label_change(sets['round 1'], sets['round 2'], 0.6))
    assert first['coverage'] == overall_coverage(index_of(tmp_path / 'r1'), 0.6) == 0.75
    road = first['classes']['road']
    assert road['source_share'] == 0.5 and road['share'] == index_of(tmp_path / 'r1')['class_share']['road']
    assert sum(figures['kept_share'] for figures in first['classes'].values()) == pytest.approx(1)
    assert first['truth'] is None and 'precision' not in road
    text = text_of(tmp_path / 'new/out/report.html')
    assert '\nteacher: config a.py, checkpoint a.pth' in text and '\nviews: 3\n' in text and 'augment' not in text
    assert '\nconfig: <mine>.py\n' in text and '\nround 2\n' in text and '| in the source |' in text
    assert '| precision' not in text and 'in truth' not in text
    assert 'comparing labels: 4/4' in capsys.readouterr().err
    assert markdown_summary(report) == ('| pseudo-labels | images | skipped | kept | changed |\n'
                                        '| --- | --- | --- | --- | --- |\n'
                                        '| round 1 | 4 | 0 | 75.00 | - |\n'
                                        f'| round 2 | 4 | 0 | 93.75 | {100 * second["change"]:.2f} |\n')


def test_the_page_needs_no_other_file(sets: Dict[str, str], dataset: Callable, tmp_path: Path) -> None:
    del sets['round 2']
    write_quality_report(str(tmp_path / 'out'), sets, dataset(), dataset(labels=True), samples=3)
    page = (tmp_path / 'out/report.html').read_text()
    assert 'http' not in page and '<link' not in page and '<script' not in page
    pictures = pictures_of(tmp_path / 'out/report.html')
    assert len(pictures) == 3 and all(picture.shape[0] > 200 and picture.std() > 10 for picture in pictures)
    assert pictures[-1].shape[1] > 5 * 280, 'the truth is the fifth column of the samples'


@pytest.mark.usefixtures('no_charts')
def test_truth_gives_precision_and_calibration(sets: Dict[str, str], dataset: Callable, tmp_path: Path) -> None:
    report = write_quality_report(str(tmp_path / 'out'), sets, dataset(), dataset(labels=True), samples=1)
    counts = sum(count_agreement(*guess(name, 2), TRUTHS[name], 3) for name in LABELS)
    expected = measure_quality(counts, CLASSES['classes'], 0.6)
    first, second = report['sets']
    assert {key: first['truth'][key] for key in ('mIoU_kept', 'mIoU_all', 'ece', 'coverage')} == pytest.approx(
        {key: expected[key] for key in ('mIoU_kept', 'mIoU_all', 'ece', 'coverage')})
    assert first['classes']['other']['precision'] == pytest.approx(expected['precision']['other'])
    assert first['truth']['num_images'] == 4
    assert 0.5 < first['truth']['mIoU_kept'] < second['truth']['mIoU_kept'] < 1
    curve = first['truth']['thresholds']
    assert [point['coverage'] for point in curve] == sorted((point['coverage'] for point in curve), reverse=True)
    assert curve[0]['coverage'] == 1 and curve[0]['accuracy'] == pytest.approx(0.5)
    assert curve[-4] == dict(threshold=0.85, coverage=0.5, accuracy=1.0) and curve[-1]['accuracy'] is None
    assert '| mIoU kept | mIoU all |' in markdown_summary(report)
    assert '| precision |' in text_of(tmp_path / 'out/report.html')


@pytest.mark.usefixtures('no_charts')
def test_samples_are_the_same_images_of_each_set(sets: Dict[str, str], dataset: Callable, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    shown: List[Sequence[dict]] = []
    monkeypatch.setattr(pseudo_label_report, 'draw_samples',
                        lambda samples, *rest: shown.append(samples) or np.zeros((4, 4, 3), np.uint8))
    write_quality_report(str(tmp_path / 'out'), sets, dataset(), dataset(labels=True), samples=2)
    for samples, skill in zip(shown, (2, 8)):
        assert [sample['name'] for sample in samples] == ['2.png', 'ulm/1.png']
        for sample in samples:
            label, confidence = guess(sample['name'], skill)
            assert np.array_equal(sample['kept'], np.where(confidence >= 153, label, 255))
            assert np.array_equal(sample['truth'], TRUTHS[sample['name']])
            assert sample['image'].shape == (16, 32, 3)


@pytest.mark.usefixtures('no_charts')
def test_truth_of_some_images_is_enough(sets: Dict[str, str], dataset: Callable, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    shown: List[List[str]] = []
    monkeypatch.setattr(pseudo_label_report, 'draw_samples', lambda samples, *rest: shown.append(
        [sample['name'] for sample in samples]) or np.zeros((4, 4, 3), np.uint8))
    (tmp_path / 'list.txt').write_text('2\n')
    truth = dataset(labels=True, ann_file=str(tmp_path / 'list.txt'))
    report = write_quality_report(str(tmp_path / 'out'), sets, dataset(), truth)
    expected = measure_quality(count_agreement(*guess('2.png', 2), TRUTHS['2.png'], 3), CLASSES['classes'])
    assert report['sets'][0]['truth']['num_images'] == 1 and report['sets'][0]['truth']['num_without'] == 3
    assert 'with ground truth: 1 of 4; the other 3 are not in the scores' in text_of(tmp_path / 'out/report.html')
    assert shown == [['2.png'], ['2.png']], 'only samples with ground truth'
    assert report['sets'][0]['truth']['mIoU_kept'] == pytest.approx(expected['mIoU_kept'])
    ground = GroundTruth(truth, CLASSES['classes'])
    assert '2.png' in ground and 'ulm/0.png' not in ground and ground.read('ulm/0.png') is None
    with pytest.raises(ValueError, match=r'has ground truth: it has ulm/0\.png, .* truth exists for 2\.png'):
        ground.count('x', ['ulm/0.png'])


@pytest.mark.usefixtures('no_charts')
def test_truth_is_opened_only_on_request(sets: Dict[str, str], dataset: Callable, tmp_path: Path) -> None:
    images = dataset(labels=True)  # as a user may give it
    for path in (tmp_path / 'data/labels').rglob('*.png'):
        path.write_bytes(b'must not be opened')
    write_quality_report(str(tmp_path / 'out'), sets, images)
    with pytest.raises(SampleError, match='cannot be decoded'):
        write_quality_report(str(tmp_path / 'out'), sets, images, dataset(labels=True))


@pytest.mark.usefixtures('no_charts')
def test_skipped_images_are_named(sets: Dict[str, str], dataset: Callable, tmp_path: Path) -> None:
    root = Path(sets['round 2'])
    for ending in ('.png', '_confidence.png'):
        (root / f'2{ending}').unlink()
    index = dict(index_of(root), skipped={'2.jpg': 'is truncated'}, num_images=3)
    (root / 'index.json').write_text(json.dumps(index))
    report = write_quality_report(str(tmp_path / 'out'), sets, dataset(), dataset(labels=True))
    assert report['sets'][1]['truth']['num_images'] == 3
    assert '| round 2 | 3 | 1 |' in markdown_summary(report)
    assert '2.jpg: is truncated' in (tmp_path / 'out/report.html').read_text()


@pytest.mark.usefixtures('no_charts')
def test_what_does_not_fit_is_named(sets: Dict[str, str], dataset: Callable, tmp_path: Path) -> None:
    out, images = str(tmp_path / 'out'), dataset()
    with pytest.raises(FileNotFoundError, match=r"round 3='nowhere' is not a folder"):
        write_quality_report(out, {'round 3': 'nowhere'}, images)
    with pytest.raises(ValueError, match='cannot be written to .*r1, which is a set'):
        write_quality_report(sets['round 1'], sets, images)
    with pytest.raises(ValueError, match='0 sets of pseudo-labels'):
        write_quality_report(out, {}, images)
    with pytest.raises(ValueError, match='threshold=60'):
        write_quality_report(out, sets, images, threshold=60)
    metainfo = dict(classes=('a', 'b', 'c'))
    with pytest.raises(ValueError, match='but LabelMappedDataset has 3'):
        write_quality_report(out, sets, dataset(metainfo=metainfo))
    with pytest.raises(ValueError, match=r"ground truth has the classes \('a', 'b', 'c'\)"):
        write_quality_report(out, sets, images, dataset(labels=True, metainfo=metainfo))
    with pytest.raises(ValueError, match='LabelMappedDataset has no labels to read'):
        write_quality_report(out, sets, images, dataset())
    other = str(write_set(tmp_path / 'other', {'elsewhere.png': random_label(0)}))
    with pytest.raises(ValueError, match=r'no image that has a label in all of .*other: the data set has 4'):
        write_quality_report(out, dict(other=other), images)
    write_image(tmp_path / 'data/labels/2.png', np.full((16, 30), 100, np.uint8))
    with pytest.raises(SampleError, match=r'r1/2\.png and its ground truth: the label is \(16, 32\).*\(16, 30\)'):
        write_quality_report(out, sets, images, dataset(labels=True))
    assert not Path(out).exists()


def test_class_shares_of_the_source(dataset: Callable) -> None:
    counts = np.bincount(np.concatenate([truth.ravel() for truth in TRUTHS.values()]))
    assert class_shares(dataset(labels=True)) == pytest.approx(dict(zip(CLASSES['classes'], counts / counts.sum())))
    first = np.bincount(TRUTHS['2.png'].ravel())  # the first by name
    assert class_shares(dataset(labels=True), 1) == pytest.approx(dict(zip(CLASSES['classes'], first / first.sum())))
    with pytest.raises(ValueError, match='no pixel in 4 labels'):
        class_shares(dataset(labels=True, label_map={100: 255, 101: 255, 102: 255}))
    with pytest.raises(ValueError, match=r'.*\.png has the ids \[100, 101, 102\], .* there are 3 classes'):
        class_shares(dataset(labels=True, label_map=None))


def test_labels_are_read_by_the_pipeline_at_their_own_size(dataset: Callable) -> None:
    assert np.array_equal(label_reader(dataset(labels=True))(0), TRUTHS['2.png'])


@pytest.mark.usefixtures('no_charts')
def test_quality_by_group_of_images(sets: Dict[str, str], dataset: Callable, tmp_path: Path) -> None:
    groups = ImageGroups(r'images/(ulm|bonn)/', rest='none')
    report = write_quality_report(str(tmp_path / 'out'), sets, dataset(), dataset(labels=True), groups=groups)
    found = report['sets'][0]['truth']
    assert {name: group['num_images'] for name, group in found['groups'].items()} == dict(none=1, bonn=1, ulm=2)
    counts = count_agreement(*guess(LABELS[2], 2), TRUTHS[LABELS[2]], 3)
    alone = measure_quality(counts, CLASSES['classes'], 0.6)
    assert found['groups']['bonn']['mIoU_all'] == alone['mIoU_all']
    assert found['groups']['bonn']['iou_all'] == alone['iou_all']
    scores = [group['mIoU_all'] for group in found['groups'].values()]
    assert found['mIoU_all_by_group'] == dict(mean=pytest.approx(sum(scores) / 3), worst=min(scores))
    plain = write_quality_report(str(tmp_path / 'plain'), sets, dataset(), dataset(labels=True))
    assert all(found[key] == value for key, value in plain['sets'][0]['truth'].items()), 'groups change no other figure'
    text = text_of(tmp_path / 'out/report.html')
    assert 'bonn' in text and 'worst' in text
    with pytest.raises(ValueError, match='need ground truth'):
        write_quality_report(str(tmp_path / 'out'), sets, dataset(), groups=groups)
