"""Views of images, and the maps between predictions on them."""
from typing import Callable, List

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import DATASETS
from torch import Tensor

from small_data import CLASSES
from udas_mmseg.datasets.image_views import (
    ImageViews,
    ImageViewsDataset,
    Unreadable,
    build_augment,
    map_at_size,
    resized_view,
)
from udas_mmseg.datasets.transforms.affine_map import AffineMap

AUTO = dict(type='SegAutoAugment', policy=[[('Rotate', 0.5, 9), ('Color', 1.0, 8)]])
NAMES = [f'{number:03d}.png' for number in range(5)]


@pytest.fixture
def views(image_folder: Callable) -> Callable[..., ImageViewsDataset]:

    def make(resize: bool = False, augment: dict = AUTO, **changes: object) -> ImageViewsDataset:
        folder = image_folder()
        resizing = [dict(type='Resize', scale=(16, 8), keep_ratio=False)] if resize else []
        images = DATASETS.build(
            dict(type='LabelMappedDataset', metainfo=CLASSES, data_root=folder['data_root'],
                 data_prefix=dict(img_path='images'), serialize_data=False,
                 pipeline=[dict(type='LoadVerifiedImage'), *resizing, dict(type='PackSegInputs')]))
        images.test_mode = True
        return ImageViewsDataset(images, NAMES, build_augment(augment), **{**dict(views=3), **changes})

    return make


def pixels(found: ImageViews) -> List[np.ndarray]:
    return [sample['inputs'].numpy() for sample in found.samples]


def test_first_view_is_the_image_and_the_others_are_drawn(views: Callable) -> None:
    dataset = views()
    for index, found in enumerate(dataset):
        plain = dataset.dataset[index]
        assert found.number == index and len(found.samples) == len(found.maps) == 3
        assert torch.equal(found.samples[0]['inputs'], plain['inputs']) and found.maps[0].is_identity
        image = plain['inputs'].permute(1, 2, 0).numpy()
        for sample, affine in zip(found.samples[1:], found.maps[1:]):
            assert sample['inputs'].shape == (3, 16, 32) and not torch.equal(sample['inputs'], plain['inputs'])
            assert sample['data_samples'].img_path == plain['data_samples'].img_path
            assert 'gt_sem_seg' not in sample['data_samples']
            assert affine.warp_image(image).shape == (16, 32, 3)
        if index == 4:
            break
    assert len(dataset) == 5


def test_draws_are_a_function_of_seed_name_and_number(views: Callable) -> None:
    dataset = views()
    np.random.seed(3)
    again, few = views(), views(views=2)
    for index in (4, 0):
        for first, second in zip(pixels(dataset[index]), pixels(again[index])):
            assert np.array_equal(first, second)
        assert np.array_equal(pixels(few[index])[1], pixels(dataset[index])[1])
    other = views(seed=1)
    assert not all(np.array_equal(pixels(dataset[0])[view], pixels(other[0])[view]) for view in (1, 2))
    crops = views(augment=dict(type='SegWeakAugment', crop_size=8))
    matrices = {tuple(affine.matrix.ravel()) for index in range(5) for affine in crops[index].maps}
    assert len(matrices) == 11  # the identity, and for each image and number a draw of its own
    renamed = views()
    renamed.names = NAMES[1:] + NAMES[:1]
    assert not all(np.array_equal(a, b) for index in range(5)
                   for a, b in zip(pixels(dataset[index]), pixels(renamed[index])))


def test_size_of_predictions_follows_the_images(views: Callable) -> None:
    crop = dict(type='SegWeakAugment', crop_size=(6, 8))
    for sample in views(resize=True)[0].samples:
        assert sample['data_samples'].img_shape == (8, 16) and sample['data_samples'].ori_shape == (16, 32)
    image, view, _ = views(resize=True, augment=crop)[0].samples
    assert image['data_samples'].ori_shape == (16, 32)
    assert view['inputs'].shape == (3, 6, 8)
    assert view['data_samples'].img_shape == (6, 8) and view['data_samples'].ori_shape == (12, 16)
    assert resized_view((1, 3), (100, 100), (10, 50)) == (1, 2)


def test_broken_image_is_named(views: Callable, image_folder: Callable) -> None:
    dataset = views()
    path = dataset.dataset.get_data_info(2)['img_path']
    with open(path, 'wb') as file:
        file.write(b'no image')
    found = dataset[2]
    assert isinstance(found, Unreadable) and found.number == 2 and path in found.reason
    assert isinstance(dataset[1], ImageViews)


@pytest.mark.parametrize('cfg', [dict(type='RandomFlip', prob=0.5), dict(type='Nothing'), dict(policy='imagenet'), 'x'])
def test_augmentation_that_cannot_be_undone_is_refused(cfg: object) -> None:
    with pytest.raises(ValueError, match=r'augment=.*Allowed are SegAutoAugment, SegRandAugment, SegWeakAugment'):
        build_augment(cfg)


def test_wrong_arguments_of_an_augmentation_are_the_users_mistake() -> None:
    with pytest.raises(ValueError, match='strenght'):
        build_augment(dict(type='SegRandAugment', strenght=1))


def resize(picture: Tensor, size: tuple, align_corners: bool) -> Tensor:
    return F.interpolate(picture, size=size, mode='bilinear', align_corners=align_corners)


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('affine', [
    AffineMap.centred((16, 24), [[0.9, 0.3], [-0.2, 1.1]]), AffineMap.shift((16, 24), 3, -2), AffineMap.flip((16, 24)),
    AffineMap(np.array([[0.5, 0, -2], [0, 0.75, 1], [0, 0, 1]]), (16, 24), (10, 12)),
])  # yapf: disable
def test_predictions_on_a_view_come_back_where_those_on_the_image_are(affine: AffineMap, align_corners: bool) -> None:
    """A linear ramp is reproduced by bilinear sampling: any other place of a pixel would show."""
    size = (40, 72)
    rows, columns = torch.meshgrid(torch.arange(16.), torch.arange(24.), indexing='ij')
    ramp = torch.stack([rows, columns])[None]
    inverse = affine.inverse().matrix
    rows, columns = torch.meshgrid(*(torch.arange(float(side)) for side in affine.view_size), indexing='ij')
    x, y = (inverse[row, 0] * columns + inverse[row, 1] * rows + inverse[row, 2] for row in (0, 1))
    view = torch.stack([y, x])[None].float()  # the ramp, where the view has it
    to_view = map_at_size(affine, size, align_corners)
    back, valid = to_view.undo(resize(view, to_view.view_size, align_corners))
    expected = resize(ramp, size, align_corners)
    # at the borders half-pixel resizing repeats pixels, which is no ramp
    inner = valid & (expected[0, 0] > 1.5) & (expected[0, 0] < 13.5) & (expected[0, 1] > 1.5) & (expected[0, 1] < 21.5)
    places = torch.stack([rows, columns])[None]
    places = to_view.undo(resize(places, to_view.view_size, align_corners))[0][0]
    on_view = [(place > 1.5) & (place < side - 2.5) for place, side in zip(places, affine.view_size)]
    inner = inner & on_view[0] & on_view[1]
    assert inner.sum() > 300
    assert (back - expected)[0, :, inner].abs().max() < 1e-3


def test_map_at_the_networks_size_is_the_map() -> None:
    affine = AffineMap.centred((16, 24), [[0.9, 0.3], [-0.2, 1.1]])
    assert map_at_size(affine, (16, 24), True) is affine
    for align_corners in (True, False):
        assert map_at_size(AffineMap.identity((16, 24)), (40, 72), align_corners).is_identity
        flip = map_at_size(AffineMap.flip((16, 24)), (40, 72), align_corners)
        assert np.array_equal(flip.matrix, AffineMap.flip((40, 72)).matrix)
