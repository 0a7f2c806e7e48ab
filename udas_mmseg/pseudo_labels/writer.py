"""Pseudo-labels on disk: a folder that is there whole or not at all."""
import json
import os
import os.path as osp
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import cv2
import numpy as np
from mmengine.logging import print_log
from torch import Tensor

from ..datasets.image_files import decode_label, find_damage
from ..datasets.pseudo_label_set import confidence_path
from ..datasets.thresholds import LEVELS, encode_confidence
from ..utils.files import AtomicLocalBackend, to_json
from ..utils.mirrored_folder import INDEX, check_unique, holds_files, mirrored_path, read_index

_ENDING = '.png'
# Run lengths of what Paeth's predictor leaves, at the fastest level: labels and confidences are then smaller than at
# OpenCV's defaults, and encoded five times as fast as at levels that make them as small. OpenCV knows it from 4.11 on.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
if hasattr(cv2, 'IMWRITE_PNG_FILTER'):
    _PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH]
_READERS = min(16, max(4, os.cpu_count() or 1))  # threads that look at what an earlier run left


class PseudoLabelWriter:
    """Writes the labels of a set of images to `<out>.part`, and renames it to `<out>` when all are there.

    For each image the set has `mirrored_path`, 8-bit train ids before any threshold, and beside it
    `confidence_path`, see `encode_confidence`. `index.json` says what they were made with. Each file is written under
    a temporary name and renamed, so that a run that was killed goes on where it stopped. Several processes may write
    to one set: the first begins and finishes it, and is given what the others counted.

    Args:
        out (str): The folder. A complete set there is refused unless `overwrite`, anything else always.
        images (Sequence[str]): Paths of all images of the set.
        image_root (str): The folder that they are below.
        classes (Sequence[str]): Class of each train id.
        teacher (Mapping[str, Any]): What labels them: `config`, `checkpoint`, `sha256` of the weights, and
            `config_digest` of what else decides the labels.
        views (int): How many views of an image are merged. Defaults to 1.
        augment (Mapping, optional): Config of what further views are drawn from. Defaults to None.
        seed (int): Of the draws. Defaults to 0.
        temperature (float): Of the softmax. Defaults to 1.0.
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
                 teacher: Mapping[str, Any],
                 views: int = 1,
                 augment: Optional[Mapping[str, Any]] = None,
                 seed: int = 0,
                 temperature: float = 1.0,
                 overwrite: bool = False) -> None:
        self.out = Path(osp.realpath(out))  # a link to a folder on another disk stays a link
        self.part = self.out.with_name(f'{self.out.name}.part')
        self.labels = [mirrored_path(image, image_root) for image in images]
        self.names = [osp.relpath(image, image_root or osp.curdir) for image in images]
        self.classes = list(classes)
        self.overwrite = overwrite
        self.header: Dict[str, Any] = json.loads(  # as it is read back
            to_json(
                dict(teacher=dict(teacher), views=views, augment=augment, seed=seed, temperature=temperature,
                     classes=self.classes, image_root=image_root)))
        self.counts = np.zeros((len(self.classes), LEVELS), np.int64)  # of pixels, by class and stored confidence
        self._counting = threading.Lock()
        self._check_names(images)

    def complete(self) -> Optional[Dict[str, Any]]:
        """The index of the set in `out` if it is whole and was made of the same images with the same; else None."""
        found = read_index(self.out, 'teacher')
        if found is None or _differences(found, self.header):
            return None
        skipped = found.get('skipped', {})
        wanted = {label for name, label in zip(self.names, self.labels) if name not in skipped}
        present = {osp.relpath(path, self.out) for path in self.out.rglob(f'*{_ENDING}')}
        return found if present == wanted | {confidence_path(label) for label in wanted} else None

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
        with ThreadPoolExecutor(_READERS) as pool:
            return [index for index, kept in enumerate(pool.map(self._keep, self.labels)) if not kept]

    def write(self, index: int, label: np.ndarray, confidence: Tensor) -> None:
        """Write the files of one image; safe to call from several threads.

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
        stored = encode_confidence(confidence)
        counts = self._count(label, stored)
        if counts is None:
            raise ValueError(f'{self.labels[index]} would have id {label.max()}; allowed are 0-'
                             f'{len(self.classes) - 1}. Give the classes of the model.')
        self._put(confidence_path(self.labels[index]), encode_png(stored))
        self._put(self.labels[index], encode_png(label))
        self.add(counts)

    def add(self, counts: np.ndarray) -> None:
        """Count pixels that were written elsewhere, such as another process' `counts`: (C, 256)."""
        with self._counting:
            self.counts += counts

    def finish(self, skipped: Optional[Mapping[str, str]] = None) -> Dict[str, Any]:
        """Write the index and give the folder its name; a set that was there is deleted behind that.

        Args:
            skipped (Mapping, optional): Images without a label, by name as in `names`, and why. Defaults to none.

        Returns:
            dict: The content of `index.json`.
        """
        skipped = dict(sorted((skipped or {}).items()))
        labels = [label for name, label in zip(self.names, self.labels) if name not in skipped]
        wanted = {INDEX, *labels, *map(confidence_path, labels)}
        present = {osp.relpath(path, self.part) for path in self.part.rglob('*') if path.is_file()}
        assert wanted <= present, f'not written yet: {sorted(wanted - present)[:3]}'
        for name in present - wanted:  # of images that were taken away since, or half a file
            (self.part / name).unlink()
        shares = (self.counts.sum(1) / self.counts.sum()).round(6).tolist()
        index = dict(self.header, num_images=len(labels), skipped=skipped, class_share=dict(zip(self.classes, shares)),
                     confidence_histogram=dict(zip(self.classes, self.counts.tolist())))
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
            made = ' and another '.join(_differences(found, self.header)) or 'list of images'
            raise FileExistsError(f'{self.out} holds a complete set: {found.get("num_images")} images, teacher '
                                  f'{_teacher(found)}. It was made with another {made}. Give --overwrite to replace '
                                  'it, or choose another --out.')

    def _keep(self, label: str) -> bool:
        """Whether an earlier run wrote both files of an image, whole; counts its pixels then."""
        decoded, stored = (self._read(name) for name in (label, confidence_path(label)))
        if decoded is None or stored is None or decoded.shape != stored.shape:
            return False
        counts = self._count(decoded, stored)
        if counts is not None:
            self.add(counts)
        return counts is not None

    def _read(self, name: str) -> Optional[np.ndarray]:
        """A picture of an earlier run, or None if it is not there or broken."""
        path = self.part / name
        content = path.read_bytes() if path.is_file() else b''
        return None if find_damage(content) else decode_label(content)

    def _count(self, label: np.ndarray, stored: np.ndarray) -> Optional[np.ndarray]:
        """Pixels of each class and stored confidence (C, 256), or None if there is an id that is no class."""
        pairs = label.astype(np.uint16) * LEVELS + stored
        counts = np.bincount(pairs.ravel(), minlength=self.counts.size)
        return counts.reshape(self.counts.shape) if counts.size == self.counts.size else None

    def _put(self, name: str, content: bytes) -> None:
        AtomicLocalBackend().put(content, self.part / name)


def encode_png(picture: np.ndarray) -> bytes:
    """A picture (H, W) uint8 as the content of a PNG file."""
    done, data = cv2.imencode(_ENDING, picture, _PNG)
    assert done, 'OpenCV encodes every 8-bit picture as PNG'
    return data.tobytes()


def _differences(found: Dict[str, Any], header: Dict[str, Any]) -> List[str]:
    """What labels were made with that is another now, in words."""
    pairs = {
        'checkpoint': (found['teacher'].get('sha256'), header['teacher'].get('sha256')),
        'model or test pipeline': (found['teacher'].get('config_digest'), header['teacher'].get('config_digest')),
        'number of views': (found.get('views'), header['views']),
        'temperature': (found.get('temperature', 1.0), header['temperature']),
        'list of classes': (found.get('classes'), header['classes']),
        'image folder': (found.get('image_root'), header['image_root'])
    }
    if header['views'] > 1:  # of one view nothing is drawn
        pairs.update({'augmentation': (found.get('augment'), header['augment']),
                      'seed': (found.get('seed'), header['seed'])})  # yapf: disable
    return [name for name, (theirs, ours) in pairs.items() if theirs != ours]


def _teacher(index: Dict[str, Any]) -> str:
    """A teacher in words: its checkpoint and the first digits of its SHA-256."""
    return f'{index["teacher"].get("checkpoint")}, sha256 {str(index["teacher"].get("sha256"))[:12]}'
