"""Tests of training in bfloat16 on a CPU."""
import torch
from mmseg.registry import OPTIM_WRAPPERS
from torch import nn

import udas_mmseg  # noqa: F401


def test_forward_is_bfloat16_and_weights_stay_float32() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(8, 4)
    weights = layer.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    wrapper = OPTIM_WRAPPERS.build(dict(type='CPUBFloat16OptimWrapper', optimizer=optimizer))
    inputs = torch.randn(2, 8)
    with wrapper.optim_context(layer):
        outputs = layer(inputs)
    assert outputs.dtype == torch.bfloat16
    assert layer(inputs).dtype == torch.float32  # only inside of the context
    wrapper.update_params(outputs.float().sum())
    assert layer.weight.dtype == torch.float32
    torch.testing.assert_close(layer.weight.detach(), weights - 0.1 * inputs.sum(0), rtol=0.02, atol=0.01)
