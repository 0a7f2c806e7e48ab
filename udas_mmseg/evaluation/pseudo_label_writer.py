"""Pseudo-labels on disk: a folder that is there whole or not at all."""
import os.path as osp
import shutil
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import cv2
import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from ..datasets.transforms.loading import decode_label, find_damage
from ..engine.atomic_backend import AtomicLocalBackend
from ..engine.mirrored_folder import INDEX, check_unique, holds_files, mirrored_path, read_index, to_json

_ENDING = '.png'


def confidence_path(label: str) -> str:
    """Where a set has the confidence of a label: `<name>_confidence.png` beside `<name>.png`."""
    return f'{label[:-len(_ENDING)]}_confidence{_ENDING}'


def encode_confidence(confidence: Tensor) -> np.ndarray:
    """Confidences in 8 bits, rounded down.

    Rounded down, a stored value of at least `t * 255` means a confidence of at least t, for every threshold t; where
    `t * 255` is whole, as for UDAS' 0.6, no such pixel is lost either.

    Args:
        confidence (Tensor): (H, W), highest probability of each pixel, in [0, 1].

    Returns:
        np.ndarray: (H, W) uint8, `floor(255 * confidence)`; 255 is 1.0.

    Raises:
        ValueError: if a value is not in [0, 1], or not a number.
    """
    low, high = float(confidence.min()), float(confidence.max())
    if not (low >= 0 and high <= 1 + 1e-4):  # a sum of probabilities may exceed 1 by its rounding; nan is refused
        raise ValueError(f'confidences from {low} to {high}; they must be in [0, 1]. Is the checkpoint of a run whose '
                         'loss was not finite any more?')
    return (confidence.float() * 255).clamp(max=255).to(torch.uint8).cpu().numpy()


class PseudoLabelWriter:
    """Writes the labels of a set of images to `<out>.part`, and renames it to `<out>` when all are there.

    For each image the set has `mirrored_path`, 8-bit train ids before any threshold, and beside it
    `confidence_path`, see `encode_confidence`. `index.json` says what they were made with. Each file is written under
    a temporary name and renamed, so that a run that was killed goes on where it stopped.

    Args:
        out (str): The folder. A complete set there is refused unless `overwrite`, anything else always.
        images (Sequence[str]): Paths of all images of the set.
        image_root (str): The folder that they are below.
        classes (Sequence[str]): Class of each train id.
        teacher (Mapping[str, str]): What labels them: `config`, `checkpoint`, `sha256` of the checkpoint, and
            `config_digest` of what else decides the labels.
        views (int): How many views of an image are merged. Defaults to 1.
        overwrite (bool): Replace a complete set, and labels in `<out>.part` that were made with something else.
            Defaults to False.

    Raises:
        ValueError: if there are no images, one is not below `image_root`, or two would have the same label file.

    Example:
        >>> writer = PseudoLabelWriter(out, images, image_root, classes, teacher)
        >>> for index in writer.begin():
        ...     writer.write(index, *predict(images[index]))
        >>> writer.finish()
    """

    def __init__(self,
                 out: str,
                 images: Sequence[str],
                 image_root: str,
                 classes: Sequence[str],
                 teacher: Mapping[str, str],
                 views: int = 1,
                 overwrite: bool = False) -> None:
        self.out = Path(osp.realpath(out))  # a link to a folder on another disk stays a link
        self.part = self.out.with_name(f'{self.out.name}.part')
        self.labels = [mirrored_path(image, image_root) for image in images]
        self.classes = list(classes)
        self.overwrite = overwrite
        self.header: Dict[str, Any] = dict(
            teacher=dict(teacher), views=views, classes=self.classes, image_root=image_root)
        self._counts = np.zeros(len(self.classes), np.int64)
        self._check_names(images)

    def begin(self) -> List[int]:
        """Make `<out>.part`, or go on with it.

        Returns:
            list[int]: The images that have no label yet.

        Raises:
            FileExistsError: if `out` or `<out>.part` holds something that may not be replaced.
        """
        self._check_out()
        found = read_index(self.part, 'teacher')
        differences = [] if found is None else _differences(found, self.header)
        if found is None and holds_files(self.part):
            raise FileExistsError(f'{self.part} holds files but no {INDEX} of ours, and is left alone. Delete it, or '
                                  'choose another --out.')
        if found is not None and differences:
            begun = (f'{self.part} was begun with another {" and another ".join(differences)} '
                     f'(teacher {_teacher(found)})')
            if not self.overwrite:
                raise FileExistsError(f'{begun}. Give --overwrite to begin anew, or choose another --out.')
            print_log(f'{begun}: begun anew.')
            shutil.rmtree(self.part)
        self._put(INDEX, to_json(self.header))
        return [index for index, label in enumerate(self.labels) if not self._keep(label)]

    def write(self, index: int, label: np.ndarray, confidence: Tensor) -> None:
        """Write the files of one image.

        Args:
            index (int): Which of the images.
            label (np.ndarray): (H, W) uint8 train ids, of the image's size.
            confidence (Tensor): (H, W) in [0, 1].

        Raises:
            ValueError: if the shapes differ, an id is no class, or a confidence is not in [0, 1].
            OSError: if a file cannot be written; what was written before is kept.
        """
        if label.shape != tuple(confidence.shape):
            raise ValueError(f'{self.labels[index]}: the label is {label.shape}, its confidence is '
                             f'{tuple(confidence.shape)}. Both must be (H, W) of the image.')
        counts = self._count(label)
        if counts is None:
            raise ValueError(f'{self.labels[index]} would have id {label.max()}; allowed are 0-'
                             f'{len(self.classes) - 1}. Give the classes of the model.')
        self._put(confidence_path(self.labels[index]), _encode_png(encode_confidence(confidence)))
        self._put(self.labels[index], _encode_png(label))
        self._counts += counts

    def finish(self) -> Dict[str, Any]:
        """Write the index and give the folder its name; a set that was there is deleted behind that.

        Returns:
            dict: The content of `index.json`.
        """
        wanted = {INDEX, *self.labels, *map(confidence_path, self.labels)}
        present = {osp.relpath(path, self.part) for path in self.part.rglob('*') if path.is_file()}
        assert wanted <= present, f'not written yet: {sorted(wanted - present)[:3]}'
        for name in present - wanted:  # of images that were taken away since, or half a file
            (self.part / name).unlink()
        shares = (self._counts / self._counts.sum()).round(6).tolist()
        index = dict(self.header, num_images=len(self.labels), class_share=dict(zip(self.classes, shares)))
        self._put(INDEX, to_json(index))
        old = self.out.with_name(f'{self.out.name}.old')
        if self.out.exists():
            shutil.rmtree(old, ignore_errors=True)
            self.out.rename(old)
        self.part.rename(self.out)
        shutil.rmtree(old, ignore_errors=True)
        return index

    def _check_names(self, images: Sequence[str]) -> None:
        if not images:
            raise ValueError('there are no images to label. Check `data_prefix`, `img_suffix` and `ann_file`.')
        check_unique({image: [label, confidence_path(label)] for image, label in zip(images, self.labels)})

    def _check_out(self) -> None:
        if self.out.exists() and not self.out.is_dir():
            raise FileExistsError(f'{self.out} is a file. Choose another --out.')
        found = read_index(self.out, 'teacher')
        if found is None and holds_files(self.out):
            raise FileExistsError(f'{self.out} holds files but no {INDEX} of ours: it is no set of pseudo-labels, and '
                                  'is left alone. Choose another --out.')
        if found is not None and not self.overwrite:
            raise FileExistsError(f'{self.out} holds a complete set: {found.get("num_images")} images, teacher '
                                  f'{_teacher(found)}. Give --overwrite to replace it, or choose another --out.')

    def _keep(self, label: str) -> bool:
        """Whether an earlier run wrote both files of an image, whole; counts its classes then."""
        contents = []
        for name in (label, confidence_path(label)):
            path = self.part / name
            contents.append(path.read_bytes() if path.is_file() else b'')
            if find_damage(contents[-1]):
                return False
        decoded = decode_label(contents[0])
        counts = None if decoded is None else self._count(decoded)
        if counts is not None:
            self._counts += counts
        return counts is not None

    def _count(self, label: np.ndarray) -> Optional[np.ndarray]:
        """Pixels of each class, or None if there is an id that is no class."""
        counts = np.bincount(label.ravel(), minlength=len(self.classes))
        return counts if len(counts) == len(self.classes) else None

    def _put(self, name: str, content: bytes) -> None:
        AtomicLocalBackend().put(content, self.part / name)


def _encode_png(picture: np.ndarray) -> bytes:
    done, data = cv2.imencode(_ENDING, picture)
    assert done, 'OpenCV encodes every 8-bit picture as PNG'
    return data.tobytes()


def _differences(found: Dict[str, Any], header: Dict[str, Any]) -> List[str]:
    """What labels were made with that is another now, in words."""
    pairs = {
        'checkpoint': (found['teacher'].get('sha256'), header['teacher'].get('sha256')),
        'model or test pipeline': (found['teacher'].get('config_digest'), header['teacher'].get('config_digest')),
        'number of views': (found.get('views'), header['views']),
        'list of classes': (found.get('classes'), header['classes']),
        'image folder': (found.get('image_root'), header['image_root'])
    }
    return [name for name, (theirs, ours) in pairs.items() if theirs != ours]


def _teacher(index: Dict[str, Any]) -> str:
    """A teacher in words: its checkpoint and the first digits of its SHA-256."""
    return f'{index["teacher"].get("checkpoint")}, sha256 {str(index["teacher"].get("sha256"))[:12]}'
