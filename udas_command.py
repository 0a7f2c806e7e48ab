"""The command `udas`: runs the tools of this project from any folder.

Your own data, from folders to predictions (docs/own_data.md):
udas new_pair --source SIM/images SIM/labels --target CAMERA/images --out my_pair
udas train my_pair/self_training.py             # new_pair prints this command and that of udas predict
udas report work_dirs/my_pair/self_training --out report

Others:
udas train configs/udas/gta2cs_uda.py           # python tools/train.py configs/udas/gta2cs_uda.py
udas dist_train configs/udas/gta2cs_uda.py 2    # tools/dist_train.sh configs/udas/gta2cs_uda.py 2
udas model_converters/daformer IN OUT
udas TOOL --help

`python -m udas_mmseg TOOL` does the same. A config that the current folder does not have is taken from the project.
"""
# Only the standard library is imported, so that `udas doctor` works where torch is missing or broken.
import ast
import difflib
import os
import runpy
import sys
from pathlib import Path
from typing import Dict

HERE = Path(__file__).resolve().parent
INSTALLED = HERE / 'udas_mmseg' / '.mim'  # in a wheel, as OpenMMLab's packages have it
PROJECT = INSTALLED if INSTALLED.is_dir() else HERE
STARTED = 'UDAS_COMMAND'  # set for the tools, so that commands in their messages begin as this one did
USED_BY_OTHERS = ('free_port', 'torchrun')


def find_tools() -> Dict[str, Path]:
    """Return the files of all tools by name: the path below tools/ without the suffix."""
    folder = PROJECT / 'tools'
    files = sorted(path for suffix in ('py', 'sh') for path in folder.rglob(f'*.{suffix}'))
    names = {path.relative_to(folder).with_suffix('').as_posix(): path for path in files}
    return {name: path for name, path in names.items() if name not in USED_BY_OTHERS}


def summary(path: Path) -> str:
    """Return the first sentence of a Python tool's docstring, or the usage line of a shell script."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.sh':
        return text.splitlines()[1].partition(f'{path.name} ')[2]
    return (ast.get_docstring(ast.parse(text)) or '').splitlines()[0]


def overview() -> str:
    """Return the help text: the usage, all tools, and where the configs are."""
    tools = find_tools()
    width = max(map(len, tools))
    listed = [f'  {name:{width}}  {summary(path)}' for name, path in tools.items()]
    return '\n'.join([__doc__.strip(), '', 'Tools:', *listed, '', f'Configs: {PROJECT / "configs"}'])


def main() -> None:
    """Run the tool that the command line names, with the remaining arguments.

    Raises:
        SystemExit: for a name that is not a tool; otherwise whatever the tool ends with.
    """
    name, arguments = (sys.argv[1:2] or ['--help'])[0], sys.argv[2:]
    tools = find_tools()
    if name in ('-h', '--help'):
        print(overview())
        return
    known = name.replace('-', '_')
    if known not in tools:
        near = difflib.get_close_matches(known, tools, 1)
        hint = f'Did you mean `udas {near[0]}`?' if near else f'Tools: {", ".join(tools)}.'
        raise SystemExit(f'udas: there is no tool {name!r}. {hint} `udas --help` describes all.')
    if Path(sys.argv[0]).stem == 'udas':
        os.environ[STARTED] = '1'
    path = str(tools[known])
    if path.endswith('.sh'):
        os.environ.setdefault('PYTHON', sys.executable)
        os.execvp('bash', ['bash', path, *arguments])
    sys.argv = [path, *arguments]
    runpy.run_path(path, run_name='__main__')


if __name__ == '__main__':
    main()
