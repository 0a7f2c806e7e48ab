"""The checks of `tools/doctor.py`: each one gets the facts about an environment and returns a row of the report.

This file imports only the standard library and nothing of this package, so that it can be loaded on its own if torch
or MMSegmentation is missing or broken. The checks are pure functions.
"""
import re
import shlex
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

OK, WARN, FAIL = 'OK', 'warn', 'FAIL'

# The tested versions; a test keeps them equal to requirements.txt.
PINS = {
    'torch': 'torch==2.13.0',
    'torchvision': 'torchvision==0.28.0',
    'mmcv': 'mmcv-lite==2.1.0',
    'mmengine': 'mmengine==0.10.7',
    'mmseg': 'mmsegmentation==1.2.2',
    'mmagic': 'mmagic==1.2.0',
}
# Distributions that provide an import name; the maintained forks use the same import names.
PROVIDERS = {
    'mmcv': ('mmcv', 'mmcv-lite', 'mmcv-full', 'onedl-mmcv'),
    'mmengine': ('mmengine', 'mmengine-lite', 'onedl-mmengine'),
    'mmseg': ('mmsegmentation', 'onedl-mmsegmentation'),
    'mmagic': ('mmagic',),
}
MIN_FREE_GIB = 10
# Packages that MMagic's CycleGAN imports: distribution to import name.
TRANSLATION_PACKAGES = {'click': 'click', 'requests': 'requests', 'tqdm': 'tqdm', 'pillow': 'PIL'}


@dataclass
class Row:
    """One line of the report. `fix` is the command that repairs it, or empty if nothing is wrong."""

    name: str
    status: str
    value: str
    fix: str = ''


@dataclass
class Facts:
    """Facts about an environment.

    Args:
        python: Version of the interpreter.
        pip: Command that installs into this environment, such as `.venv/bin/python -m pip`.
        root: Folder of the checkout, for `pip install -e`.
        distributions: Installed distribution (lower case) to its version.
        modules: Import names that were found, without importing them.
        probes: Name of an import to the result of importing it in a subprocess: `error` if it failed, and more.
        torchvision_torch: Version of torch that the installed torchvision requires.
        nvidia: Whether an NVIDIA driver is on the path.
        free_gib: Folder to the free space of its file system, in GiB.
        images: Data folder to its number of images, or None if the folder is missing.
    """

    python: Tuple[int, ...]
    pip: str
    root: str = '.'
    distributions: Dict[str, str] = field(default_factory=dict)
    modules: Tuple[str, ...] = ()
    probes: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    torchvision_torch: Optional[str] = None
    nvidia: bool = False
    free_gib: Dict[str, float] = field(default_factory=dict)
    images: Dict[str, Optional[int]] = field(default_factory=dict)

    def providers(self, module: str) -> List[str]:
        """Return the installed distributions that provide the import name `module`."""
        return [name for name in PROVIDERS[module] if name in self.distributions]

    def error(self, probe: str) -> Optional[str]:
        """Return the error of an import, or None."""
        return self.probes.get(probe, {}).get('error')

    def install(self, *requirements: str) -> str:
        """Return the command that installs `requirements` in this environment."""
        return ' '.join([self.pip, 'install', *map(shlex.quote, requirements)])

    def replace(self, distribution: str, requirement: str) -> str:
        """Return the command that removes `distribution` and installs `requirement`."""
        return f'{self.pip} uninstall -y {distribution} && {self.install(requirement)}'


def release(version: str) -> Tuple[int, ...]:
    """Return the leading numbers of a version: '2.2.0rc1+cpu' gives (2, 2, 0)."""
    match = re.match(r'\d+(?:\.\d+)*', version)
    return tuple(int(part) for part in match.group().split('.')) if match else ()


def check_python(facts: Facts) -> Row:
    """Check for Python 3.9 or later."""
    value = '.'.join(str(part) for part in facts.python)
    if facts.python < (3, 9):
        fix = 'rm -rf .venv && make setup PYTHON=python3.11'
        return Row('python', FAIL, f'{value}; 3.9 or later is needed', fix)
    return Row('python', OK, value)


def check_torch(facts: Facts) -> Row:
    """Check that torch 2.1 or later can be imported, and report its device."""
    version = facts.distributions.get('torch')
    pin = PINS['torch'] if facts.python >= (3, 10) else 'torch'  # the tested version has none for Python 3.9
    if version is None:
        return Row('torch', FAIL, 'not installed', facts.install(pin))
    if facts.error('torch'):
        fix = facts.install('--force-reinstall', pin)
        return Row('torch', FAIL, f"{version}: {facts.error('torch')}", fix)
    if release(version) < (2, 1):
        fix = facts.install('--upgrade', pin)
        return Row('torch', FAIL, f'{version}; 2.1 or later is needed', fix)
    probe = facts.probes.get('torch', {})
    if probe.get('device', 'CPU') == 'CPU' and facts.nvidia:
        if probe.get('cuda'):
            value = f"{version}, built for CUDA {probe['cuda']}, sees no GPU"
            return Row('torch', WARN, value, 'nvidia-smi: update the driver if it is for an older CUDA')
        value = f'{version}, a CPU build, but an NVIDIA driver is installed'
        return Row('torch', WARN, value, facts.replace('torch', f"torch=={version.split('+')[0]}"))
    return Row('torch', OK, f"{version}, device: {probe.get('device', 'CPU')}")


def check_mmcv(facts: Facts) -> Row:
    """Check for a single mmcv in the version range that MMSegmentation accepts; compiled operators are optional."""
    found = facts.providers('mmcv')
    if not found:
        return Row('mmcv', FAIL, 'not installed', facts.install(PINS['mmcv']))
    if len(found) > 1:
        return _several('mmcv', found, facts)
    version = facts.distributions[found[0]]
    fix = facts.replace(found[0], PINS['mmcv'])
    # The forks accept another range; MMSegmentation asserts `2.0.0rc4 <= mmcv < 2.2.0`.
    if 'mmsegmentation' in facts.distributions and not (2, 0) <= release(version) < (2, 2):
        value = f'{found[0]} {version}; MMSegmentation 1.2.2 needs 2.0 <= mmcv < 2.2'
        return Row('mmcv', FAIL, value, fix)
    if facts.error('mmcv'):
        return Row('mmcv', FAIL, f"{found[0]} {version}: {facts.error('mmcv')}", fix)
    compiled = facts.probes.get('mmcv', {}).get('compiled_ops')
    ops = 'with compiled ops' if compiled else 'without compiled ops (none is needed)'
    return Row('mmcv', OK, f'{found[0]} {version}, {ops}')


def _several(module: str, found: List[str], facts: Facts) -> Row:
    """Report two distributions with the same files, of which the one installed last is imported."""
    keep = next((name for name in found if name.startswith('onedl-')), found[0])
    fix = facts.replace(' '.join(found), f'{keep}=={facts.distributions[keep]}')
    return Row(module, FAIL, f"{' and '.join(found)} overwrite each other", fix)


def _check_openmmlab(module: str, lowest: Tuple[int, ...], below: Tuple[int, ...],
                     facts: Facts) -> Row:
    found = facts.providers(module)
    if not found:
        return Row(module, FAIL, 'not installed', facts.install(PINS[module]))
    if len(found) > 1:
        return _several(module, found, facts)
    version = facts.distributions[found[0]]
    if not lowest <= release(version) < below:
        window = f"{'.'.join(map(str, lowest))} <= {module} < {'.'.join(map(str, below))}"
        fix = facts.replace(found[0], PINS[module])
        return Row(module, FAIL, f'{found[0]} {version}; {window} is needed', fix)
    return Row(module, OK, f'{found[0]} {version}')


def check_mmengine(facts: Facts) -> Row:
    """Check for a single MMEngine, 0.10 or later."""
    return _check_openmmlab('mmengine', (0, 10), (1,), facts)


def check_mmseg(facts: Facts) -> Row:
    """Check for a single MMSegmentation 1.x. Its import is checked with udas_mmseg, whose workarounds it needs."""
    return _check_openmmlab('mmseg', (1, 2), (2,), facts)


def check_undeclared(facts: Facts) -> Row:
    """Check for the two packages that MMSegmentation 1.2 imports without declaring them."""
    missing = [name for name in ('ftfy', 'regex') if name not in facts.modules]
    if missing:
        value = f"{', '.join(missing)} not installed; MMSegmentation imports both"
        return Row('ftfy, regex', FAIL, value, facts.install(*missing))
    versions = [facts.distributions.get(name, 'unknown') for name in ('ftfy', 'regex')]
    return Row('ftfy, regex', OK, ', '.join(versions))


def check_torchvision(facts: Facts) -> Row:
    """Check torchvision. It is optional, but if it is broken, MMEngine's environment report and every run fail."""
    version = facts.distributions.get('torchvision')
    torch = facts.distributions.get('torch', '').split('+')[0]
    fix = facts.install('torchvision', *([f'torch=={torch}'] if torch else []))
    if version is None:
        value = 'not installed: no image translation, no torchvision:// weights'
        return Row('torchvision', WARN, value, fix)
    built_for = (facts.torchvision_torch or '').split('+')[0]
    if built_for and torch and built_for != torch:
        return Row('torchvision', FAIL, f'{version} is for torch {built_for}, not {torch}', fix)
    if not facts.error('torchvision'):
        return Row('torchvision', OK, version)
    with_workaround = facts.probes.get('udas_mmseg', {}).get('torchvision')
    if with_workaround:
        return Row('torchvision', OK, f'{version}, imports with a workaround of udas_mmseg')
    if with_workaround is None and 'torchvision::nms' in str(facts.error('torchvision')):
        value = f'{version} is a CUDA build, torch is not; udas_mmseg works around it'
        return Row('torchvision', WARN, value, 'repair the row udas_mmseg')
    fix = facts.install('--force-reinstall', '--no-deps', f'torchvision=={version}')
    return Row('torchvision', FAIL, f"{version}: {facts.error('torchvision')}", fix)


def check_mmagic(facts: Facts) -> Row:
    """Check for MMagic and the imports of its CycleGAN, which are only needed for image translation."""
    if 'mmagic' not in facts.modules:
        fix = facts.install('--no-deps', PINS['mmagic'])
        return Row('mmagic', WARN, 'not installed: no image translation', fix)
    missing = [name for name, module in TRANSLATION_PACKAGES.items() if module not in facts.modules]
    version = facts.distributions.get('mmagic', 'of unknown version')
    if missing:
        value = f"{version}, but not {', '.join(missing)}: no image translation"
        return Row('mmagic', WARN, value, facts.install(*missing))
    return Row('mmagic', OK, version)


def check_udas_mmseg(facts: Facts) -> Row:
    """Check that this package and MMSegmentation's models can be imported, and list the applied workarounds."""
    probe = facts.probes.get('udas_mmseg', {})
    if 'udas_mmseg' not in facts.modules:
        value = 'not installed'
        return Row('udas_mmseg', FAIL, value, facts.install('--no-deps', '-e', facts.root))
    if probe.get('error'):
        fix = 'repair the other rows marked FAIL; if there are none: make setup'
        return Row('udas_mmseg', FAIL, probe['error'], fix)
    names = ', '.join(probe.get('workarounds', [])) or 'none'
    return Row('udas_mmseg', OK, f"{probe.get('version')}, workarounds: {names}")


def check_forks(facts: Facts) -> Row:
    """List maintained forks with the same import names: they work, but should be mentioned in a bug report."""
    forks = [name for name in facts.distributions if name.startswith('onedl-')]
    return Row('forks', OK, ', '.join(sorted(forks)) or 'none')


def check_disk(facts: Facts) -> List[Row]:
    """Check the disk space for translated images, pseudo-labels and checkpoints."""
    rows = []
    for folder, free in facts.free_gib.items():
        low = free < MIN_FREE_GIB
        fix = 'delete old runs, or put the folder on another disk and link it here' if low else ''
        value = f'{free:.0f} GiB free' + (f', {MIN_FREE_GIB} GiB are advisable' if low else '')
        rows.append(Row(f'disk of {folder}', WARN if low else OK, value, fix))
    return rows


def check_data(facts: Facts) -> List[Row]:
    """Check the data folders of known data sets. `make demo` and your own data need none of them."""
    rows = []
    for folder, images in facts.images.items():
        if images:
            rows.append(Row(folder, OK, f'{images} images'))
            continue
        if images is None:
            rows.append(Row(folder, OK, 'no such folder; only the configs of this data set need it (docs/datasets.md)'))
        else:
            rows.append(Row(folder, WARN, 'no images', 'see docs/datasets.md'))
    return rows


CHECKS: Tuple[Callable[[Facts], Row], ...] = (
    check_python, check_torch, check_torchvision, check_mmengine, check_mmcv, check_mmseg,
    check_undeclared, check_mmagic, check_forks, check_udas_mmseg)


def report(facts: Facts) -> List[Row]:
    """Return all rows of the report."""
    return [check(facts) for check in CHECKS] + check_disk(facts) + check_data(facts)
