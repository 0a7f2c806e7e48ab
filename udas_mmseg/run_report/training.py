"""Reading the folder of a training: its curves, its config, its environment and its time."""
import json
import math
import os
import os.path as osp
import re
from datetime import datetime
from glob import escape, glob
from typing import Any, Dict, List, Mapping, Optional, Tuple

from mmengine.config import Config

from ..engine.launch import load_config
from .record import ModelRecord, RunRecord

Curve = List[Tuple[int, float]]
_LAST = 'last_checkpoint'  # MMEngine's name
_RESULTS, _STAGE_CONFIG = 'results.json', 'config.py'  # written by tools/compare.py, and by the stages of self-training
_NO_CURVE = ('iter', 'step', 'epoch', 'time', 'data_time', 'memory', 'base_lr')
_NO_SCORE = ('time', 'data_time')
_ENVIRONMENT = re.compile(r'^ {4}(GPU [\d,]+|Python|PyTorch|TorchVision|OpenCV|MMEngine): ([^\n(]*)', re.MULTILINE)
_NAMES = dict(Python='python', PyTorch='torch', TorchVision='torchvision', OpenCV='opencv', MMEngine='mmengine')
_TIME = '%Y/%m/%d %H:%M:%S'


def is_training(folder: str) -> bool:
    """Whether a folder is the work directory of a training that has written a checkpoint."""
    return osp.isfile(osp.join(folder, _LAST)) and bool(_starts(folder, '*.log'))


def read_curves(folder: str) -> Dict[str, Curve]:
    """Read the curves of a training that may have been resumed.

    Args:
        folder (str): Work directory of the training.

    Returns:
        dict: Name -> (iteration, value) by iteration, such as 'loss', 'lr', 'val/mIoU'. Values that are not finite are
        left out, as are times. After a resumption, its values replace those of the same iterations.
    """
    found: Dict[str, Dict[int, float]] = {}
    for path in _starts(folder, 'vis_data', 'scalars.json'):
        for line in _lines(path):
            is_score = 'iter' not in line
            for key, value in line.items():
                if key not in _NO_CURVE and isinstance(value, (int, float)) and math.isfinite(value):
                    found.setdefault(f'val/{key}' if is_score else key, {})[int(line['step'])] = float(value)
    return {key: sorted(points.items()) for key, points in found.items()}


def read_environment(folder: str) -> Dict[str, str]:
    """Return the software and hardware that the log of the last start names, such as 'torch' and 'GPU 0'."""
    logs = _starts(folder, '*.log')
    if not logs:
        return {}
    with open(logs[-1], errors='replace') as file:
        head = file.read(20000)
    found = _ENVIRONMENT.findall(head.split('Config:')[0])
    return {_NAMES.get(name, name): value.strip() for name, value in found if value.strip()}


def read_seconds(folder: str) -> Optional[float]:
    """Return the time between the first and the last line of the log, over all starts; None without a log."""
    total = None
    for log in _starts(folder, '*.log'):
        with open(log, errors='replace') as file:
            times = re.findall(r'^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d', file.read(), re.MULTILINE)
        if times:
            first, last = (datetime.strptime(time, _TIME) for time in (times[0], times[-1]))
            total = (total or 0) + (last - first).total_seconds()
    return total


def config_path(folder: str) -> str:
    """Return the path of the complete config that a training wrote into its folder; '' if there is none."""
    of_stage = osp.join(folder, _STAGE_CONFIG)
    if osp.isfile(of_stage):
        return of_stage
    return max(glob(osp.join(escape(folder), '*.py')), key=os.path.getmtime, default='')


def read_config(folder: str) -> Optional[Config]:
    """Read the complete config of a training; None if it is missing or cannot be read here."""
    path = config_path(folder)
    try:
        return load_config(path) if path else None
    except Exception:  # a config of another version, or with an import that does not exist any more
        return None


def read_training(folder: str) -> RunRecord:
    """Read the work directory of a single training; with `results.json` of `tools/compare.py` if there is one.

    Raises:
        OSError: if the training has not written a checkpoint yet.
    """
    results = _json(osp.join(folder, _RESULTS))
    result: Mapping[str, Any] = results[0] if results else {}
    cfg, path = read_config(folder), config_path(folder)
    checkpoint = _last_checkpoint(folder)
    metrics = result.get('metrics') or _last_scores(folder)
    seconds = result['seconds'] if 'seconds' in result else read_seconds(folder)
    seed = result['seed'] if 'seed' in result else ((cfg or {}).get('randomness') or {}).get('seed')
    of_config = '' if osp.basename(path) == _STAGE_CONFIG else osp.splitext(osp.basename(path))[0]
    name = result.get('name') or of_config or osp.basename(osp.normpath(folder))
    return RunRecord(name, folder, seed, (ModelRecord('', folder, path, checkpoint, metrics, seconds), ),
                     versions={**read_environment(folder), **result.get('versions', {})})


def find_checkpoint(path: str, folder: str) -> str:
    """Return the path of a checkpoint, or that of the same file in a folder if its work directory was moved."""
    here = osp.join(folder, osp.basename(path))
    return path if osp.isfile(path) or not osp.isfile(here) else here


def _last_scores(folder: str) -> Dict[str, float]:
    """Return the scores of the last validation."""
    last: Dict[str, float] = {}
    for path in _starts(folder, 'vis_data', 'scalars.json'):
        for line in _lines(path):
            if 'iter' not in line:
                last = {key: value for key, value in line.items() if key not in (*_NO_CURVE, *_NO_SCORE)}
    return last


def _last_checkpoint(folder: str) -> str:
    with open(osp.join(folder, _LAST)) as file:
        return find_checkpoint(file.read().strip(), folder)


def _starts(folder: str, *parts: str) -> List[str]:
    """Return a file of each start of a training, in order: MMEngine names their folders by the time."""
    return sorted(glob(osp.join(escape(folder), '[0-9]*', *parts)))


def _lines(path: str) -> List[Dict[str, Any]]:
    """Read a file with a JSON object in each line; the last line may be incomplete if the process was killed."""
    found = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return [line for line in found if isinstance(line, dict) and 'step' in line]


def _json(path: str) -> Any:
    if not osp.isfile(path):
        return None
    with open(path, encoding='utf-8') as file:
        return json.load(file)
