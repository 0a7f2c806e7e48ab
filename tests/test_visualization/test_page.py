"""The page that reports are written as."""
import json
from pathlib import Path

import numpy as np

from pages import pictures_of, text_of
from udas_mmseg.visualization.page import Page, encode_picture


def example() -> Page:
    page = Page('Scores of <mine>')
    page.facts({'a & b': '<script>alert(1)</script>'})
    page.facts({})
    page.section('A "section"')
    page.text('1 < 2')
    page.warning('look & see')
    page.table(['class', 'IoU'], ['<road>', '91.2'], ['car', '-'])
    page.picture(encode_picture(np.full((4, 6, 3), 7, np.uint8)), '"><b>', level=None)
    return page


def test_everything_is_in_the_page_and_escaped(tmp_path: Path) -> None:
    (tmp_path / 'page.html').write_bytes(example().to_bytes())
    text = text_of(tmp_path / 'page.html')
    for part in ('Scores of <mine>', 'a & b: <script>alert(1)</script>', 'A "section"', '1 < 2', 'look & see',
                 'class | IoU', '<road> | 91.2', 'car | -'):
        assert f'\n{part}\n' in text, part
    page = (tmp_path / 'page.html').read_text()
    assert page.startswith('<!DOCTYPE html>') and page.endswith('</html>\n') and page.count('<dl>') == 1
    assert '<script' not in page and '<mine>' not in page and '<b>' not in page and '<h3>' not in page
    picture, = pictures_of(tmp_path / 'page.html')
    assert picture.shape == (4, 6, 3) and (picture == 7).all()


def test_the_same_content_gives_the_same_bytes() -> None:
    assert example().to_bytes() == example().to_bytes()


def test_page_and_figures_are_saved(tmp_path: Path) -> None:
    example().save(str(tmp_path / 'new/report'), dict(road=0.912))
    assert sorted(path.name for path in (tmp_path / 'new/report').iterdir()) == ['report.html', 'report.json']
    assert (tmp_path / 'new/report/report.html').read_bytes() == example().to_bytes()
    assert json.loads((tmp_path / 'new/report/report.json').read_text()) == dict(road=0.912)


def test_a_picture_has_a_heading() -> None:
    page = Page('Scores')
    page.picture(b'', 'Samples')
    assert '<h3>Samples</h3>' in page.to_bytes().decode()
