"""MMSegmentation's `postprocess_result` in less time."""
from typing import Any, Dict
from unittest import mock

import pytest
import torch
from mmseg.models.segmentors import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor

from udas_mmseg.models import postprocess
from udas_mmseg.models.postprocess import find_classes_faster

PLAIN = BaseSegmentor.postprocess_result.__wrapped__


class Segmentor:
    """A segmentor with the attributes that `postprocess_result` reads."""

    def __init__(self, align_corners: bool) -> None:
        self.align_corners, self.decode_head = align_corners, mock.Mock(threshold=0.5)


def results(function: Any, logits: Tensor, align_corners: bool, **meta: Any) -> Dict[str, Tensor]:
    samples = [SegDataSample(metainfo=dict(ori_shape=(40, 60), **meta)) for _ in logits]
    assert function(Segmentor(align_corners), logits, samples) is samples
    return {f'{name} {place}': getattr(sample, name).data for name in ('seg_logits', 'pred_sem_seg')
            for place, sample in enumerate(samples)}


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('meta', [dict(), dict(padding_size=(0, 4, 0, 2)), dict(img_padding_size=(1, 3, 2, 0)),
                                  dict(flip=True, flip_direction='horizontal')])
@pytest.mark.parametrize('shape', [(2, 19, 20, 34), (1, 5, 40, 60), (1, 1, 20, 34)])
def test_results_are_those_of_mmsegmentation(align_corners: bool, meta: Dict[str, Any], shape: Any) -> None:
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    logits[:, -1] = logits[:, 0]  # equal classes
    expected = results(PLAIN, logits, align_corners, **meta)
    found = results(BaseSegmentor.postprocess_result, logits, align_corners, **meta)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and torch.equal(found[name], value), name


def test_it_is_used_for_several_classes_only_and_installed_once() -> None:
    assert not find_classes_faster()
    with mock.patch.object(postprocess, 'first_highest', side_effect=postprocess.first_highest) as fast:
        for shape, calls in (((1, 257, 4, 6), 0), ((1, 1, 4, 6), 0), ((2, 3, 4, 6), 2)):
            results(BaseSegmentor.postprocess_result, torch.zeros(shape), False)
            assert fast.call_count == calls
    sample, = BaseSegmentor.postprocess_result(Segmentor(False), torch.zeros(1, 3, 4, 6))  # without data samples
    assert sample.pred_sem_seg.data.shape == (1, 4, 6)
