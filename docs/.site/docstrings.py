"""Lets mkdocstrings show the section `Example:` of docstrings, which it knows as `Examples:`, as code."""
import re
from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Renames the sections before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section of one object."""
        if obj.docstring:
            obj.docstring.value = re.sub(r'^( *)Example:$', r'\1Examples:', obj.docstring.value, flags=re.MULTILINE)
