"""Checks of a command of the documentation, which do not run it."""
import argparse
import contextlib
import importlib.util
import io
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Iterator, List, Sequence
from unittest import mock

from mmengine.config import DictAction

from known_keys import check_keys
from page_commands import ASSIGNMENT, ROOT, Command
from udas_mmseg.engine.launch import load_config

ADAPTED = 'configs/udas/gta2cs_uda.py'
# what CONFIG may be on a page, so that its options have an effect
CONFIGS = {
    'docs/active_labeling.md': 'configs/demo/labor.py',
    'docs/recipes.md': 'configs/daformer/daformer_mit-b5_40k_gta2cs-512x512.py',
    'docs/self_training.md': 'configs/udas/gta2cs_ssl.py',
    'docs/translation.md': 'configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py',
    'configs/udas/README.md': 'configs/udas/gta2cs_uda_cutmix.py',
    'configs/vfm_uda/README.md': 'configs/vfm_uda/vfm-uda_dinov2-b_40k_gta2cs-1024x1024.py',
}
# files and programs that the repository does not have; a name that no command uses is an error, too
OTHERS = {
    'configs/daformer/gta2cs_uda_warm_fdthings_rcs_croppl_a999_daformer_mitb5_s0.py': 'of DAFormer',
    'configs/my_pair/': 'written by tools/new_pair.py',
    'datumaro/bin/datum': 'Datumaro, in an environment of its own',
    'datumaro/bin/pip': 'pip, for an environment of its own',
    'from_label_studio.py': 'printed on its page',
    'label_studio/bin/label-studio': 'Label Studio, in an environment of its own',
    'label_studio/bin/pip': 'pip, for an environment of its own',
    'label_studio/bin/python': 'for the scripts of a page, in an environment of its own',
    'labelme2coco.py': 'of LabelMe',
    'run_experiments.py': 'of DAFormer',
    'tensorboard': 'of the extra tensorboard',
    'to_label_studio.py': 'printed on its page',
    'tools/convert_datasets/gta.py': 'of DAFormer',
    'tools/dataset_converters/cityscapes.py': 'of MMSegmentation',
}
# shell script -> the tool that it starts, and how many words before the number of processes belong to the tool
SCRIPTS = {'dist_train': ('train', 1), 'dist_test': ('test', 2), 'dist_predict': ('predict', 2)}
VARIABLES_OF_PIP = ('PIP_NO_INDEX', 'PIP_FIND_LINKS')


class FaultError(Exception):
    """A command that does not work."""


def check(command: Command) -> List[str]:
    """Check a command.

    Returns:
        list[str]: The names of `OTHERS` that it uses.

    Raises:
        FaultError: if something that it names does not exist, or its arguments are wrong.
    """
    words = [word.removeprefix('.venv/bin/') for word in without_variables(command.words())]
    if not words:
        return []
    used = [name for name in OTHERS if any(word.startswith(name) for word in words)]
    check_files(words, used)
    program, arguments = words[0], words[1:]
    if program == '--cfg-options':
        check_options(default_config(command), argparse.Namespace(cfg_options=as_dict(arguments)))
    elif any(word in used for word in words[:2]):
        pass
    elif program == 'make':
        check_make(arguments)
    elif program.endswith('pip'):
        check_pip(arguments)
    else:
        check_tool(command, words)
    return used


def without_variables(words: List[str]) -> Iterator[str]:
    """The words from the program on, after checking that somebody reads the variables that are set before it."""
    setting = True
    for word in words:
        name = word.split('=')[0]
        setting = setting and (word == 'export' or bool(ASSIGNMENT.match(word)))
        if not setting:
            yield word
        elif word != 'export' and len(name) > 1 and name not in (*VARIABLES_OF_PIP, *names_in_sources()):
            raise FaultError(f'no config and no tool reads the variable {name}')


@cache
def names_in_sources() -> frozenset:
    """Names in capitals in everything that may read a variable."""
    files = [path for folder in ('configs', 'tools', 'udas_mmseg', 'tests/labelstudio') for path in ROOT.glob(
        f'{folder}/**/*') if path.suffix in ('.py', '.sh')]  # yapf: disable
    return frozenset(name for path in [*files, ROOT / 'Makefile']
                     for name in re.findall(r'\b[A-Z][A-Z_]{3,}\b', path.read_text()))


def check_files(words: Sequence[str], used: Sequence[str]) -> None:
    """Check that files of the repository exist."""
    for word in words:
        is_ours = re.match(r'(?:configs|tools|tests|docs|benchmarks)/[^<]*\.\w+$', word)
        if is_ours and not word.startswith(tuple(used)) and not (ROOT / word).is_file():
            raise FaultError(f'{word} does not exist')


def check_make(arguments: Sequence[str]) -> None:
    text = (ROOT / 'Makefile').read_text()
    for word in arguments:
        name, is_variable, _ = word.partition('=')
        if not re.search(rf'^{re.escape(name)} \?=' if is_variable else rf'^{re.escape(name)}:', text, re.MULTILINE):
            raise FaultError(f'the Makefile has no {"variable" if is_variable else "target"} {name}')


def check_pip(arguments: Sequence[str]) -> None:
    """Check the subcommand, and the extras and the version of this project."""
    if arguments[0] not in ('install', 'download', 'uninstall', 'check'):
        raise FaultError(f'pip has no {arguments[0]}')
    setup, version = (ROOT / 'setup.py').read_text(), (ROOT / 'udas_mmseg/version.py').read_text()
    for word in arguments:
        ours = re.fullmatch(r'(?:\.|udas_mmseg-(.*)-py3-none-any\.whl)\[(.*)\]', word)
        if ours and ours[1] and f"'{ours[1]}'" not in version:
            raise FaultError(f'{ours[1]} is not the version of the package')
        for extra in ours[2].split(',') if ours else ():
            if f"        '{extra}': [" not in setup:
                raise FaultError(f'setup.py has no extra {extra}')
        pinned = re.fullmatch(r'(mmagic|mmcv-lite)==.*', word)
        if pinned and word not in (ROOT / 'Makefile').read_text() + (ROOT / 'requirements.txt').read_text():
            raise FaultError(f'{word} is not the tested version')


def check_tool(command: Command, words: List[str]) -> None:
    """Check the arguments of a tool with its own parser."""
    tool, arguments = tool_of(words)
    if tool is None:
        return
    if not path_of(tool).is_file():
        raise FaultError(f'there is no tool {tool}')
    if not hasattr(load_tool(tool), 'parse_args'):
        return
    if command.whole and '...' not in arguments[:1]:
        check_options(default_config(command), parse(tool, filled_in(arguments)))
    elif arguments:
        check_parts(parser_of(tool), arguments)


def tool_of(words: List[str]) -> Any:
    """The tool and its arguments, also of a script or program that starts it; (None, []) if there is none to check."""
    if words[:2] in (['udas', '--help'], ['udas', 'TOOL']) or words[:2] == ['.', 'activate'] or words[1:3] in (
            ['-m', 'venv'], ['-m', 'pytest']) or len(words) == 2 and words[1].startswith('tests/'):
        return None, []
    if words[0] == 'udas':
        words = [f'tools/{words[1]}.sh' if words[1] in SCRIPTS else f'tools/{words[1]}.py', *words[2:]]
    if '-m' in words[:-1] and 'udas_mmseg' in words:
        words = words[words.index('udas_mmseg') + 1:]
        words = [f'tools/{words[0]}.py', *words[1:]]
    found = (place for place, word in enumerate(words) if re.match(r'(?:tools|benchmarks)/.*\.(?:py|sh)$', word))
    start = next(found, 0)
    name, arguments = words[start], words[start + 1:]
    script = re.fullmatch(r'tools/(\w+)\.sh', name)
    if script and script[1] == 'torchrun':
        return (arguments[0].removesuffix('.py'), arguments[2:]) if arguments else (None, [])
    if script and script[1] == 'slurm_train':
        return 'train', [*arguments[2:], '--launcher', 'slurm']
    if script:
        tool, count = SCRIPTS[script[1]]
        if arguments and not re.fullmatch(r'\d+|GPUS', ''.join(arguments[count:count + 1])):
            raise FaultError(f'word {count + 1} is not the number of processes')
        return tool, [*arguments[:count], *arguments[count + 1:]]
    if not re.match(r'(?:tools|benchmarks)/', name):
        raise FaultError(f'unknown program: {" ".join(words[:2])}')
    return name.removesuffix('.py').removeprefix('tools/'), arguments


def filled_in(words: Sequence[str]) -> List[str]:
    """Remove what shows that words can be left out or repeated: [--json], [WORK_DIR ...], IMAGES..."""
    text = re.sub(r'\[([^\]]*)\]', lambda part: '' if part[1].endswith(' ...') else part[1], '\0'.join(words).replace(
        '\0...', ' ...')).replace(' ...', '')
    return [word.removesuffix('...') for word in text.split('\0') if word not in ('', '...')]


def path_of(tool: str) -> Path:
    """The file of a tool: below tools/, or from the root of the repository for benchmarks."""
    return ROOT / (f'{tool}.py' if tool.startswith('benchmarks/') else f'tools/{tool}.py')


@cache
def load_tool(tool: str) -> ModuleType:
    """Import a tool as a module."""
    spec = importlib.util.spec_from_file_location(f'tool_{Path(tool).stem}', path_of(tool))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parse(tool: str, arguments: List[str]) -> argparse.Namespace:
    """Parse arguments as the tool does."""
    errors = io.StringIO()
    with mock.patch.object(sys, 'argv', [tool, *arguments]), contextlib.redirect_stderr(errors):
        try:
            return load_tool(tool).parse_args()
        except SystemExit:
            raise FaultError(errors.getvalue().strip().splitlines()[-1]) from None


@cache
def parser_of(tool: str) -> argparse.ArgumentParser:
    """The parser of a tool."""
    parse_args = mock.patch.object(argparse.ArgumentParser, 'parse_args', autospec=True, side_effect=InterruptedError)
    with parse_args as found, contextlib.suppress(InterruptedError):
        load_tool(tool).parse_args()
    return found.call_args[0][0]


def check_parts(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Check the options among words, their values if only some are allowed, and a subcommand."""
    for word, value in zip(words, [*words[1:], '--']):
        action = parser._option_string_actions.get(word)
        if word.startswith('--') and action is None:
            raise FaultError(f'unrecognized arguments: {word}')
        if action and action.choices and not value.startswith('-') and value not in action.choices:
            raise FaultError(f'{word}: invalid choice: {value}')
    commands = [action.choices for action in parser._actions if action.dest == 'command']
    if commands and words[0] not in commands[0]:
        raise FaultError(f'invalid choice: {words[0]}')


def as_dict(options: Sequence[str]) -> Dict[str, Any]:
    pairs = (option.split('=', 1) for option in options)
    return {key: DictAction._parse_iterable(value) for key, value in pairs}


def default_config(command: Command) -> str:
    """Return the path for which CONFIG stands: the config in the same folder, or that of the page."""
    if command.page in CONFIGS or not command.page.startswith('configs/'):
        return CONFIGS.get(command.page, ADAPTED)
    with_budget = [path for path in sorted((ROOT / command.page).parent.glob('*.py')) if 'budget' in path.read_text()]
    return str(with_budget[0]) if with_budget else ADAPTED


def check_options(default: str, args: argparse.Namespace) -> None:
    """Check that configs have the keys of `--cfg-options` and of `--vary`."""
    options = getattr(args, 'cfg_options', None) or {}
    options = dict(options) if isinstance(options, dict) else as_dict(options)
    for varied in getattr(args, 'vary', None) or ():
        key, _, values = varied.partition('=')
        options.update(as_dict([f'{key}={values.split(",")[0]}']))
    if not options:
        return
    given = getattr(args, 'configs', None) or [getattr(args, 'config', default)]
    for path in given:
        try:
            check_keys(load_config(default if path == 'CONFIG' else path.replace('<row>', 'uda')), options)
        except ValueError as error:
            raise FaultError(str(error)) from error
