"""The notebook in docs/: its cells run, and it was saved with their outputs."""
import ast
import base64
import json
import re
from pathlib import Path
from typing import Any, Dict, List

import cv2
import numpy as np
import pytest
from PIL import Image

NOTEBOOK = Path(__file__).parents[2] / 'docs/adapt_and_predict.ipynb'
# less of everything; two iterations teach nothing, and labels of such a teacher would be refused
SHORTER = {
    'iterations=80': "iterations=2, device='cpu', cfg_options={'self_training.label.min_coverage': 0, "
                      "'self_training.label.max_class_share': 1}",
    "'simulated', 40": "'simulated', 8", "'real', 40": "'real', 8", "'real', 12": "'real', 3"}


def code_cells() -> List[Dict[str, Any]]:
    content = json.loads(NOTEBOOK.read_text(encoding='utf-8'))
    return [cell for cell in content['cells'] if cell['cell_type'] == 'code']


def run(text: str, names: Dict[str, Any]) -> Any:
    """Run a cell, and return the value of its last expression."""
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, 'cell', 'exec'), names)
    return eval(compile(ast.Expression(last.value), 'cell', 'eval'), names) if isinstance(last, ast.Expr) else None


def test_the_cells_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [''.join(cell['source']) for cell in code_cells()]
    for long, short in SHORTER.items():
        assert ''.join(texts).count(long) == 1, long
        texts = [text.replace(long, short) for text in texts]
    names: Dict[str, Any] = {}
    shown = [run(text, names) for text in texts]
    assert [value.size for value in shown if isinstance(value, Image.Image)] == [(1024, 128), (618, 280), (768, 256)]
    assert names['scores'].shape == (7, ) and (names['pairs'].sum() == 3 * 64 * 128)
    assert re.search(r'mean +\d+\.\d %', capsys.readouterr().out)
    assert shown[-1] == ['classes.json', 'index.json', 'legend.png', 'mask', 'overlay']


def test_the_outputs_are_those_of_a_whole_run() -> None:
    cells = code_cells()
    assert [cell['execution_count'] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell['outputs']]
    assert {output['output_type'] for output in outputs} == {'stream', 'display_data', 'execute_result'}
    assert not [output for output in outputs if output.get('name') == 'stderr']
    assert 'site-packages' not in json.dumps(outputs)
    pictures = [base64.b64decode(content) for output in outputs for kind, content in output.get('data', {}).items()
                if kind.startswith('image/')]
    assert len(pictures) == 4 and sum(map(len, pictures)) < 300_000
    for picture in pictures:
        assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).std() > 10
    lines = [''.join(output['data']['text/plain']) for output in outputs if output['output_type'] == 'display_data']
    assert any(re.fullmatch(r'02_adapt: 80/80 iterations, took .*, loss .*, mIoU .*', line) for line in lines)
