"""Drawing the segments of a COCO image as ids."""
import os.path as osp
from typing import Any, Dict, List, Tuple

import numpy as np

from ..datasets.label_files import read_colors
from ..datasets.label_maps import IGNORE
from .coco_file import CocoFile, CocoImage


def draw_panoptic(coco: CocoFile, image: CocoImage, folder: str, background: int = IGNORE) -> np.ndarray:
    """Return the label of an image whose segments are in a PNG: red + 256 * green + 65536 * blue is the segment's id.

    Args:
        coco (CocoFile): The file.
        image (CocoImage): The image.
        folder (str): Folder of the PNG files.
        background (int): Id of the pixels without a segment (black). Defaults to 255.

    Returns:
        np.ndarray: (H, W) uint8 ids in {0..C-1, 255}.

    Raises:
        SampleError: if the PNG is missing or damaged.
        ValueError: if its size is not that of the image, or it has other segments than the file lists.
    """
    path = osp.join(folder, image.mask)
    packed = read_colors(path)  # red is the highest byte
    if packed.shape != (image.height, image.width):
        raise ValueError(f'{path} is {packed.shape[1]}x{packed.shape[0]}, but {coco.path} says that its image '
                         f'{image.name} is {image.width}x{image.height} (width x height). Both must have the same '
                         'size.')
    listed: Dict[int, int] = {}
    for segment in image.segments:
        if listed.setdefault(segment['id'], segment['category_id']) != segment['category_id']:
            raise ValueError(f'{coco.path}: {image.mask} has two segments with the id {segment["id"]}. Give each its '
                             'own.')
    values, places = np.unique(packed, return_inverse=True)
    segments = [value >> 16 | value & 0xff00 | (value & 0xff) << 16 for value in values.tolist()]
    unknown = [segment for segment in segments if segment and segment not in listed]
    missing = sorted(set(listed) - set(segments))
    for wrong, where in ((unknown, 'in the PNG, but not in `segments_info`'),
                         (missing, 'in `segments_info`, but not in the PNG')):
        if wrong:
            raise ValueError(f'{path} and {coco.path} do not fit: {len(wrong)} segments are {where}, such as the id '
                             f'{wrong[0]}. Are both of the same version?')
    ids = [coco.label_ids[listed[segment]] if segment in listed else background for segment in segments]
    return np.array(ids, np.uint8)[places].reshape(packed.shape)


def draw_segments(coco: CocoFile, image: CocoImage, background: int = IGNORE) -> Tuple[np.ndarray, int]:
    """Return the label of an image with polygons or run lengths.

    Crowd regions are drawn first, then the others in the order of the file: the later one covers the earlier one.

    Args:
        coco (CocoFile): The file.
        image (CocoImage): The image.
        background (int): Id of the pixels without a segment. Defaults to 255.

    Returns:
        tuple[np.ndarray, int]: (H, W) uint8 ids in {0..C-1, 255}, and the number of pixels that have segments of
            different classes.

    Raises:
        ValueError: if a segment has another size than the image, or cannot be decoded.
    """
    label = np.full((image.height, image.width), background, np.uint8)
    drawn, covered = np.zeros(label.shape, bool), np.zeros(label.shape, bool)
    for segment in sorted(image.segments, key=lambda entry: not entry.get('iscrowd')):
        region, number = decode_region(coco, image, segment), coco.label_ids[segment['category_id']]
        covered |= region & drawn & (label != number)
        label[region] = number
        drawn |= region
    return label, int(covered.sum())


def decode_region(coco: CocoFile, image: CocoImage, segment: Dict[str, Any]) -> np.ndarray:
    """Return the pixels of a segment with pycocotools: (H, W) bool.

    Raises:
        ImportError: if pycocotools is not installed.
        ValueError: see `draw_segments`.
    """
    mask = import_pycocotools()
    height, width = image.height, image.width
    what = f'{coco.path}: annotation {segment.get("id")} of {image.name}'
    shape = segment['segmentation']
    if isinstance(shape, dict):
        if list(shape.get('size') or ()) != [height, width]:
            raise ValueError(f'{what} has the size {shape.get("size")}, but its image is {[height, width]} (height, '
                             'width). Both must be the same.')
        counts = shape.get('counts')
        if isinstance(counts, list) and _are_numbers(counts) and sum(counts) != height * width:
            raise ValueError(f'{what} has run lengths of {sum(counts)} pixels, but its image has {height * width}. '
                             'Export it again.')
    elif not are_polygons(shape):
        raise ValueError(f'{what} is neither run lengths nor polygons with three or more points, [[x1, y1, x2, y2, x3, '
                         f'y3, ...], ...]: {str(shape)[:60]}. Correct or remove it.')
    try:
        if isinstance(shape, dict) and not isinstance(shape['counts'], list):
            runs = shape
        else:
            runs = mask.frPyObjects(shape, height, width)
        return mask.decode(mask.merge(runs) if isinstance(runs, list) else runs).astype(bool)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{what} cannot be decoded: {type(error).__name__} {error}. Export it again.') from error


def are_polygons(shape: Any) -> bool:
    """Whether a segmentation is a list of polygons; pycocotools takes two points for a box."""
    return isinstance(shape, list) and all(
        isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0 and _are_numbers(polygon)
        for polygon in shape)


def _are_numbers(values: List[Any]) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


def import_pycocotools() -> Any:
    """Return `pycocotools.mask`.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        from pycocotools import mask
    except ImportError as error:
        raise ImportError('polygons and run lengths of COCO files are decoded by pycocotools, which is not installed. '
                          'Run `pip install pycocotools`.') from error
    return mask
