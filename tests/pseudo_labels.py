"""Writing a small set of pseudo-labels."""
import json
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

import cv2
import numpy as np

from small_data import CLASSES, write_image
from udas_mmseg.datasets.pseudo_label_set import confidence_path
from udas_mmseg.datasets.thresholds import confidence_histogram

LabelAndConfidence = Tuple[np.ndarray, np.ndarray]


def random_label(seed: int, height: int = 16, width: int = 32, classes: int = 3) -> LabelAndConfidence:
    rng = np.random.default_rng(seed)
    shape = height, width
    return rng.integers(0, classes, shape, dtype=np.uint8), rng.integers(60, 256, shape).astype(np.uint8)


def write_set(root: Path, labels: Dict[str, LabelAndConfidence], classes: Sequence[str] = CLASSES['classes'],
              **changes: Any) -> Path:
    """A set as tools/pseudo_label.py leaves it; `labels` has train ids and confidences by the label's name."""
    counts = np.zeros((len(classes), 256), np.int64)
    for name, (label, confidence) in labels.items():
        write_image(root / name, label)
        write_image(root / confidence_path(name), confidence)
        counts += confidence_histogram(label, confidence, len(classes))
    index = dict(
        teacher=dict(config='a.py', checkpoint='a.pth', sha256='0a', config_digest='0b'), classes=list(classes),
        image_root='data/images', views=3, augment=None, seed=0, temperature=1.0, num_images=len(labels), skipped={},
        class_share=dict(zip(classes, (counts.sum(axis=1) / max(1, counts.sum())).tolist())),
        confidence_histogram=dict(zip(classes, counts.tolist())))
    root.mkdir(parents=True, exist_ok=True)
    (root / 'index.json').write_text(json.dumps({**index, **changes}))
    return root


def index_of(root: Path) -> Dict[str, Any]:
    return json.loads((root / 'index.json').read_text())


def write_images(root: Path, names: Sequence[str], height: int = 16, width: int = 32) -> Path:
    for seed, name in enumerate(names):
        small = np.random.default_rng(seed).integers(0, 256, (4, 8, 3), dtype=np.uint8)
        write_image(root / name, cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    return root
