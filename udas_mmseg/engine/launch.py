"""Loading a config and building its Runner, for `tools/train.py` and `tools/test.py`."""
import atexit
import contextlib
import os
import os.path as osp
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Union

import torch
import torch.distributed as torch_dist
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.registry import MODEL_WRAPPERS, RUNNERS, init_default_scope
from mmengine.runner import Runner
from torch.nn.parallel import DistributedDataParallel

from ..datasets.budget_key import apply_budget, merge_options
from ..datasets.left_out import fill_left_out
from ..utils.console import is_quiet
from ..utils.project import find_config
from ..utils.watchdog import HANG_LIMIT, is_watching, start_watchdog
from .hooks import CheckClassIdsHook, WatchHook
from .memory import apply_memory
from .quiet_runner import QuietRunner
from .slurm import describe_process


def load_config(path: str, work_dir: Optional[str] = None, cfg_options: Optional[Dict[str, Any]] = None) -> Config:
    """Read a config file, set its default scope, apply its `budget` and `memory`, and fill in what it leaves out.

    See `apply_budget`, `apply_memory` and `fill_left_out`.

    Args:
        path (str): Path of the config file, see `find_config`.
        work_dir (str, optional): Folder for the results. Defaults to the config's `work_dir`, or else
            `work_dirs/<config_name>`, with `_<budget>` if the options set another budget than the file.
        cfg_options (dict, optional): Dotted keys to override.

    Raises:
        FileNotFoundError: if the file does not exist.
        ImportError: if one of its `custom_imports` fails; the message has the reason.
        ValueError: if `budget` is invalid or has no effect, or an option contradicts it, see `merge_options`.
    """
    path = find_config(path)
    try:
        cfg = Config.fromfile(path)
    except ImportError as error:  # of a custom import: MMEngine's message does not have the reason
        reason: BaseException = error
        while isinstance(reason.__context__, ImportError):
            reason = reason.__context__
        raise reason from None
    init_default_scope(cfg.get('default_scope') or 'mmseg')  # for objects that are built before the Runner
    name = config_name(path)
    if 'self_training' not in cfg:  # the stages of self-training have their own configs
        apply_budget(cfg)
    if cfg_options:
        in_file = cfg.get('budget')
        merge_options(cfg, cfg_options)
        if cfg.get('budget') != in_file:  # each budget has its own folder
            name += f'_{cfg.budget}'.replace('/', '-')
    if 'self_training' not in cfg:
        fill_left_out(cfg)
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = osp.join('work_dirs', name)
    fit_machine(cfg)
    return cfg


def fit_machine(cfg: Config) -> None:
    """Call `fit_workers` and, unless each stage has its own config, `apply_memory`."""
    fit_workers(cfg)
    if 'self_training' not in cfg:
        apply_memory(cfg)


def fit_workers(cfg: Config) -> None:
    """Remove settings of loader workers, in place, from loaders that have none; torch would refuse them.

    So `train_dataloader.num_workers=0` is enough to load data in the main process.
    """
    for key, loader in cfg.items():
        if key.endswith('_dataloader') and loader and loader.get('num_workers') == 0:
            for setting in ('persistent_workers', 'prefetch_factor', 'multiprocessing_context', 'timeout'):
                loader.pop(setting, None)


def config_name(path: str) -> str:
    """Return the name of a config: its path below `configs/`, or only the name of its file, without the suffix.

    Example:
        >>> config_name('configs/demo/source_only.py')
        'demo/source_only'
    """
    parts = osp.splitext(osp.abspath(path))[0].split(os.sep)
    below = parts[len(parts) - parts[::-1].index('configs'):] if 'configs' in parts else parts[-1:]
    return osp.join(*below)


def enable_amp(cfg: Config, dtype: str = 'float16') -> None:
    """Enable automatic mixed precision for all optimizers of a config.

    Args:
        cfg (Config): Config to change in place: every `OptimWrapper` in `optim_wrapper` becomes an `AmpOptimWrapper`
            or, without a GPU, a `CPUBFloat16OptimWrapper`, together with a `FastConvHook`.
        dtype (str): 'float16' (with dynamic loss scaling) or 'bfloat16'. Defaults to 'float16'.

    Raises:
        RuntimeError: for float16 without a GPU.
        ValueError: if the config uses another wrapper.
    """
    on_gpu = torch.cuda.is_available()
    if not on_gpu and dtype != 'bfloat16':
        raise RuntimeError('--amp needs a CUDA device, and torch sees none. Train without --amp, run `python '
                           'tools/doctor.py`, or use `--amp bfloat16`, which also works on CPUs.')
    for wrapper in _optim_wrappers(cfg.optim_wrapper):
        kind = wrapper.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper', 'CPUBFloat16OptimWrapper'):
            raise ValueError(f'--amp supports OptimWrapper and AmpOptimWrapper, but the config uses {kind}. Set its '
                             'precision in the config instead.')
        if not on_gpu:
            for key in ('dtype', 'loss_scale'):  # of an `AmpOptimWrapper`
                wrapper.pop(key, None)
            wrapper.update(type='CPUBFloat16OptimWrapper')
            continue
        wrapper.update(type='AmpOptimWrapper', dtype=dtype)
        if dtype == 'float16':
            wrapper.setdefault('loss_scale', 'dynamic')
    fast = dict(type='FastConvHook')
    if not on_gpu and fast not in cfg.get('custom_hooks', []):
        cfg.custom_hooks = [*cfg.get('custom_hooks', []), fast]


def _optim_wrappers(cfg: dict) -> Iterator[dict]:
    """Iterate over the configs of the optimizer wrappers: one, or one for each child of the model."""
    if 'optimizer' in cfg:
        yield cfg
    else:
        yield from (child for child in cfg.values() if isinstance(child, dict) and 'optimizer' in child)


def init_distributed(cfg: Config, launcher: str) -> None:
    """Set up a run in several processes, with or without GPUs.

    MMEngine's own set-up calls `torch.cuda.set_device` and passes `device_ids` to DDP. Both fail without a GPU. In this
    case, this function opens the process group with gloo, and the Runner uses it.

    With 'pytorch' and 'slurm', a watchdog ends all processes if one of them has failed or hangs, see `hang_limit` in
    docs/recipes.md.

    Args:
        cfg (Config): Config to change in place: `launcher`, and without a GPU also `model_wrapper_cfg` and `sync_bn`.
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'.

    Raises:
        ValueError: for 'slurm', if `srun` did not start the process, for 'mpi' without a GPU, and for an invalid
            `hang_limit`.
    """
    cfg.launcher = launcher
    describe_process(launcher)
    if launcher == 'mpi' and not torch.cuda.is_available():
        raise ValueError('--launcher mpi needs CUDA devices, and torch sees none. Take torchrun and --launcher '
                         'pytorch.')
    if launcher != 'none' and not torch.cuda.is_available():
        _init_on_cpus(cfg)
    if launcher in ('pytorch', 'slurm'):
        start_watchdog(cfg.get('hang_limit', HANG_LIMIT))


def _init_on_cpus(cfg: Config) -> None:
    """Open the process group with gloo, and let the Runner use it; see `init_distributed`."""
    if not torch_dist.is_initialized():
        with _naming_a_busy_port():
            torch_dist.init_process_group('gloo')
        atexit.register(_close_process_group)
    wrapper = cfg.get('model_wrapper_cfg') or dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False))
    if issubclass(MODEL_WRAPPERS.get(wrapper.get('type', 'MMDistributedDataParallel')), DistributedDataParallel):
        wrapper['device_ids'] = None
    cfg.model_wrapper_cfg = wrapper
    if cfg.get('sync_bn'):
        cfg.sync_bn = None  # torch's SyncBatchNorm works on GPUs only


def start_processes(cfg: Config, launcher: str) -> None:
    """Call `init_distributed` for long work without a Runner, such as labelling and translation.

    Args:
        cfg (Config): Config to change in place, see `init_distributed`.
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'.

    Raises:
        ValueError: if several processes were started, but the launcher does not connect them.
    """
    started = int(os.environ.get('WORLD_SIZE', 1))
    if launcher == 'none' and started > 1:
        raise ValueError(f'{started} processes were started, and each would do all of the work. Add --launcher '
                         'pytorch.')
    init_distributed(cfg, launcher)
    if launcher != 'none' and torch.cuda.is_available() and not torch_dist.is_initialized():
        # the processes wait for each other at the end: the slowest may need longer than NCCL's 10 minutes
        options = dict(backend='nccl', timeout=24 * 3600)
        with _naming_a_busy_port():
            init_dist(launcher, **{**options, **(cfg.get('env_cfg') or {}).get('dist_cfg', {})})


@contextlib.contextmanager
def _naming_a_busy_port() -> Iterator[None]:
    """Explain torch's error if another process uses the port at which the processes should meet."""
    try:
        yield
    except RuntimeError as error:
        if 'EADDRINUSE' not in str(error):
            raise
        raise RuntimeError(f'port {os.environ.get("MASTER_PORT")} of this machine (MASTER_PORT) is used by another '
                           'process, perhaps by another training. Start the run with tools/dist_train.sh or `torchrun '
                           '--standalone`, which take a free port, or set MASTER_PORT to one.') from error


def _close_process_group() -> None:
    """Close the process group. If it is still open at the interpreter's exit, gloo's threads may abort the process."""
    if torch_dist.is_initialized():
        torch_dist.destroy_process_group()


def mend_last_checkpoint(work_dir: str) -> None:
    """Write the name of the newest checkpoint to `last_checkpoint` if the name in it does not exist.

    MMEngine writes this file in place. If the process is killed at that moment, the file is empty, and resuming would
    fail.

    Args:
        work_dir (str): Work directory of a run whose checkpoints are named `iter_<n>.pth`.
    """
    pointer = Path(work_dir, 'last_checkpoint')
    if not pointer.exists() or Path(pointer.read_text().strip() or 'none').is_file():
        return
    found = sorted(Path(work_dir).glob('iter_*.pth'), key=lambda path: int(path.stem[len('iter_'):]))
    if found:
        pointer.write_text(str(found[-1]))
    else:
        pointer.unlink()


def has_checkpoint(work_dir: str) -> bool:
    """Whether a work directory has a checkpoint from which a run can be resumed."""
    mend_last_checkpoint(work_dir)
    return osp.exists(osp.join(work_dir, 'last_checkpoint'))


def prepare_resume(cfg: Config, resume: Union[bool, str]) -> None:
    """Let a run continue from a checkpoint.

    Args:
        cfg (Config): Changed in place: `resume` and `load_from`.
        resume (bool | str): The path of the checkpoint; True for the last one in the work directory; False to begin as
            the config says.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
    """
    found = has_checkpoint(cfg.work_dir)
    if isinstance(resume, str):
        if '://' not in resume and not osp.isfile(resume):
            raise FileNotFoundError(f'--resume {resume}: this checkpoint does not exist (looked in '
                                    f'{osp.abspath(osp.curdir)}).')
        cfg.resume, cfg.load_from = True, resume
    elif resume:
        if not found:
            raise FileNotFoundError(f'--resume: there is no checkpoint in {cfg.work_dir}, so there is nothing to '
                                    'continue. Leave out --resume to begin at iteration 0, or give the checkpoint of '
                                    'an interrupted training: --resume PATH.')
        cfg.resume, cfg.load_from = True, None  # MMEngine would resume from `load_from`


def build_runner(cfg: Config) -> Runner:
    """Build the Runner of a config: MMEngine's, or the registered one that `runner_type` names.

    After `quiet_console`, MMEngine's Runner shows a line of progress on the console, and its log only in the file.
    `CheckClassIdsHook` is added to it, and in several processes `WatchHook`.
    """
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    runner = (QuietRunner if is_quiet() else Runner).from_cfg(cfg)
    runner.register_hook(CheckClassIdsHook())
    if is_watching():
        runner.register_hook(WatchHook())
    return runner


