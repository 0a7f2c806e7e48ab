"""Training and scoring a config in a folder of its own, once."""
import json
import os
import os.path as osp
import shlex
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from ..engine.config_run import run_type
from ..engine.launch import has_checkpoint, load_config
from ..utils.files import replace_file, to_json
from ..utils.versions import versions
from .commands import run_command, tool_command

RESULTS = 'results.json'  # file in the folder of a finished run
CLAIM = 'config_digest.txt'


def claim_folder(folder: str, digest: str, config: str, remedy: str) -> None:
    """Record what is made in a folder, or refuse a folder that was begun with something else.

    Args:
        folder (str): The folder, which is created if it does not exist.
        digest (str): Digest of everything that affects the result.
        config (str): Path of the config, for the message.
        remedy (str): The option with which another folder is chosen.

    Raises:
        RuntimeError: if the digest is another one than before.
    """
    os.makedirs(folder, exist_ok=True)
    note = osp.join(folder, CLAIM)
    if not osp.exists(note):
        replace_file(Path(note), digest.encode())
    with open(note) as file:
        if file.read() != digest:
            raise RuntimeError(f'{folder} was started with another version of {config}. Delete it, or choose another '
                               f'{remedy}.')


def read_results(folder: str) -> Optional[List[Dict[str, Any]]]:
    """Read the results of a finished run; None if it is not finished."""
    path = osp.join(folder, RESULTS)
    if not osp.exists(path):
        return None
    with open(path) as file:
        return json.load(file)


def write_results(folder: str, results: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Write the results of a finished run, and return them."""
    replace_file(Path(folder, RESULTS), to_json(results))
    return list(results)


def train_arguments(config: str, seed: int, options: Sequence[str], amp: Optional[str] = None) -> List[str]:
    """Return the arguments of `tools/train.py` that determine a training; see `train_and_score`."""
    return [config, *(['--amp', amp] if amp else []), '--cfg-options', f'randomness.seed={seed}', *options]


def train_and_score(config: str, folder: str, seed: int, options: Sequence[str], *, name: str, digest: str,
                    amp: Optional[str] = None, remedy: str = '--out', scored: bool = True) -> List[Dict[str, Any]]:
    """Train and score a config, or read the results of an earlier call. An interrupted training is continued.

    Args:
        config (str): Path of the config.
        folder (str): Work directory of the training, which gets `results.json` at the end.
        seed (int): Seed.
        options (Sequence[str]): Options as KEY=VALUE.
        name (str): Name in tables.
        digest (str): Digest of everything that affects the result.
        amp (str, optional): 'float16' or 'bfloat16' for mixed precision in the training. Defaults to None.
        remedy (str): See `claim_folder`. Defaults to '--out'.
        scored (bool): Whether the model is scored, in contrast to a translator. Defaults to True.

    Returns:
        list[dict]: The run, with `name`, `seed`, `metrics` (percent), `seconds`, `checkpoint`, `command` and
        `versions`; if it trains several models, as in self-training, an entry for each model.

    Raises:
        RuntimeError: if the folder has another run, or a command fails.
    """
    claim_folder(folder, digest, config, remedy)
    found = read_results(folder)
    if found is not None:
        return found
    arguments = train_arguments(config, seed, options, amp)
    resume = ['--resume'] if has_checkpoint(folder) else []
    seconds = run_command(tool_command('train.py', '--work-dir', folder, *resume, *arguments),
                          osp.join(folder, 'train.txt'), osp.join(folder, 'seconds.txt'), f'{name}, seed {seed}')
    common = dict(seed=seed, config_digest=digest, versions=versions(),
                  command=f'python tools/train.py {shlex.join(arguments)}')
    results = []
    for model, trained in run_type(load_config(config)).results(folder).items():
        metrics = trained.get('metrics') or {}
        if scored and not metrics:
            metrics = score(config, trained['checkpoint'], folder, [f'randomness.seed={seed}', *options], name)
        results.append(dict(common, name=f'{name}: {model}' if model else name, metrics=metrics, model=model,
                            seconds=trained.get('seconds', seconds), checkpoint=trained['checkpoint']))
    return write_results(folder, results)


def score(config: str, checkpoint: str, folder: str, options: Sequence[str], name: str) -> Dict[str, float]:
    """Compute the metrics of a trained model with `tools/test.py`."""
    metrics = osp.join(folder, 'metrics.json')
    run_command(tool_command('test.py', config, checkpoint, '--work-dir', osp.join(folder, 'test'), '--json', metrics,
                             '--cfg-options', *options),
                osp.join(folder, 'test.txt'), osp.join(folder, 'test_seconds.txt'), f'{name}, scores')
    with open(metrics) as file:
        return json.load(file)
