"""Writing translated images to disk."""
import os.path as osp
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np

from ..datasets.image_files import is_older, is_whole
from ..utils.file_set import FileSetWriter

FORMATS = ('png', 'jpg')


class TranslationWriter(FileSetWriter):
    """Writes translated images to a folder with the sub-folders of the source; see `FileSetWriter`.

    The folder can be used while it is written, and images may be added to the source later. A translation that is
    older than its image is written again.

    Args:
        out (str): The folder.
        images (Sequence[str]): Paths of all images of the source.
        image_root (str): The folder that contains the images.
        translator (Mapping[str, str]): `config`, `checkpoint`, `sha256` of the checkpoint, and `config_digest` of all
            other settings that affect the pixels.
        size (tuple[int, int], optional): Width and height of the files. Defaults to None: those of the source images.
        image_format (str): 'png' or 'jpg'. Defaults to 'png'.
        quality (int): Quality of JPEG files, 1-100. Defaults to 95.
        overwrite (bool): Whether to replace translations from other settings. Defaults to False.

    Raises:
        ValueError: if there are no images, one is not below `image_root`, two would have the same file, `out` is in
            `image_root`, or an argument is outside its range.

    Example:
        >>> writer = TranslationWriter(out, images, image_root, translator)
        >>> for index in writer.begin():
        ...     writer.write(index, *translate(images[index]))
        >>> writer.finish()
    """

    def __init__(self,
                 out: str,
                 images: Sequence[str],
                 image_root: str,
                 translator: Mapping[str, str],
                 size: Optional[Tuple[int, int]] = None,
                 image_format: str = 'png',
                 quality: int = 95,
                 overwrite: bool = False) -> None:
        if image_format not in FORMATS:
            raise ValueError(f'format {image_format!r}: allowed are {FORMATS}.')
        if not 1 <= quality <= 100:
            raise ValueError(f'quality={quality}: it must be 1 to 100.')
        real = Path(osp.realpath(out))
        if Path(osp.realpath(image_root or osp.curdir)) in (real, *real.parents):
            raise ValueError(f'{out} is in the image folder {image_root!r}, so translations would become images of the '
                             'source. Choose another --out outside this folder.')
        self.ending = f'.{image_format}'
        self.size = size
        self.quality = quality
        encoding: Dict[str, Any] = dict(format=image_format, size=None if size is None else list(size))
        if image_format == 'jpg':
            encoding.update(quality=quality)
        super().__init__(out, images, image_root, 'translator', translator, dict(encoding=encoding),
                         dict(encoding='size or format'), (self.ending, ), appears_whole=False, overwrite=overwrite)
        self.translations = [str(self.out / file) for file, in self.files]

    def is_done(self, index: int) -> bool:
        """Whether the translation is complete (judged by its first and last bytes) and not older than its image."""
        path = self.translations[index]
        return is_whole(path) and not is_older(path, self.images[index])

    def write(self, index: int, image: np.ndarray, size: Tuple[int, int]) -> None:
        """Write one image. May be called from several threads.

        Args:
            index (int): Number of the image.
            image (np.ndarray): (H, W, 3) uint8 BGR.
            size (tuple[int, int]): Width and height of the source image, used unless the writer has a size.

        Raises:
            OSError: if the file cannot be written. Files that were written before are kept.
        """
        size = self.size or size
        if image.shape[1::-1] != tuple(size):
            shrinks = image.shape[1] > size[0]
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        options = [cv2.IMWRITE_JPEG_QUALITY, self.quality] if self.ending == '.jpg' else []
        done, data = cv2.imencode(self.ending, image, options)
        assert done, 'OpenCV encodes every 8-bit picture'
        self.put(index, data.tobytes())
