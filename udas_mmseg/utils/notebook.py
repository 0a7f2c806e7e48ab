"""A line of text in the output of a notebook's cell that changes in place."""
import sys
from typing import Any, Optional


def notebook() -> Optional[Any]:
    """Return IPython's shell if this process is the kernel of a notebook, else None. IPython is not imported."""
    ipython = sys.modules.get('IPython')
    shell = ipython.get_ipython() if ipython and hasattr(ipython, 'get_ipython') else None
    return shell if getattr(shell, 'kernel', None) is not None else None


class NotebookLine:
    """Shows a text in one output of the cell. A saved notebook has its last state only."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._cell: Any = None  # number of the cell that has the output

    def show(self, text: str, stays: bool = False) -> None:
        """Show a text in place of the one before.

        Args:
            text (str): The text.
            stays (bool): Whether the next text has an output of its own. Defaults to False.
        """
        shell = notebook()
        if self._cell != getattr(shell, 'execution_count', None):  # the line of an interrupted cell is left there
            self._handle, self._cell = None, getattr(shell, 'execution_count', None)
        content = {'text/plain': text}
        if self._handle is None:
            from IPython.display import display
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)
        if stays:
            self._handle = None
