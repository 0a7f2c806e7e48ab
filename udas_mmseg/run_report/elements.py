"""Elements of the page in HTML, with all text escaped."""
import html
from typing import Mapping, NamedTuple, Optional, Sequence, Union


class Cell(NamedTuple):
    """A cell of a table.

    Args:
        text (str): Its text.
        value (float, optional): The number by which it is sorted. Defaults to None: sorted last.
        change (float, optional): Difference in points, which is shown after the text. Defaults to None.
        bold (bool): Whether the text is bold. Defaults to False.
        wide (bool): Whether it is a text that may be broken into lines. Defaults to False.
    """
    text: str
    value: Optional[float] = None
    change: Optional[float] = None
    bold: bool = False
    wide: bool = False


Cells = Sequence[Union[str, Cell]]  # a row of a table


def number(value: Optional[float], form: str = '{:.1f}', change: Optional[float] = None, bold: bool = False) -> Cell:
    """Return the cell of a number; '-' for None."""
    return Cell('-') if value is None else Cell(form.format(value), value, change, bold)


def sortable_table(name: str, head: Sequence[str], rows: Sequence[Cells],
                   foot: Cells = ()) -> str:
    """Format a table that is sorted by a click on the title of a column.

    Args:
        name (str): What the table shows, for screen readers.
        head (Sequence[str]): Titles of the columns.
        rows (Sequence): Cells of each row; a plain text is sorted by itself.
        foot (Sequence): A last row that is not sorted. Defaults to none.
    """
    texts = {place for row in rows for place, cell in enumerate(row) if isinstance(cell, Cell) and cell.wide}
    titles = ''.join(f'<th scope="col"{" class=text" if place in texts else ""}><button type="button">'
                     f'{html.escape(title)}</button></th>' for place, title in enumerate(head))
    body = '\n'.join(_row(row) for row in rows)
    last = f'<tfoot>\n{_row(foot)}\n</tfoot>' if foot else ''
    return _scroll(f'<table aria-label="{html.escape(name)}"><thead>\n<tr>{titles}</tr>\n</thead><tbody>\n{body}\n'
                   f'</tbody>{last}</table>')


def matrix_table(name: str, labels: Sequence[str], shares: Sequence[Sequence[Optional[float]]]) -> str:
    """Format a matrix of percentages, with the share as the background.

    Args:
        name (str): What the table shows, for screen readers.
        labels (Sequence[str]): Names of the rows, and of the columns.
        shares (Sequence): Percentages of each row; None for a row without pixels.
    """
    titles = ''.join(f'<th scope="col"><span>{html.escape(label)}</span></th>' for label in labels)
    lines = []
    for label, row in zip(labels, shares):
        cells = ''.join(_shaded(label, column, share) for column, share in zip(labels, row))
        lines.append(f'<tr><th scope="row">{html.escape(label)}</th>{cells}</tr>')
    body = '\n'.join(lines)
    return _scroll(f'<table class="confusion" aria-label="{html.escape(name)}"><thead>\n'
                   f'<tr><td>true \\ predicted</td>{titles}</tr>\n</thead><tbody>\n{body}\n</tbody></table>')


def choice(identifier: str, label: str, parts: Mapping[str, str], selected: str = '') -> str:
    """Format parts of which a list chooses one. Without JavaScript, all are shown.

    Args:
        identifier (str): A name that is unique in the page.
        label (str): Label of the list.
        parts (Mapping[str, str]): Name -> HTML.
        selected (str): The first choice. Defaults to the first part.
    """
    options = ''.join(f'<option{" selected" if name == selected else ""}>{html.escape(name)}</option>'
                      for name in parts)
    shown = '\n'.join(f'<div data-part-of="{identifier}">\n{part}\n</div>' for part in parts.values())
    return (f'<p><label for="choose-{identifier}">{html.escape(label)}</label>'
            f'<select id="choose-{identifier}" data-parts="{identifier}">{options}</select></p>\n{shown}')


def details(title: str, content: str) -> str:
    """Format a part that is opened by a click on its title."""
    return f'<details>\n<summary>{html.escape(title)}</summary>\n{content}\n</details>'


def heading(text: str) -> str:
    """Format a heading within a section."""
    return f'<h3>{html.escape(text)}</h3>'


def paragraph(text: str) -> str:
    """Format a paragraph."""
    return f'<p>{html.escape(text)}</p>'


def bullets(lines: Sequence[str]) -> str:
    """Format a list; '' if it is empty."""
    items = '\n'.join(f'<li>{html.escape(line)}</li>' for line in lines)
    return f'<ul>\n{items}\n</ul>' if lines else ''


def _row(row: Cells) -> str:
    return f'<tr>{"".join(_cell(cell) for cell in row)}</tr>'


def _cell(cell: Union[str, Cell]) -> str:
    if isinstance(cell, str):
        return f'<td data-value="{html.escape(cell)}">{html.escape(cell)}</td>'
    text = f'<b>{html.escape(cell.text)}</b>' if cell.bold else html.escape(cell.text)
    if cell.change is not None:
        sign = 'up' if cell.change > 0.05 else 'down' if cell.change < -0.05 else 'same'
        text += f'<small class="{sign}">{cell.change:+.1f}</small>'
    value = '' if cell.value is None else f'{cell.value:.6g}'
    return f'<td data-value="{value}"{" class=text" if cell.wide else ""}>{text}</td>'


def _shaded(row: str, column: str, share: Optional[float]) -> str:
    if share is None:
        return '<td>-</td>'
    part = share / 100
    red, green, blue = (round(255 + part * (end - 255)) for end in (11, 95, 165))
    ink = '#fff' if part > 0.835 else '#000'  # both have a contrast of 4.5 there
    text = f'{share:.0f}' if share >= 0.5 else ''
    title = html.escape(f'{share:.1f} % of {row} is predicted as {column}')
    return f'<td style="background:rgb({red},{green},{blue});color:{ink}" title="{title}">{text}</td>'


def _scroll(table: str) -> str:
    return f'<div class="scroll" tabindex="0">\n{table}\n</div>'
