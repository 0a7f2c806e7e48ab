"""Samples with a partner from another domain."""
import itertools
from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, TRANSFORMS
from torch.utils.data import DataLoader

from small_data import CLASSES, LOAD
from udas_mmseg.datasets import PositionSampler, SampleError, StreamIndex
from udas_mmseg.datasets.preflight import check_config

AUGMENT = [
    dict(type='RandomResize', scale=(32, 16), ratio_range=(1.0, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(8, 16)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion')
]


@TRANSFORMS.register_module(force=True)
class NotePartner(BaseTransform):
    """Packs what a partner was."""

    def transform(self, results: dict) -> dict:
        partner, = results['mix_results']
        return dict(results, partner=Path(partner['img_path']).stem, partner_has_labels='gt_seg_map' in partner)


PACK = dict(type='PackSegInputs', meta_keys=('img_path', 'partner', 'partner_has_labels'))


@pytest.fixture
def mix(labeled_config: Callable) -> Callable[..., dict]:
    """Config of 5 labelled images, each mixed with one of 7 unlabelled images."""

    def make(**changes: object) -> dict:
        source = labeled_config('source', 5, pipeline=LOAD)
        target = dict(labeled_config('target', 7, pipeline=LOAD[:1]), label_map=None)
        target['data_prefix'] = dict(img_path='images')
        pipeline = [dict(type='FourierAmplitudeTransfer', beta=(0, 0.5)), *AUGMENT, dict(type='NotePartner'), PACK]
        return {**dict(type='DomainMixDataset', dataset=source, target=target, pipeline=pipeline), **changes}

    return make


def stream(config: dict) -> Any:
    return DATASETS.build(dict(type='StreamDataset', dataset=config))


def same(first: dict, second: dict) -> bool:
    pair = first['data_samples'], second['data_samples']
    return pair[0].partner == pair[1].partner and torch.equal(first['inputs'], second['inputs']) and torch.equal(
        pair[0].gt_sem_seg.data, pair[1].gt_sem_seg.data)


def test_it_is_the_data_set_with_a_partner_for_each_sample(mix: Callable) -> None:
    dataset = DATASETS.build(mix(pipeline=[dict(type='NotePartner')]))
    plain = DATASETS.build(mix()['dataset'])
    assert len(dataset) == len(plain) == 5
    assert dataset.metainfo == plain.metainfo
    for index in range(5):
        results = dataset[index]
        for key in ('img', 'gt_seg_map'):
            np.testing.assert_array_equal(results[key], plain[index][key])
        assert '/target/images/' in results['mix_results'][0]['img_path']
        assert not results['partner_has_labels']


def test_every_partner_comes_about_equally_often(mix: Callable) -> None:
    dataset = DATASETS.build(mix(pipeline=[dict(type='NotePartner')]))
    np.random.seed(0)
    partners = [int(dataset[0]['partner']) for _ in range(210)]
    counts = np.bincount(partners, minlength=7)
    assert len(counts) == 7 and counts.min() >= 15, counts  # 30 each on average


def test_a_labelled_target_hands_over_its_labels(mix: Callable, labeled_config: Callable) -> None:
    target = labeled_config('few', 2, pipeline=LOAD)
    results = DATASETS.build(mix(target=target, pipeline=[dict(type='NotePartner')]))[0]
    partner = results['mix_results'][0]
    assert partner['gt_seg_map'].shape == partner['img'].shape[:2]


def test_data_sets_may_be_built_already(mix: Callable) -> None:
    config = mix()
    built = {name: DATASETS.build(config[name]) for name in ('dataset', 'target')}
    assert same(stream(mix(**built))[StreamIndex(0, 3)], stream(config)[StreamIndex(0, 3)])


def test_wrappers_of_mmengine_go_around_it(mix: Callable) -> None:
    plain = DATASETS.build(mix())
    for length, config in ((10, dict(type='RepeatDataset', times=2, dataset=mix())),
                           (12, dict(type='ConcatDataset', datasets=[mix(), mix(dataset=mix()['target'], target=mix()[
                               'target'], pipeline=[dict(type='NotePartner'), PACK])]))):  # yapf: disable
        dataset = DATASETS.build(dict(config, _scope_='mmseg'))
        assert len(dataset) == length and dataset.metainfo['classes'] == CLASSES['classes']
        assert dataset[1]['data_samples'].img_path == dataset.get_data_info(1)['img_path']
        assert dataset.get_data_info(1)['img_path'] == plain.get_data_info(1)['img_path']


def test_labels_stay_as_they_are(mix: Callable) -> None:
    mixed = stream(mix(pipeline=[dict(type='LabStatisticsTransfer'), PACK]))
    plain = stream(mix(pipeline=[PACK]))
    for position in range(5):
        ours, theirs = mixed[StreamIndex(0, position)], plain[StreamIndex(0, position)]
        assert torch.equal(ours['data_samples'].gt_sem_seg.data, theirs['data_samples'].gt_sem_seg.data)
        assert not torch.equal(ours['inputs'], theirs['inputs'])


def test_crops_of_image_and_label_stay_together(mix: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that shows its label still shows it after all geometric transforms."""
    pipeline = [AUGMENT[0] | dict(interpolation='nearest'), *AUGMENT[1:3], PACK]
    mixed = stream(mix(pipeline=pipeline))
    load = mixed.dataset.dataset.prepare_data
    monkeypatch.setattr(mixed.dataset.dataset, 'prepare_data', lambda index: show_label(load(index)))
    for position in range(10):
        sample = mixed[StreamIndex(0, position)]
        assert sample['inputs'].shape == (3, 8, 16)
        assert torch.equal(sample['inputs'][:1], sample['data_samples'].gt_sem_seg.data)


def show_label(results: dict) -> dict:
    return dict(results, img=np.repeat(results['gt_seg_map'][:, :, None], 3, axis=2))


def test_same_position_same_partner_and_sample(mix: Callable) -> None:
    ours = stream(mix())
    first = ours[StreamIndex(3, 12)]
    np.random.rand(17)
    ours[StreamIndex(3, 13)]
    assert same(ours[StreamIndex(3, 12)], first)
    partners = [ours[StreamIndex(3, position)]['data_samples'].partner for position in range(20)]
    assert len(set(partners)) >= 4  # 7 partners
    assert partners != [ours[StreamIndex(4, position)]['data_samples'].partner for position in range(20)]


def batches(config: dict, workers: int) -> List[dict]:
    ours = stream(config)
    loader = DataLoader(ours, batch_size=2, num_workers=workers, collate_fn=pseudo_collate,
                        sampler=PositionSampler(ours, seed=5))
    return list(itertools.islice(iter(loader), 5))


@pytest.mark.parametrize('workers', [1, 2])
def test_number_of_workers_does_not_matter(mix: Callable, workers: int) -> None:
    for ours, expected in zip(batches(mix(), workers), batches(mix(), 0)):
        assert all(torch.equal(a, b) for a, b in zip(ours['inputs'], expected['inputs']))
        assert [a.partner for a in ours['data_samples']] == [b.partner for b in expected['data_samples']]


def test_it_is_a_source_branch_that_depends_on_no_other(mix: Callable) -> None:
    target = mix()['target']
    target['pipeline'] = [*LOAD[:1], dict(type='PackSegInputs')]
    pair = DATASETS.build(dict(type='DomainPairDataset', source=mix(), target=target))
    sample = pair[StreamIndex(0, 2)]
    assert set(sample) == {'source', 'target'}
    assert 'gt_sem_seg' not in sample['target']['data_samples']
    assert same(sample['source'], stream(mix())[StreamIndex(0, 2)])


def test_preflight_looks_at_both_data_sets(mix: Callable) -> None:
    config = dict(train_dataloader=dict(dataset=dict(type='StreamDataset', dataset=mix())))
    assert [line for line in check_config(config) if not line.startswith(' ')] == [
        'train_dataloader.dataset.dataset.dataset: LabelMappedDataset, 5 labelled images, 5 read and found good',
        'train_dataloader.dataset.dataset.target: LabelMappedDataset, 7 unlabelled images, 7 read and found good',
    ]


def test_empty_target_is_refused(mix: Callable) -> None:
    with pytest.raises(ValueError, match='`target` of DomainMixDataset is empty'):
        DATASETS.build(mix(target=[]))


def test_empty_list_of_labelled_images_says_what_to_do_without(mix: Callable, tmp_path: Path) -> None:
    target = mix()['target']
    (tmp_path / 'none.txt').touch()
    stock = dict(type='BaseSegDataset', img_suffix='.png', ann_file=str(tmp_path / 'none.txt'), metainfo=CLASSES,
                 data_prefix=dict(img_path=target['data_prefix']['img_path']), data_root=target['data_root'])
    with pytest.raises(ValueError, match='`target` of DomainMixDataset is empty.*train without mixing'):
        DATASETS.build(mix(target=stock))
    with pytest.raises(FileNotFoundError, match='the list .*none.txt has no images.*UDA needs no labels'):
        DATASETS.build(mix(target=dict(target, ann_file=str(tmp_path / 'none.txt'))))


@pytest.mark.parametrize('role', ['dataset', 'target'])
def test_raw_ids_are_refused(mix: Callable, labeled_config: Callable, role: str) -> None:
    raw = labeled_config('raw', 2, pipeline=LOAD, label_map={0: 255, 1: 1, 2: 0})
    dataset = DATASETS.build(mix(**{role: raw}))
    assert dataset[0]  # mapped, 255 included
    raw = dict(raw, metainfo=dict(CLASSES, classes=('road', 'other'), palette=[[1, 1, 1], [2, 2, 2]]), label_map=None)
    other = labeled_config('two', 2, pipeline=LOAD, metainfo=raw['metainfo'], label_map={0: 0, 1: 1, 2: 255})
    config = mix(**{'dataset': other, 'target': other, role: raw})
    with pytest.raises(ValueError, match=rf'/raw/.*of `{role}` .*has the ids \[2\].*2 classes: .* 0-1 and 255. Map'):
        DATASETS.build(config)[0]


def test_other_classes_are_refused(mix: Callable) -> None:
    target = dict(mix()['target'], metainfo=dict(CLASSES, classes=('road', 'car', 'other')))
    with pytest.raises(ValueError, match=r"different classes.*'sidewalk'.*target: \('road', 'car', 'other'\)"):
        DATASETS.build(mix(target=target))
    without = dict(target, metainfo=None)  # a folder of images that says nothing about classes
    assert DATASETS.build(mix(target=without)).metainfo['classes'] == CLASSES['classes']


@pytest.mark.parametrize('role', ['dataset', 'target'])
@pytest.mark.parametrize(('pipeline', 'found'), [([*LOAD[:1], dict(type='PackSegInputs')], 'inputs'), ([], 'img_path')])
def test_a_sample_without_an_image_is_refused(mix: Callable, role: str, pipeline: list, found: str) -> None:
    config = mix()
    config[role] = dict(config[role], pipeline=pipeline)
    with pytest.raises(ValueError, match=f'`{role}` has no `img`.*{found}.*move `PackSegInputs` to the end'):
        DATASETS.build(config)[0]


def test_damaged_partner_is_one_broken_sample_however_often_it_comes(mix: Callable, tmp_path: Path) -> None:
    config = mix()
    (tmp_path / 'target/images/003.png').write_bytes(b'')
    patient = DATASETS.build(dict(type='StreamDataset', dataset=config, max_broken=1))
    partners = {patient[StreamIndex(0, position)]['data_samples'].partner for position in range(60)}
    assert partners == {'000', '001', '002', '004', '005', '006'}
    assert len(patient.broken) == 1 and '003.png' in next(iter(patient.broken.values()))


def test_stream_gives_up_where_every_partner_is_damaged(mix: Callable, tmp_path: Path) -> None:
    config = mix()
    for image in (tmp_path / 'target/images').iterdir():
        image.write_bytes(b'')
    with pytest.raises(SampleError, match='is empty'):
        DATASETS.build(dict(type='StreamDataset', dataset=config, max_broken=1))[StreamIndex(0, 0)]
