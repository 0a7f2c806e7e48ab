"""Masked tokens of vision transformers in online self-training, and labels from flipped images."""
import copy
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from online_models import DACS, build_online, step
from student_models import accumulated_steps, preprocessed
from udas_mmseg.models.teachers.labeling import teacher_logits
from udas_mmseg.utils.randomness import child_generator
from vit_models import vit_segmentor

TOKENS = dict(type='MaskedConsistencyTerm', mask='tokens')


def build_vfm(**options: Any) -> Any:
    options.setdefault('terms', [TOKENS])
    return build_online(vit_segmentor(mask_token=True), ema_teacher=dict(DACS, flip=True), **options)


def test_every_weight_learns_also_the_mask_token() -> None:
    model = build_vfm()
    before = copy.deepcopy(dict(model.named_parameters()))
    logs = step(model, lr=10)  # the weights of norms are 1, which small steps do not change in float32
    assert float(logs['target.decode.loss_masked']) > 0
    still = [name for name, value in model.named_parameters() if torch.equal(value, before[name])]
    assert not still, f'not moved: {still}'


def test_the_loss_is_that_of_the_masked_forward_pass() -> None:
    model = build_vfm(augment=False, terms=[dict(TOKENS, weight=0.5, ratio=0.6)])
    np.random.seed(0)
    context, _ = model.begin_step(preprocessed(model, 'source', 'target'))
    images, label = context.images('target'), context.label('target')
    state = np.random.get_state()
    with torch.no_grad():
        losses = model.term_losses('target', context)
    np.random.set_state(state)
    drawn = torch.from_numpy(child_generator().random((len(images), 4, 5)) < 0.6)  # 48x64 in patches of 14
    with torch.no_grad(), model.segmentor.backbone.masking_tokens(lambda *shape: drawn):
        logits = model.segmentor.encode_decode(images, [dict(img_shape=images.shape[2:])] * len(images))
    expected = (F.cross_entropy(logits, label, ignore_index=255, reduction='none')
                * context.pixel_weights['target']).mean()
    assert float(losses['target.decode.loss_masked']) == pytest.approx(0.5 * float(expected), rel=1e-5)


def test_a_copy_of_the_model_masks_its_own_backbone() -> None:
    model = copy.deepcopy(build_vfm())
    assert model.terms[0]._backbone[0] is model.segmentor.backbone
    assert len(dict(model.terms.named_parameters())) == 0


def test_mixed_precision_is_near() -> None:
    def build() -> Any:
        return build_online(vit_segmentor(mask_token=True), terms=[TOKENS],
                            ema_teacher=dict(flip=True, labeling=dict(type='PixelWeightLabeling', threshold=0.)))

    moved = accumulated_steps(build)
    assert float(F.cosine_similarity(moved['bfloat16'], moved['float32'], dim=0)) > 0.9


def test_impossible_masks_are_refused() -> None:
    for options, message in ((dict(mask='patches'), r"mask='patches'; allowed are \['blocks', 'tokens'\]"),
                             (dict(block_size=8), 'block_size=8 has no effect'),
                             (dict(), 'the backbone ResNet has no tokens that can be masked')):
        with pytest.raises(ValueError, match=message):
            build_online(terms=[{**TOKENS, **options}])
    model = build_vfm()
    backbone = model.segmentor.backbone
    backbone.forward = backbone.forward  # as MMEngine's activation_checkpointing replaces it
    with pytest.raises(ValueError, match='does not work with the checkpointing of the whole backbone.*with_cp=True'):
        step(model)


def test_flipped_labels_are_the_mean_of_the_probabilities() -> None:
    model = build_vfm()
    network, images = model.teacher.network, preprocessed(model, 'target')['target']['inputs']
    alone, mirrored = teacher_logits(network, images), teacher_logits(network, images.flip(3)).flip(3)
    expected = (alone.softmax(1) + mirrored.softmax(1)) / 2
    both = model.teacher_logits(model.teacher, images)
    assert torch.allclose(both.softmax(1), expected, atol=1e-6)
    assert not torch.allclose(both.softmax(1), alone.softmax(1), atol=1e-4)
    assert torch.allclose(both, teacher_logits(network, images.flip(3), flip=True).flip(3), atol=1e-5)
