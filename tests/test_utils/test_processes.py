"""State dicts with the same names in one process and in several, and blocks without garbage collection."""
import gc

import pytest
import torch
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from udas_mmseg.utils.processes import keep_names_in_parallel, without_garbage_collection


@MODEL_WRAPPERS.register_module(force=True)
class Wrapper(nn.Module):
    """Holds a module as a data-parallel wrapper does."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


class Pair(nn.Module):

    def __init__(self, wrapped: bool) -> None:
        super().__init__()
        first, second = nn.Linear(2, 3), nn.Linear(3, 1)
        self.first = Wrapper(first) if wrapped else first
        self.second = Wrapper(second) if wrapped else second
        keep_names_in_parallel(self)


@pytest.mark.parametrize('saved_wrapped', [False, True])
@pytest.mark.parametrize('loaded_wrapped', [False, True])
def test_weights_arrive_whatever_is_wrapped(saved_wrapped: bool, loaded_wrapped: bool) -> None:
    torch.manual_seed(0)
    weights = Pair(saved_wrapped).state_dict()
    assert sorted(weights) == ['first.bias', 'first.weight', 'second.bias', 'second.weight']
    model = Pair(loaded_wrapped)
    load_state_dict(model, weights, strict=True)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in weights.items())


def test_names_of_an_older_checkpoint_are_read() -> None:
    torch.manual_seed(0)
    weights = Pair(False).state_dict()
    old = {name.replace('.', '.module.', 1): value for name, value in weights.items()}
    for wrapped in (False, True):
        model = Pair(wrapped)
        load_state_dict(model, dict(old), strict=True)
        assert all(torch.equal(value, model.state_dict()[name]) for name, value in weights.items())


@pytest.mark.parametrize('enabled', [False, True])
def test_garbage_collection_is_as_before_after_an_error(enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(gc, 'isenabled', lambda: enabled)
    monkeypatch.setattr(gc, 'disable', lambda: calls.append('disable'))
    monkeypatch.setattr(gc, 'enable', lambda: calls.append('enable'))
    with pytest.raises(KeyError), without_garbage_collection():
        raise KeyError
    assert calls == ['disable', 'enable'][:1 + enabled]
