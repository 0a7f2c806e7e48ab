"""Files of packed samples: arrays and plain values of many samples in one file, and an index of it."""
import ast
import fcntl
import io
import marshal
import os
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from ...utils.files import replace_file

INDEX, DATA, LOCK = 'index.npy', 'data.bin', 'lock'
_KEY, _START, _LENGTH, _SUM, _PLACE = range(5)  # rows of the index
_ALIGN = 64  # bytes; arrays begin at multiples of it
_DELETE = 'Delete the folder: the next run makes it again.'


class CacheError(ValueError):
    """A cache cannot be built or used."""


class PackError(CacheError):
    """A file of packed samples is damaged."""


class PackBusyError(RuntimeError):
    """Another process is writing a file of packed samples."""


def encode(values: Mapping[str, Any]) -> np.ndarray:
    """Return the record of a sample.

    Args:
        values (Mapping): Entries of a sample: NumPy arrays, and values that Python writes as literals (numbers, texts,
            None, and tuples, lists and dicts of them).

    Returns:
        np.ndarray: (length, ) uint8, a multiple of 64 bytes.

    Raises:
        TypeError: if a value is something else; the message has its name and type.
    """
    head: List[Tuple[str, bool, Any]] = []
    arrays: List[np.ndarray] = []
    for name, value in values.items():
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            arrays.append(np.ascontiguousarray(value))
            head.append((name, True, (value.dtype.str, value.shape)))
        elif _is_literal(value):
            head.append((name, False, value))
        else:
            raise TypeError(f'`{name}` is {type(value).__name__}')
    text = repr(head).encode()
    blocks = [np.frombuffer(len(text).to_bytes(8, 'little') + text, np.uint8),
              *(array.reshape(-1).view(np.uint8) for array in arrays)]
    return np.concatenate([np.pad(block, (0, -len(block) % _ALIGN)) for block in blocks])


def decode(record: np.ndarray) -> Dict[str, Any]:
    """Return the entries of a sample from its record; its arrays are new ones, which may be changed."""
    size = int.from_bytes(record[:8].tobytes(), 'little')
    values, place = {}, _aligned(8 + size)
    for name, is_array, value in marshal.loads(_read_head(record[8:8 + size].tobytes())):
        if is_array:
            kind, shape = np.dtype(value[0]), value[1]
            end = place + kind.itemsize * int(np.prod(shape, dtype=np.int64))
            value, place = record[place:end].copy().view(kind).reshape(shape), _aligned(end)
        values[name] = value
    return values


class Pack:
    """Reads packed samples from memory-mapped files, which all processes of a machine share.

    Args:
        folder (Path): Folder that a `PackWriter` has written.

    Raises:
        PackError: if the index is damaged, or the file of samples is shorter than the index says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open()

    def _open(self) -> None:
        self._index = _read_index(self.folder, mapped=True)
        self._data: np.ndarray = np.zeros(0, np.uint8)
        if len(self):
            self._data = np.asarray(np.memmap(self.folder / DATA, np.uint8, 'r'))

    def __len__(self) -> int:
        """Return the number of samples."""
        return self._index.shape[1]

    @property
    def keys(self) -> np.ndarray:
        """Keys of the samples, (N, ) uint64, sorted."""
        return self._index[_KEY]

    def get(self, key: int) -> Optional[Dict[str, Any]]:
        """Return the entries of a sample, or None if there is no sample of this key.

        Raises:
            PackError: if the sample is damaged.
        """
        place = int(np.searchsorted(self.keys, np.uint64(key)))
        if place == len(self) or int(self.keys[place]) != key:
            return None
        start, length, wanted = (int(self._index[row, place]) for row in (_START, _LENGTH, _SUM))
        record = self._data[start:start + length]
        if _sum_of(record) != wanted:
            raise PackError(f'{self.folder / DATA} is damaged at byte {start}. {_DELETE}')
        return decode(record)

    def __getstate__(self) -> Dict[str, Any]:
        return dict(folder=self.folder)  # a worker that is not forked maps the files itself

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.folder = state['folder']
        self._open()


class PackWriter:
    """Adds samples to the files of a pack. Only one process can do this at a time; others may read meanwhile.

    Samples are only appended. They belong to the pack after `save`, which writes the index. Whatever a killed process
    has written after its last `save` is overwritten.

    Args:
        folder (Path): The folder, which is created.

    Raises:
        PackBusyError: if another process is writing.
        PackError: if the files are damaged.
        OSError: if the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock: IO[bytes] = open(folder / LOCK, 'ab')  # noqa: SIM115, open for as long as the lock is held
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise PackBusyError(f'another process is writing {folder}') from error
        except OSError:  # a file system without locks
            self._lock.close()
            raise
        self._index = _read_index(folder)
        self._added: List[Tuple[int, ...]] = []
        self._end = _end_of(self._index)
        if 2 * int(self._index[_LENGTH].sum()) <= self._end:
            self._begin_anew()
        self._data: IO[bytes] = open(folder / DATA, 'ab')  # noqa: SIM115, closed in `close`
        self._data.truncate(self._end)

    def _begin_anew(self) -> None:
        """Remove all samples if most of the file belongs to replaced ones. Other processes keep the files they read."""
        for name in (INDEX, DATA):
            (self.folder / name).unlink(missing_ok=True)
        self._index, self._end = _read_index(self.folder), 0

    @property
    def keys(self) -> np.ndarray:
        """Keys of the saved samples, (N, ) uint64, sorted."""
        return self._index[_KEY]

    def add(self, key: int, place: int, record: np.ndarray) -> None:
        """Append a sample.

        Args:
            key (int): 64 bits that identify the content of the sample.
            place (int): 64 bits that identify its files. An earlier sample of the same files is replaced.
            record (np.ndarray): Result of `encode`.
        """
        self._data.write(record.data)
        self._added.append((key, self._end, len(record), _sum_of(record), place))
        self._end += len(record)

    def save(self) -> None:
        """Write everything to disk, and then the index."""
        if not self._added:
            return
        self._data.flush()
        os.fsync(self._data.fileno())
        added = np.array(self._added, np.uint64).T
        kept = self._index[:, ~np.isin(self._index[_PLACE], added[_PLACE])]
        index = np.concatenate([kept, added], axis=1)
        self._index = np.ascontiguousarray(index[:, np.argsort(index[_KEY], kind='stable')])
        self._added = []
        content = io.BytesIO()
        np.save(content, self._index)
        replace_file(self.folder / INDEX, content.getvalue())

    def close(self) -> None:
        """Close the files, and release the lock. Samples that are not saved are lost."""
        self._data.close()
        self._lock.close()


def _read_index(folder: Path, mapped: bool = False) -> np.ndarray:
    """Return the index of a pack, (5, N) uint64, after comparing it with the file of samples; without one, N is 0."""
    path, data = folder / INDEX, folder / DATA
    if not path.exists():
        return np.zeros((5, 0), np.uint64)
    try:
        index = np.asarray(np.load(path, mmap_mode='r' if mapped else None))
    except (ValueError, EOFError) as error:
        raise PackError(f'{path} is damaged ({error}). {_DELETE}') from error
    size = os.stat(data).st_size if data.exists() else 0
    if size < _end_of(index):
        raise PackError(f'{data} has {size} bytes, but by {INDEX} beside it {_end_of(index)}. {_DELETE}')
    return index


def _end_of(index: np.ndarray) -> int:
    """Return the number of bytes of the file of samples that an index needs."""
    return int((index[_START] + index[_LENGTH]).max(initial=0))


def _sum_of(record: np.ndarray) -> int:
    """Return the sum of the 64-bit words of a record, as a check of its content that takes a few microseconds."""
    return int(record.view(np.uint64).sum(dtype=np.uint64))


@lru_cache(maxsize=16)  # samples of one size have the same head
def _read_head(text: bytes) -> bytes:
    """Read the head of a record; in a form from which copies are made quickly."""
    return marshal.dumps(ast.literal_eval(text.decode()))


def _aligned(place: int) -> int:
    return place + -place % _ALIGN


def _is_literal(value: Any) -> bool:
    """Whether Python reads exactly this value from its text."""
    if value is None or type(value) in (bool, int, str, bytes):
        return True
    if type(value) is float:
        return value == value and abs(value) != float('inf')
    if type(value) in (tuple, list):
        return all(map(_is_literal, value))
    return type(value) is dict and all(_is_literal(part) for pair in value.items() for part in pair)
