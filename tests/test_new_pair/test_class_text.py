"""Names of classes that are given in Python."""
from typing import Any

import pytest

from udas_mmseg.new_pair.class_text import class_text
from udas_mmseg.new_pair.names import parse_classes


@pytest.mark.parametrize('classes, text', [
    (None, ''), ('7=road', '7=road'), (['road', 'sky'], 'road,sky'), (('road', ), 'road'),
    ({7: 'road', (128, 64, 128): 'lane', '#804081': 'sky', '*': '-'}, '7=road,#804080=lane,#804081=sky,*=-')])
def test_names_become_the_text_of_the_option(classes: Any, text: str) -> None:
    assert class_text(classes, 'classes') == text
    if text:
        parse_classes(text, '--classes')


@pytest.mark.parametrize('classes, message', [
    (['a=b'], "classes: 'a=b' is not a name"), ([''], 'is not a name'), ({7: 3}, 'classes: 3 is not a name'),
    ({-1: 'road'}, '-1 is neither'), ({(1, 2): 'road'}, 'is neither an id'), ({(1, 2, 256): 'road'}, 'is neither'),
    ({'road': 7}, '7 is not a name'), ({'road': 'lane'}, "'road' is neither")])
def test_wrong_names(classes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        class_text(classes, 'classes')
