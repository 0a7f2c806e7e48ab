"""What a teacher sees while its student gets a harder view."""
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

TEACHER_IMAGE = 'teacher_img'


@TRANSFORMS.register_module()
class KeepTeacherView(BaseTransform):
    """Keep the image as it is now for the teacher of a `StudentTeacherSegmentor`.

    It stands behind everything that changes the geometry (resizing, crops, flips) and before what changes colours for
    the student alone. Required key: `img`. Added key: `teacher_img`, the image (H, W, 3) uint8 BGR, which
    `PackSegInputs` has to hand on.

    Example:
        >>> pipeline = [dict(type='LoadVerifiedImage'), dict(type='RandomFlip', prob=0.5),
        ...             dict(type='KeepTeacherView'), dict(type='SegAutoAugment', geometric=False),
        ...             dict(type='PackSegInputs', meta_keys=('img_path', 'img_shape', 'teacher_img'))]
    """

    def transform(self, results: dict) -> dict:
        """Copy the image."""
        results[TEACHER_IMAGE] = results['img'].copy()
        return results
