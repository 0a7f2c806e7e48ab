"""Writing pseudo-labels to disk."""
import struct
import threading
import zlib
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import cv2
import numpy as np
from torch import Tensor

from ..datasets.image_headers import find_damage
from ..datasets.label_files import decode_label
from ..datasets.pseudo_label_set import confidence_path
from ..datasets.thresholds import LEVELS, encode_confidence
from ..utils.file_set import FileSetWriter

_ENDING = '.png'
# Run-length encoding after the Paeth filter, at the fastest level: labels and confidences are smaller than with the
# defaults of OpenCV, and are encoded five times faster than at levels with the same size. Known to OpenCV from 4.11 on.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
if hasattr(cv2, 'IMWRITE_PNG_FILTER'):
    _PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH]
_BEFORE = dict(temperature=1.0, merge='confident', agreement={}, prior=None, also=[])  # of indices without these
_FIRST_CHUNKS = 33  # bytes of the signature and of IHDR, the first chunk
_SCORE = b'tEXtscore\0'


class PseudoLabelWriter(FileSetWriter):
    """Writes labels and their confidences for a set of images; see `FileSetWriter`.

    For each image, the set has a label with 8-bit train ids before any threshold, and its confidence at
    `confidence_path`, see `encode_confidence`. The folder gets its name when all files are written.

    Args:
        out (str): The folder.
        images (Sequence[str]): Paths of all images of the set.
        image_root (str): The folder that contains the images.
        classes (Sequence[str]): Class of each train id.
        teacher (Mapping[str, Any]): `config`, `checkpoint`, `sha256` of the weights, and `config_digest` of all other
            settings of the model that affect the labels.
        views (int): Number of views of each image. Defaults to 1.
        augment (Mapping, optional): Config of the augmentation that produces the other views. Defaults to None.
        seed (int): Seed of the augmentation. Defaults to 0.
        temperature (float): Temperature of the softmax. Defaults to 1.0.
        merge (str): How views are merged, see `LabelingOptions`. Defaults to 'confident'.
        agreement (Mapping, optional): Settings of the comparison of predictions that differ from the defaults of
            `Agreement`. With `score`, each image has a score: in the confidence file, and as `image_scores` in the
            index. Defaults to None.
        prior (Mapping, optional): Arguments of `PriorCorrection`. Defaults to None: not corrected.
        also (Sequence[str]): SHA-256 of the weights of further teachers. Defaults to none.
        overwrite (bool): Whether to replace a complete set, and labels in `<out>.part`, from other settings. Defaults
            to False.

    Attributes:
        labels (list[str]): Path of each label below the folder.
        counts (np.ndarray): (C, 256) int64, pixels of each class by stored confidence.
        priors (list[list[float]]): Estimated class shares of the images, by each teacher; set if they are corrected.

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
                 merge: str = 'confident',
                 agreement: Optional[Mapping[str, Any]] = None,
                 prior: Optional[Mapping[str, Any]] = None,
                 also: Sequence[str] = (),
                 overwrite: bool = False) -> None:
        compared = dict(views='number of views', temperature='temperature', classes='list of classes',
                        agreement='comparison of the predictions', prior='correction of the class shares',
                        also='list of further teachers')
        if views > 1:  # a single view needs no augmentation
            compared.update(augment='augmentation', seed='seed')
        if views > 1 or also or agreement:
            compared.update(merge='merging of the views')
        settings = dict(views=views, augment=augment, seed=seed, temperature=temperature, merge=merge,
                        agreement=dict(agreement or {}), prior=prior, also=list(also), classes=list(classes))
        super().__init__(out, images, image_root, 'teacher', teacher, settings, compared,
                         (_ENDING, confidence_path(_ENDING)), overwrite=overwrite)
        self.classes = list(classes)
        self.labels = [label for label, _ in self.files]
        self.counts = np.zeros((len(self.classes), LEVELS), np.int64)
        self.priors: List[List[float]] = []
        self._counting = threading.Lock()

    def differences(self, found: Mapping[str, Any]) -> List[str]:
        """Return the settings that differ; see `FileSetWriter`. Old indices do not have all of them."""
        return super().differences({**_BEFORE, **found})

    def pending(self) -> List[int]:
        """Return the images that have no label; the pixels of all others are counted."""
        self.counts[:] = 0
        return super().pending()

    def is_done(self, index: int) -> bool:
        """Whether label and confidence are complete and match; if so, their pixels are counted."""
        label, stored = (self._read_picture(file) for file in self.files[index])
        if label is None or stored is None or label.shape != stored.shape:
            return False
        counts = self._count(label, stored)
        if counts is not None:
            self.add(counts)
        return counts is not None

    def write(self, index: int, label: np.ndarray, confidence: Tensor, score: Optional[float] = None) -> None:
        """Write the files of one image. May be called from several threads.

        Args:
            index (int): Number of the image.
            label (np.ndarray): (H, W) uint8 train ids, at the size of the image.
            confidence (Tensor): (H, W) in [0, 1].
            score (float, optional): Score of the image, see `image_score`. Defaults to None.

        Raises:
            ValueError: if the shapes differ, an id is not a class, or a confidence is not in [0, 1].
            OSError: if a file cannot be written. Files that were written before are kept.
        """
        if label.shape != tuple(confidence.shape):
            raise ValueError(f'{self.labels[index]}: the label is {label.shape}, its confidence is '
                             f'{tuple(confidence.shape)}. Both must be (H, W) of the image.')
        stored = encode_confidence(confidence)
        counts = self._count(label, stored)
        if counts is None:
            raise ValueError(f'{self.labels[index]} would have id {label.max()}; allowed are 0-'
                             f'{len(self.classes) - 1}. Give the classes of the model.')
        content = encode_png(stored)
        self.put(index, encode_png(label), content if score is None else add_score(content, score))
        self.add(counts)

    def add(self, counts: np.ndarray) -> None:
        """Add the pixels that another process counted: (C, 256)."""
        with self._counting:
            self.counts += counts

    def summary(self, skipped: Dict[str, str]) -> Dict[str, Any]:
        """Return the entries of the index that are known at the end, with the counts of the pixels."""
        shares = (self.counts.sum(1) / self.counts.sum()).round(6).tolist()
        found = dict(super().summary(skipped), class_share=dict(zip(self.classes, shares)),
                     confidence_histogram=dict(zip(self.classes, self.counts.tolist())))
        if self.priors:
            found['estimated_share'] = [dict(zip(self.classes, shares)) for shares in self.priors]
        if self.header['agreement'].get('score'):
            found['image_scores'] = {name: read_score(self.folder / files[1])
                                     for name, files in zip(self.names, self.files) if name not in skipped}
        return found

    def _read_picture(self, file: str) -> Optional[np.ndarray]:
        """Read a picture of an earlier run; None if it is missing or damaged."""
        path = self.folder / file
        content = path.read_bytes() if path.is_file() else b''
        return None if find_damage(content) else decode_label(content)

    def _count(self, label: np.ndarray, stored: np.ndarray) -> Optional[np.ndarray]:
        """Count the pixels of each class and stored confidence (C, 256); None if an id is not a class."""
        pairs = label.astype(np.uint16) * LEVELS + stored
        counts = np.bincount(pairs.ravel(), minlength=self.counts.size)
        return counts.reshape(self.counts.shape) if counts.size == self.counts.size else None


def encode_png(picture: np.ndarray) -> bytes:
    """Encode a picture (H, W) uint8 or uint16 as a PNG file."""
    done, data = cv2.imencode(_ENDING, picture, _PNG)
    assert done, 'OpenCV encodes every picture of 8 or 16 bits as PNG'
    return data.tobytes()


def add_score(png: bytes, score: float) -> bytes:
    """Add the score of an image to a PNG file as its text `score`, so that both are written at once."""
    text = f'{score:.6f}'.encode()
    chunk = _SCORE + text
    added = struct.pack('>I', len(chunk) - 4) + chunk + struct.pack('>I', zlib.crc32(chunk))
    return png[:_FIRST_CHUNKS] + added + png[_FIRST_CHUNKS:]


def read_score(path: Path) -> float:
    """Read the score that `add_score` added to a file.

    Raises:
        ValueError: if there is none.
    """
    with path.open('rb') as file:
        content = file.read(_FIRST_CHUNKS + 64)
    begin = _FIRST_CHUNKS + 4
    if not content.startswith(_SCORE, begin):
        raise ValueError(f'{path} has no score of its image. Write the labels again with --overwrite.')
    length, = struct.unpack('>I', content[begin - 4:begin])
    return float(content[begin + len(_SCORE):begin + 4 + length])
