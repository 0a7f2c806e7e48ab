"""The report on a translation: a check of its files, distances to the target, and samples."""
import os.path as osp
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from ..datasets import LoadVerifiedImage, SampleError
from ..datasets.image_files import read_checked
from ..utils.indices import spread_evenly
from ..utils.progress import Progress
from ..visualization import fit, grid
from ..visualization.page import Page, encode_picture
from .domain_distance import ColorStatistics, FeatureNetwork, extract_features, kernel_distance

NO_NETWORK = ('no network was given. Give `--backbone CONFIG`, the config of a segmentor whose backbone has pretrained '
              'weights')
_TOO_FEW = 'it needs two images of each set'
_CELL_WIDTH, _SHORT_SIDE = 320, 256
_HEAD = ('distance', 'source to target', 'translated to target', 'left of it', 'two halves of the target')
_NOTES_COLORS = '''\
Colours: Fréchet distance between the CIE Lab pixels of both sets, in units of Lab. A difference of about 2.3 can just
be seen. The last column compares every other image of the target with the rest: this is the distance between images
of one domain.'''
_NOTES_FEATURES = '''\
Features: squared maximum mean discrepancy of the averaged features of the network's last stage. Values of different
networks cannot be compared. Small values may be negative.'''
_CAUTION = '''\
A small distance does not prove that a translation is good: a translator that invents content comes near as well. Look
at the pictures.'''


class DamagedFile(NamedTuple):
    """A damaged file and the reason; the text also names the file."""
    path: str
    problem: str


class _Measured(NamedTuple):
    """Colours of every second image and of the rest, and the features of all images, (N, C), if there is a network."""
    colors: Tuple[ColorStatistics, ColorStatistics]
    features: Optional[np.ndarray]


def verify_images(paths: Sequence[str],
                  workers: int = 2,
                  sizes: Optional[Sequence[Tuple[int, int]]] = None) -> List[DamagedFile]:
    """Decode every file completely, with progress on standard error.

    A PNG whose middle was overwritten is detected, but not such a JPEG, because this format has no check sum.

    Args:
        paths (Sequence[str]): Images, which must have three channels of 8 bits.
        workers (int): Number of threads; OpenCV releases Python's lock. Defaults to 2.
        sizes (Sequence[tuple[int, int]], optional): Width and height of each image. Defaults to None: any size.

    Returns:
        list[DamagedFile]: Damaged files in the order of `paths`; empty if there are none.

    Raises:
        ValueError: if the number of sizes is not that of the files.
    """
    if sizes is not None and len(sizes) != len(paths):
        raise ValueError(f'{len(sizes)} sizes for {len(paths)} files; there must be one for each.')
    progress, found = Progress('verifying', len(paths)), []
    with ThreadPoolExecutor(max(1, workers)) as pool:
        problems = pool.map(_find_problem, paths, [None] * len(paths) if sizes is None else sizes)
        for done, (path, problem) in enumerate(zip(paths, problems), 1):
            if problem is not None:
                found.append(DamagedFile(path, problem))
            progress.update(done)
    return found


def _find_problem(path: str, size: Optional[Tuple[int, int]]) -> Optional[str]:
    try:
        image = cv2.imdecode(np.frombuffer(read_checked(path, None), np.uint8), cv2.IMREAD_UNCHANGED)
    except (SampleError, OSError) as error:
        return str(error) if path in str(error) else f'{path} cannot be read: {error}'
    except cv2.error as error:
        return f'{path} cannot be decoded: {error}'
    if image is None:
        return f'{path} cannot be decoded.'
    if image.dtype != np.uint8 or image.shape[2:] != (3,):
        channels = image.shape[2] if image.ndim == 3 else 1
        return f'{path} has {channels} channels of {image.dtype}; it must have 3 of uint8.'
    if size is not None and image.shape[1::-1] != tuple(size):
        return f'{path} is {image.shape[1]}x{image.shape[0]}; it must be {size[0]}x{size[1]} (width x height).'
    return None


def write_report(folder: str,
                 images: Sequence[str],
                 translations: Sequence[str],
                 targets: Sequence[str],
                 network: Optional[FeatureNetwork] = None,
                 max_images: int = 500,
                 samples: int = 6,
                 short_side: Optional[int] = None,
                 facts: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
    """Measure a translation, and write `report.html` (one file with all pictures) and `report.json`.

    Progress is printed to standard error.

    Args:
        folder (str): Folder for the report, made if it does not exist.
        images (Sequence[str]): Source images.
        translations (Sequence[str]): The translation of each.
        targets (Sequence[str]): Images of the target domain.
        network (FeatureNetwork, optional): See `build_backbone`. Defaults to None: only colours are compared.
        max_images (int): Largest number of images of each set to measure, evenly spaced. Defaults to 500.
        samples (int): Number of rows of the picture. Defaults to 6.
        short_side (int, optional): Length of an image's shorter side at the input of the network, see
            `extract_features`. Defaults to None: that of the smallest of the first images of the sets, at most 256. No
            image is then enlarged, so that blur does not look like a property of the domain with small images.
        facts (Mapping, optional): Further names and values for the report, such as the config and the checkpoint.

    Returns:
        dict: The content of `report.json`.

    Raises:
        SampleError: if an image cannot be read.
        OSError: if a file cannot be written.
        ValueError: if a set is empty, an image has no translation, or `max_images` or `samples` is less than 1.
    """
    sets = dict(source=images, translated=translations, target=targets)
    _check_sets(sets)
    if min(max_images, samples) < 1:
        raise ValueError(f'max_images={max_images}, samples={samples}: both must be at least 1.')
    if network is not None and short_side is None:
        short_side = min(_SHORT_SIDE, *(min(_read(paths[0]).shape[:2]) for paths in sets.values()))
    measured = {name: _measure(name, _choose(paths, max_images), network, short_side) for name, paths in sets.items()}
    report: Dict[str, Any] = dict(
        facts=dict(facts or {}),
        sets={name: _describe_set(len(sets[name]), measured[name]) for name in sets},
        color_distance=_color_distances(measured),
        feature_distance=_feature_distances(measured),
        network=None if network is None else dict(description=network.description, short_side=short_side))
    to_page(report, encode_picture(draw_samples(images, translations, targets, samples))).save(folder, report)
    return report


def _check_sets(sets: Mapping[str, Sequence[str]]) -> None:
    images, translations, targets = map(len, sets.values())
    if not (images and translations and targets) or images != translations:
        raise ValueError(f'{images} images, {translations} translations and {targets} images of the target: no set '
                         'may be empty, and each image needs one translation.')


def _read(path: str) -> np.ndarray:
    return LoadVerifiedImage().transform(dict(img_path=path))['img']


def _choose(paths: Sequence[str], count: int) -> List[str]:
    """Some of many files, at even distances."""
    return [paths[index] for index in spread_evenly(len(paths), count, True)]


def _measure(title: str, paths: Sequence[str], network: Optional[FeatureNetwork],
             short_side: Optional[int]) -> _Measured:
    """Compute the statistics of a set; each file is read once."""
    colors, progress = (ColorStatistics(), ColorStatistics()), Progress(f'measuring {title}', len(paths))

    def read() -> Iterator[np.ndarray]:
        for number, path in enumerate(paths):
            image = _read(path)
            colors[number % 2].add(image)
            yield image
            progress.update(number + 1)

    if network is not None and short_side is not None:
        return _Measured(colors, extract_features(network, read(), short_side))
    for _ in read():
        pass
    return _Measured(colors, None)


def _describe_set(count: int, measured: _Measured) -> Dict[str, Any]:
    both = measured.colors[0].merge(measured.colors[1])
    deviation = np.sqrt(np.diag(both.covariance).clip(0))
    return dict(images=count, measured=both.count, lab_mean=both.mean.round(3).tolist(),
                lab_std=deviation.round(3).tolist())


def _color_distances(measured: Mapping[str, _Measured]) -> Dict[str, Optional[float]]:
    source, translated, target = (one.merge(rest) for one, rest in (part.colors for part in measured.values()))
    one, rest = measured['target'].colors
    return dict(before=source.distance(target), after=translated.distance(target),
                target_halves=one.distance(rest) if rest.count else None)


def _feature_distances(measured: Mapping[str, _Measured]) -> Optional[Dict[str, Optional[float]]]:
    source, translated, target = (part.features for part in measured.values())
    if source is None or translated is None or target is None or min(len(source), len(target)) < 2:
        return None
    return dict(before=kernel_distance(source, target), after=kernel_distance(translated, target),
                target_halves=kernel_distance(target[::2], target[1::2]) if len(target) > 3 else None)


def draw_samples(images: Sequence[str], translations: Sequence[str], targets: Sequence[str],
                 samples: int) -> np.ndarray:
    """Draw rows of a source image, its translation and an image of the target, evenly spaced in the sets.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.

    Raises:
        SampleError: if an image cannot be read.
    """
    chosen = spread_evenly(len(images), samples, True)
    beside: List[Optional[str]] = [targets[index] for index in spread_evenly(len(targets), len(chosen), True)]
    beside += [None] * (len(chosen) - len(beside))
    first = _read(images[0])
    box = (_CELL_WIDTH, max(1, round(_CELL_WIDTH * first.shape[0] / first.shape[1])))
    rows, captions = [], []
    for index, target in zip(chosen, beside):
        row = (images[index], translations[index], target)
        rows.append([None if path is None else fit(_read(path), box) for path in row])
        names = [_short(images[index])] + ([] if target is None else [f'target: {_short(target)}'])
        captions.append('   '.join(names))
    return grid(rows, ('source', 'translated', 'target (another scene)'), captions)


def _short(path: str) -> str:
    """Return the name of a file with its folder."""
    return osp.join(osp.basename(osp.dirname(path)), osp.basename(path))


def to_page(report: Mapping[str, Any], samples: bytes) -> Page:
    """Build the page of a report.

    Args:
        report (Mapping): Content of `report.json`.
        samples (bytes): PNG of the samples.
    """
    page = Page('Translation')
    page.facts(report['facts'])
    page.section('Distances')
    distances = [_row('colours', report['color_distance'], '{:.2f}')]
    if report['feature_distance'] is not None:
        distances.append(_row('features', report['feature_distance'], '{:.4g}'))
    page.table(_HEAD, *distances)
    farther = [name for name, key in (('colours', 'color_distance'), ('features', 'feature_distance'))
               if report[key] is not None and report[key]['after'] >= report[key]['before']]
    if farther:
        page.warning(f'By {" and ".join(farther)}, the translation is no nearer to the target than the source is.')
    page.text(_NOTES_COLORS)
    if report['feature_distance'] is not None:
        network = '{description}; images with a shorter side of {short_side} pixels'.format(**report['network'])
        page.text(f'{_NOTES_FEATURES} Network: {network}.')
    else:
        page.text(f'The features were not compared: {_TOO_FEW if report["network"] else NO_NETWORK}.')
    page.text(_CAUTION)
    page.picture(samples, 'Samples', level=2)
    page.section('Colours of the sets')
    page.table(('set', 'images', 'measured', 'L', 'a', 'b'), *map(_set_row, report['sets'].items()))
    page.text('Mean ± standard deviation of the pixels in CIE Lab.')
    return page


def _row(name: str, distance: Mapping[str, Optional[float]], form: str) -> List[str]:
    before, after, halves = (distance[key] for key in ('before', 'after', 'target_halves'))
    assert before is not None and after is not None, 'both are measured whenever one is'
    left = f'{100 * after / before:.0f} %' if before > 0 else '-'
    return [name, form.format(before), form.format(after), left, '-' if halves is None else form.format(halves)]


def _set_row(item: Tuple[str, Mapping[str, Any]]) -> List[str]:
    name, part = item
    cells = [f'{mean:.1f} ± {std:.1f}' for mean, std in zip(part['lab_mean'], part['lab_std'])]
    return [name, str(part['images']), str(part['measured']), *cells]
