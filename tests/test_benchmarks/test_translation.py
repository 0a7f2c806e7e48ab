"""The benchmark of translation, on tiny networks."""
from pathlib import Path
from typing import Any, Dict

import cv2
import pytest
import torch
import translation
from mmseg.registry import MODELS

from tiny_translator import ADAM, model_config


@pytest.fixture
def tiny() -> Dict[str, Any]:
    wrappers = dict(constructor='PerChildOptimWrapperConstructor', generators=ADAM, discriminators=ADAM)
    return dict(model=model_config(), optim_wrapper=wrappers)


def test_throughput_of_files_and_of_the_generator(tiny: Dict[str, Any]) -> None:
    row = translation.throughput(tiny, files=3, size=(64, 32), rounds=1)
    assert row['name'] == 'translation of 3 files, 64x32, images/s'
    assert row['value'] > 0 and row['ratio'] > 0


def test_files_hold_what_the_bare_generator_gives(tiny: Dict[str, Any], tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, 'DRAWN', 3)
    model = translation.build(tiny).eval()
    dataset = translation.source_of(str(tmp_path / 'source'), 5, (64, 32))  # a whole batch and the rest
    whole, bare = translation.Files(model, dataset, str(tmp_path / 'out')), translation.Bare(model, dataset)
    for _ in range(2):  # nothing is left of the first call that would spare the second its work
        whole()
    translated = [image for batch in bare.batches for image in model.to_pixels(bare.generator(batch)).detach().cpu()]
    assert len(translated) == 5
    for folder in ('0', '1'):
        written = [cv2.imread(str(path)) for path in sorted((tmp_path / 'out' / folder).rglob('*.png'))]
        assert len(written) == 5
        for image, expected in zip(written, translated):
            assert (torch.from_numpy(image).permute(2, 0, 1) - expected).abs().max() <= 0.5 + 1e-3


@pytest.mark.parametrize('weight', [0., 5.])
def test_steps_agree(tiny: Dict[str, Any], weight: float) -> None:
    assert translation.agreement(tiny, weight, size=16)['value'] <= (1e-2 if translation.DEVICE == 'cuda' else 0)


def test_disagreement_shows_on_another_weight(tiny: Dict[str, Any]) -> None:
    theirs, _ = translation.both(translation.with_identity(tiny, 5.), 16)
    _, ours = translation.both(translation.with_identity(tiny, 4.), 16)
    expected, got = (translation.losses_of(step, 1) for step in (theirs, ours))
    assert translation.disagreement(expected, got) == pytest.approx(0.2)  # that of the identity loss
    with pytest.raises(RuntimeError, match='id_loss'):
        translation.disagreement(expected, [{}])


def test_speed_of_steps(tiny: Dict[str, Any]) -> None:
    row = translation.speed(tiny, 0., 'a goal', size=16, rounds=1)
    assert row['name'] == 'CycleGAN step 16x16, identity weight 0, s' and row['goal'] == 'a goal'
    assert row['value'] > 0 and row['ratio'] > 0


@pytest.mark.parametrize('name', ['FourierAmplitudeTransfer', 'LabStatisticsTransfer'])
def test_style_transfer_keeps_the_number_of_threads(name: str) -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    assert translation.style_transfer(name, size=(64, 32), rounds=3)['value'] > 0
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before


def test_published_networks_are_those_of_the_paper() -> None:
    generator = MODELS.build(dict(translation.published()['model']['generator'], _scope_='mmagic'))
    assert sum(weight.numel() for weight in generator.parameters()) == pytest.approx(11.38e6, rel=1e-3)
