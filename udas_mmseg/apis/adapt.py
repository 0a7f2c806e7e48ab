"""From folders of images and labels to a model of the target domain, in one call."""
import json
import os
import os.path as osp
import re
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union

from ..engine.clear_errors import clear_error
from ..engine.config_run import run_type
from ..engine.launch import load_config
from ..new_pair import PairOptions, new_pair
from ..new_pair.class_text import class_text
from ..self_training.manifest import MANIFEST, complete_entries
from ..utils.console import quiet_while
from ..utils.files import replace_file, to_json
from ..utils.progress import clear_line
from .predict import PathLike
from .predictor import Predictor

Folders = Tuple[PathLike, PathLike]  # of images and of labels
Classes = Union[str, Sequence[str], Mapping[Any, str]]
_ARGUMENTS = 'adapt.json'  # the arguments of the call that wrote the configs
_OPTION = re.compile(r'(?<![\w-])--([a-z]+(?:-[a-z]+)*)(?: (IMAGES LABELS|small|full)\b)?')


def adapt(source: Folders, target: PathLike, classes: Optional[Classes] = None, *, val: Optional[Folders] = None,
          labeled_target: Optional[Folders] = None, target_classes: Optional[Classes] = None,
          out: PathLike = 'work_dirs/adapted', preset: str = '', memory: float = 0.0, iterations: Optional[int] = None,
          rounds: int = 2, weights: PathLike = '', from_scratch: bool = False, full_scan: bool = False,
          cfg_options: Optional[Mapping[str, Any]] = None, amp: Optional[str] = None, device: Optional[str] = None,
          verbose: bool = False) -> Predictor:
    """Adapt a model to images without labels, and return it: translation, adaptation, self-training and export.

    The same as `tools/new_pair.py`, which writes configs to `<out>/configs`, and `tools/train.py` with its
    `self_training.py`. Repeat an interrupted call to continue. Configs of an earlier call may be edited.

    Args:
        source (tuple): Folders of the labelled images and of their labels, such as those of a simulator.
        target (str | PathLike): Folder of the images to adapt to.
        classes (Sequence | Mapping | str, optional): Names of the source labels, see `class_text`.
        val (tuple, optional): Folders of target images and labels for scores alone.
        labeled_target (tuple, optional): Folders of target images and labels for training.
        target_classes (optional): As `classes`, for the labels of `val` and `labeled_target`.
        out (str | PathLike): Folder for everything that is written. Defaults to 'work_dirs/adapted'.
        preset (str): As in `PairOptions`, like the following. Defaults to '', by the device.
        memory (float): Memory of the GPU in 10^9 bytes. Defaults to 0, to ask the device.
        iterations (int, optional): Iterations of every training. Defaults to None, those of the preset.
        rounds (int): Rounds of self-training; a later call may have more. Defaults to 2.
        weights (str | PathLike): File of initial weights. Defaults to '', those of the preset.
        from_scratch (bool): Whether to start from random weights. Defaults to False.
        full_scan (bool): Whether to read all files, not only 1,000 of each folder. Defaults to False.
        cfg_options (Mapping, optional): Dotted keys that override `<out>/configs/self_training.py`.
        amp (str, optional): 'float16' or 'bfloat16' for mixed precision on a GPU.
        device (str, optional): Device of the predictor, such as 'cpu'. Trainings choose the best one themselves.
        verbose (bool): Whether to show all of the log, not only one line of progress. Defaults to False.

    Raises:
        OSError, ValueError: if files or arguments cannot be used, or `out` was begun with other arguments.
        WorkDirError: if another process uses `out`, or a started stage has other settings.

    Example:
        >>> predictor = adapt(('sim/images', 'sim/labels'), 'camera', ['road', 'sidewalk', 'other'])
        >>> predictor('street.jpg').overlay()
    """
    root = _path(out)
    options = PairOptions(
        source=_folders('source', source), target=_path(target), val=val and _folders('val', val),
        labeled_target=labeled_target and _folders('labeled_target', labeled_target), out=osp.join(root, 'configs'),
        work_dir=root, classes=class_text(classes, 'classes'), preset=preset, memory=memory, iterations=iterations,
        target_classes=class_text(target_classes, 'target_classes'), rounds=rounds, from_scratch=from_scratch,
        weights=_path(weights) if weights else '', full_scan=full_scan)
    with quiet_while(verbose), _named_as_arguments():
        _write_configs(options)
        return Predictor(*_train(options, cfg_options or {}, amp), device)


def _write_configs(options: PairOptions) -> None:
    """Write the configs, unless an earlier call with the same arguments has written them."""
    path = osp.join(options.out, _ARGUMENTS)
    # more rounds are another setting of the run, not of its configs
    now = json.loads(to_json({key: value for key, value in asdict(options).items() if key not in ('rounds', 'force')}))
    before = _read(path)
    if before == now:
        return
    if before is None and osp.isdir(options.out) and os.listdir(options.out):
        raise FileExistsError(f'{options.out} has files, but not those of adapt(). Give another `out`.')
    differing = [f'{key}={now.get(key)!r} (before: {(before or {}).get(key)!r})'
                 for key in sorted({*now, *(before or {})}) if now.get(key) != (before or {}).get(key)]
    if before is not None and osp.exists(osp.join(options.work_dir, 'self_training', MANIFEST)):
        raise ValueError(f'{options.work_dir} was begun with other arguments: {", ".join(differing)}. Give another '
                         '`out`, or delete this folder to start again. Only `rounds` may change.')
    options.force = before is not None
    pair = new_pair(options)
    replace_file(path, to_json(now))
    print(_as_arguments('\n'.join([*pair.summary, '', f'Written to {options.out}. Look at sheet.png: are the labels '
                                   'right?', ''])), flush=True)


def _read(path: str) -> Optional[Dict[str, Any]]:
    """Read the arguments of an earlier call; None if there was none."""
    if not osp.exists(path):
        return None
    with open(path, encoding='utf-8') as file:
        found = json.load(file)
    return {**found, 'iterations': found['iterations'] or None}  # earlier versions wrote 0 for those of the preset


def _train(options: PairOptions, cfg_options: Mapping[str, Any], amp: Optional[str]) -> Tuple[str, str]:
    """Run all stages that are not complete, as `tools/train.py` does; return config and checkpoint of the model."""
    cfg = load_config(osp.join(options.out, 'self_training.py'),
                      cfg_options={'self_training.rounds': options.rounds, **cfg_options})
    run = run_type(cfg).from_options(cfg, amp)
    print('\n'.join([run.plan(), *run.prepare()]), flush=True)
    try:
        run.train()
    except Exception as error:
        explained = clear_error(error, cfg.work_dir, 'the same call')
        if explained:
            raise explained from error
        raise
    finally:
        clear_line()
    print('\n'.join(f'{path}: {what}' for path, what in run.outcome().items()), flush=True)
    exported = list(complete_entries(cfg.work_dir, 'export').values())
    if not exported:
        raise ValueError(f'{cfg.filename} exports no model. Add the stage `export` to self_training.stages, after the '
                         'rounds.')
    return exported[-1]['exported_config'], exported[-1]['checkpoint']


def _folders(name: str, value: Folders) -> Tuple[str, str]:
    if isinstance(value, (str, os.PathLike)) or len(value) != 2:
        raise ValueError(f'{name}={value!r}: give two folders, {name}=(IMAGES, LABELS).')
    return _path(value[0]), _path(value[1])


def _path(path: PathLike) -> str:
    return osp.abspath(osp.expanduser(os.fspath(path)))


@contextmanager
def _named_as_arguments() -> Iterator[None]:
    """Let errors name the arguments of `adapt` in place of the options of the tools."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        if len(error.args) == 1 and isinstance(error.args[0], str):
            error.args = (_as_arguments(error.args[0]), )
        raise


def _as_arguments(text: str) -> str:
    """Replace options of the tools, such as `--preset small`, by arguments, such as `preset='small'`."""
    def argument(found: 're.Match[str]') -> str:
        name = 'out' if found[1] == 'work-dir' else found[1].replace('-', '_')
        values = {None: '', 'IMAGES LABELS': '=(IMAGES, LABELS)'}
        return name + values.get(found[2], f'={found[2]!r}')

    return _OPTION.sub(argument, text)
