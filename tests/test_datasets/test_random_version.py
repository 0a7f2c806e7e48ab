"""A version of an image, drawn for each sample."""
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from mmseg.registry import DATASETS

from small_data import LOAD, write_image
from udas_mmseg.datasets import DomainPairDataset, StreamDataset, StreamIndex

PACK = dict(type='PackSegInputs', meta_keys=('img_path', 'is_translated'))
NAMES = ('translated', 'raw', 'lab')


@pytest.fixture
def versions(labeled_config: Callable, tmp_path: Path) -> List[Dict[str, Any]]:
    """Five images: their translations, which are black, the originals, and the Lab statistics of red images."""
    raw = labeled_config('source', 5, pipeline=[*LOAD, PACK])
    dataset = DATASETS.build(raw)
    for index in range(len(dataset)):
        image = Path(dataset.get_data_info(index)['img_path'])
        size = dataset[index]['inputs'].shape[1:]
        write_image(tmp_path / f'translated/{image.stem}.png', np.zeros((*size, 3), np.uint8))
        write_image(tmp_path / f'red/{image.stem}.png', np.full((*size, 3), (0, 0, 200), np.uint8))
    red = dict(type='LabelMappedDataset', metainfo=dataset.metainfo, data_prefix=dict(img_path=str(tmp_path / 'red')),
               pipeline=LOAD[:1])  # yapf: disable
    lab = dict(type='DomainMixDataset', dataset=dict(raw, pipeline=LOAD), target=red,
               pipeline=[dict(type='LabStatisticsTransfer'), PACK])
    return [dict(raw, translated_root=str(tmp_path / 'translated')), raw, lab]


def version_of(sample: dict) -> str:
    image = sample['inputs'].numpy()
    if not image.any():
        return 'translated'
    return 'lab' if image.std(axis=(1, 2)).max() < 1 else 'raw'  # the statistics of a flat image


def test_versions_are_drawn_with_their_weights_by_position(versions: List[dict]) -> None:
    config = dict(type='RandomVersionDataset', datasets=versions, weights=[2, 1, 1])
    stream = StreamDataset(config)
    assert len(stream) == 5 and stream.metainfo['classes'] == ('road', 'sidewalk', 'other')
    samples = [stream[StreamIndex(3, position)] for position in range(100)]
    drawn = [version_of(sample) for sample in samples]
    assert [drawn.count(name) / 100 for name in NAMES] == pytest.approx([0.5, 0.25, 0.25], abs=0.1)
    assert all(sample['data_samples'].gt_sem_seg.data.float().std() > 0 for sample in samples), 'the labels stay'
    # the images come in the order that a single version has, and a resumed run draws the same
    alone = StreamDataset(versions[1])
    stems = [[Path(sample['data_samples'].img_path).stem for sample in found]
             for found in (samples[:20], [alone[StreamIndex(3, position)] for position in range(20)])]
    assert stems[0] == stems[1]
    again = DomainPairDataset(source=config)
    assert [version_of(again[StreamIndex(3, position)]['source']) for position in (90, 20)] == [drawn[90], drawn[20]]


def test_versions_of_weight_0_are_never_drawn(versions: List[dict]) -> None:
    stream = StreamDataset(dict(type='RandomVersionDataset', datasets=versions, weights=(1, 0, 0)))
    assert {version_of(stream[StreamIndex(0, position)]) for position in range(20)} == {'translated'}
    assert stream.dataset.get_data_info(0)['is_translated']


def test_versions_that_are_not_alike_are_refused(versions: List[dict], labeled_config: Callable) -> None:
    def build(datasets: List[dict], **options: Any) -> None:
        DATASETS.build(dict(type='RandomVersionDataset', datasets=datasets, **options))

    with pytest.raises(ValueError, match='`datasets` is empty'):
        build([])
    for weights in ([1, 2], [0, 0, 0], [1, 1, -1], [1, 1, float('nan')]):
        with pytest.raises(ValueError, match=r'weights=\[.*for 3 versions. Give a number from 0 for each, not all 0'):
            build(versions, weights=weights)
    with pytest.raises(ValueError, match=r'the versions have different numbers of images: \[5, 4\]'):
        build([versions[1], labeled_config('other', 4, pipeline=[*LOAD, PACK])])
    with pytest.raises(ValueError, match=r'image \d of the versions differs: .*source.*another'):
        build([versions[1], labeled_config('another', 5, pipeline=[*LOAD, PACK])])
    with pytest.raises(ValueError, match='the versions have different classes'):
        build([versions[1], dict(versions[1], metainfo=dict(classes=('a', 'b', 'c')))])
