"""The memory of a step that is computed from a config, against a step that is run."""
import sys
from typing import List

import pytest
import step_memory
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import Tensor

from vit_models import vit_segmentor

SIZE, BATCH = (32, 64), 2


def config(**backbone: object) -> Config:
    segmentor = dict(
        type='EncoderDecoder',
        backbone=dict(type='MixVisionTransformer', embed_dims=8, num_layers=[2, 1, 1, 1], num_heads=[1, 2, 5, 8],
                      init_cfg=dict(type='Pretrained', checkpoint='never loaded'), **backbone),
        decode_head=dict(type='DAFormerHead', in_channels=[8, 16, 40, 64], in_index=[0, 1, 2, 3], channels=8,
                         embed_channels=8, num_classes=5),
        train_cfg=dict(), test_cfg=dict(mode='whole'))
    source = dict(pipeline=[dict(scale=(100, 50)), dict(crop_size=SIZE), dict(type='RandomFlip')])
    return Config(dict(
        model=dict(type='OnlineSelfTrainingSegmentor', segmentor=segmentor, ema_teacher=dict(momentum=0.99)),
        optim_wrapper=dict(optimizer=dict(type='AdamW')),
        train_dataloader=dict(batch_size=BATCH, dataset=dict(source=source))))


def test_activations_are_those_that_a_real_step_keeps() -> None:
    cfg = config()
    network = MODELS.build(dict(cfg.model.segmentor, backbone=dict(cfg.model.segmentor.backbone, init_cfg=None)))
    kept: List[Tensor] = []
    own = {value.untyped_storage().data_ptr() for value in network.state_dict(keep_vars=True).values()}
    with torch.autograd.graph.saved_tensors_hooks(lambda value: kept.append(value) or value, lambda value: value):
        logits = network(torch.randn(BATCH, 3, *SIZE), mode='tensor')
        logits = torch.nn.functional.interpolate(logits, SIZE, mode='bilinear')
        torch.nn.functional.cross_entropy(logits, torch.zeros(BATCH, *SIZE, dtype=torch.long))
    storages = {value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in kept}
    expected = sum(size for pointer, size in storages.items() if pointer not in own)
    found = step_memory.step_memory(cfg)
    assert abs(found.activations - expected) < 0.01 * expected  # attention on the CPU may use other kernels
    count = sum(value.numel() for value in network.parameters())
    assert found.weights == 4 * 5 * count  # weight, gradient, two moments, teacher
    assert found.total == 1.3 * found.activations + found.weights + 1e9


def test_checkpointing_and_mixed_precision_keep_less() -> None:
    plain, checkpointed = (step_memory.step_memory(config(with_cp=cp)).activations for cp in (False, True))
    mixed = step_memory.step_memory(config(), amp=True).activations
    assert checkpointed < 0.9 * plain and 0.4 * plain < mixed < 0.9 * plain


def test_checkpointed_vision_transformers_keep_the_inputs_of_blocks_and_one_block() -> None:
    found = {}
    for depth in (4, 5):
        for with_cp in (False, True):
            cfg = config()
            cfg.model.segmentor = vit_segmentor(with_cp=with_cp, model_kwargs=dict(depth=depth))
            found[depth, with_cp] = step_memory.step_memory(cfg).activations
    block, of_input = (found[5, with_cp] - found[4, with_cp] for with_cp in (False, True))
    assert of_input == 4 * BATCH * (1 + 3 * 5) * 16  # the class token and 32x64 pixels in patches of 14, of 16 channels
    assert found[5, False] - found[5, True] == 5 * (block - of_input) - block


def test_all_branches_of_a_student_are_in_memory_together() -> None:
    online, student = config(), config()
    student.model = dict(type='StudentTeacherSegmentor', segmentor=student.model.segmentor)
    student.train_dataloader.dataset.pseudo_labeled = dict(pipeline=[])
    one, both = step_memory.step_memory(online), step_memory.step_memory(student)
    assert abs(both.activations - 2 * one.activations) < 0.05 * one.activations
    assert both.weights == one.weights * 4 / 5  # no teacher
    assert abs(both.flops - one.flops) < 1e-6 * one.flops  # of an image


def test_two_networks_need_twice_as_much() -> None:
    cfg = config()
    alone = step_memory.step_memory(Config({**cfg, 'model': {**cfg.model, 'type': 'StudentTeacherSegmentor'}}))
    cfg.model.type = 'CrossPseudoSupervision'
    both = step_memory.step_memory(cfg)
    assert (both.activations, both.weights) == (2 * alone.activations, 2 * alone.weights)


def test_discriminators_add_their_weights_and_maps() -> None:
    cfg = config()
    cfg.model.update(type='AdversarialSegmentor')
    alone = step_memory.step_memory(cfg)
    cfg.model.discriminators = dict(type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator'))
    cfg.optim_wrapper = dict(segmentor=dict(optimizer=dict(type='AdamW')))
    found = step_memory.step_memory(cfg)
    discriminators = MODELS.build(dict(cfg.model.discriminators, in_channels=5))
    assert found.weights - alone.weights == 16 * sum(value.numel() for value in discriminators.parameters())
    maps = 2 * 4 * BATCH * 5 * SIZE[0] * SIZE[1]  # of two levels, float32; the discriminators keep their input
    assert found.activations - alone.activations > 2 * maps


def test_operations_are_those_of_convolutions_and_products() -> None:
    cfg = config()
    cfg.model.segmentor = dict(
        type='EncoderDecoder', backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4),
        decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=32, num_convs=0, concat_input=False,
                         num_classes=5), train_cfg=dict(), test_cfg=dict(mode='whole'))
    small = step_memory.step_memory(cfg).flops
    cfg.train_dataloader.dataset.source.pipeline[1].crop_size = (2 * SIZE[0], 2 * SIZE[1])
    assert abs(step_memory.step_memory(cfg).flops - 4 * small) < 1e-6 * small
    stem = 2 * 4 * 3 * 49 * SIZE[0] * SIZE[1] / 4
    assert small > stem


def test_table_of_tiers(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: List[tuple] = []
    monkeypatch.setattr(step_memory, 'with_tier', lambda path, options, tier: asked.append((path, tier))
                        or step_memory.Memory(1e9 * len(asked), 0, 0))
    monkeypatch.setattr(sys, 'argv', ['step_memory.py', 'a.py', '--tiers'])
    step_memory.main()
    assert asked == [('a.py', tier) for tier in ('', '8gb', '11gb', '24gb', '80gb')]
    assert capsys.readouterr().out.splitlines()[2] == '| a.py | 2.3 | 3.6 | 4.9 | 6.2 | 7.5 |'
