"""Predictions that disagree lower the confidence, and the score of an image, on values made by hand."""
import json
import math
from pathlib import Path
from typing import Any, Callable, Dict, List

import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS
from torch import Tensor, nn

from small_data import CLASSES, write_image
from udas_mmseg.datasets.pseudo_label_set import confidence_path, read_pseudo_label
from udas_mmseg.pseudo_labels.agreement import Agreement, image_score, mean_divergence
from udas_mmseg.pseudo_labels.label import LabelingOptions, check_labelers, label_dataset
from udas_mmseg.pseudo_labels.predict import Labeler
from udas_mmseg.pseudo_labels.writer import PseudoLabelWriter

# two predictions of one row of three pixels: the same, opposite, and one that only the first prediction has
FIRST = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.9, 0.1]]).T[:, None]
SECOND = torch.tensor([[0.5, 0.5], [0.0, 1.0], [0.1, 0.9]]).T[:, None]
VALID = torch.tensor([[[True, True, True]], [[True, True, False]]])


class Pixels(nn.Module):
    """A segmentor whose heads see one pixel at a time: the class is the brightest of the three colours."""
    num_classes = out_channels = 3
    align_corners = False

    def __init__(self, order: List[int], auxiliary: List[int]) -> None:
        super().__init__()
        self.decode_head, self.auxiliary_head = (self.head(colours) for colours in (order, auxiliary))

    @staticmethod
    def head(colours: List[int]) -> nn.Module:
        head = nn.Conv2d(3, 3, 1, bias=False)
        head.weight.data = torch.eye(3)[colours][:, :, None, None] / 50
        return head

    def inference(self, images: Tensor, metas: Any) -> Tensor:
        return self.decode_head(images)

    def postprocess_result(self, *_: Any) -> None:
        raise NotImplementedError  # a segmentor has it, but labelling must not call it


class Raw(nn.Module):
    """A preprocessor that changes nothing."""

    def forward(self, batch: Dict[str, Any], training: bool) -> Dict[str, Any]:
        return dict(inputs=torch.stack(batch['inputs']).float(), data_samples=batch['data_samples'])


@pytest.fixture
def label(tmp_path: Path) -> Callable[..., Dict[str, Any]]:
    """Label two images, a flat one and one with three colours; the content of the index."""
    flat = np.full((4, 6, 3), (200, 10, 10), np.uint8)
    colours = flat.copy()
    colours[:, 2:4], colours[:, 4:] = (10, 200, 10), (10, 10, 200)
    for name, image in (('flat', flat), ('colours', colours)):
        write_image(tmp_path / f'images/{name}.png', image)
    images = DATASETS.build(dict(
        type='LabelMappedDataset', metainfo=CLASSES, data_root=str(tmp_path), data_prefix=dict(img_path='images'),
        pipeline=[dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')]))  # yapf: disable
    paths = [images.get_data_info(number)['img_path'] for number in range(2)]

    def call(name: str, *models: nn.Module, **options: Any) -> Dict[str, Any]:
        given = LabelingOptions(**{**dict(workers=0, views=1), **options})
        labelers = [Labeler(model, Raw()) for model in models]
        check_labelers(labelers, CLASSES['classes'], given)
        writer = PseudoLabelWriter(str(tmp_path / name), paths, str(tmp_path / 'images'), CLASSES['classes'],
                                   dict(sha256='00', config_digest='11'), also=['22'] * (len(models) - 1),
                                   **given.header)
        return label_dataset(labelers[0], images, writer, given, labelers[1:])

    return call


def test_divergence_is_zero_for_equal_predictions_and_log_2_for_opposite_ones() -> None:
    found = mean_divergence([FIRST, SECOND], VALID)
    assert found.flatten().tolist() == pytest.approx([0, math.log(2), 0], abs=1e-6)
    sure, merged = torch.full((1, 3), 0.8), torch.zeros(1, 3, dtype=torch.uint8)
    lowered = Agreement(divergence=2.0).lower(merged, sure, [FIRST, SECOND], VALID)
    assert lowered.flatten().tolist() == pytest.approx([0.8, 0.8 / 4, 0.8])
    assert Agreement().lower(merged, sure, [FIRST, SECOND], VALID) is sure


def test_pixels_without_enough_votes_get_confidence_0() -> None:
    sure, merged = torch.full((1, 3), 0.8), torch.zeros(1, 3, dtype=torch.uint8)
    for votes, kept in ((0.5, [0.8, 0.8, 0.8]), (0.6, [0.8, 0, 0.8]), (1.0, [0.8, 0, 0.8])):
        lowered = Agreement(min_votes=votes).lower(merged, sure, [FIRST, SECOND], VALID)
        assert lowered.flatten().tolist() == pytest.approx(kept)


def test_score_is_the_mean_iou_of_the_predictions_with_the_label() -> None:
    merged = torch.tensor([[0, 0, 1, 1]], dtype=torch.uint8)
    other = torch.tensor([[0, 1, 1, 2]], dtype=torch.uint8)
    every = torch.ones(1, 4, dtype=torch.bool)
    assert image_score(merged, [merged], [every], 3) == 1
    assert image_score(merged, [other], [every], 3) == pytest.approx((1 / 2 + 1 / 3 + 0) / 3)
    assert image_score(merged, [merged, other], [every, every], 3) == pytest.approx((1 + (1 / 2 + 1 / 3 + 0) / 3) / 2)
    without_last = torch.tensor([[True, True, True, False]])
    assert image_score(merged, [other], [without_last], 3) == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_heads_that_disagree_about_a_class_lower_it_and_the_score(label: Callable, tmp_path: Path) -> None:
    """The auxiliary head exchanges the last two classes, which only one image has."""
    model = Pixels([0, 1, 2], [0, 2, 1])
    main = model.decode_head
    index = label('set', model, merge='mean', agreement=dict(heads='both', min_votes=1.0, score=True))
    assert model.decode_head is main
    flat, colours = (read_pseudo_label(str(tmp_path / 'set' / f'{name}.png')) for name in ('flat', 'colours'))
    assert (flat[1] > 240).all()
    assert (colours[1][:, :2] > 240).all() and not colours[1][:, 2:].any()
    assert index['agreement'] == dict(heads='both', min_votes=1.0, score=True)
    assert index['image_scores'] == {'flat.png': 1.0, 'colours.png': 0.5}  # IoU 1, 1/2 and 0


def test_teachers_that_disagree_and_scores_after_an_interruption(label: Callable, tmp_path: Path) -> None:
    teachers = Pixels([0, 1, 2], [0, 1, 2]), Pixels([0, 2, 1], [0, 1, 2])
    options = dict(agreement=dict(divergence=1.0, score=True))
    index = label('set', *teachers, **options)
    alone = label('alone', teachers[0])
    sure = {name: read_pseudo_label(str(tmp_path / name / 'colours.png'))[1] for name in ('set', 'alone')}
    assert np.array_equal(sure['set'][:, :2], sure['alone'][:, :2])
    assert sure['set'][0, 3] / sure['alone'][0, 3] == pytest.approx(math.exp(-mean_divergence(*_opposite())), abs=0.01)
    assert 'image_scores' not in alone and index['also'] == ['22']
    # a killed run: one image is missing, and the score of the other one is in its file
    (tmp_path / 'set').rename(tmp_path / 'again.part')
    (tmp_path / 'again.part/flat.png').unlink()
    assert label('again', *teachers, **options)['image_scores'] == index['image_scores']
    stored = json.loads((tmp_path / 'again/index.json').read_text())['image_scores']
    assert stored == index['image_scores'] and stored['colours.png'] < stored['flat.png'] == 1
    assert cv2.imread(str(tmp_path / 'again' / confidence_path('flat.png')), cv2.IMREAD_UNCHANGED).shape == (4, 6)


def _opposite() -> tuple:
    """The predictions of the two teachers for a pixel of the second colour."""
    first = torch.softmax(torch.tensor([10.0, 200.0, 10.0]) / 50, 0)
    return [first[:, None, None], first[[0, 2, 1]][:, None, None]], torch.ones(2, 1, 1, dtype=torch.bool)


@pytest.mark.parametrize('agreement, message', [
    (dict(divergence=-1), 'agreement.divergence=-1: allowed are numbers from 0'),
    (dict(min_votes=2), 'agreement.min_votes=2: allowed are shares from 0 to 1'),
    (dict(heads='auxiliary'), "agreement.heads='auxiliary': allowed are main, both"),
    (dict(score=1), 'agreement.score=1: allowed are True and False'),
    (dict(votes=1), 'it must be a dict with some of the entries divergence, min_votes, heads, score'),
])  # yapf: disable
def test_wrong_settings_are_refused(agreement: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelingOptions(agreement=agreement)


def test_one_prediction_has_nothing_to_be_compared_with(label: Callable) -> None:
    with pytest.raises(ValueError, match='compares predictions, but there is only one: views=1'):
        label('set', Pixels([0, 1, 2], [0, 1, 2]), agreement=dict(score=True))
    model = Pixels([0, 1, 2], [0, 1, 2])
    model.auxiliary_head = None
    with pytest.raises(ValueError, match='Pixels does not have one auxiliary head with 3 output channels'):
        label('set', model, agreement=dict(heads='both'))
