"""How much memory the tensors of a function take at most."""
from typing import Any, Callable, Iterable

import torch
from torch.profiler import ProfilerActivity, profile


def peak_bytes(function: Callable[[], object], device: str = 'cpu') -> int:
    """Largest memory that PyTorch's allocator has given out during one call, beyond what it had given out before.

    On the CPU the profiler reports each allocation, but not what libraries such as oneDNN take for themselves, nor that
    memory from before the call is freed: free that first.
    """
    if device == 'cuda':
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        function()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        function()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == '[memory]']
    if not events:
        raise RuntimeError(f'the profiler of torch {torch.__version__} reports no memory. Measure with another one.')
    return highest_sum(event.nbytes() for event in sorted(events, key=started))


def started(event: Any) -> int:
    """When it was; PyTorch 2.2 and before counted microseconds."""
    return event.start_ns() if hasattr(event, 'start_ns') else event.start_us()


def highest_sum(changes: Iterable[int]) -> int:
    """The highest of all sums from the first change on, at least 0."""
    highest = total = 0
    for change in changes:
        total += change
        highest = max(highest, total)
    return highest
