"""The page that reports are written as."""
import json
from pathlib import Path

import numpy as np
import pytest

from pages import pictures_of, text_of
from udas_mmseg.visualization.page import Page, encode_picture, inner_html


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


@pytest.mark.parametrize('of_earlier_version', [False, True])
def test_a_page_becomes_a_part_of_another_one(of_earlier_version: bool) -> None:
    page = example().to_bytes().decode()
    if of_earlier_version:
        page = page.replace('<main>\n', '').replace('</main>\n', '')
        page = page.replace('<div class="scroll" tabindex="0">\n', '').replace('</table>\n</div>', '</table>')
    title, content = inner_html(page)
    assert title == 'Scores of <mine>' and content.startswith('<dl>') and content.endswith('">')
    assert '<h3>A &quot;section&quot;</h3>' in content and content.count('<div class="scroll" tabindex="0">') == 1
    assert content.count('</div>') == 1 and '</main>' not in content and '<h1>' not in content
    with pytest.raises(ValueError, match='this is not a report'):
        inner_html('<html></html>')


def test_a_picture_has_a_heading() -> None:
    page = Page('Scores')
    page.picture(b'', 'Samples')
    assert '<h3>Samples</h3>' in page.to_bytes().decode()
