"""MMSegmentation's `postprocess_result`, which finds the classes of logits, in less time on a CPU."""
import functools

from mmengine.structures import PixelData
from mmseg.models.segmentors import BaseSegmentor
from mmseg.models.utils import resize
from mmseg.structures import SegDataSample
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor, nn

from .max_confidence import first_highest

_MOST_CLASSES = 256  # of `first_highest`


def enlarged(segmentor: nn.Module, logits: Tensor, sample: SegDataSample) -> Tensor:
    """Resize logits to the original size in the same way as MMSegmentation's `postprocess_result`, without a flip.

    Args:
        segmentor (nn.Module): Has `align_corners`.
        logits (Tensor): (1, C, h, w), at the size of the network's input.
        sample (SegDataSample): Has the original size and the padding.

    Returns:
        Tensor: (1, C, H, W); a part of `logits` itself if that has the original size.
    """
    meta = sample.metainfo
    left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', (0, 0, 0, 0)))
    inside = logits[:, :, top:logits.shape[2] - bottom, left:logits.shape[3] - right]
    if tuple(inside.shape[2:]) == tuple(meta['ori_shape'][:2]):
        return inside  # resizing would change nothing
    return resize(inside, size=meta['ori_shape'], mode='bilinear', align_corners=segmentor.align_corners, warning=False)


def find_classes_faster() -> bool:
    """Replace `BaseSegmentor.postprocess_result` by a function with the same results, bit for bit.

    Symptom: on a CPU, predictions spend several times as long on the classes as on enlarging the logits, because torch
    does not use vector instructions for an argmax over the first axis. Versions: up to torch 2.13. Remove it when
    `values.argmax(dim=0)` is as fast as `first_highest(values)`. One output channel, flips, and GPUs are left to
    MMSegmentation.

    Returns:
        bool: False if it had been replaced before.
    """
    original = BaseSegmentor.postprocess_result
    if hasattr(original, '__wrapped__'):
        return False

    @functools.wraps(original)
    def postprocess_result(self: BaseSegmentor, seg_logits: Tensor, data_samples: OptSampleList = None) -> SampleList:
        fits = seg_logits.device.type == 'cpu' and 1 < seg_logits.shape[1] <= _MOST_CLASSES
        if not fits or data_samples is None or any(sample.metainfo.get('flip') for sample in data_samples):
            return original(self, seg_logits, data_samples)
        for logits, sample in zip(seg_logits, data_samples):
            values = enlarged(self, logits[None], sample)[0]
            label = first_highest(values)[0].long()[None]
            sample.set_data(dict(seg_logits=PixelData(data=values), pred_sem_seg=PixelData(data=label)))
        return data_samples

    BaseSegmentor.postprocess_result = postprocess_result
    return True
