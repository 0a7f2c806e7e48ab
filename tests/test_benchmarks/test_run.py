"""The table of the benchmarks, and the file with its figures."""
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import run


def test_figures_that_are_not_finite_are_null(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    row = dict(name='speed', value=float('nan'), against='1', ratio=None, goal='-')
    monkeypatch.setitem(sys.modules, 'toy', SimpleNamespace(run=lambda: [row]))
    monkeypatch.setattr(run, 'SUITES', ('toy', ))
    monkeypatch.setattr(sys, 'argv', ['run.py', '--json', str(tmp_path / 'figures.json')])
    run.main()
    assert json.loads((tmp_path / 'figures.json').read_text()) == [{**row, 'value': None}]
