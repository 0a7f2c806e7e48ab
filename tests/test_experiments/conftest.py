"""A toy table, whose trainings a stand-in takes the place of."""
from pathlib import Path
from typing import Any, Callable

import pytest

from toy_tables import TABLE, StandIn, write_pair
from udas_mmseg.experiments import DataSet, Plan, make_plan, training, work


@pytest.fixture
def pair(tmp_path: Path) -> DataSet:
    return write_pair(tmp_path / 'mine')


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    found = StandIn()
    for module in (training, work):
        monkeypatch.setattr(module, 'run_command', found)
    return found


@pytest.fixture
def plan(pair: DataSet, tmp_path: Path) -> Callable[..., Plan]:
    def make(seeds: int = 1, **changes: Any) -> Plan:
        return make_plan(TABLE, pair, str(tmp_path / 'work'), seeds, **changes)

    return make
