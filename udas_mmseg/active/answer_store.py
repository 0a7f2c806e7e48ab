"""The answers of a round, and the labels that result from them."""
from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Union

import numpy as np

from ..datasets.answered import LABELS, SELECTION
from ..datasets.class_ids import check_class_ids
from ..datasets.label_files import read_label
from ..datasets.label_maps import IGNORE
from ..pseudo_labels.writer import encode_png
from ..utils.files import replace_file
from .answer_log import Answer, AnswerLog
from .selection_set import Selection

Label = Union[int, str, np.ndarray]


class Stored(NamedTuple):
    """An answer that was given to `AnswerStore`, and whether it was stored.

    Attributes:
        answer: The answer.
        conflict: Description of the disagreement with an earlier answer, which the new one replaces; '' if none.
        is_new: False if the same answer was stored before; it is not stored again.
    """
    answer: Answer
    conflict: str
    is_new: bool


class AnswerStore:
    """The answers of a round.

    `<folder>/answers.jsonl` has a line for each answer, and `<folder>/labels/<name>.png` the labels of this and all
    earlier rounds (`../round_<number>`), 255 where there is none. Labels of earlier rounds are added when the store is
    opened.

    Args:
        selection (Selection): The selection of the round, which was read or written.

    Attributes:
        earlier (AnswerStore | None): The store of the round before.
        log (AnswerLog): All answers of this round.
        labels (Path): Folder of the labels.
    """

    def __init__(self, selection: Selection) -> None:
        assert selection.folder is not None, 'the selection has a folder'
        self.selection, self.labels = selection, selection.folder / LABELS
        self.log = AnswerLog(selection.folder / 'answers.jsonl')
        before = selection.folder.absolute().parent / f'round_{selection.round - 1}'
        self.earlier = AnswerStore(Selection.read(before)) if (before / SELECTION).is_file() else None
        self._carry_over()

    def add(self, image: str, unit: int, label: Label, by: str, tool: str, clicks: Optional[int] = None) -> Stored:
        """Store the answer for one unit; see `add_all`, which is faster for several units of an image."""
        return self.add_all(image, {unit: label}, by, tool, None if clicks is None else {unit: clicks})[0]

    def add_all(self, image: str, labels: Mapping[int, Label], by: str, tool: str,
                clicks: Optional[Mapping[int, int]] = None, at: str = '') -> List[Stored]:
        """Store the answers for units of an image. If one is wrong, none is stored.

        Args:
            image (str): Name of the image.
            labels (Mapping[int, int | str | np.ndarray]): For each unit, the train id or name of its class, or a label
                (H, W) of train ids, of which only the pixels of the unit are used. 255 is no answer for a pixel: it
                keeps the label of earlier rounds.
            by (str): Who answered.
            tool (str): The program.
            clicks (Mapping[int, int], optional): What the answer for a unit has cost. Defaults to the expected cost.
            at (str): When it was given, in UTC, such as '2026-01-31T12:00:00+00:00'; the same answer of the same time
                is then stored once. Defaults to '': now.

        Returns:
            list[Stored]: What was done, for each unit.

        Raises:
            OSError: if a file cannot be written. Give the answers again when the disk has space.
            ValueError: if the image is not in the round, it has no such unit, a class is unknown, or a label has
                another size.
        """
        units = self.selection.unit_map(image)
        places, costs = np.flatnonzero(units), clicks or {}
        inside = {unit: places[units.ravel()[places] == unit] for unit in labels}
        ids = {unit: self._values(image, unit, label, inside[unit]) for unit, label in labels.items()}
        now, stored = datetime.now(timezone.utc).isoformat(timespec='seconds'), []
        with self.log.locked():
            base = self.earlier.read(image) if self.earlier else None
            base = np.full(units.shape, IGNORE, np.uint8) if base is None else base
            label = self.read(image)
            label = base.copy() if label is None else label
            for unit, place in inside.items():
                cost = costs.get(unit, self.selection[image].units[unit - 1].clicks)
                after = np.where(ids[unit] == IGNORE, base.ravel()[place], ids[unit])
                answer = Answer(image, unit, _count(ids[unit]), cost, by, at or now, tool)
                if at and self.log.knows(answer):  # also if a later one has replaced it
                    stored.append(Stored(answer, '', False))
                    continue
                stored.append(self._compare(answer, label.ravel()[place], after))
                label.ravel()[place] = after
            if any(entry.is_new for entry in stored):
                replace_file(self.labels / f'{image}.png', encode_png(label))  # first: an answer counts when it is here
                self.log.append([entry.answer for entry in stored if entry.is_new])
        return stored

    def labelled(self) -> List[str]:
        """Return the sorted names of the images that have a label in this or an earlier round."""
        return sorted(path.relative_to(self.labels).as_posix()[:-4] for path in self.labels.rglob('*.png'))

    def answered(self, image: str) -> List[int]:
        """Return the sorted units of an image that are answered in this round."""
        return sorted(self.log.of(image))

    def taken(self, image: str) -> Optional[np.ndarray]:
        """Return the pixels that were answered in this or an earlier round, also without a class: (H, W) bool, or None.

        They need not be selected again.
        """
        before = self.earlier.taken(image) if self.earlier else None
        if not self.answered(image):
            return before
        found = np.isin(self.selection.unit_map(image), self.answered(image))
        return found if before is None else found | before

    def status(self) -> Dict[str, Any]:
        """Count what was answered in this round; of several answers for a unit, the last one.

        Returns:
            dict: `images` and `units` of the round, how many of them are answered (`images_begun`, `images_answered`
                with all units, `units_answered`), `clicks`, `pixels` by the name of the class, and units by person
                (`by`).
        """
        latest, images = self.log.latest, self.selection.images
        done, pixels, persons = Counter(answer.image for answer in latest), Counter[str](), Counter[str]()
        for answer in latest:
            persons[answer.by] += 1
            pixels.update({self.selection.classes[label]: count for label, count in answer.pixels.items()})
        return dict(round=self.selection.round, images=len(images), images_begun=len(done),
                    images_answered=sum(done[image.name] == len(image.units) for image in images),
                    units=sum(len(image.units) for image in images), units_answered=len(latest),
                    clicks=sum(answer.clicks for answer in latest), pixels=dict(pixels), by=dict(persons))

    def read(self, image: str) -> Optional[np.ndarray]:
        """Return the label of an image, (H, W) uint8 train ids and 255; None if there is none."""
        path = self.labels / f'{image}.png'
        return read_label(str(path)) if path.is_file() else None

    def _values(self, image: str, unit: int, label: Label, inside: np.ndarray) -> np.ndarray:
        """Return the train ids (P,) uint8 of the pixels of a unit."""
        found, classes = self.selection[image], self.selection.classes
        if unit not in range(1, len(found.units) + 1):
            raise ValueError(f'{image} has no unit {unit} in round {self.selection.round}: it has the units 1-'
                             f'{len(found.units)}.')
        if isinstance(label, np.ndarray):
            if label.shape != (found.height, found.width):
                raise ValueError(f'the label of {image} has the shape {label.shape}, but its image has '
                                 f'{found.height, found.width} (height, width). Give it the size of the image.')
            ids = label.ravel()[inside]
            check_class_ids(ids.astype(np.int64), len(classes), f'the label of {image}, unit {unit},')
            return ids.astype(np.uint8)
        known = {**{name: number for number, name in enumerate(classes)}, IGNORE: IGNORE,
                 **{number: number for number in range(len(classes))}}
        if label not in known:
            raise ValueError(f'{image}, unit {unit}: {label!r} is not a class. Allowed are {tuple(classes)}, their '
                             f'train ids 0-{len(classes) - 1}, and {IGNORE} for no answer.')
        return np.full(len(inside), known[label], np.uint8)

    def _compare(self, answer: Answer, before: np.ndarray, after: np.ndarray) -> Stored:
        """Compare the labels of the pixels of a unit before and after an answer."""
        last = self.log.of(answer.image).get(answer.unit)
        changed = int(((before != IGNORE) & (before != after)).sum())
        conflict = ''
        if changed:
            earlier = f'answered by {last.by} at {last.at}' if last else 'labelled before'
            names = [', '.join(self.selection.classes[label] for label in sorted(pixels)) or 'nothing'
                     for pixels in (_count(before), answer.pixels)]
            conflict = (f'{answer.image}, unit {answer.unit}: {earlier} ({names[0]}), and now by {answer.by} '
                        f'({names[1]}); {changed} pixels differ. The later answer counts.')
        is_same = last is not None and replace(last, at=answer.at) == answer and np.array_equal(before, after)
        return Stored(answer, conflict, not is_same)

    def _carry_over(self) -> None:
        """Add the labels of earlier rounds that are missing here or have changed since."""
        if self.earlier is None:
            return
        for image in self.earlier.labelled():
            source, target = (store.labels / f'{image}.png' for store in (self.earlier, self))
            if target.is_file() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
                continue
            with self.log.locked():
                label, before = self.read(image), self.earlier.read(image)
                assert before is not None
                if label is not None and image in self.selection:
                    own = np.isin(self.selection.unit_map(image), self.answered(image)) & (label != IGNORE)
                    before = np.where(own, label, before)
                replace_file(target, encode_png(before))


def _count(ids: np.ndarray) -> Dict[int, int]:
    """Count the pixels by train id, without those that have none."""
    return {int(label): int(count) for label, count in zip(*np.unique(ids, return_counts=True)) if label != IGNORE}
