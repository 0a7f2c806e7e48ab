"""Mixed samples of data sets and streams."""
import itertools
from typing import Callable, List

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS
from torch.utils.data import DataLoader, Dataset

from small_data import CLASSES, LOAD
from udas_mmseg.datasets import PositionSampler, StreamIndex

pytestmark = pytest.mark.parametrize('kind', ['DomainCutMix', 'DomainClassMix'])


class Kept(Dataset):
    """Samples that are handed out again and again, as a data set that caches them does."""
    metainfo = CLASSES

    def __init__(self, config: dict) -> None:
        dataset = DATASETS.build(config)
        self.samples = [dataset[index] for index in range(len(dataset))]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict:
        return self.samples[index]


PACK = dict(type='PackSegInputs', meta_keys=('img_path', 'mix_mask'))


@pytest.fixture
def stream(labeled_config: Callable) -> Callable[..., Dataset]:
    """Stream of 5 source images, each mixed with one of 3 labelled target images."""
    built = dict(dataset=Kept(labeled_config('source', 5, pipeline=LOAD)),
                 target=Kept(labeled_config('target', 3, pipeline=LOAD)))

    def make(kind: str = 'DomainCutMix', **changes: object) -> Dataset:
        pipeline = [dict(type=kind, record_mask=True), dict(type='RandomFlip', prob=0.5), PACK]
        return DATASETS.build(dict(type='StreamDataset', dataset={
    **dict(type='DomainMixDataset', pipeline=pipeline), **built, **changes}))

    return make


def content(packed: dict) -> bytes:
    data = packed['data_samples']
    return b''.join(np.ascontiguousarray(part).tobytes()
                    for part in (packed['inputs'], data.gt_sem_seg.data, data.mix_mask))


class TestInAStream:

    def test_a_position_has_one_mix_in_any_order(self, stream: Callable, kind: str) -> None:
        ours = stream(kind)
        forth = [content(ours[StreamIndex(3, position)]) for position in range(30)]
        np.random.rand(17)
        back = [content(ours[StreamIndex(3, position)]) for position in reversed(range(30))]
        assert forth == back[::-1]
        assert len(set(forth)) >= 20  # of 5 images, 3 partners and flips
        assert forth[4] != content(ours[StreamIndex(4, 4)])

    @pytest.mark.parametrize('workers', [1, 2])
    def test_number_of_workers_does_not_matter(self, stream: Callable, kind: str, workers: int) -> None:

        def first(workers: int) -> List[torch.Tensor]:
            ours = stream(kind)
            loader = DataLoader(ours, batch_size=2, num_workers=workers, collate_fn=pseudo_collate,
                                sampler=PositionSampler(ours, seed=5))
            batches = itertools.islice(iter(loader), 4)
            return [tensor for batch in batches for tensor in (*batch['inputs'], *(
                data.gt_sem_seg.data for data in batch['data_samples']))]

        ours, expected = first(workers), first(0)
        assert len(ours) == 16 and all(map(torch.equal, ours, expected))

    def test_kept_samples_stay_as_they_are(self, stream: Callable, kind: str) -> None:
        ours = stream(kind)
        parts = [sample for name in ('dataset', 'target') for sample in getattr(ours.dataset, name).samples]
        before = [(sample['img'].copy(), sample['gt_seg_map'].copy(), sorted(sample)) for sample in parts]
        for position in range(20):
            ours[StreamIndex(0, position)]
        for sample, (image, label, keys) in zip(parts, before):
            np.testing.assert_array_equal(sample['img'], image)
            np.testing.assert_array_equal(sample['gt_seg_map'], label)
            assert sorted(sample) == keys and sample['seg_fields'] == ['gt_seg_map']


class TestMistakes:

    @pytest.fixture
    def mixed(self, labeled_config: Callable, kind: str) -> Callable[..., dict]:
        """First sample of a labelled data set mixed with another one, which may have changes."""

        def make(pipeline: list = LOAD, **changes: object) -> dict:
            target = labeled_config('target', 3, pipeline=pipeline)
            config = dict(type='DomainMixDataset', dataset=labeled_config('source', 5, pipeline=LOAD),
                          target={**target, **changes}, pipeline=[dict(type=kind, prob=0)])  # said at once
            return DATASETS.build(config)[0]

        return make

    def test_target_without_labels(self, mixed: Callable, kind: str) -> None:
        with pytest.raises(ValueError, match=f'{kind}: .*/target/images/00.* has no label.*seg_map_path.*LoadLabelIds'):
            mixed(LOAD[:1], data_prefix=dict(img_path='images'), label_map=None)

    def test_source_without_labels(self, mixed: Callable, labeled_config: Callable, kind: str) -> None:
        config = dict(type='DomainMixDataset', target=labeled_config('target', 3, pipeline=LOAD),
                      dataset=labeled_config('source', 5, pipeline=LOAD[:1]), pipeline=[dict(type=kind)])
        with pytest.raises(ValueError, match=f'{kind}: .*/source/images/000.png has no label'):
            DATASETS.build(config)[0]

    def test_no_target_sample(self, labeled_config: Callable, kind: str) -> None:
        config = labeled_config('source', 5, pipeline=[*LOAD, dict(type=kind)])
        with pytest.raises(ValueError, match=f"{kind} has no target sample: .*/000.png .*type='DomainMixDataset'"):
            DATASETS.build(config)[0]

    def test_other_sizes(self, mixed: Callable, kind: str) -> None:
        resize = dict(type='Resize', scale=(30, 16), keep_ratio=False)
        with pytest.raises(ValueError, match=rf"{kind}: 'img' of .*/source/.* is \(16, 32, 3\) uint8, .*/target/.* "
                           r'\(16, 30, 3\) uint8.*same Resize .*same RandomCrop, .*Pad'):
            mixed([*LOAD, resize])

    def test_other_types(self, mixed: Callable, kind: str) -> None:
        with pytest.raises(ValueError, match=r"'img' of .* \(16, 32, 3\) uint8, and that .* \(16, 32, 3\) float32"):
            mixed([dict(type='LoadVerifiedImage', to_float32=True), LOAD[1]])

    def test_label_that_only_the_source_has(self, labeled_config: Callable, kind: str) -> None:

        def edges(results: dict) -> dict:
            return dict(results, gt_edge_map=results['gt_seg_map'], seg_fields=[*results['seg_fields'], 'gt_edge_map'])

        config = dict(type='DomainMixDataset', dataset=labeled_config('source', 5, pipeline=[*LOAD, edges]),
                      target=labeled_config('target', 3, pipeline=LOAD), pipeline=[dict(type=kind)])
        with pytest.raises(ValueError, match=f"{kind}: .*/target/.* has no 'gt_edge_map'.*for both, or for neither"):
            DATASETS.build(config)[0]

    def test_other_classes(self, mixed: Callable, kind: str) -> None:
        with pytest.raises(ValueError, match=r"different classes.*target: \('road', 'car', 'other'\).*\.classes"):
            mixed(metainfo=dict(CLASSES, classes=('road', 'car', 'other')))
