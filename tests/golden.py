"""Hashes of what short runs give: weights of each method, labels, translations, scores, an exported model.

python tests/golden.py            # run everything, and compare with tests/golden.json
python tests/golden.py --write    # run everything, and write tests/golden.json

A refactoring must not change any of them. Floating-point kernels differ between processors and versions, so the file
names the machine that it was written on; on another one, write it anew at a commit that is known to be good. Only
registry names, config keys and tools are used, so that the same script runs at older commits.
"""
import argparse
import contextlib
import hashlib
import io
import json
import os
import platform
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

os.environ.setdefault('OMP_NUM_THREADS', '1')  # sums are then always taken in one order

import cv2
import mmcv
import mmengine
import numpy as np
import torch
from mmengine.config import Config

from golden_configs import complete, self_training, trainings, translator

ROOT = Path(__file__).parents[1]
RECORD = ROOT / 'tests/golden.json'


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what the tools print, for an error."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            yield
    except BaseException:
        print(output.getvalue()[-3000:], file=sys.stderr)
        raise


def call(tool: str, *arguments: Any) -> None:
    """Run a tool in this process, which has imported everything already."""
    before = sys.argv
    sys.argv = [str(ROOT / 'tools' / tool), *map(str, arguments)]
    try:
        with quiet():
            runpy.run_path(sys.argv[0], run_name='__main__')
    except SystemExit as stop:
        if stop.code:
            raise RuntimeError(f'{tool}: {stop.code}') from stop
    finally:
        sys.argv = before


def hash_weights(checkpoint: Path) -> str:
    """SHA-256 of the names and values in a checkpoint's state dict."""
    content = torch.load(checkpoint, map_location='cpu', weights_only=False)
    digest = hashlib.sha256()
    for name, value in sorted(content['state_dict'].items()):
        digest.update(f'{name} {tuple(value.shape)} {value.dtype}'.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def hash_pictures(folder: Path) -> str:
    """SHA-256 of the names and pixels of all pictures below a folder."""
    digest = hashlib.sha256()
    paths = sorted(path for path in folder.rglob('*.png'))
    assert paths, folder
    for path in paths:
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        digest.update(f'{path.relative_to(folder)} {pixels.shape}'.encode() + pixels.tobytes())
    return digest.hexdigest()


def hash_json(path: Path, *keys: str) -> str:
    """SHA-256 of a JSON file, or of some entries of it."""
    content = json.loads(path.read_text())
    chosen = {key: content[key] for key in keys} if keys else content
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def run_all(folder: Path) -> Dict[str, str]:
    """Everything in its order; name -> hash."""
    data, work, hashes = folder / 'data', folder / 'work', {}
    call('make_demo_data.py', data, '--train', 6, '--val', 2, '--size', '128x64')
    hashes['generated scenes'] = hash_pictures(data)

    def train(name: str, config: Dict[str, Any]) -> Path:
        Config(config).dump(str(folder / f'{name}.py'))
        call('train.py', folder / f'{name}.py', '--work-dir', work / name)
        return work / name

    methods = trainings(data)
    reads_labels = [name for name in methods if 'pseudo_label_root' in str(methods[name])]
    for name in [name for name in methods if name not in reads_labels]:
        hashes[f'weights: {name}'] = hash_weights(train(name, complete(methods[name], data)) / 'iter_4.pth')
    hashes['labels in training'] = hash_pictures((data / 'labels_in_training').resolve())

    udas = folder / 'udas.py', work / 'udas/iter_4.pth'
    call('pseudo_label.py', *udas, '--out', data / 'pseudo_labels', '--batch-size', 2, '--workers', 0)
    hashes['pseudo-labels'] = hash_pictures(data / 'pseudo_labels')
    index = data / 'pseudo_labels/index.json'
    hashes['pseudo-labels, counts'] = hash_json(index, 'confidence_histogram', 'class_share')
    call('test.py', *udas, '--work-dir', work / 'test', '--json', folder / 'metrics.json')
    hashes['scores'] = hash_json(folder / 'metrics.json')
    call('export_segmentor.py', *udas, '--out', folder / 'exported')
    exported, = (folder / 'exported').glob('*.pth')
    hashes['exported weights'] = hash_weights(exported)
    for name in reads_labels:
        hashes[f'weights: {name}'] = hash_weights(train(name, complete(methods[name], data)) / 'iter_4.pth')

    cyclegan = train('cyclegan', translator(data))
    hashes['weights: cyclegan'] = hash_weights(cyclegan / 'iter_4.pth')
    call('translate.py', folder / 'cyclegan.py', cyclegan / 'iter_4.pth', '--out', folder / 'translated')
    hashes['translations'] = hash_pictures(folder / 'translated')
    hashes['distances'] = hash_json(folder / 'translated_report/report.json', 'sets', 'color_distance')

    ssl = train('ssl', self_training(folder, data))
    for path in sorted(ssl.rglob('iter_4.pth')):
        hashes[f'self-training, weights: {path.parent.name}'] = hash_weights(path)
    for name in ('translate', 'label_r1', 'label_r2'):
        found, = ssl.glob(f'*_{name}')
        hashes[f'self-training, files: {name}'] = hash_pictures(found)
    exported, = (ssl / 'export').glob('*.pth')
    hashes['self-training, exported weights'] = hash_weights(exported)
    return hashes


def machine() -> Dict[str, str]:
    """Return the processor and the versions that affect floating-point results."""
    with open('/proc/cpuinfo') as file:
        model = next((line.split(':')[1].strip() for line in file if line.startswith('model name')), platform.machine())
    return dict(processor=model, capability=torch.backends.cpu.get_cpu_capability(), torch=torch.__version__,
                numpy=np.__version__, opencv=cv2.__version__, mmengine=mmengine.__version__, mmcv=mmcv.__version__)


def differences(before: Dict[str, str], now: Dict[str, str]) -> List[str]:
    """Names whose hash is another one, or is there only once."""
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def main(arguments: Optional[List[str]] = None) -> None:
    """Run, and compare or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--write', action='store_true', help='write tests/golden.json')
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        hashes = run_all(Path(folder))
    if args.write:
        RECORD.write_text(json.dumps(dict(machine=machine(), hashes=hashes), indent=2) + '\n')
        return
    record = json.loads(RECORD.read_text())
    changed = differences(record['hashes'], hashes)
    print(f'{len(hashes) - len(changed)} of {len(hashes)} hashes are those of {RECORD.name}')
    if changed:
        here = machine()
        other = [f'{key}: {here[key]} instead of {value}' for key, value in record['machine'].items()
                 if here.get(key) != value]
        machines = f' (another machine: {"; ".join(other)})' if other else ''
        raise SystemExit(f'changed: {", ".join(changed)}{machines}')


if __name__ == '__main__':
    main()
