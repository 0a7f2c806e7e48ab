"""Preprocessing of samples with several branches."""
from typing import Any, Dict, Optional, Tuple

from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS


@MODELS.register_module()
class DomainDataPreProcessor(SegDataPreProcessor):
    """MMSegmentation's `SegDataPreProcessor`, applied to each branch.

    Training batches are `dict(source=..., target=..., ...)`, and the result has the same branches. Ordinary batches
    (validation, testing, single-domain training) are processed as in MMSegmentation. A batch with `views`
    (`MultiViewDataset`) keeps this key, and each view is processed like an ordinary batch.

    Args:
        size (tuple[int, int], optional): Height and width to which training images are padded.
        size_divisor (int, optional): Pad them to a multiple of this number instead. If neither is given, the images of
            a batch are padded to the largest of them (MMSegmentation does not allow this).
        **kwargs: Further arguments of `SegDataPreProcessor` (`mean`, `std`, `bgr_to_rgb`, ...).
    """

    def __init__(self, size: Optional[Tuple[int, int]] = None, size_divisor: Optional[int] = None,
                 **kwargs: Any) -> None:
        if size is None and size_divisor is None:
            size_divisor = 1
        super().__init__(size=size, size_divisor=size_divisor, **kwargs)

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Normalise, pad and stack.

        Args:
            data (dict): An ordinary batch with `inputs`, or one such batch for each branch.
            training (bool): Whether to pad as in training. Defaults to False.

        Returns:
            dict: `inputs` (N, 3, H, W) float32 and `data_samples`; for each branch if there are branches.
        """
        if 'inputs' not in data:
            return {branch: self.forward(batch, training) for branch, batch in data.items()}
        result = super().forward({key: value for key, value in data.items() if key != 'views'}, training)
        if 'views' in data:
            result['views'] = {name: self.forward(view, training) for name, view in data['views'].items()}
        return result


def for_branches(data_preprocessor: Optional[dict]) -> Optional[dict]:
    """Extend the config of MMSegmentation's preprocessor to several branches; other configs are not changed."""
    if data_preprocessor is None or MODELS.get(data_preprocessor.get('type', '')) is not SegDataPreProcessor:
        return data_preprocessor
    return {**data_preprocessor, 'type': 'DomainDataPreProcessor'}


def merged(own: Optional[dict], given: Optional[dict]) -> Optional[dict]:
    """Return the config of a segmentor's own preprocessor with the entries of the wrapping model's.

    MMEngine's Runner gives a model without a preprocessor the top-level `data_preprocessor` of its config. In configs
    of MMSegmentation, this is often the same as the segmentor's without the `size` of the crops.
    """
    if own is None or given is None or given.get('type', own.get('type')) != own.get('type'):
        return given or own
    sizes = ('size', 'size_divisor')  # only one of them may be given
    kept = {key: value for key, value in own.items() if key not in sizes or not set(sizes) & set(given)}
    return {**kept, **given}
