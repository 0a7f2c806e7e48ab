"""A visualization backend for TensorBoard that is optional."""
from typing import Any, Callable

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.visualization import TensorboardVisBackend
from mmseg.registry import VISBACKENDS


@VISBACKENDS.register_module()
class OptionalTensorboardVisBackend(TensorboardVisBackend):
    """MMEngine's `TensorboardVisBackend`, which does nothing if TensorBoard cannot be imported.

    A config with this backend therefore works on every machine, while `TensorboardVisBackend` stops a run on a machine
    without TensorBoard. A missing TensorBoard is logged once. The event file is created with the first curve or
    picture, so that a run that only tests a model does not create one.

    Args:
        save_dir (str): Folder for the event file.

    Example:
        >>> visualizer = dict(vis_backends=[dict(type='LocalVisBackend'), dict(type='OptionalTensorboardVisBackend')])
    """

    def add_config(self, config: Config, **kwargs: Any) -> None:
        """Do nothing: `LocalVisBackend` already writes the config to a file, and formatting it is slow."""

    def _init_env(self) -> None:
        try:
            super()._init_env()
        except Exception as error:  # an old TensorBoard with a new NumPy or protobuf does not raise ImportError
            self._tensorboard = _NoWriter()
            MMLogger.get_current_instance().warning(
                f'No TensorBoard files are written: {type(error).__name__}: {str(error).partition(chr(10))[0]} '
                'Curves and pictures are still written to vis_data of the work directory. Fix: pip install tensorboard')


class _NoWriter:
    """Accepts all calls of a `SummaryWriter` and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:

        def forget(*args: Any, **kwargs: Any) -> None:
            """Nothing."""

        return forget
