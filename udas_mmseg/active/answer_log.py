"""The file with one line for each answer of a person, which is only appended to."""
import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Dict, Iterator, List, Sequence


@dataclass(frozen=True)
class Answer:
    """The answer for one unit.

    Attributes:
        image (str): Name of the image.
        unit (int): Number of the unit in the image, 1 or more.
        pixels (dict[int, int]): Number of pixels by train id. Empty if the person left the unit out.
        clicks (int): What the answer has cost.
        by (str): Who answered.
        at (str): When, in UTC, such as '2026-01-31T12:00:00+00:00'.
        tool (str): The program, such as 'label-studio'.
    """
    image: str
    unit: int
    pixels: Dict[int, int]
    clicks: int
    by: str
    at: str
    tool: str


class AnswerLog:
    """Lines of JSON, one for each `Answer`. Lines are appended and never changed; the later one of a unit counts.

    A line that a killed process or a full disk left unfinished is ignored, and cut off before the next line is written.
    Several processes may append at the same time.

    Args:
        path (Path): The file. It is created with the first answer.

    Attributes:
        answers (list[Answer]): All answers that were read so far, in the order of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.answers = path, []  # type: Path, List[Answer]
        self._latest: Dict[str, Dict[int, Answer]] = {}
        self._of_image: Dict[str, List[Answer]] = {}
        self._read = 0  # bytes
        self.update()

    @property
    def latest(self) -> List[Answer]:
        """The answers that count: the last one of each unit."""
        return [answer for answers in self._latest.values() for answer in answers.values()]

    def of(self, image: str) -> Dict[int, Answer]:
        """Return the last answer for each unit of an image that has one."""
        return self._latest.get(image, {})

    def knows(self, answer: Answer) -> bool:
        """Whether an answer was given before, even if another one came later."""
        return answer in self._of_image.get(answer.image, [])

    def update(self) -> None:
        """Read the lines that other processes have appended.

        Raises:
            ValueError: if a line is damaged; the message has its number.
        """
        if self.path.is_file():
            with open(self.path, 'rb') as file:
                self._read_new(file)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Run a block in which no other process appends answers, and which has seen all of them."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, 'ab') as lock:
            with contextlib.suppress(OSError):  # some network file systems have no locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            self.update()
            yield

    def append(self, answers: Sequence[Answer]) -> None:
        """Append answers. Call it in a block of `locked`.

        Raises:
            OSError: if they cannot be written. The file is as before in this case.
        """
        text = ''.join(json.dumps(asdict(answer)) + '\n' for answer in answers)
        with open(self.path, 'r+b', buffering=0) as file:
            file.truncate(self._read)  # an unfinished line
            file.seek(self._read)
            try:
                rest = memoryview(text.encode())
                while rest:
                    rest = rest[file.write(rest):]
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(self._read)
                raise
        self.update()

    def _read_new(self, file: BinaryIO) -> None:
        file.seek(self._read)
        for line in file.read().split(b'\n')[:-1]:
            try:
                entry = json.loads(line)
                pixels = {int(label): int(count) for label, count in entry.pop('pixels').items()}
                answer = Answer(pixels=pixels, **entry)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f'{self.path}: line {len(self.answers) + 1} is damaged ({error}). Restore the file, '
                                 'or delete this line: its unit then has no answer.') from error
            self.answers.append(answer)
            self._latest.setdefault(answer.image, {})[answer.unit] = answer
            self._of_image.setdefault(answer.image, []).append(answer)
            self._read += len(line) + 1
