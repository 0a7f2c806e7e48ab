"""The memory of a step that is computed from a config, against a step that is run."""
from typing import List

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
        model=dict(type='OnlineSelfTrainingSegmentor', segmentor=segmentor),
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
