"""A cache gives exactly the samples of the pipeline, and never those of a file or a setting that has changed."""
import os
import pickle
import random
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmseg.registry import DATASETS, TRANSFORMS

from pseudo_labels import random_label, write_set
from small_data import CLASSES, LOAD, write_image
from udas_mmseg.datasets import LoadVerifiedImage, SampleError, StreamIndex
from udas_mmseg.datasets.cache import CachedSteps, CacheError, build, dataset, pack
from udas_mmseg.datasets.cache.build import CacheBuild
from udas_mmseg.datasets.cache.pack import Pack, PackBusyError, PackWriter

RESIZE, FLIP = dict(type='AntialiasedResize', scale=(24, 12)), dict(type='RandomFlip', prob=0.5)
SHRINK = [*LOAD, RESIZE, FLIP, dict(type='PackSegInputs')]


@TRANSFORMS.register_module(name='CacheTestStep')
class Step(BaseTransform):
    """Adds a constant to an image; `draws` random numbers, from a global generator or its own."""

    def __init__(self, value: int = 1, draws: str = '') -> None:
        self.value, self.draws = value, draws

    def transform(self, results: dict) -> dict:
        noise = dict(numpy=np.random.rand, python=random.random, torch=lambda: float(torch.rand(1)),
                     own=lambda: float(np.random.default_rng().random()))
        value = self.value if not self.draws else int(200 * noise[self.draws]())
        return {**results, 'img': results['img'] + np.uint8(value)}


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[List[str]]:
    """Names of the images that are decoded in this process."""
    names: List[str] = []
    load = LoadVerifiedImage.transform
    monkeypatch.setattr(LoadVerifiedImage, 'transform',
                        lambda self, results: names.append(Path(results['img_path']).stem) or load(self, results))
    yield names


@pytest.fixture
def make(labeled_config: Callable, tmp_path: Path) -> Callable[..., Any]:
    """Build a cached data set of five images, whose config may be changed."""
    config = labeled_config('source', 5, pipeline=SHRINK)

    return lambda cache=None, **changes: DATASETS.build(dict(
        type='CachedDataset', dataset={**config, **changes}, cache_dir=str(tmp_path / 'cache'), **(cache or {})))


def image(tmp_path: Path, number: int, kind: str = 'images') -> Path:
    return tmp_path / f'source/{kind}/{number:03d}.png'


def pixels(sample: Dict[str, Any]) -> Tuple[np.ndarray, ...]:
    if 'inputs' not in sample:
        return sample['img'], sample['gt_seg_map']
    label = sample['data_samples'].gt_sem_seg.data if 'gt_sem_seg' in sample['data_samples'] else torch.zeros(0)
    return sample['inputs'].numpy(), label.numpy()


def same(first: Dict[str, Any], second: Dict[str, Any]) -> bool:
    facts = [dict(sample['data_samples'].metainfo) if 'inputs' in sample else
             {key: value for key, value in sample.items() if not isinstance(value, np.ndarray)}
             for sample in (first, second)]  # yapf: disable
    return facts[0] == facts[1] and all(one.dtype == other.dtype and np.array_equal(one, other)
                                        for one, other in zip(pixels(first), pixels(second)))


def folder_of(cached: Any) -> Path:
    steps = cached.dataset.pipeline.transforms[0]
    assert isinstance(steps, CachedSteps)
    return steps.pack.folder


def test_all_branches_have_the_samples_of_the_pipelines_without_reading_images(
        labeled_config: Callable, unlabeled_config: Callable, tmp_path: Path, loaded: List[str]) -> None:
    source = labeled_config('source', 5, pipeline=SHRINK[:-1])
    write_image(image(tmp_path, 2), np.full((30, 40, 3), 7, np.uint8))  # of another size
    write_image(image(tmp_path, 2, 'labels'), np.full((30, 40), 2, np.uint8))
    smaller = dict(type='Resize', scale=(1000, 20), keep_ratio=True)
    target = unlabeled_config(pipeline=[LOAD[0], smaller, FLIP, SHRINK[-1]])
    labeled = labeled_config('labeled', 3, pipeline=SHRINK[:-1])
    mixed = dict(type='DomainMixDataset', dataset=source, target=labeled,
                 pipeline=[dict(type='DomainCutMix'), dict(type='PackSegInputs')])
    twice = dict(type='ConcatDataset', datasets=[dict(labeled, pipeline=SHRINK)] * 2)
    pair = dict(type='DomainPairDataset', source=mixed, labeled_target=twice, target=target)
    states = np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()
    plain = DATASETS.build(pair)
    cached = DATASETS.build(dict(pair, cache=dict(cache_dir=str(tmp_path / 'cache'))))
    assert (np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()) == states
    wanted = [plain[StreamIndex(3, position)] for position in range(8)]
    loaded.clear()
    for position, sample in enumerate(wanted):
        found = cached[StreamIndex(3, position)]
        assert all(same(sample[branch], found[branch]) for branch in sample), position
    assert loaded == []


def test_only_what_has_changed_is_read_again(make: Callable, tmp_path: Path, loaded: List[str]) -> None:
    first = make()
    assert set(loaded) == {'000', '001', '002', '003', '004'}
    loaded.clear()
    assert make()[1] is not None and loaded == []
    write_image(image(tmp_path, 3), np.full((16, 32, 3), 9, np.uint8))
    os.utime(image(tmp_path, 1, 'labels'), (5, 5))
    assert (first[3]['inputs'] == 9).all()  # during a run, from the file
    loaded.clear()
    second = make()
    assert set(loaded) == {'001', '003'} and folder_of(first) == folder_of(second)
    loaded.clear()
    assert (second[3]['inputs'] == 9).all() and loaded == []
    assert len(Pack(folder_of(second))) == 5  # not the old ones


def test_files_of_mostly_replaced_samples_are_written_anew(make: Callable, tmp_path: Path) -> None:
    size = (folder_of(make()) / pack.DATA).stat().st_size
    for turn in range(3):
        for number in range(5):
            os.utime(image(tmp_path, number), (turn, turn))
        assert (folder_of(make()) / pack.DATA).stat().st_size <= 2 * size


@pytest.mark.parametrize('changes', [
    dict(pipeline=[*LOAD, dict(RESIZE, scale=(24, 13)), *SHRINK[3:]]),
    dict(pipeline=[dict(LOAD[0], color_type='grayscale'), *SHRINK[1:]]), dict(label_map={0: 1, 1: 0, 2: 2})])
def test_other_settings_have_other_samples(make: Callable, changes: Dict[str, Any]) -> None:
    make()
    found = make(**changes)
    for index in range(5):
        np.random.seed(index)
        sample = found[index]
        np.random.seed(index)
        assert same(sample, DATASETS.build(dict(type='LabelMappedDataset', **{
            **dict(pipeline=SHRINK, metainfo=CLASSES, data_root=found.dataset.data_root, label_map={0: 0, 1: 1, 2: 2},
                   data_prefix=dict(img_path='images', seg_map_path='labels')), **changes}))[index])


def test_a_list_of_fewer_images_reads_the_same_files(make: Callable, tmp_path: Path, loaded: List[str]) -> None:
    whole = make()
    loaded.clear()
    (tmp_path / 'source/few.txt').write_text('004\n001\n')
    few = make(ann_file='few.txt')
    assert folder_of(few) == folder_of(whole) and loaded == []
    sorted_pixels = [np.sort(pixels(part[index])[0], axis=None) for part, index in ((few, 0), (whole, 4))]
    assert np.array_equal(*sorted_pixels)


def test_versions_of_libraries_and_the_code_of_steps_matter(make: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {folder_of(make())}
    with monkeypatch.context() as patch:
        patch.setattr('cv2.__version__', '0.1')
        folders.add(folder_of(make()))
    with monkeypatch.context() as patch:
        patch.setattr('udas_mmseg.datasets.cache.steps.file_digest', lambda path: 'another')
        folders.add(folder_of(make()))
    assert len(folders) == 3


def test_the_confidence_of_a_pseudo_label_matters(tmp_path: Path, make: Callable) -> None:
    names = [f'{number:03d}.png' for number in range(5)]
    write_set(tmp_path / 'labels', {name: random_label(number) for number, name in enumerate(names)})
    changes: Dict[str, Any] = dict(
        type='PseudoLabeledDataset', pseudo_label_root=str(tmp_path / 'labels'), label_map=None,
        data_prefix=dict(img_path='images'), pipeline=[LOAD[0], dict(type='LoadPseudoLabel'), *SHRINK[2:]])
    assert (pixels(make(**changes)[0])[1] != 255).any()
    write_image(tmp_path / 'labels/000_confidence.png', np.zeros((16, 32), np.uint8))
    assert (pixels(make(**changes)[0])[1] == 255).all()
    drawn = [LOAD[0], dict(type='LoadPseudoLabel', keep_power=1.0), *SHRINK[2:]]
    with pytest.raises(CacheError, match='up to LoadVerifiedImage'):
        make(**dict(changes, pipeline=drawn))


def test_whole_images_are_stored_only_if_asked_for(make: Callable, tmp_path: Path) -> None:
    steps = [*LOAD, dict(type='RandomResize', scale=(24, 12), ratio_range=(0.5, 2.0)), FLIP]
    with pytest.raises(CacheError, match='before RandomResize. Set full_size=True'):
        make(pipeline=steps)
    found = make(dict(full_size=True), pipeline=steps)
    np.random.seed(1)
    sample = found[4]
    np.random.seed(1)
    assert same(sample, DATASETS.build(dict(
        type='LabelMappedDataset', metainfo=CLASSES, label_map={0: 0, 1: 1, 2: 2}, pipeline=steps,
        data_root=str(tmp_path / 'source'), data_prefix=dict(img_path='images', seg_map_path='labels')))[4])
    assert sample['img'].flags.writeable


def test_a_transform_of_the_user_is_cached_if_it_gives_the_same_each_time(make: Callable) -> None:
    steps = [*LOAD, dict(type='CacheTestStep', value=3), RESIZE, SHRINK[-1]]
    with pytest.raises(CacheError, match='up to LoadLabelIds'):
        make(pipeline=steps)
    first = make(dict(also=['Step']), pipeline=steps)
    assert len(first.dataset.pipeline.transforms) == 2
    steps[2] = dict(type='CacheTestStep', value=4)
    assert not np.array_equal(*(pixels(found[0])[0] for found in (first, make(dict(also=['Step']), pipeline=steps))))


@pytest.mark.parametrize('draws, text', [
    ('numpy', 'Step draws random numbers'), ('python', 'Step draws random numbers'),
    ('torch', 'Step draws random numbers'), ('own', 'give another result for')])
def test_a_random_transform_before_the_cache_is_refused(make: Callable, tmp_path: Path, draws: str, text: str) -> None:
    with pytest.raises(CacheError, match=text):
        make(dict(also=['Step']), pipeline=[*LOAD, dict(type='CacheTestStep', draws=draws), RESIZE, SHRINK[-1]])
    assert not list(tmp_path.rglob(pack.INDEX))


def test_a_broken_image_is_an_error_when_it_is_used(make: Callable, tmp_path: Path) -> None:
    image(tmp_path, 1).write_bytes(image(tmp_path, 0).read_bytes()[:-20])
    found = make()
    assert found[0] is not None and len(Pack(folder_of(found))) == 4
    with pytest.raises(SampleError, match='001.png is truncated'):
        found[1]
    shutil.copy(image(tmp_path, 0), image(tmp_path, 1))
    assert make()[1] is not None and len(Pack(folder_of(found))) == 5


def test_a_killed_build_is_continued(make: Callable, monkeypatch: pytest.MonkeyPatch, loaded: List[str]) -> None:
    monkeypatch.setattr(dataset, '_TURN', 0.)  # saved after each sample
    monkeypatch.setattr(build, '_MEASURED', 1)
    added = []

    def add(self: CacheBuild, sample: Any) -> None:
        if len(added) == 3:
            self._writer._data.write(b'part of a record')  # type: ignore[union-attr]
            raise KeyboardInterrupt
        added.append(sample)
        original(self, sample)

    original = CacheBuild._add
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(CacheBuild, '_add', add)
        make()
    loaded.clear()
    found = make()
    assert set(loaded) == {'003', '004'} and len(Pack(folder_of(found))) == 5
    loaded.clear()
    assert all(found[index] for index in range(5)) and loaded == []


def test_a_full_disk_is_found_before_anything_is_written(make: Callable, monkeypatch: pytest.MonkeyPatch,
                                                         tmp_path: Path) -> None:
    usage = namedtuple('usage', 'free')
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage(5000))
    with pytest.raises(CacheError, match=r'needs about 0.00 GB in .* for 5 of 5 samples, but 0.00 GB are free'):
        make()
    assert not list(tmp_path.rglob(pack.INDEX)) and all(not path.stat().st_size for path in tmp_path.rglob(pack.DATA))


def test_a_folder_that_cannot_be_written_is_named(make: Callable, tmp_path: Path) -> None:
    (tmp_path / 'cache').write_text('a file')
    with pytest.raises(CacheError, match='cache_dir: .* cannot be written'):
        make()


def test_damaged_files_are_refused(make: Callable) -> None:
    found = make()
    data = folder_of(found) / pack.DATA
    content = bytearray(data.read_bytes())
    content[3] ^= 1
    data.write_bytes(content)
    with pytest.raises(CacheError, match='is damaged at byte 0. Delete the folder'):
        [make()[index] for index in range(5)]
    data.write_bytes(content[:100])
    with pytest.raises(CacheError, match='has 100 bytes'):
        make()


def test_one_process_writes_and_another_one_that_has_no_file_is_named(make: Callable, tmp_path: Path) -> None:
    found = make()
    writer = PackWriter(folder_of(found))
    with pytest.raises(PackBusyError):
        PackWriter(folder_of(found))
    os.utime(image(tmp_path, 1), (5, 5))
    steps = found.dataset.pipeline.transforms[0]
    waiting = CacheBuild(found.dataset, steps.transforms, folder_of(found), {})
    assert not waiting.run(0)
    writer.close()
    assert waiting.run(60)
    with pytest.raises(CacheError, match='a folder that all machines share'):
        dataset._find([1], steps)


def test_a_worker_needs_no_memory_for_each_image(make: Callable) -> None:
    found = make()
    content = pickle.dumps(found.dataset.pipeline)
    np.random.seed(0)
    sample = found[2]
    np.random.seed(0)
    assert len(content) < 5000 and same(sample, pickle.loads(pickle.dumps(found))[2])
