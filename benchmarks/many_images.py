"""Start-up and memory of data sets with up to a million images: lists of names, and empty files that are never read.

The folders of images and pseudo-labels are 100 links to a folder with a hundredth of the files, so that the checks for
missing files list as many names as in a real data set. Every data set is built in a process of its own.
Times are those of the processor, because the clock depends on what else runs.
python benchmarks/many_images.py [NUM_IMAGES]
"""
import gc
import itertools
import os.path as osp
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from measuring import Row, absolute
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from torch.utils.data import DataLoader

from udas_mmseg.datasets import PositionSampler
from udas_mmseg.utils.files import to_json
from udas_mmseg.utils.mirrored_folder import INDEX

FOLDERS = 100
BATCH, BATCHES = 500, 4  # samples that a loader worker reads
SAMPLES = BATCH * (BATCHES - 1)
COUNTS = (10_000, 100_000, 1_000_000)
CHOSEN = ('LabelMappedDataset with labels', 'PseudoLabeledDataset')  # in `make bench`
CLASSES = ('road', 'sidewalk', 'car')


def write_names(root: Path, count: int) -> None:
    """Write the list `all.txt` and a folder of images, labels and pseudo-labels that are empty files."""
    per_folder = count // FOLDERS
    for shared, endings in (('shared', ('.jpg', '.png')), ('shared_pseudo', ('.png', '_confidence.png'))):
        (root / shared).mkdir()
        for number, ending in itertools.product(range(per_folder), endings):
            (root / shared / f'frame_{number:06d}{ending}').touch()
    for kind, shared in (('images', 'shared'), ('pseudo', 'shared_pseudo'), ('scored', 'shared_pseudo')):
        (root / kind).mkdir()
        for number in range(FOLDERS):
            (root / kind / f'sequence_{number:03d}').symlink_to(root / shared)
    names = [f'sequence_{folder:03d}/frame_{number:06d}' for folder in range(FOLDERS) for number in range(per_folder)]
    (root / 'all.txt').write_text('\n'.join(names))
    (root / 'few.txt').write_text('\n'.join(names[:FOLDERS]))
    (root / 'rest.txt').write_text('\n'.join(names[FOLDERS:]))
    index = dict(teacher={}, classes=CLASSES, num_images=count, skipped=[])
    (root / 'pseudo' / INDEX).write_bytes(to_json(index))
    index['image_scores'] = {f'{name}.jpg': 0.5 for name in names}
    (root / 'scored' / INDEX).write_bytes(to_json(index))


def configs(root: str) -> Dict[str, dict]:
    """The data sets that are measured, each over the whole list."""
    images = dict(data_root=root, img_suffix='.jpg', metainfo=dict(classes=CLASSES), pipeline=[])
    unlabeled = dict(images, type='LabelMappedDataset', data_prefix=dict(img_path='images'))
    labeled = dict(images, type='LabelMappedDataset', label_map={number: number % 3 for number in range(34)},
                   data_prefix=dict(img_path='images', seg_map_path='images'))
    pseudo = dict(unlabeled, type='PseudoLabeledDataset', pseudo_label_root=osp.join(root, 'pseudo'),
                  ann_file='all.txt')
    pair = dict(type='DomainPairDataset', source=dict(labeled, ann_file='few.txt'),
                labeled_target=dict(labeled, ann_file='few.txt'), target=dict(unlabeled, ann_file='rest.txt'))
    return {
        'BaseSegDataset of MMSegmentation': dict(unlabeled, type='BaseSegDataset', ann_file='all.txt'),
        'LabelMappedDataset without labels': dict(unlabeled, ann_file='all.txt'),
        'LabelMappedDataset with labels': dict(labeled, ann_file='all.txt'),
        'LabelBudgetDataset, all but 100': dict(
            type='LabelBudgetDataset', n=100, part='unlabeled', list_dir=osp.join(root, 'lists'),
            dataset=dict(unlabeled, ann_file='all.txt')),
        'PseudoLabeledDataset': pseudo,
        'PseudoLabeledDataset, image_share=0.5': dict(
            pseudo, pseudo_label_root=osp.join(root, 'scored'), image_share=0.5),
        'DomainPairDataset': pair,
    }


def private_mb(_: object = None) -> float:
    """Memory in MB that this process shares with no other one."""
    fields = (line.split() for line in Path('/proc/self/smaps_rollup').read_text().splitlines())
    return sum(int(field[1]) for field in fields if field[0].startswith('Private_')) / 1024


def peak_mb() -> float:
    """The most memory in MB that this process has had, shared or not."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(config: dict) -> Dict[str, float]:
    """Build a data set in this process, and read samples in a loader worker: seconds, and memory in MB."""
    init_default_scope('mmseg')
    gc.collect()
    private, peak, objects = private_mb(), peak_mb(), len(gc.get_objects())
    started = time.process_time()
    dataset: Any = DATASETS.build(config)
    if config['type'] != 'DomainPairDataset':
        dataset = DATASETS.build(dict(type='StreamDataset', dataset=dataset))
    seconds = time.process_time() - started
    peak = peak_mb() - peak
    gc.collect()
    kept, objects = private_mb() - private, len(gc.get_objects()) - objects
    sampler = PositionSampler(dataset, seed=0)
    sampler.start_at(0, 0)  # as PositionTrainLoop does
    loader = DataLoader(dataset, BATCH, num_workers=1, sampler=sampler, collate_fn=private_mb)
    worker = list(itertools.islice(loader, BATCHES))
    return dict(seconds=seconds, peak=peak, kept=kept, objects=objects, worker=worker[0], growth=worker[-1] - worker[0])


def each(count: int, names: Sequence[str] = ()) -> Iterator[Tuple[str, Dict[str, float]]]:
    """Name and findings of all data sets with so many images, or of some of them, each in a new process."""
    with tempfile.TemporaryDirectory() as root:
        write_names(Path(root), count)
        for name, config in configs(root).items():
            if not names or name in names:
                with ProcessPoolExecutor(1, get_context('fork')) as process:
                    yield name, process.submit(measure, config).result()


def loading_memory(counts: Sequence[int] = COUNTS) -> List[Row]:
    """Memory of a loader worker with more and more images, and start-up with the most, which takes a while: once."""
    found = [dict(each(count, CHOSEN)) for count in counts]
    rows: List[Row] = []
    for name in CHOSEN:
        first, last = found[0][name], found[-1][name]
        rows += [
            {**absolute(f'{name}, {counts[-1]:,} images: memory of a loader worker, MB', [last['worker']],
                        'ratio <= 1.25', f'{counts[0]:,} images: {first["worker"]:.0f}'),
             'ratio': last['worker'] / first['worker']},
            absolute(f'{name}, {counts[-1]:,} images: more memory of it after {SAMPLES:,} samples, MB',
                     [last['growth']], '< 2 MB'),
            absolute(f'{name}, {counts[-1]:,} images: memory kept by the main process, bytes an image',
                     [1e6 * last['kept'] / counts[-1]], '', f'{counts[-2]:,} images: '
                     f'{1e6 * found[-2][name]["kept"] / counts[-2]:.0f}'),
            absolute(f'{name}, {counts[-1]:,} images: start-up, processor s', [last['seconds']], '< 10 s')
        ]  # yapf: disable
    return rows


run = loading_memory  # all figures of `make bench`


def main() -> None:
    """Print the findings of all data sets."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNTS[-1]
    for name, found in each(count):
        print(f'{found["seconds"]:7.2f} processor s for start-up  {name}, {count:,} images\n           peak '
              f'{found["peak"]:.0f} MB, kept {found["kept"]:.0f} MB, {found["objects"]} more objects; loader worker '
              f'{found["worker"]:.0f} MB, {found["growth"]:+.1f} MB more after {SAMPLES:,} samples')


if __name__ == '__main__':
    main()
