"""Options and batches with which online self-training cannot work."""
from pathlib import Path
from typing import Any, Dict, List

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from adversarial_models import batch, build
from online_models import MASKED, build_online, pretrained, step
from student_models import build_student, preprocessed, sgd
from udas_mmseg.models import BranchDistributedDataParallel
from udas_mmseg.models.norm_statistics import norm_layers
from udas_mmseg.models.segmentors.online_labeling import without_margins


@pytest.mark.parametrize(('options', 'message'), [
    (dict(teacher_norm='train'), "teacher_norm='train'; allowed are"),
    (dict(mixing='mix_up'), "mixing='mix_up'; allowed are"),
    (dict(ema_teacher=None), 'needs a teacher'),
    (dict(margins=dict(top=-1)), r"margins has \{'top': -1\}; its entries are"),
    (dict(margins=dict(above=1)), r"margins has \{'above': 1\}"),
    (dict(terms=[dict(type='FeatureDistanceTerm', classes=[1])]),
     r'the backbone has no pretrained weights[\s\S]*with init="scratch"'),
    (dict(terms=[dict(MASKED, ratio=1.1)]), 'ratio=1.1'),
    (dict(terms=[dict(MASKED, block_size=0)]), 'block_size=0'),
])
def test_impossible_options_are_refused(options: Dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_online(**options)


def test_impossible_options_of_the_feature_distance_are_refused(tmp_path: Path) -> None:
    for options, message in ((dict(classes=[]), 'at least one train id'), (dict(classes=[3]), r'classes has \[3\]'),
                             (dict(classes=[1], min_share=0.5), 'min_share=0.5')):
        with pytest.raises(ValueError, match=message):
            build_online(pretrained(tmp_path), terms=[dict(type='FeatureDistanceTerm', **options)])
    with pytest.raises(ValueError, match='does not give features'):
        model = build(dict(pretrained(tmp_path)), terms=[dict(type='FeatureDistanceTerm', classes=[1])])
        model.term_losses('source', with_logits(model))


def test_models_without_branches_are_not_wrapped() -> None:
    with pytest.raises(TypeError, match='a StudentTeacherSegmentor does not train by branches'):
        BranchDistributedDataParallel(build_student())


def with_logits(model: nn.Module) -> Any:
    data = preprocessed(model, 'source')
    context = model.new_context(data)
    model.forward_group(['source'], context)
    return context


def test_batches_and_images_that_do_not_fit_are_refused() -> None:
    model = build_online()
    with pytest.raises(ValueError, match='no target branch'):
        step(model, 'source')
    with pytest.raises(ValueError, match='give both branches the same batch size and the same crop'):
        model.train_step(batch(target=(48, 48)), sgd(model))
    with pytest.raises(ValueError, match='block_size=64 is larger than the image, 48 x 64'):
        step(build_online(terms=[dict(MASKED, block_size=64)]))
    with pytest.raises(ValueError, match=r"margins=.*'bottom': 28.* leave nothing of target images of 48 x 64"):
        step(build_online(margins=dict(top=20, bottom=28)))
    assert float(without_margins(torch.ones(1, 48, 64), dict(top=20, bottom=27, left=60)).sum()) == 4
    with pytest.raises(ValueError, match='the branch target has no labels. Use a method with a teacher'):
        unlabeled = build_student(terms=[MASKED])
        unlabeled(**preprocessed(unlabeled, 'source', 'target'), mode='loss')
    with pytest.raises(ValueError, match='AdversarialSegmentor cannot train the terms'):
        build(terms=[MASKED])


@pytest.mark.parametrize(('options', 'is_warned'), [
    (dict(teacher_norm='eval'), True),
    (dict(teacher_norm='eval', forward_target=True), False),
    (dict(teacher_norm='eval', mixing=None), False),
    (dict(teacher_norm='eval', terms=[MASKED]), False),
    (dict(), False),
])
def test_statistics_without_the_target_are_warned_of_once(options: Dict[str, Any], is_warned: bool,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    told: List[str] = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', told.append)
    model = build_online(**options)
    step(model), step(model)
    found = [text for text in told if "teacher_norm='eval' with" in text]
    assert len(found) == is_warned and all("Set teacher_norm='batch'" in text for text in found)


def test_frozen_statistics_are_not_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    told: List[str] = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', told.append)
    model = build_online(teacher_norm='eval')
    for norm in norm_layers(model.segmentor):
        norm.eval()
    step(model)
    assert not told
