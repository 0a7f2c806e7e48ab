"""Writing the segments of a COCO file as label images."""
import os.path as osp
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping

import numpy as np

from ..datasets.image_files import image_size, is_whole
from ..datasets.label_maps import IGNORE
from ..datasets.list_files import missing_files
from ..datasets.translated import first_names
from ..pseudo_labels.writer import encode_png
from ..utils.digests import file_digest
from ..utils.file_set import FileSetWriter
from ..utils.progress import Progress
from .coco_file import CocoFile, CocoImage, read_coco
from .coco_masks import draw_panoptic, draw_segments, import_pycocotools

CLASSES = 'classes.txt'


@dataclass
class ConversionReport:
    """Result of a conversion.

    Attributes:
        out: Folder of the labels.
        classes: Name of each id.
        num_labels: Number of labels in the folder.
        kept: Number of those that an earlier run wrote.
        unlabeled: Names of the images without segments, which have no label.
        pixels: Pixels of the labels that this run wrote.
        ignored: Those that are ignored.
        covered: Those with segments of different classes.
    """
    out: str
    classes: List[str]
    num_labels: int = 0
    kept: int = 0
    unlabeled: List[str] = field(default_factory=list)
    pixels: int = 0
    ignored: int = 0
    covered: int = 0


class CocoLabelWriter(FileSetWriter):
    """Writes the labels of a COCO file and `classes.txt`; see `FileSetWriter`.

    Args:
        out (str): The folder.
        coco (CocoFile): The file.
        image_root (str): Folder of the images, or '' if it is not known.
        background (str): Class of the pixels without a segment, or ''.
        overwrite (bool): Whether to replace labels from another file or other settings. Defaults to False.
    """

    def __init__(self, out: str, coco: CocoFile, image_root: str, background: str, overwrite: bool = False) -> None:
        made_by = dict(checkpoint=coco.path, sha256=file_digest(coco.path))
        settings = dict(classes=coco.classes, background=background)
        super().__init__(out, [osp.join(image_root, image.name) for image in coco.images], image_root, 'annotations',
                         made_by, settings, dict(background='background'), overwrite=overwrite)
        self.classes = coco.classes

    def begin(self, update: bool = False) -> List[int]:
        """Create the folder with the class names, or continue with an existing one; see `FileSetWriter`."""
        pending = super().begin(update)
        self._write(CLASSES, ''.join(f'{number} {name}\n' for number, name in enumerate(self.classes)).encode())
        return pending

    def is_done(self, index: int) -> bool:
        """Whether the label of an image is complete."""
        return all(is_whole(str(self.folder / file)) for file in self.files[index])

    def differences(self, found: Mapping[str, Any]) -> List[str]:
        """Return what differs from an earlier run; see `FileSetWriter`."""
        return ['annotation file' if name == 'checkpoint' else name for name in super().differences(found)]


def convert_coco(path: str,
                 out: str,
                 images: str = '',
                 masks: str = '',
                 background: str = '',
                 overwrite: bool = False) -> ConversionReport:
    """Write a label for each image of a COCO file: an 8-bit PNG of ids, 255 where no segment is, and `classes.txt`.

    Ids are the positions of the categories in the order of their ids in the file. An interrupted run continues.

    Args:
        path (str): JSON file of instances, stuff or panoptic segmentation.
        out (str): Folder of the labels, which are named after the images.
        images (str): Folder of the images, to check that they exist and have the sizes of the file. Defaults to '':
            not checked.
        masks (str): Folder of the PNG files of a panoptic file. Defaults to '': the path of the file without '.json'.
        background (str): Class of the pixels without a segment, see `read_coco`. Defaults to ''.
        overwrite (bool): Whether to replace labels from another file or other settings. Defaults to False.

    Raises:
        FileNotFoundError: if the file, an image or a PNG does not exist.
        FileExistsError: if `out` has other files.
        ImportError: if pycocotools is needed and not installed.
        ValueError: if the file has mistakes, see `read_coco`, `draw_panoptic` and `draw_segments`.
    """
    coco = read_coco(path, background)
    masks = masks or osp.splitext(path)[0]
    _check_files(coco, images, masks)
    writer = CocoLabelWriter(out, coco, images, background, overwrite)
    count = len(writer.files)
    report = ConversionReport(out, coco.classes, count, count, coco.unlabeled)
    if writer.complete():
        return report
    pending = writer.begin()
    report.kept = count - len(pending)
    other = coco.classes.index(background) if background else IGNORE
    progress = Progress('converting', count, report.kept, 'labels')
    for number, index in enumerate(pending, report.kept + 1):
        image = coco.images[index]
        _check_size(coco, image, images)
        label, covered = (draw_panoptic(coco, image, masks, other), 0) if coco.is_panoptic else draw_segments(
            coco, image, other)
        writer.put(index, encode_png(label))
        report.pixels += label.size
        report.ignored += int(np.count_nonzero(label == IGNORE))
        report.covered += covered
        progress.update(number)
    writer.finish()
    return report


def _check_files(coco: CocoFile, images: str, masks: str) -> None:
    """Check that all images and PNG files exist, and that there is what decodes the segments."""
    wanted: Dict[str, List[str]] = {}
    if images:
        wanted['images'] = [osp.join(images, image.name) for image in coco.images]
    if coco.is_panoptic:
        if not osp.isdir(masks):
            raise FileNotFoundError(f'{coco.path} is a panoptic file, whose segments are in PNG files, but their '
                                    f'folder {masks} does not exist. Give it with --masks.')
        wanted['PNG files of segments'] = [osp.join(masks, image.mask) for image in coco.images]
    else:
        import_pycocotools()
    for what, paths in wanted.items():
        missing = missing_files(paths)
        if missing:
            raise FileNotFoundError(f'{len(missing)} of {len(paths)} {what} that {coco.path} lists do not exist: '
                                    f'{first_names(missing)}. Check the folder, or remove them from the file.')


def _check_size(coco: CocoFile, image: CocoImage, folder: str) -> None:
    """Check the size of an image, as it is displayed or stored."""
    if not folder:
        return
    path = osp.join(folder, image.name)
    sizes = [image_size(path, turned) for turned in (True, False)]
    if (image.width, image.height) not in sizes:
        raise ValueError(f'{path} is {sizes[0][0]}x{sizes[0][1]}, but {coco.path} says {image.width}x{image.height} '
                         '(width x height). Are these the images that were labelled?')
