"""Files that are there whole or not at all."""
import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend


@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """MMEngine's local file backend, writing to a temporary name and renaming.

    MMEngine overwrites in place: a kill or a full disk while a checkpoint is written leaves half a file, and
    `save_best` writes the last checkpoint a second time. Used by `default_hooks.checkpoint` of the configs here.

    Example:
        >>> checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=5000, backend_args=dict(backend='atomic'))
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes; a file of that name is replaced in one step.

        Args:
            obj (bytes): What to write.
            filepath (str | Path): Where.

        Raises:
            OSError: if it cannot be written; the file that was there is unchanged.
        """
        part = f'{filepath}.part'
        try:
            super().put(obj, part)
            os.replace(part, filepath)
        finally:
            Path(part).unlink(missing_ok=True)
