"""Looking into a report."""
import base64
import html
import re
from pathlib import Path
from typing import List

import cv2
import numpy as np


def text_of(page: Path) -> str:
    """The text of a page: cells of a table are separated by ' | ', and names from their values by ': '."""
    body = page.read_text().split('</head>')[1]
    for pattern, replacement in (('</t[hd]><t[hd]>', ' | '), ('</dt><dd>', ': '), ('<[^>]*>', '')):
        body = re.sub(pattern, replacement, body)
    return html.unescape(body)


def pictures_of(page: Path) -> List[np.ndarray]:
    """The pictures in a page, BGR."""
    found = []
    for source in re.findall(r'src="([^"]*)"', page.read_text()):
        head, data = source.split(',')
        assert head == 'data:image/png;base64'
        found.append(cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR))
    return found
