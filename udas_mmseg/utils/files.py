"""Files that are there whole or not at all."""
import json
import os
import uuid
from pathlib import Path
from typing import Any, Mapping, Union

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


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step, in a folder that is made if need be; several processes may do so at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.{uuid.uuid4().hex}.part')  # a file of this process alone
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def to_json(content: Mapping[str, Any]) -> bytes:
    """An index as it is written."""
    return json.dumps(content, indent=2).encode() + b'\n'
