"""Class shares that are estimated without labels, and predictions that are corrected by them."""
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from udas_mmseg.pseudo_labels.label import LabelingOptions
from udas_mmseg.pseudo_labels.predict import Labeler
from udas_mmseg.pseudo_labels.prior import PriorCorrection, correct_prior, estimate_prior


def likelihoods(share: float, count: int = 4000) -> Tensor:
    """p(c | x) of a perfect classifier of the source (half of each class), for a target with this share of class 0."""
    zeros = round(share * count)
    x = torch.cat([torch.randn(zeros), 2 + torch.randn(count - zeros)])  # N(0, 1) and N(2, 1)
    return torch.stack([-x**2 / 2, -(x - 2)**2 / 2], dim=1).softmax(dim=1)


def test_shares_of_the_target_are_found() -> None:
    torch.manual_seed(0)
    for share in (0.1, 0.9):
        found = estimate_prior(likelihoods(share), [0.5, 0.5])
        assert found.tolist() == pytest.approx([share, 1 - share], abs=0.03)
        assert abs(likelihoods(share).mean(dim=0)[0] - share) > 0.05, 'the mean prediction is not enough'


def test_one_step_by_hand() -> None:
    """With predictions that are all equal, each step multiplies the odds by p(0) / p(1) over those of the source."""
    certain = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert estimate_prior(certain, [0.2, 0.8]).tolist() == pytest.approx([0.75, 0.25])
    assert estimate_prior(torch.tensor([[0.4, 0.6]]), [0.4, 0.6]).tolist() == pytest.approx([0.4, 0.6])
    # a class that the source does not have is left out
    assert estimate_prior(torch.tensor([[0.1, 0.1, 0.8]] * 3), [0.5, 0.5, 0]).tolist() == pytest.approx([0.5, 0.5, 0])
    assert PriorCorrection((0.5, 0.5, 0)).shift(torch.tensor([0.25, 0.75, 0])).exp().tolist() == pytest.approx(
        [0.5, 1.5, 1])


class Constant(nn.Module):
    """A segmentor whose predictions are stored in the images: the first two channels are its logits."""
    num_classes = out_channels = 2
    align_corners = False

    def inference(self, images: Tensor, metas: Any) -> Tensor:
        return images[:, :2]


def images_of(logits: Tensor) -> Any:
    """Images of one pixel each, (N, 2) logits."""
    sample = SimpleNamespace(metainfo={})
    return [SimpleNamespace(samples=[dict(inputs=pixel[:, None, None], data_samples=sample)]) for pixel in logits]


def preprocess(batch: dict, training: bool) -> dict:
    return dict(inputs=torch.stack(batch['inputs']), data_samples=batch['data_samples'])


@pytest.mark.parametrize('temperature', [1.0, 0.5])
def test_logits_are_shifted_so_that_probabilities_are_multiplied(temperature: float) -> None:
    torch.manual_seed(0)
    probs = likelihoods(0.9, 400)
    images = images_of(temperature * probs.log())
    labeler, target = correct_prior(Labeler(Constant(), preprocess), images, PriorCorrection((0.5, 0.5)), temperature)
    assert target == pytest.approx([0.9, 0.1], abs=0.06)
    shifted = torch.stack([(image.samples[0]['inputs'] + labeler.shift[:, None, None])[:, 0, 0] for image in images])
    expected = probs * torch.tensor(target) / 0.5
    assert torch.allclose((shifted / temperature).softmax(dim=1), expected / expected.sum(dim=1, keepdim=True),
                          atol=1e-5)
    half, _ = correct_prior(Labeler(Constant(), preprocess), images, PriorCorrection((1, 1), 0.5), temperature)
    assert torch.allclose(2 * half.shift, labeler.shift, atol=1e-5)


@pytest.mark.parametrize('prior, message', [
    (dict(source=[0, 0]), r'prior.source=\(0, 0\): it must be the share of each class'),
    (dict(source=[1, 2], strength=2), 'prior.strength=2: allowed are numbers above 0, up to 1'),
    (dict(source=[1, 2], images=0), 'prior.images=0: allowed are whole numbers from 1'),
    (dict(strength=1), r"prior=\{'strength': 1\}: it must be a dict with `source`"),
])  # yapf: disable
def test_wrong_settings_are_refused(prior: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelingOptions(prior=prior)


def test_other_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='prior.source has 3 shares, and the model 2 classes'):
        correct_prior(Labeler(Constant(), preprocess), images_of(torch.zeros(1, 2)), PriorCorrection((1, 1, 1)))
    assert np.isfinite(PriorCorrection((1, 0)).shift(torch.tensor([0.5, 0.5])).numpy()).all()
