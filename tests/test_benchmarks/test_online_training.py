"""The benchmark of online self-training compares steps with the same gradients, and reports what it measures."""
import numpy as np
import pytest
import torch
from adversarial_step import gradients_of
from online_training import NETWORKS, Ours, agreement, build, daformer, random_batch


def test_both_steps_compute_the_same_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    segmentor = daformer()
    segmentor['decode_head'].update(channels=16, embed_channels=16)
    monkeypatch.setitem(NETWORKS, 'tiny', lambda: segmentor)
    row = agreement('tiny', (32, 64))
    assert 0 < float(str(row['value'])) < 1e-4


def test_the_teacher_is_sure_of_some_pixels() -> None:
    """Otherwise the target would have no gradient."""
    model = build('DeepLabv2 on ResNet-18')
    data = Ours(model, random_batch((32, 64))).data
    np.random.seed(0)
    context, logs = model.begin_step(model.data_preprocessor(data, True))
    assert 0 < float(logs['target.kept']) < 1
    assert float(context.pixel_weights['mixture'].min()) > 0


def test_mixed_precision_also_computes_the_gradients_of_the_student_in_bfloat16() -> None:
    steps = [Ours(build('DeepLabv2 on ResNet-18'), random_batch((32, 64)), amp) for amp in (False, True)]
    gradients, rounded = (gradients_of(step) for step in steps)
    assert gradients.keys() == rounded.keys()
    assert not any(torch.equal(value, rounded[name]) for name, value in gradients.items() if value.dim() == 4)
