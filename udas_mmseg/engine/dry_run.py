"""Trying a training without writing anything: its first batch, some steps, a validation, memory and time."""
import math
import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.runner import Runner, set_random_seed
from torch import nn
from torch.utils.data import DataLoader

from ..datasets import PositionSampler
from ..datasets.cache import without_caches
from ..models.trained import build_untrained
from ..utils.config_dicts import config_dicts
from ..utils.progress import clock
from ..utils.randomness import seed_process
from ..visualization import grid, save_picture
from .training_samples import branches_of, draw_batch, note_mixing
from .trial_validation import first_batch, has_validation, predict_batch, score_batch, without_traces

ITERATIONS, SECONDS = 5, 20.0  # after the first one: at most so many iterations, and no other after so many seconds


@dataclass(frozen=True)
class Trial:
    """Findings of a dry run.

    Attributes:
        lines: What was found, for a reader.
        picture: The first batch, (H, W, 3) uint8 BGR.
        seconds: Estimated time of the whole training with its validations.
    """
    lines: List[str]
    picture: np.ndarray
    seconds: float


def try_training(cfg: Config) -> Trial:
    """Run the first iterations and a validation of a training in this process, without its hooks.

    Args:
        cfg (Config): Config of the training, which was checked before.

    Raises:
        ValueError: if an iteration fails, or its loss is not finite.
    """
    device = torch.device(get_device())
    seed = (cfg.get('randomness') or {}).get('seed') or 0
    set_random_seed(seed)  # as MMEngine's Runner does
    model = build_untrained(cfg)
    notes = _initialise(cfg, model)
    model = model.to(device)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    lines = [f'parameters: {describe_parameters(model)}', *notes]
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats()
    loader = _training_loader(cfg, seed)
    iterations = _iterations(cfg, loader)
    optim_wrapper.initialize_count_status(model, 0, iterations)
    picture, times, losses = _train(model, optim_wrapper, loader, seed)
    per_iteration = statistics.median(times[1:] or times)
    of_all = iterations * per_iteration
    lines.append(f'training: {losses}; {per_iteration:.3g} s an iteration on {_name(device)} (median of '
                 f'{max(1, len(times) - 1)} after the first, which took {times[0]:.3g} s)')
    if has_validation(cfg):
        with without_traces():
            of_validations, line = _validate(cfg, model, iterations)
        of_all += of_validations
        lines.append(line)
    lines += [f'memory: {_memory(device)}',
              f'whole training: {iterations} iterations, about {clock(of_all)} (h:mm:ss)']
    return Trial(lines, picture, of_all)


def save_trial_picture(path: str, pictures: Sequence[np.ndarray]) -> str:
    """Write the pictures of trials below each other; return a line about the file.

    Raises:
        OSError: if it cannot be written.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_picture(path, grid([[picture] for picture in pictures]))
    return f'{path}: the first batch, as the model gets it'


def describe_parameters(model: nn.Module) -> str:
    """Describe the number of parameters of a model and of its parts."""
    counts = {name: _count(child) for name, child in model.named_children()}
    text = f'{_count(model):,}, {_count(model, trained=True):,} of them trained'
    parts = ', '.join(f'{name} {count:,}' for name, count in counts.items() if count)
    teacher: Any = getattr(model, 'teacher', None)
    if isinstance(getattr(teacher, 'network', None), nn.Module):  # not a child, so that optimizers do not touch it
        parts += f'; besides these the teacher, {_count(teacher.network):,}, a moving average'
    return f'{text}: {parts}'


def _count(module: nn.Module, trained: bool = False) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad or not trained)


def _initialise(cfg: Config, model: nn.Module) -> List[str]:
    """Initialise the weights, except from files that would be downloaded; these are named."""
    remote = sorted({str(value) for _, part in config_dicts(cfg.model) for key, value in part.items()
                     if key in ('checkpoint', 'pretrained') and '://' in str(value)})
    if remote:
        return [f'not loaded in a dry run: {", ".join(remote)}']
    model.init_weights()
    return []


def _training_loader(cfg: Config, seed: int) -> DataLoader:
    """Build the loader, without caches, which it would write; mixed regions are recorded for the picture."""
    loader = Runner.build_dataloader(without_caches(cfg.train_dataloader), seed=seed)
    if isinstance(loader.sampler, PositionSampler):
        loader.sampler.start_at(seed, 0)
    for stream in branches_of(loader.dataset, 'train').values():
        note_mixing(stream)
    return loader


def _iterations(cfg: Config, loader: DataLoader) -> int:
    train_cfg = cfg.train_cfg
    return int(train_cfg.get('max_iters') or train_cfg.max_epochs * len(loader))


def _train(model: nn.Module, optim_wrapper: OptimWrapper, loader: DataLoader,
           seed: int) -> Tuple[np.ndarray, List[float], str]:
    """Run some iterations; a picture of the first batch, seconds of each iteration, and the first losses."""
    times: List[float] = []
    picture, losses = np.zeros((1, 1, 3), np.uint8), ''
    model.train()
    hub = MessageHub.get_current_instance()  # models read the iteration here
    for number, (batch, loading) in enumerate(_timed(loader)):
        if number == 0:
            picture = draw_batch(batch, loader.dataset)
        start = time.perf_counter()
        seed_process(seed, 'iteration', number, 0)
        hub.update_info('iter', number)
        try:
            logs = model.train_step(batch, optim_wrapper=optim_wrapper)
            values = {name: float(torch.as_tensor(value).detach()) for name, value in logs.items()}
        except Exception as error:  # any model may fail in its own way
            raise ValueError(f'iteration {number + 1} of the training fails: {_describe(error)}') from error
        times.append(loading + time.perf_counter() - start)
        wrong = {name: value for name, value in values.items() if 'loss' in name and not math.isfinite(value)}
        if wrong:
            raise ValueError(f'the loss is not finite at iteration {number + 1}: {wrong}. Use a smaller learning rate '
                             'or gradient clipping (optim_wrapper.clip_grad).')
        losses = losses or f'loss {values.get("loss", sum(v for n, v in values.items() if "loss" in n)):.4g}'
        if len(times) > ITERATIONS or (len(times) > 1 and sum(times) > SECONDS):
            break
    hub.update_info('iter', 0)
    return picture, times, losses


def _timed(loader: DataLoader) -> Iterator[Tuple[Any, float]]:
    """Iterate over batches, each with the seconds for which the training waits for it."""
    start = time.perf_counter()
    for batch in loader:
        yield batch, time.perf_counter() - start
        start = time.perf_counter()


def _validate(cfg: Config, model: nn.Module, iterations: int) -> Tuple[float, str]:
    """Validate one batch; the estimated seconds of all validations, and a description."""
    batch, metainfo, count = first_batch(cfg)
    predict_batch(cfg, model, batch)  # the first one may take longer
    start = time.perf_counter()
    score_batch(cfg, predict_batch(cfg, model, batch), batch, metainfo)
    per_image = (time.perf_counter() - start) / len(batch['inputs'])
    times = _validations(cfg, iterations)
    of_all = times * count * per_image
    noun = 'validation' if times == 1 else 'validations'
    return of_all, f'validation: {per_image:.3g} s an image; {times} {noun} of {count} images, about {clock(of_all)}'


def _validations(cfg: Config, iterations: int) -> int:
    """Return how often a training is validated: every `val_interval`, and at the end."""
    train_cfg = cfg.train_cfg
    by_epoch = 'max_iters' not in train_cfg
    end = train_cfg.max_epochs if by_epoch else iterations
    interval, begin = train_cfg.get('val_interval', 1 if by_epoch else 1000), train_cfg.get('val_begin', 1)
    regular = end // interval - (begin - 1) // interval
    return max(0, regular) + (end % interval != 0 and end >= begin)


def _memory(device: torch.device) -> str:
    if device.type == 'cuda':
        return (f'{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB on the GPU (peak of all tensors, measured), '
                f'{torch.cuda.max_memory_reserved() / 2**30:.2f} GiB reserved')
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (f'{peak:.2f} GiB, the peak of this process until now (measured, with all libraries, without workers of the '
            'data loader). On a GPU, it is another amount')


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == 'cuda' else 'the CPU'


def _describe(error: Exception) -> str:
    """Return the type and text of an error, and the line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f' ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})' if trace else ''
    return f'{type(error).__name__}: {" ".join(str(error).split())}{place}'
