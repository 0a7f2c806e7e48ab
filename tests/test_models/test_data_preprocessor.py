"""Preprocessing of batches with and without branches."""
from typing import List

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from udas_mmseg.models import DomainDataPreProcessor
from udas_mmseg.models.data_preprocessor import merged


def batch(*shapes: tuple, labeled: bool = True) -> dict:
    samples: List[SegDataSample] = []
    for shape in shapes:
        sample = SegDataSample(metainfo=dict(img_shape=shape))
        if labeled:
            sample.gt_sem_seg = PixelData(data=torch.ones(1, *shape, dtype=torch.long))
        samples.append(sample)
    generator = torch.Generator().manual_seed(0)
    images = [torch.randint(0, 256, (3, *shape), dtype=torch.uint8, generator=generator) for shape in shapes]
    return dict(inputs=images, data_samples=samples)


def test_every_branch_is_treated_as_mmseg_does() -> None:
    config = dict(mean=[1.0, 2.0, 3.0], std=[2.0, 3.0, 4.0], bgr_to_rgb=True, size=(16, 16))
    stock = MODELS.build(dict(type='SegDataPreProcessor', **config))
    ours = MODELS.build(dict(type='DomainDataPreProcessor', **config))
    result = ours(dict(source=batch((8, 16), (16, 8)), target=batch((4, 4), labeled=False)), training=True)
    assert torch.equal(result['source']['inputs'], stock(batch((8, 16), (16, 8)), training=True)['inputs'])
    assert torch.equal(result['target']['inputs'], stock(batch((4, 4), labeled=False), training=True)['inputs'])
    label = result['source']['data_samples'][0].gt_sem_seg.data[0]
    assert bool((label[:8] == 1).all()) and bool((label[8:] == 255).all())
    assert 'gt_sem_seg' not in result['target']['data_samples'][0]


@pytest.mark.parametrize('training', [True, False])
def test_ordinary_batches_pass(training: bool) -> None:
    data = batch((8, 16), (8, 16))
    result = DomainDataPreProcessor()(data, training=training)
    assert torch.equal(result['inputs'], torch.stack(data['inputs']).float())


def test_without_a_size_the_largest_image_counts() -> None:
    assert DomainDataPreProcessor()(batch((8, 16), (16, 8)), training=True)['inputs'].shape == (2, 3, 16, 16)


OWN = dict(type='SegDataPreProcessor', mean=[1.0], size=(80, 160))


@pytest.mark.parametrize('given, result', [
    (None, OWN),
    (dict(type='SegDataPreProcessor', mean=[1.0]), OWN),  # MMEngine's Runner passes the top level of the config
    (dict(size_divisor=32), dict(type='SegDataPreProcessor', mean=[1.0], size_divisor=32)),
    (dict(size=(40, 40)), dict(OWN, size=(40, 40))),
    (dict(type='DomainDataPreProcessor', size_divisor=1), dict(type='DomainDataPreProcessor', size_divisor=1)),
])
def test_entries_of_the_model_replace_those_of_its_segmentor(given: dict, result: dict) -> None:
    assert merged(OWN, given) == result
    assert merged(None, given) == given
