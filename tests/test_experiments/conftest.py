"""A toy table, whose trainings a stand-in takes the place of."""
from pathlib import Path
from typing import Any, Callable

import pytest


@pytest.fixture
def pair(tmp_path: Path) -> Any:
    from toy_tables import write_pair
    return write_pair(tmp_path / 'mine')


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    from toy_tables import StandIn
    from udas_mmseg.experiments import training, work
    found = StandIn()
    for module in (training, work):
        monkeypatch.setattr(module, 'run_command', found)
    return found


@pytest.fixture
def plan(pair: Any, tmp_path: Path) -> Callable[..., Any]:
    from toy_tables import TABLE
    from udas_mmseg.experiments import make_plan

    def make(seeds: int = 1, **changes: Any) -> Any:
        return make_plan(TABLE, pair, str(tmp_path / 'work'), seeds, **changes)

    return make
