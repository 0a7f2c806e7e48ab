"""A loss that is not a number stops the run and spoils nothing."""
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.runner import CheckpointLoader
from mmseg.models import EncoderDecoder

from tiny_runs import train


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_stops_with_the_terms_and_keeps_the_last_checkpoint(run_config: Callable, monkeypatch: pytest.MonkeyPatch,
                                                            bad: float) -> None:
    calls = []
    real = EncoderDecoder.loss

    def loss(self, inputs: torch.Tensor, data_samples: list) -> dict:
        losses = real(self, inputs, data_samples)
        calls.append(1)
        if len(calls) == 4:  # an iteration that would save a checkpoint
            losses['aux.loss_ce'] = losses['aux.loss_ce'] * bad
        return losses

    monkeypatch.setattr(EncoderDecoder, 'loss', loss)
    cfg = run_config()
    with pytest.raises(FloatingPointError, match=r'not finite at iteration 4: .*decode\.loss_ce=\d.*aux\.loss_ce='):
        train(cfg)
    assert Path(cfg.work_dir, 'last_checkpoint').read_text().endswith('iter_2.pth')
    assert not Path(cfg.work_dir, 'iter_4.pth').exists()
    check_weights(cfg.work_dir)


def test_weights_that_are_not_finite_are_never_saved(run_config: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def loss(self, inputs: torch.Tensor, data_samples: list) -> dict:
        losses = real(self, inputs, data_samples)
        calls.append(1)
        if len(calls) == 4:  # a finite loss whose gradient is not
            losses['decode.loss_ce'] = losses['decode.loss_ce'] + torch.sqrt(0 * losses['decode.loss_ce'])
        return losses

    real = EncoderDecoder.loss
    monkeypatch.setattr(EncoderDecoder, 'loss', loss)
    cfg = run_config()
    with pytest.raises(FloatingPointError, match=r'weights are not finite at iteration 4: '):
        train(cfg)
    assert not Path(cfg.work_dir, 'iter_4.pth').exists()
    check_weights(cfg.work_dir)


def check_weights(work_dir: str) -> None:
    weights = CheckpointLoader.load_checkpoint(str(Path(work_dir, 'iter_2.pth')))['state_dict']
    assert all(bool(torch.isfinite(value).all()) for value in weights.values())
