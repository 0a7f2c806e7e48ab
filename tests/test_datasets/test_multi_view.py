"""Several views of one image."""
import itertools
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS
from torch.utils.data import DataLoader

from small_data import LOAD, write_image
from udas_mmseg.datasets import MultiViewDataset, PositionSampler, StreamIndex
from udas_mmseg.datasets.preflight import check_config

PACK = dict(type='PackSegInputs')
SHARED = [*LOAD, dict(type='RandomCrop', crop_size=(8, 16)), dict(type='RandomFlip', prob=0.5)]
COLOR = [dict(type='PhotoMetricDistortion'), PACK]
VIEWS = dict(weak=[PACK], strong=COLOR, strong2=COLOR)


@pytest.fixture
def views_config(labeled_config: Callable) -> Callable[..., dict]:

    def make(views: Optional[Dict[str, list]] = None, pipeline: Any = SHARED, **changes: Any) -> dict:
        dataset = labeled_config('target', 5, pipeline=pipeline, **changes)
        return dict(type='MultiViewDataset', dataset=dataset, views=views or VIEWS)

    return make


def build(source: dict, target: dict) -> Any:
    return DATASETS.build(dict(type='DomainPairDataset', source=source, labeled_target=target))


def write_probe(config: dict) -> None:
    """Images that are their own labels: every channel is the id, times 80."""
    root = Path(config['dataset']['data_root'])
    rng = np.random.default_rng(0)
    for number in range(5):
        label = rng.integers(0, 3, (16, 32), dtype=np.uint8)
        write_image(root / f'images/{number:03d}.png', np.repeat(label[..., None] * np.uint8(80), 3, axis=2))
        write_image(root / f'labels/{number:03d}.png', label)


def test_views_share_the_geometry(views_config: Callable) -> None:
    darker = dict(type='SegAutoAugment', policy=[[['Invert', 1, 5]]], geometric=False)
    config = views_config(dict(weak=[PACK], strong=[darker, PACK]))
    write_probe(config)
    stream = DATASETS.build(dict(type='StreamDataset', dataset=config))
    for position in range(8):
        sample = stream[StreamIndex(0, position)]
        strong, label = sample['views']['strong'], sample['data_samples'].gt_sem_seg.data
        assert torch.equal(sample['inputs'], (label * 80).to(torch.uint8).expand(3, -1, -1))
        assert torch.equal(strong['inputs'], 255 - sample['inputs'])
        assert torch.equal(strong['data_samples'].gt_sem_seg.data, label)
        assert strong['data_samples'].img_path == sample['data_samples'].img_path


def test_views_have_different_colours(views_config: Callable) -> None:
    sample = DATASETS.build(dict(type='StreamDataset', dataset=views_config()))[StreamIndex(0, 0)]
    assert list(sample) == ['inputs', 'data_samples', 'views'] and list(sample['views']) == ['strong', 'strong2']
    images = [sample['inputs'], *(view['inputs'] for view in sample['views'].values())]
    assert all(not torch.equal(first, second) for first, second in itertools.combinations(images, 2))


def test_another_view_leaves_the_draws_of_the_others_alone(views_config: Callable) -> None:
    both, alone = (DATASETS.build(dict(type='StreamDataset', dataset=views_config(views)))
                   for views in (VIEWS, dict(strong2=COLOR)))
    for position in range(6):
        expected = both[StreamIndex(3, position)]['views']['strong2']['inputs']
        only = alone[StreamIndex(3, position)]
        assert torch.equal(only['inputs'], expected) and only['views'] == {}


def batches(dataset: Any, workers: int, count: int, start: int = 0) -> List[Dict]:
    loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate,
                        sampler=PositionSampler(dataset, seed=5, start=start))
    return list(itertools.islice(iter(loader), count))


def same(first: dict, second: dict) -> bool:
    views = [(first, second)] + [(first['views'][name], second['views'][name]) for name in ('strong', 'strong2')]
    return all(torch.equal(a, b) for ours, theirs in views for a, b in zip(ours['inputs'], theirs['inputs']))


def test_neither_workers_nor_the_start_change_the_stream(views_config: Callable, labeled_config: Callable) -> None:
    dataset = build(labeled_config(), views_config())
    whole = batches(dataset, 0, 4)
    for ours, expected in zip(batches(dataset, 2, 4), whole):
        assert same(ours['labeled_target'], expected['labeled_target'])
    for ours, expected in zip(batches(dataset, 0, 2, start=4), whole[2:]):
        assert same(ours['labeled_target'], expected['labeled_target'])
    assert not same(whole[0]['labeled_target'], whole[1]['labeled_target'])


def test_other_branches_stay_as_they_are(views_config: Callable, labeled_config: Callable) -> None:
    views, plain = (build(labeled_config(), target) for target in (views_config(), labeled_config('target')))
    for position in range(4):
        ours, expected = views[StreamIndex(0, position)]['source'], plain[StreamIndex(0, position)]['source']
        assert list(ours) == list(expected) and torch.equal(ours['inputs'], expected['inputs'])


def test_a_batch_has_every_view_preprocessed(views_config: Callable, labeled_config: Callable) -> None:
    config = dict(mean=[1.0, 2.0, 3.0], std=[2.0, 3.0, 4.0], bgr_to_rgb=True, size=(16, 16))
    stock, ours = (MODELS.build(dict(type=f'{kind}DataPreProcessor', **config)) for kind in ('Seg', 'Domain'))
    dataset = build(labeled_config(), views_config())
    result, raw = ours(batches(dataset, 0, 1)[0], training=True), batches(dataset, 0, 1)[0]['labeled_target']
    assert list(result) == ['source', 'labeled_target'] and list(result['source']) == ['inputs', 'data_samples']
    strong = result['labeled_target']['views']['strong']
    assert list(result['labeled_target']['views']) == ['strong', 'strong2']
    expected = stock(dict(raw['views']['strong']), training=True)
    assert strong['inputs'].shape == (2, 3, 16, 16) and torch.equal(strong['inputs'], expected['inputs'])
    assert bool((strong['data_samples'][0].gt_sem_seg.data[0, 8:] == 255).all())
    assert torch.equal(result['labeled_target']['inputs'],
                       stock({key: raw[key] for key in ('inputs', 'data_samples')}, training=True)['inputs'])


def test_labels_must_not_come_in_through_a_view(views_config: Callable, labeled_config: Callable) -> None:
    target = views_config()
    hiding = DATASETS.build(target)
    hiding.dataset.data_prefix = dict(img_path='images')
    pair = DATASETS.build(dict(type='DomainPairDataset', source=labeled_config(), target=hiding))
    with pytest.raises(ValueError, match='target branch has `gt_sem_seg`'):
        pair[StreamIndex(0, 0)]
    with pytest.raises(ValueError, match='target branch declares labels'):
        DATASETS.build(dict(type='DomainPairDataset', source=labeled_config(), target=target))


def test_the_data_set_in_it_is_checked_against_the_disk(views_config: Callable) -> None:
    lines = check_config(dict(train_dataloader=dict(dataset=dict(type='StreamDataset', dataset=views_config()))))
    assert [line.split(', 5 read')[0] for line in lines if not line.startswith(' ')] == [
        'train_dataloader.dataset.dataset.dataset: LabelMappedDataset, 5 labelled images']


def test_mmengine_wrappers_take_it(views_config: Callable) -> None:
    repeated = DATASETS.build(dict(type='RepeatDataset', times=2, dataset=views_config()))
    assert len(repeated) == 10 and set(repeated[7]['views']) == {'strong', 'strong2'}
    assert repeated.get_data_info(7)['img_path'].endswith('002.png')


@pytest.mark.parametrize(('views', 'message'), [
    (dict(strong=[dict(type='RandomFlip', prob=0.5), PACK]), "view 'strong' has RandomFlip, which changes the"),
    (dict(strong=[dict(type='RandomApply', transforms=[dict(type='Resize', scale=(4, 4))]), PACK]), 'has Resize'),
    (dict(strong=[dict(type='SegAutoAugment'), PACK]), r'SegAutoAugment\(geometric=True\).*geometric=False')])
def test_geometry_in_a_view_is_refused(views_config: Callable, views: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DATASETS.build(views_config(views))


def test_mistakes(views_config: Callable) -> None:
    with pytest.raises(ValueError, match='views is empty'):
        MultiViewDataset([0], {})
    with pytest.raises(ValueError, match="MultiViewDataset's `dataset` has no `img`.*to the end of each of `views`"):
        DATASETS.build(views_config(pipeline=[*SHARED, PACK]))[0]
    with pytest.raises(ValueError, match="view 'strong' of .*png is not packed"):
        DATASETS.build(views_config(dict(strong=COLOR[:1])))[0]

    def halved(results: dict) -> dict:
        return dict(results, img=results['img'][::2])

    with pytest.raises(ValueError, match=r"view 'strong' is \(4, 16\) .*but the image is \(8, 16\)"):
        DATASETS.build(views_config(dict(strong=[halved, PACK])))[0]
