"""Translated images on disk, written so that a run goes on where it was broken off."""
import hashlib
import os
import os.path as osp
from pathlib import Path
from typing import AbstractSet, Any, Dict, List, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.logging import print_log

from ..datasets.image_files import find_damage
from ..utils.files import AtomicLocalBackend, to_json
from ..utils.mirrored_folder import INDEX, check_unique, holds_files, mirrored_path, read_index

FORMATS = ('png', 'jpg')


class TranslationWriter:
    """Writes translated images to a folder that mirrors the source's.

    Each file is written under a temporary name and renamed: what is there is whole. One that is older than its image
    is made again. `index.json` says what made the images and whether the set is complete.

    Args:
        out (str): The folder.
        images (Sequence[str]): Paths of all images of the source.
        image_root (str): The folder that they are below.
        translator (Mapping[str, str]): What translates them: `config`, `checkpoint`, `sha256` of the checkpoint, and
            `config_digest` of what else decides the pixels.
        size (tuple[int, int], optional): Width and height of the files. Defaults to None: those of each source image.
        image_format (str): 'png' or 'jpg'. Defaults to 'png'.
        quality (int): Quality of JPEG files, 1-100. Defaults to 95.

    Raises:
        ValueError: if there are no images, one is not below `image_root`, two would have the same file, `out` is in
            `image_root`, or an argument is not one of those above.

    Example:
        >>> writer = TranslationWriter(out, images, image_root, translator)
        >>> writer.begin()
        >>> for index in writer.pending():
        ...     writer.write(index, translated(images[index]))
        >>> writer.finish()
    """

    def __init__(self,
                 out: str,
                 images: Sequence[str],
                 image_root: str,
                 translator: Mapping[str, str],
                 size: Optional[Tuple[int, int]] = None,
                 image_format: str = 'png',
                 quality: int = 95) -> None:
        if not images:
            raise ValueError('there are no images to translate. Check `data_prefix`, `img_suffix` and `ann_file`.')
        if image_format not in FORMATS:
            raise ValueError(f'format {image_format!r}: allowed are {FORMATS}.')
        if not 1 <= quality <= 100:
            raise ValueError(f'quality={quality}: it must be 1 to 100.')
        self.out = Path(osp.abspath(out))
        real = Path(osp.realpath(out))
        if Path(osp.realpath(image_root or osp.curdir)) in (real, *real.parents):
            raise ValueError(f'{out} is in the image folder {image_root!r}: translations would count as images of the '
                             'source from then on. Choose another --out, outside of it.')
        self.images = list(images)
        self.ending = f'.{image_format}'
        self.names = [mirrored_path(image, image_root, self.ending) for image in images]
        check_unique({image: [name] for image, name in zip(images, self.names)})
        self.size = size
        self.quality = quality
        encoding: Dict[str, Any] = dict(format=image_format, size=None if size is None else list(size))
        if image_format == 'jpg':
            encoding.update(quality=quality)
        # of the names in their order, since the images of a batch are computed together
        listing = '\n'.join(osp.relpath(image, image_root or osp.curdir) for image in images)
        self.header: Dict[str, Any] = dict(
            complete=False, translator=dict(translator), encoding=encoding, image_root=image_root,
            num_images=len(images), files_sha256=hashlib.sha256(listing.encode()).hexdigest())

    def begin(self, overwrite: bool = False, update: bool = False) -> None:
        """Make the folder, or go on with it.

        Args:
            overwrite (bool): Delete translations that were made with something else. Defaults to False.
            update (bool): Go on although the source's list of files is another one: what is there is kept, and
                translations of images that are gone are deleted at the end. Defaults to False.

        Raises:
            FileExistsError: if the folder holds something that may not be replaced.
            ValueError: if the source's list of files changed.
        """
        if self.out.exists() and not self.out.is_dir():
            raise FileExistsError(f'{self.out} is a file. Choose another --out.')
        found = read_index(self.out, 'translator')
        if found is None and holds_files(self.out):
            raise FileExistsError(f'{self.out} holds files but no {INDEX} of ours, and is left alone. Choose another '
                                  '--out.')
        differences = [] if found is None else _differences(found, self.header)
        if differences and not overwrite:
            raise FileExistsError(f'{self.out} was made with another {" and another ".join(differences)}. Give '
                                  '--overwrite to begin anew, or choose another --out.')
        if differences:
            print_log(f'{self.out} is begun anew.', 'current')
            self._delete_translations()
        elif found is not None and found.get('files_sha256') != self.header['files_sha256'] and not update:
            raise ValueError(f'the source changed since {self.out} was begun: its list of images is another one '
                             f'({found.get("num_images")} then, {len(self.names)} now). Restore it; or give --update '
                             'to keep what is there, translate what is new and drop what is gone.')
        self._put(INDEX, to_json({**self.header, 'complete': bool(found and found.get('complete')) and not
                                  self.pending()}))

    def pending(self) -> List[int]:
        """The images that have no whole file yet, or were changed since it was written."""
        return [index for index, (image, name) in enumerate(zip(self.images, self.names))
                if not _is_whole(self.out / name) or _is_older(self.out / name, image)]

    def write(self, index: int, image: np.ndarray, size: Tuple[int, int]) -> None:
        """Write one image; safe to call from several threads.

        Args:
            index (int): Which of the images.
            image (np.ndarray): (H, W, 3) uint8 BGR.
            size (tuple[int, int]): Width and height of the source image, used unless the writer has a size.

        Raises:
            OSError: if it cannot be written; what was written before is kept.
        """
        size = self.size or size
        if image.shape[1::-1] != tuple(size):
            shrinks = image.shape[1] > size[0]
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        options = [cv2.IMWRITE_JPEG_QUALITY, self.quality] if self.ending == '.jpg' else []
        done, data = cv2.imencode(self.ending, image, options)
        assert done, 'OpenCV encodes every 8-bit picture'
        self._put(self.names[index], data.tobytes())

    def finish(self) -> None:
        """Delete translations that belong to no image any more, and note that the set is complete.

        Raises:
            RuntimeError: if images are missing.
        """
        missing = [self.names[index] for index in self.pending()]
        if missing:
            raise RuntimeError(f'{len(missing)} of {len(self.names)} translations are missing in {self.out}: '
                               f'{", ".join(missing[:3])}{", ..." if len(missing) > 3 else ""}. Give the same command '
                               'again: what is there is kept.')
        self._delete_translations(keep=set(self.names))
        self._put(INDEX, to_json({**self.header, 'complete': True}))

    def _delete_translations(self, keep: AbstractSet[str] = frozenset()) -> None:
        for path in self.out.rglob('*'):
            is_ours = path.suffix[1:] in FORMATS or path.name.endswith('.part')
            if is_ours and path.is_file() and osp.relpath(path, self.out) not in keep:
                path.unlink()

    def _put(self, name: str, content: bytes) -> None:
        AtomicLocalBackend().put(content, self.out / name)


def _is_whole(path: Path) -> bool:
    """Whether a file is there and not cut off; its first and last bytes tell."""
    try:
        with open(path, 'rb') as file:
            head = file.read(1024)
            file.seek(-min(1024, path.stat().st_size), 2)
            return find_damage(head + file.read()) is None
    except OSError:
        return False


def _is_older(path: Path, image: str) -> bool:
    """Whether an image changed behind its translation. What cannot be told is found when the image is read."""
    try:
        return path.stat().st_mtime_ns < os.stat(image).st_mtime_ns
    except OSError:
        return False


def _differences(found: Mapping[str, Any], header: Mapping[str, Any]) -> List[str]:
    """What translations were made with that is another now, in words."""
    theirs, ours = found['translator'], header['translator']
    pairs = {
        'checkpoint': (theirs.get('sha256'), ours.get('sha256')),
        'model or pipeline': (theirs.get('config_digest'), ours.get('config_digest')),
        'size or format': (found.get('encoding'), header['encoding']),
        'image folder': (found.get('image_root'), header['image_root'])
    }
    return [name for name, (before, now) in pairs.items() if before != now]
