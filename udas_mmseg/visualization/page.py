"""Reports as a single HTML file with all pictures."""
import base64
import html
import re
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np

from ..utils.files import replace_file, to_json

_STYLE = '''\
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 80em; margin: 2em auto; padding: 0 1.5em }
h1 { font-size: 1.7em } h2 { margin-top: 2em; padding-top: .6em; border-top: 1px solid #ddd } p { max-width: 50em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
.scroll { overflow-x: auto; margin: 1em 0 }
th, td { padding: .25em .9em; border-bottom: 1px solid #e4e4e4; text-align: right; white-space: nowrap }
th { border-bottom: 2px solid #999 } th:first-child, td:first-child { text-align: left }
tbody tr:hover { background: #f4f7fb }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1.2em } dt { color: #595959 }
dd { margin: 0; overflow-wrap: anywhere } img { max-width: 100%; border: 1px solid #ddd }
@media (max-width: 40em) { body { padding: 0 .8em } dl { display: block } dd { margin-bottom: .4em } }
.warning { padding: .6em 1em; border-left: 4px solid #d08700; background: #fff6e0 }
'''
_SCROLL = '<div class="scroll" tabindex="0">\n'  # with the focus, the keyboard moves a wide table


class Page:
    """A page that needs no other files and no network. Text is escaped, and equal content gives equal bytes.

    Args:
        title (str): Title of the page, and its first heading.
        style (str): Further CSS. Defaults to ''.
        script (str): JavaScript, which runs when the page has been read. Defaults to ''.

    Example:
        >>> page = Page('Scores')
        >>> page.facts(dict(checkpoint='iter_8.pth'))
        >>> page.table(['class', 'IoU'], ['road', '91.2'])
        >>> page.save('work_dirs/report', dict(road=0.912))
    """

    def __init__(self, title: str, style: str = '', script: str = '') -> None:
        self._title = title
        self._style, self._script = _STYLE + style, script
        self._parts: List[str] = []

    def section(self, title: str, level: int = 2) -> None:
        """Start a section; level 3 is part of a section of level 2."""
        self._parts.append(f'<h{level}>{html.escape(title)}</h{level}>')

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f'<p>{html.escape(text)}</p>')

    def warning(self, text: str) -> None:
        """Add a highlighted paragraph."""
        self._parts.append(f'<p class="warning">{html.escape(text)}</p>')

    def facts(self, facts: Mapping[str, Any]) -> None:
        """Add a list of names and values, if there are any."""
        if facts:
            items = (f'<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>' for name, value in facts.items())
            self._parts.append('\n'.join(('<dl>', *items, '</dl>')))

    def table(self, head: Sequence[str], *rows: Sequence[str]) -> None:
        """Add a table; all columns but the first are aligned to the right."""
        body = '\n'.join(_row('td', row) for row in rows)
        self.add(f'{_SCROLL}<table><thead>\n{_row("th", head)}\n</thead><tbody>\n{body}\n</tbody></table>\n</div>')

    def add(self, part: str) -> None:
        """Add HTML, in which all text is already escaped."""
        self._parts.append(part)

    def picture(self, png: bytes, title: str, level: Optional[int] = 3) -> None:
        """Add a picture.

        Args:
            png (bytes): Content of a PNG file.
            title (str): Its heading and text description.
            level (int, optional): Level of the heading; None for no heading. Defaults to 3.
        """
        if level is not None:
            self.section(title, level)
        data = base64.b64encode(png).decode()
        self._parts.append(f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">')

    def save(self, folder: str, content: Mapping[str, Any]) -> None:
        """Write the page as `report.html`, and its figures as `report.json`.

        Args:
            folder (str): Output folder, which is created if it does not exist.
            content (Mapping): The figures, which must be serialisable as JSON.

        Raises:
            OSError: if a file cannot be written.
        """
        replace_file(Path(folder, 'report.html'), self.to_bytes())
        replace_file(Path(folder, 'report.json'), to_json(content))

    def to_bytes(self) -> bytes:
        """Return the content of the HTML file."""
        title = html.escape(self._title)
        script = [f'<script>\n{self._script}</script>'] if self._script else []
        return '\n'.join((
            '<!DOCTYPE html>', '<html lang="en">', '<head>', '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">', f'<title>{title}</title>',
            f'<style>\n{self._style}</style>', '</head>', '<body>', '<main>', f'<h1>{title}</h1>', *self._parts,
            '</main>', *script, '</body>', '</html>', '')).encode()  # yapf: disable


def inner_html(page: str) -> Tuple[str, str]:
    """Return the title and the content of a page that `Page` wrote, to make it a part of another page.

    Each heading becomes one of the level below it.

    Args:
        page (str): Content of the HTML file.

    Raises:
        ValueError: if it is not such a page.
    """
    found = re.search(r'<h1>(.*?)</h1>\n(.*?)\n(?:</main>|</body>)', page, re.DOTALL)
    if not found:
        raise ValueError('this is not a report of this project: it has no heading of level 1.')
    content = re.sub(r'(</?h)([2-5])>', lambda tag: f'{tag[1]}{int(tag[2]) + 1}>', found[2])
    if _SCROLL not in content:  # a page of an earlier version
        content = content.replace('<table>', f'{_SCROLL}<table>').replace('</table>', '</table>\n</div>')
    return html.unescape(found[1]), content


def encode_picture(picture: np.ndarray) -> bytes:
    """Encode a picture (H, W, 3) uint8 BGR as a PNG file."""
    done, data = cv2.imencode('.png', picture)
    assert done, 'OpenCV encodes every 8-bit picture as PNG'
    return data.tobytes()


def _row(tag: str, cells: Sequence[str]) -> str:
    return '<tr>' + ''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells) + '</tr>'
