"""Statistics that differ between source and target are warned of."""
from typing import Any, List

import numpy as np
import pytest

from udas_mmseg.datasets.sample_scan import SampleScan
from udas_mmseg.datasets.scan_comparison import compare_scans
from udas_mmseg.datasets.transforms.loading import LoadLabelIds

CLASSES = ('road', 'sidewalk', 'other')


def scan(ids: Any = (), height: int = 20, width: int = 40, scale: float = 1.0, resizes: bool = False) -> SampleScan:
    found = SampleScan(CLASSES, [LoadLabelIds()] if len(ids) else [], resizes)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3)) * scale
    results = dict(img=pixels.astype(np.uint8), img_path='a.png')
    if len(ids):
        label = np.repeat(np.array(ids, np.uint8)[:, None], 10, 1)
        results.update(gt_seg_map=label, seg_map_path='a.png')
    found.add(results)
    return found


def compare(source: SampleScan, target: SampleScan, branch: str = 'labeled_target') -> List[str]:
    return compare_scans({'train_dataloader.dataset.source': source, f'train_dataloader.dataset.{branch}': target})


def test_alike_branches_have_no_warning() -> None:
    assert compare(scan([0, 0, 1, 1, 2, 2, 255]), scan([0, 1, 1, 2], 30, 60, 0.5)) == []


def test_class_shares() -> None:
    found, = compare(scan([0, 0, 0, 0, 1]), scan([0, 2, 2, 1]))
    assert 'source and labeled_target: other 0.0 % and 50.0 %. Check that both have the same ids' in found


def test_ignored_pixels() -> None:
    found, = compare(scan([0, 1, 2] * 5), scan([0, 1, 2, 255]))
    assert 'ignored 0.0 % and 25.0 % of the pixels of source and labeled_target' in found
    assert not compare(scan([0, 1, 2] * 5), scan([0, 1, 2] * 5 + [255]))


@pytest.mark.parametrize('branch', ['labeled_target', 'target'])
def test_brightness_and_contrast(branch: str) -> None:
    mean, deviation = compare(scan(scale=0.25), scan(), branch)
    assert f'the mean values of the images of source and {branch} differ by a factor of 3 or more: 3' in mean
    assert 'the standard deviations of the images' in deviation


def test_sizes_unless_a_pipeline_resizes() -> None:
    found, = compare(scan(height=10, width=20), scan())
    assert 'the sizes of the images of source and labeled_target differ by a factor of 2 or more' in found
    assert '20x10 and 40x20 pixels on average' in found
    assert not compare(scan(height=10, width=20, resizes=True), scan())


def test_images_on_their_side() -> None:
    found, = compare(scan(height=40, width=20), scan())
    assert 'the aspect ratios of the images' in found and 'Are some images not upright?' in found


def test_validation_data_and_other_branches_are_not_compared() -> None:
    assert compare_scans({'train_dataloader.dataset.source': scan(), 'val_dataloader.dataset': scan(scale=0.1)}) == []
    assert compare_scans({'train_dataloader.dataset.source': scan()}) == []
