"""Checks the environment and the data folders, and prints a command that repairs each problem.

    python tools/doctor.py [--json]

The exit status is 1 only if a line is marked FAIL. UDAS_DATA_ROOT sets the folder of the data sets (default: data).
This file imports only the standard library. Other packages are imported in subprocesses, so that a broken package
is only a line of the report and does not stop the tool.
"""
import argparse
import dataclasses
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT.parent if ROOT.name == '.mim' else ROOT / 'udas_mmseg'  # installed, or in a checkout
TIMEOUT = 180  # seconds for one import; it takes long on a busy machine, and the first one from a slow disk
IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg')
IMAGE_FOLDERS = {'gta5': 'images', 'synthia': 'RGB', 'cityscapes': 'leftImg8bit'}
MODULES = ('torchvision', 'mmagic', 'ftfy', 'regex', 'click', 'requests', 'tqdm', 'PIL', 'udas_mmseg')

# The code that a subprocess runs for each import. `said` is its result.
PROBES = {
    'torch': '''
import torch
said['cuda'] = torch.version.cuda
said['device'] = 'CPU'
if torch.cuda.is_available():
    said['device'] = f'{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}'
elif torch.backends.mps.is_available():
    said['device'] = 'MPS'
''',
    'torchvision': 'import torchvision',
    'mmcv': '''
import importlib.util
import mmcv
said['compiled_ops'] = importlib.util.find_spec('mmcv._ext') is not None
if said['compiled_ops']:
    import mmcv.ops
''',
    'udas_mmseg': '''
import udas_mmseg
said['version'] = udas_mmseg.__version__
said['workarounds'] = udas_mmseg.compat.applied()
import mmseg.models
try:
    import torchvision
    said['torchvision'] = True
except Exception:
    said['torchvision'] = False
''',
}
PROBE_FRAME = '''
import json, sys, warnings
warnings.simplefilter('ignore')
said = {{}}
try:
    exec({code!r})
except BaseException as error:
    lines = str(error).strip().splitlines() or ['']
    said['error'] = f'{{type(error).__name__}}: {{lines[0]}}'
print('\\nprobe:' + json.dumps(said))
'''


def load_environment() -> ModuleType:
    """Loads only udas_mmseg/utils/environment.py, because importing the package would import torch."""
    path = PACKAGE / 'utils' / 'environment.py'
    spec = importlib.util.spec_from_file_location('udas_environment', path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module
    spec.loader.exec_module(module)
    return module


def probe(name: str, timeout: float = TIMEOUT) -> Dict[str, Any]:
    """Tries one import in a subprocess with the same working directory and path as the other tools."""
    command = [sys.executable, '-c', PROBE_FRAME.format(code=PROBES[name])]
    try:
        done = subprocess.run(command, cwd=ROOT / 'tools', stdin=subprocess.DEVNULL, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return {'error': f'the import took more than {timeout:.0f} s; a busy machine or a slow disk may be the reason'}
    for line in reversed(done.stdout.decode(errors='replace').splitlines()):
        if line.startswith('probe:'):
            return json.loads(line[len('probe:'):])
    return {'error': f'the import killed Python (exit status {done.returncode})'}


def installed_distributions() -> Dict[str, str]:
    """Versions of all installed distributions by name, in lower case and with hyphens."""
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata['Name']
        if name:
            found[re.sub(r'[-_.]+', '-', name).lower()] = distribution.version
    return found


def torch_of_torchvision() -> Optional[str]:
    """The torch version that the installed torchvision requires."""
    try:
        requirements = metadata.requires('torchvision') or []
    except metadata.PackageNotFoundError:
        return None
    for requirement in requirements:
        match = re.match(r'torch\s*\(?==\s*([^\s);]+)', requirement)
        if match:
            return match.group(1)
    return None


def count_images(folder: Path) -> Optional[int]:
    """Number of images below `folder`, or None if it does not exist."""
    if not folder.is_dir():
        return None
    return sum(name.lower().endswith(IMAGE_SUFFIXES)
               for _, _, names in os.walk(folder, followlinks=True) for name in names)


def free_gib(folder: Path) -> float:
    """Free space of the file system where `folder` is, or will be."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free / 2**30


def pip_command() -> str:
    """The pip command of the current interpreter, with a relative path if possible."""
    return f'{shlex.quote(shortest(Path(sys.executable)))} -m pip'


def shortest(path: Path) -> str:
    """`path` relative to the current folder, if it is inside it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def gather(environment: ModuleType) -> Any:
    """Collects the `Facts` of this environment."""
    data_root = Path(os.environ.get('UDAS_DATA_ROOT') or 'data')
    modules = tuple(name for name in MODULES if name == 'udas_mmseg' or importlib.util.find_spec(name))
    distributions = installed_distributions()
    wanted = [name for name in PROBES if name in (*distributions, *modules)
              or (name == 'mmcv' and any(d in distributions for d in environment.PROVIDERS['mmcv']))]
    with ThreadPoolExecutor(max_workers=2) as pool:
        probes = dict(zip(wanted, pool.map(probe, wanted)))
    if probes['udas_mmseg'].get('error') == "ModuleNotFoundError: No module named 'udas_mmseg'":
        modules = tuple(name for name in modules if name != 'udas_mmseg')
    return environment.Facts(
        python=tuple(sys.version_info[:3]), pip=pip_command(), root=shortest(ROOT),
        distributions=distributions, modules=modules, probes=probes, torchvision_torch=torch_of_torchvision(),
        nvidia=shutil.which('nvidia-smi') is not None,
        free_gib={str(folder): free_gib(folder.resolve()) for folder in (data_root, Path('work_dirs'))},
        images={str(data_root / name): count_images(data_root / name / images)
                for name, images in IMAGE_FOLDERS.items()})


def as_table(rows: List[Any], environment: ModuleType) -> str:
    """The report as a table."""
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        lines.append(f'{row.status:4}  {row.name:{width}}  {row.value}')
        if row.fix:
            lines.append(f"{'':6}{'':{width}}  fix: {row.fix}")
    count = {status: sum(row.status == status for row in rows)
             for status in (environment.FAIL, environment.WARN)}
    lines.append(f'{count[environment.FAIL]} errors, {count[environment.WARN]} warnings.')
    return '\n'.join(lines)


def parse_args(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--json', action='store_true', help='print the rows as JSON')
    return parser.parse_args(arguments)


def main(arguments: Optional[List[str]] = None) -> int:
    """Prints the report and returns the exit status."""
    options = parse_args(arguments)
    environment = load_environment()
    if sys.stderr.isatty():
        print('Importing torch, MMSegmentation and this package ...', file=sys.stderr)
    rows = environment.report(gather(environment))
    healthy = all(row.status != environment.FAIL for row in rows)
    if options.json:
        print(json.dumps({'ok': healthy, 'rows': [dataclasses.asdict(row) for row in rows]}, indent=2))
    else:
        print(as_table(rows, environment))
    return 0 if healthy else 1


if __name__ == '__main__':
    sys.exit(main())
