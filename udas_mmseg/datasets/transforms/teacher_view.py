"""Keeping an image for the teacher before the student's image is augmented further."""
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

TEACHER_IMAGE = 'teacher_img'


@TRANSFORMS.register_module()
class KeepTeacherView(BaseTransform):
    """Copy the current image for the teacher of a `StudentTeacherSegmentor`.

    Put it after all transforms that change the geometry (resizing, crops, flips) and before those that change only the
    student's colours. Required key: `img`. Added key: `teacher_img`, the image (H, W, 3) uint8 BGR; add it to the
    `meta_keys` of `PackSegInputs`.

    Example:
        >>> pipeline = [dict(type='LoadVerifiedImage'), dict(type='RandomFlip', prob=0.5),
        ...             dict(type='KeepTeacherView'), dict(type='SegAutoAugment', geometric=False),
        ...             dict(type='PackSegInputs', meta_keys=('img_path', 'img_shape', 'teacher_img'))]
    """

    def transform(self, results: dict) -> dict:
        """Copy the image."""
        results[TEACHER_IMAGE] = results['img'].copy()
        return results
