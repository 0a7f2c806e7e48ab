"""TensorBoard where it is installed."""
from typing import Any, Callable

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.visualization import TensorboardVisBackend
from mmseg.registry import VISBACKENDS


@VISBACKENDS.register_module()
class OptionalTensorboardVisBackend(TensorboardVisBackend):
    """MMEngine's `TensorboardVisBackend`, which does nothing where TensorBoard cannot be imported.

    It can therefore stand in a config that others use: `TensorboardVisBackend` itself stops a run on a machine without
    TensorBoard. What is missing is said once, in the log. The event file is begun with the first curve or picture, so
    that a run that only tests a model leaves none.

    Args:
        save_dir (str): Folder for the event file.

    Example:
        >>> visualizer = dict(vis_backends=[dict(type='LocalVisBackend'), dict(type='OptionalTensorboardVisBackend')])
    """

    def add_config(self, config: Config, **kwargs: Any) -> None:
        """Nothing: `LocalVisBackend` writes the config to a file beside this one, and formatting it is slow."""

    def _init_env(self) -> None:
        try:
            super()._init_env()
        except Exception as error:  # an old TensorBoard beside a new NumPy or protobuf raises others than ImportError
            self._tensorboard = _NoWriter()
            MMLogger.get_current_instance().warning(
                f'No TensorBoard files are written: {type(error).__name__}: {str(error).partition(chr(10))[0]} '
                'Curves and pictures are in vis_data of the work directory all the same. Fix: pip install tensorboard')


class _NoWriter:
    """Takes what a `SummaryWriter` takes, and forgets it."""

    def __getattr__(self, name: str) -> Callable[..., None]:

        def forget(*args: Any, **kwargs: Any) -> None:
            """Nothing."""

        return forget
