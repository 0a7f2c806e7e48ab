"""The commands in the blocks of each page run, one after another, on generated data with tiny networks."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from forked_python import run_python
from page_commands import ASSIGNMENT, PAGES, ROOT, Command, commands_of
from small_project import checkpoint_of, write_checkpoint, write_project

NETWORK = 'an installation, which needs a network; `.ci/run` begins with `make setup`'
OTHER_TOOL = 'needs a program that is not installed'
SAME = 'runs in two processes, as on docs/recipes.md'
HOURS = 'trains for hours on data that cannot be downloaded here; the configs train in test_configs/test_training.py'
PUBLIC = 'needs a public checkpoint; test_export converts generated ones'
# (page, pattern of the beginning of the command) -> why it does not run here
NOT_RUN = {
    ('', 'make setup'): NETWORK,
    ('', 'pip '): NETWORK,
    ('docs/install.md', 'PIP_NO_INDEX=1'): NETWORK,
    ('README.md', r'\. .venv/bin/activate'): 'is for an interactive shell',
    ('', 'make'): 'runs in .ci/run, or, as make demo, in test_tools/test_demo.py',
    ('docs/install.md', '.venv/bin/python -m pytest'): 'runs in make test',
    ('', 'tensorboard'): 'does not end',
    ('', '.venv/bin/tensorboard'): 'does not end',
    ('', 'python -m venv'): OTHER_TOOL,
    ('', 'label_studio/'): OTHER_TOOL,
    ('', 'datumaro/'): OTHER_TOOL,
    ('', 'LABEL_STUDIO_'): OTHER_TOOL,
    ('', 'python labelme2coco.py'): OTHER_TOOL,
    ('docs/active_labeling.md', 'python tools/active_label.py import'): 'needs Label Studio; make test-labelstudio',
    ('', 'srun '): 'needs SLURM; test_tools/test_slurm_train.py replaces srun',
    ('', 'GPUS=16'): 'needs SLURM; test_tools/test_slurm_train.py replaces srun',
    ('docs/recipes.md', 'NNODES=2'): 'needs two machines',
    ('README.md', 'tools/dist_train.sh'): SAME,
    ('docs/install.md', 'udas dist_train'): SAME,
    ('docs/install.md', 'torchrun'): SAME,
    ('docs/predict.md', 'tools/dist_predict.sh'): SAME,
    ('docs/pseudo_labels.md', 'torchrun'): SAME,
    ('docs/self_training.md', 'tools/dist_train.sh'): SAME,
    ('docs/recipes.md', 'python tools/train.py CONFIG --amp$'): 'float16 needs a GPU',
    ('docs/performance.md', r'python tools/train.py .*memory(=|\.)'): 'float16 needs a GPU; test_engine/test_memory.py',
    ('', 'python benchmarks/'): 'takes minutes; test_benchmarks has each one with a tiny network',
    ('docs/active_labeling.md', '.*annotate.by=person'): 'waits for a person; test_self_training/test_active.py',
    ('docs/active_labeling.md', 'python tools/compare.py configs/benchmarks'): HOURS,
    ('docs/active_labeling.md', 'python tools/plot_budgets.py'): HOURS,
    ('docs/datasets.md', r'.*(UniMatch/splits|budget=662)'): 'needs the lists of UniMatch; test_published_splits.py',
    ('', 'python tools/reproduce.py'): 'trains all rows of a table; test_tools/test_reproduce.py',
    ('docs/results.md', ''): HOURS,
    ('docs/self_training.md', 'python tools/compare.py'): 'repeats the first command; test_tools/test_compare.py',
    ('', r'python tools/train.py configs/udas/gta2cs_ssl(_100.py|.py --cfg-options budget)'):
        'docs/self_training.md with another label budget; test_configs/test_configs.py plans it',
    ('configs/vfm_uda/README.md', ''): HOURS,
    ('docs/checkpoints.md', ''): PUBLIC,
    ('docs/from_daformer.md', ''): PUBLIC,
}  # yapf: disable


def reason(command: Command) -> Any:
    """The entry of `NOT_RUN` that fits a command, or None."""
    return next((key for key in NOT_RUN if key[0] in ('', command.page) and re.match(key[1], command.text)), None)


BLOCKS: Dict[str, List[Command]] = {}
for _page in PAGES:
    for _command in commands_of(_page):
        if _command.block >= 0:
            BLOCKS.setdefault(_command.page, []).append(_command)
LAST = {command.text: command.page for commands in BLOCKS.values() for command in commands}
RUN = {page: [command for command in commands if reason(command) is None and LAST[command.text] == page]
       for page, commands in BLOCKS.items()}  # a command of several pages runs on the last of them
RUN = {page: commands for page, commands in RUN.items() if commands}

# page -> words of it that promise files, and a pattern of these files
PROMISED = {
    'README.md': {'--json metrics.json': 'metrics.json', '--out curves.png': 'curves.png'},
    'docs/active_labeling.md': {
        'answers.jsonl': 'work_dirs/active/round_1/answers.jsonl',
        'units/NAME.png': 'work_dirs/active/round_1/units/*/*.png',
        'labels/NAME.png': 'work_dirs/active/round_1/labels/*/*.png',
        '`tasks.json` and `labeling_config.xml`': 'work_dirs/labor/round_1/label-studio/labeling_config.xml',
        'active/round_<number>_report/report.html': 'work_dirs/demo/labor/active/round_1_report/report.html'},
    'docs/datasets.md': {
        '`<work_dir>_dry_run.png`': 'work_dirs/udas/gta2cs_uda_dry_run.png',
        '`labeled_<n>.txt`': 'data/camvid/splits/labeled_1.txt', 'complement `unlabeled_without_<n>.txt`':
            'data/camvid/splits/unlabeled_without_1.txt'},
    'docs/export.md': {'two files that are named after the config': 'exported/*uda.p*'},
    'docs/label_tools.md': {'`labels/` gets an 8-bit PNG': 'labels/0.png', '`classes.txt`': 'labels/classes.txt',
                            '--out for_cvat.zip': 'for_cvat.zip'},
    'docs/own_data.md': {
        '`my_pair/sheet.png`': 'my_pair/sheet.png', '`my_pair/source_labels.png`': 'my_pair/source_labels.png',
        '`report/report.html`': 'work_dirs/my_pair/self_training/report/report.html',
        '`01_translate_report/report.html`': 'work_dirs/my_pair/self_training/01_translate_report/report.html',
        '`03_label_r1_report/report.html`': 'work_dirs/my_pair/self_training/03_label_r1_report/report.html'},
    'docs/predict.md': {
        '`overlay/<image>.jpg`': 'predictions/overlay/*.jpg', '`mask/<image>.png`': 'predictions/mask/*.png',
        '`classes.json`, `legend.png`': 'predictions/legend.png', '`overlay/<video>.mp4`': 'drive/overlay/drive.mp4'},
    'docs/pseudo_labels.md': {
        '`<city>/x_leftImg8bit.png`': 'work_dirs/labels/*/*_leftImg8bit.png',
        '`<city>/x_leftImg8bit_confidence.png`': 'work_dirs/labels/*/*_leftImg8bit_confidence.png',
        '`index.json`': 'work_dirs/labels/index.json', 'This writes `report.html`': 'work_dirs/report/report.html'},
    'docs/self_training.md': {
        '`00_translator`': 'work_dirs/udas/gta2cs_ssl/00_translator/iter_2.pth',
        '`01_translate_report/`': 'work_dirs/udas/gta2cs_ssl/01_translate_report/report.html',
        '`manifest.json`': 'work_dirs/udas/gta2cs_ssl/manifest.json',
        '`report/report.html`': 'work_dirs/udas/gta2cs_ssl/report/report.html'},
    'docs/start.md': {'`configs/my_pair/sheet.png`': 'configs/my_pair/sheet.png',
                      '--out predictions': 'predictions/overlay/*/*.jpg'},
    'docs/visualization.md': {'`report.html`': 'work_dirs/report/report.html',
                              '`report.json`': 'work_dirs/report/report.json',
                              '`<config>_<branch>.png`': 'work_dirs/browse/*.png'},
}  # yapf: disable
ALTERNATIVES = ('docs/label_tools.md', )  # pages of whose blocks a reader needs one

TRANSLATOR = 'configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py'
SELECTOR, ADAPTED = 'configs/demo/labor_selector.py', 'configs/udas/gta2cs_uda.py'
# what the tools get in place of what a page says, so that two iterations and few images are enough
SMALLER = {
    r'iter_\d+\.pth': 'iter_2.pth',
    r'budget=100,500,1000': 'budget=1,2',
    r'budget=100\b': 'budget=1',
    r'--budgets 5 10 1/16': '--budgets 1 2 1/3',
    r'--seeds 0 1 2': '--seeds 0',
    r'--train 40 --val 10': '--train 12 --val 2',
    r'--size 640x360': '--size 128x64',
    r'(new_pair(\.py)? .*)': r'\1 --preset small --from-scratch --iterations 2 --rounds 1',
    r'(train(\.py)? \S*my_pair/self_training\.py)': r'\1 --cfg-options self_training.label.temperature=0.001 '
    'self_training.label.min_coverage=0 self_training.label.max_class_share=1 self_training.select.tolerance=100 '
    'self_training.select.class_drop=100',
    r'\bIMAGES\b(\.\.\.)?(?!/)': 'photos',
    r'WORK_DIR \[WORK_DIR \.\.\.\]': 'work_dirs/udas/gta2cs_uda',
}  # yapf: disable


def smaller(command: Command) -> str:
    text = command.text
    for pattern, replacement in SMALLER.items():
        text = re.sub(pattern, replacement, text)
    config = TRANSLATOR if 'translate.py' in text else SELECTOR if 'active_label.py' in text else ADAPTED
    return re.sub(r'\bCONFIG\b(\.\.\.)?', config, text).replace('CHECKPOINT', checkpoint_of(config))


def start(text: str, folder: Path) -> subprocess.CompletedProcess:
    """Run a command as a shell does."""
    words = Command('', 0, text, {}).words()
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable}
    while ASSIGNMENT.match(words[0]):
        environment.update([words.pop(0).split('=', 1)])
    options = dict(cwd=folder, env=environment)
    if words[0] == 'python':
        return run_python(ROOT / words[1], *words[2:], timeout=900, **options)
    if words[0] == 'udas':
        return run_python(ROOT / 'udas_command.py', *words[1:], timeout=900, **options)
    words = [str(ROOT / word) if word.startswith('tools/') else word for word in words]
    return subprocess.run(words, capture_output=True, text=True, **options)


@pytest.fixture(scope='module')
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('project')
    texts = ' '.join(' '.join(command.words()) for commands in RUN.values() for command in commands)
    named = {name for name in re.findall(r'configs/\S*\.py', texts) if (ROOT / name).exists()}
    write_project(root, {*named, TRANSLATOR, SELECTOR, ADAPTED})
    for name in (TRANSLATOR, SELECTOR):
        write_checkpoint(name, root)
    assert start(f'python tools/train.py {ADAPTED}', root).returncode == 0
    return root


@pytest.mark.slow
@pytest.mark.parametrize('page', RUN)
def test_commands_run(page: str, project: Path, tmp_path: Path) -> None:
    blocks = {command.block for command in RUN[page]} if page in ALTERNATIVES else [None]
    for number in blocks:
        run_commands([command for command in RUN[page] if number in (command.block, None)],
                     shutil.copytree(project, tmp_path / f'project{number}'))
    for words, pattern in PROMISED.get(page, {}).items():
        assert [*tmp_path.glob(f'project*/{pattern}')], f'{words}: {pattern}'


def run_commands(commands: List[Command], folder: Path) -> None:
    for out in re.findall(r'--out (\S+)', ' '.join(command.text for command in commands)):
        shutil.rmtree(folder / out, ignore_errors=True)  # other pages begin with what this one makes
    for command in commands:
        done = start(smaller(command), folder)
        assert done.returncode == 0, f'{command}\n{smaller(command)}\n{done.stdout[-2000:]}{done.stderr[-3000:]}'


def test_no_entry_of_the_tables_is_left_over() -> None:
    used = {reason(command) for commands in BLOCKS.values() for command in commands}
    assert {*NOT_RUN} == used - {None}
    texts = '\n'.join(command.text for commands in RUN.values() for command in commands)
    assert not [pattern for pattern in SMALLER if not re.search(pattern, texts)]
    assert not [(page, words) for page, promised in PROMISED.items() for words in promised
                if page not in RUN or words not in (ROOT / page).read_text()]
