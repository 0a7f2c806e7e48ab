"""Questions on a terminal."""
from pathlib import Path
from typing import Iterator

import cv2
import pytest

from drawings import write_drawings
from udas_mmseg.new_pair import PairOptions, new_pair


def test_answers_name_the_classes_of_both_domains(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    data = write_drawings(tmp_path / 'data', 3)
    (data / 'labelmap.txt').unlink()
    for path in (data / 'val_ids').iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED) + 10)
    answers: Iterator[str] = iter(['#0000ff=sky,*=rest', 'sky', '', 'Rest', 'rest'])
    questions = []

    def ask(question: str) -> str:
        questions.append(question)
        return next(answers)

    pair = new_pair(PairOptions((str(data / 'drawings'), str(data / 'masks')), str(data / 'photos'),
                                str(tmp_path / 'pair'), val=(str(data / 'val'), str(data / 'val_ids'))), ask)
    assert '#0000ff' in capsys.readouterr().out
    assert pair.plan.classes.names == ['sky', 'rest']
    assert pair.plan.maps['val'] == {10: 0, 11: 255, 12: 1, 13: 1}
    assert len(questions) == 5 and '11' in questions[2]
