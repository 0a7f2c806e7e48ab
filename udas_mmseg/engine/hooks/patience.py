"""Counting for how long something goes wrong in a training, and saying so."""
from mmengine.runner import Runner

_ACTIONS = ('warn', 'stop')


class Patience:
    """Counts the iterations in which something goes wrong without interruption, for hooks that warn or stop then.

    Args:
        name (str): Name of the hook.
        iterations (int): Number of iterations after which it is reported, and then again.
        interval (int): Number of iterations that are looked at together, at least 1 and at most `iterations`.
        action (str): 'warn' (in the log) or 'stop' (with an error).

    Raises:
        ValueError: if an argument is not allowed.
    """

    def __init__(self, name: str, iterations: int, interval: int, action: str) -> None:
        if not 1 <= interval <= iterations:
            raise ValueError(f'{name}: interval={interval} and patience={iterations}: the interval must be at least 1 '
                             'and at most the patience.')
        if action not in _ACTIONS:
            raise ValueError(f'{name}: action={action!r}; allowed are {_ACTIONS}.')
        self.name = name
        self.iterations = iterations
        self.interval = interval
        self.action = action
        self._count = 0

    def reset(self) -> None:
        """Begin to count anew."""
        self._count = 0

    def is_exhausted(self, is_wrong: bool) -> bool:
        """Add an interval. Returns whether there were `iterations` wrong ones, after which the count begins anew."""
        self._count = self._count + self.interval if is_wrong else 0
        if self._count < self.iterations:
            return False
        self._count = 0
        return True

    def report(self, runner: Runner, message: str) -> None:
        """Warn or stop.

        Raises:
            RuntimeError: with `action='stop'`.
        """
        if self.action == 'stop':
            raise RuntimeError(f'Stopped at iteration {runner.iter + 1}: {message}')
        runner.logger.warning(f'{self.name}: {message}')
