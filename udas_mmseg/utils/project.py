"""Where the configs and tools of this project are."""
import os
import os.path as osp
from typing import List

_PACKAGE = osp.dirname(osp.dirname(osp.abspath(__file__)))
_MIM = osp.join(_PACKAGE, '.mim')

INSTALLED = osp.isdir(_MIM)
'''Whether this is a wheel, whose folder `.mim` has the configs and tools, as in OpenMMLab's packages.'''

PROJECT = _MIM if INSTALLED else osp.dirname(_PACKAGE)
'''Folder that contains `configs/` and `tools/`: of the installed package, or the checkout.'''


def find_config(path: str) -> str:
    """Return the path of a config: as given if this file exists, otherwise that of the project's config of this name.

    Args:
        path (str): Path of a config file. A relative path is looked up in the current folder, then in the project.

    Raises:
        FileNotFoundError: if neither exists.

    Example:
        >>> find_config('configs/demo/source_only.py')  # in a folder that has no configs/
        '/usr/lib/python3/dist-packages/udas_mmseg/.mim/configs/demo/source_only.py'
    """
    for found in (path, osp.join(PROJECT, path)):
        if osp.isfile(found):
            return found
    raise FileNotFoundError(f'config {path} does not exist (looked in {osp.abspath(osp.curdir)}). The configs that '
                            f'come with the project are in {osp.join(PROJECT, "configs")}.')


def tool_command(name: str) -> List[str]:
    """Return the words of a command that starts a tool: `udas NAME`, or `python tools/NAME.py` if called like this."""
    if INSTALLED or 'UDAS_COMMAND' in os.environ:  # udas_command.py sets it
        return ['udas', name]
    return ['python', shown_path(osp.join(PROJECT, 'tools', f'{name}.py'))]


def shown_path(path: str) -> str:
    """Return a path as commands name it: relative if it is below the current folder."""
    relative = osp.relpath(path)
    return path if relative.startswith(osp.pardir) else relative
