"""Rare class sampling: drawing classes and images, accepting crops, and counting the pixels of each class."""
import os
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from mmseg.registry import DATASETS

from small_data import CLASSES, LOAD, write_image
from udas_mmseg.datasets import RareClassOrder, StreamDataset, StreamIndex, class_statistics
from udas_mmseg.datasets.class_statistics import class_pixels
from udas_mmseg.datasets.image_files import SampleError
from udas_mmseg.datasets.rare_class import class_probabilities
from udas_mmseg.utils.files import cache_folder

HEIGHT, WIDTH = 20, 40
# pixels of the classes 0, 1, 2 in the label of each image; the rest is 255
PIXELS = [(700, 100, 0), (800, 0, 0), (300, 0, 40), (600, 90, 0), (500, 0, 60), (790, 10, 0)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('UDAS_CACHE_ROOT', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def write_label(path: Path, pixels: tuple) -> None:
    """Rows of class 0, then of the others; raw ids are ten times the train ids."""
    ids = np.repeat([0, 10, 20, 255], [*pixels, HEIGHT * WIDTH - sum(pixels)]).astype(np.uint8)
    write_image(path, ids.reshape(HEIGHT, WIDTH))


@pytest.fixture
def config(tmp_path: Path) -> dict:
    rng = np.random.default_rng(0)
    for number, pixels in enumerate(PIXELS):
        write_image(tmp_path / f'images/{number}.png', rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
        write_label(tmp_path / f'labels/{number}.png', pixels)
    pipeline = [*LOAD, dict(type='RandomCrop', crop_size=(10, 20)), dict(type='PackSegInputs')]
    return dict(type='LabelMappedDataset', metainfo=CLASSES, label_map={0: 0, 10: 1, 20: 2}, data_root=str(tmp_path),
                data_prefix=dict(img_path='images', seg_map_path='labels'), pipeline=pipeline)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """Names of the labels that are read, in any order."""
    names: List[str] = []
    original = class_statistics._Label.read

    def noted(label: Any, num_classes: int) -> np.ndarray:
        names.append(Path(label.path).stem)
        return original(label, num_classes)

    monkeypatch.setattr(class_statistics._Label, 'read', noted)
    return names


def test_classes_are_counted_once_and_again_where_the_content_changed(config: dict, read: List[str], tmp_path: Path,
                                                                      capsys: pytest.CaptureFixture) -> None:
    dataset = DATASETS.build(config)
    assert class_pixels(dataset).tolist() == [list(pixels) for pixels in PIXELS]
    assert sorted(read) == list('012345') and 'counting the classes in labels: 6/6' in capsys.readouterr().err
    read.clear()
    os.utime(tmp_path / 'labels/2.png', (1, 1))  # copied again: the same content
    assert class_pixels(dataset).tolist() == [list(pixels) for pixels in PIXELS] and read == []
    write_label(tmp_path / 'labels/4.png', (1, 2, 3))
    assert class_pixels(dataset)[4].tolist() == [1, 2, 3] and read == ['4']
    read.clear()
    assert class_pixels(dataset)[4].tolist() == [1, 2, 3] and read == []
    assert '1/1' in capsys.readouterr().err
    class_pixels(dataset)
    assert capsys.readouterr().err == ''


def test_another_label_map_is_counted_separately(config: dict, read: List[str]) -> None:
    class_pixels(DATASETS.build(config))
    swapped = DATASETS.build({**config, 'label_map': {0: 1, 10: 0, 20: 255}})
    assert class_pixels(swapped).tolist() == [[few, many, 0] for many, few, _ in PIXELS] and len(read) == 12
    mapped = {**config, 'label_map': None, 'pipeline': [LOAD[0], dict(type='LoadLabelIds',
                                                                      label_map={0: 0, 10: 1, 20: 2})]}
    assert class_pixels(DATASETS.build(mapped)).tolist() == [list(pixels) for pixels in PIXELS] and len(read) == 18
    with pytest.raises(ValueError, match=r'labels/\d.png has the ids \[10.*\], but there are 3 classes'):
        class_pixels(DATASETS.build({**mapped, 'pipeline': LOAD}))


def test_wrapped_data_sets_are_counted(config: dict, read: List[str]) -> None:
    repeated = dict(type='RepeatToLengthDataset', length=8, dataset=config)
    joined = DATASETS.build(dict(type='ConcatDataset', datasets=[config, repeated]))
    assert class_pixels(joined).tolist() == [list(PIXELS[number % 6]) for number in [*range(6), *range(8)]]
    assert len(read) == 6  # each file once
    mixed = dict(type='DomainMixDataset', dataset={**config, 'pipeline': LOAD}, target={**config, 'pipeline': LOAD},
                 pipeline=[])
    assert class_pixels(DATASETS.build(mixed)).tolist() == [list(pixels) for pixels in PIXELS]
    with pytest.raises(ValueError, match='LabelMappedDataset has no labels to count'):
        class_pixels(DATASETS.build({**config, 'pipeline': LOAD[:1]}))


def test_a_damaged_cache_is_written_again_and_one_that_cannot_be_written_is_no_obstacle(
        config: dict, read: List[str], cache: Path) -> None:
    dataset = DATASETS.build(config)
    class_pixels(dataset)
    file, = cache.iterdir()
    file.write_bytes(b'damaged')
    assert class_pixels(dataset)[0].tolist() == list(PIXELS[0]) and len(read) == 12
    class_pixels(dataset)
    assert len(read) == 12
    assert class_pixels(dataset, str(file / 'below a file'))[0].tolist() == list(PIXELS[0])


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / 'cache'
    monkeypatch.delenv('UDAS_CACHE_ROOT')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    assert cache_folder() == tmp_path / 'xdg/udas_mmseg'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert cache_folder() == tmp_path / '.cache/udas_mmseg'


def test_probabilities_are_those_of_the_paper() -> None:
    shares = np.array(PIXELS).sum(axis=0) / np.array(PIXELS).sum()
    weights = np.exp((1 - shares) / 0.1)
    assert class_probabilities(np.array(PIXELS).sum(axis=0), 0.1, [0, 1, 2]) == pytest.approx(weights / weights.sum())
    some = class_probabilities(np.array(PIXELS).sum(axis=0), 0.1, [2, 0])
    assert some == pytest.approx(weights[[2, 0]] / weights[[2, 0]].sum())
    assert class_probabilities(np.array([1, 99]), 1e-4, [0, 1]).tolist() == [1, 0]  # without an overflow


def order(**options: Any) -> RareClassOrder:
    return RareClassOrder(**{**dict(temperature=0.5, min_pixels=40, min_crop_pixels=0), **options})


def test_rare_classes_are_drawn_more_often_and_their_images_alike(config: dict) -> None:
    dataset = DATASETS.build(config)
    rare = order()
    rare.prepare(dataset)
    drawn = np.bincount([rare.index(0, 'source', position, dataset) for position in range(4000)], minlength=6) / 4000
    chances = class_probabilities(np.array(PIXELS).sum(axis=0), 0.5, [0, 1, 2])
    expected = np.zeros(6)
    for chance, images in zip(chances, (range(6), (0, 3), (2, 4))):  # 10 pixels are too few
        expected[list(images)] += chance / len(images)
    assert drawn == pytest.approx(expected, abs=0.02)
    only = order(classes=['other', 1])
    only.prepare(dataset)
    assert {only.index(0, 'source', position, dataset) for position in range(100)} == {0, 2, 3, 4}


def test_samples_depend_on_seed_and_position_alone(config: dict) -> None:
    streams = [StreamDataset(config, order=dict(type='RareClassOrder', min_pixels=40, min_crop_pixels=5, tries=4))
               for _ in range(2)]
    forward = [streams[0][StreamIndex(3, position)] for position in range(8)]
    for position in reversed(range(8)):
        ours, theirs = forward[position], streams[1][StreamIndex(3, position)]
        assert ours['data_samples'].img_path == theirs['data_samples'].img_path
        assert bool((ours['inputs'] == theirs['inputs']).all())
    other = [streams[0][StreamIndex(4, position)]['data_samples'].img_path for position in range(8)]
    assert other != [sample['data_samples'].img_path for sample in forward]


def test_crops_are_drawn_until_the_class_is_in_them(config: dict) -> None:
    """Class 2 fills one or two rows in the middle of an image, which half of the crops contain."""

    def found(tries: int) -> List[int]:
        stream = StreamDataset(config, order=dict(type='RareClassOrder', min_pixels=40, min_crop_pixels=20, tries=tries,
                                                  classes=[2]))
        return [int((stream[position]['data_samples'].gt_sem_seg.data == 2).sum()) for position in range(60)]

    once, often = found(1), found(10)
    assert sum(count < 20 for count in once) > 10 > 2 >= sum(count < 20 for count in often)


@pytest.mark.parametrize(('options', 'message'), [
    (dict(min_pixels=70), r"no label of the 6 images has min_pixels=70 pixels of other \(at most 60\). "
                          r"Lower min_pixels, or sample other classes only: classes=\['road', 'sidewalk'\]"),
    (dict(classes=['bus']), r"classes=\['bus'\]; allowed are one or more of \['road', 'sidewalk', 'other'\]"),
    (dict(classes=[3]), r'classes=\[3\]; allowed are'),
    (dict(classes=[]), r'classes=\[\]; allowed are'),
    (dict(temperature=0), 'temperature=0: it must be above 0'),
    (dict(min_pixels=0), 'min_pixels=0'),
    (dict(tries=0), 'tries=0'),
])  # yapf: disable
def test_impossible_options_are_refused(options: dict, message: str, config: dict) -> None:
    with pytest.raises(ValueError, match=f'RareClassOrder: .*{message}'):
        StreamDataset(config, order=order(**options))


def test_impossible_samples_are_refused(config: dict) -> None:
    stream = StreamDataset(config, order=order(min_crop_pixels=201))
    with pytest.raises(ValueError, match='min_crop_pixels=201, but the samples have only 20 x 10 pixels'):
        stream[0]
    unpacked = {**config, 'pipeline': config['pipeline'][:-1]}
    with pytest.raises(ValueError, match="a sample of branch 'source' has no label"):
        StreamDataset(unpacked, order=order())[0]


def test_in_another_process_nothing_is_read(config: dict, read: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_statistics, 'in_first_process', lambda action: 'what the first one counted')
    assert class_pixels(DATASETS.build(config)) == 'what the first one counted' and read == []


def test_images_with_broken_labels_are_left_out_up_to_the_limit(config: dict, tmp_path: Path) -> None:
    labels = [tmp_path / f'labels/{number}.png' for number in (1, 3)]
    whole = [label.read_bytes() for label in labels]
    for label, content in zip(labels, whole):
        label.write_bytes(content[:-20])
    order = dict(type='RareClassOrder', min_pixels=5, min_crop_pixels=0, temperature=0.5)
    for max_broken, message in ((0, r'[13].png.*truncated'), (1, r'2 broken labels \(max_broken=1\):\n.*[13].png')):
        with pytest.raises(SampleError, match=message):
            StreamDataset(config, max_broken=max_broken, order=order)
    stream = StreamDataset(config, max_broken=2, order=order)
    drawn = {stream.order.index(0, 'source', position, stream.dataset) for position in range(100)}
    assert drawn == {0, 2, 4, 5} and stream[StreamIndex(0, 0)]
    for label, content in zip(labels, whole):
        label.write_bytes(content)
    assert class_pixels(DATASETS.build(config)).tolist() == [list(pixels) for pixels in PIXELS]
