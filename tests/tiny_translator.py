"""A tiny CycleGAN, its batches and its optimizers."""
from typing import Any, Dict, List, Optional

import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapperDict
from mmseg.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS
from torch import Tensor, nn

import udas_mmseg.translation  # noqa: F401  (registers)

GENERATOR = dict(type='ResnetGenerator', in_channels=3, out_channels=3, base_channels=2, num_blocks=1,
                 norm_cfg=dict(type='IN'))
DISCRIMINATOR = dict(type='PatchDiscriminator', in_channels=3, base_channels=2, num_conv=1, norm_cfg=dict(type='IN'))
ADAM = dict(optimizer=dict(type='Adam', lr=0.01, betas=(0.5, 0.999)))


def model_config(**changes: Any) -> dict:
    return {**dict(type='DomainCycleGAN', generator=GENERATOR, discriminator=DISCRIMINATOR, buffer_size=2), **changes}


def build(seed: int = 0, **changes: Any) -> nn.Module:
    torch.manual_seed(seed)
    model = MODELS.build(model_config(**changes))
    model.init_weights()
    return model


def optimizers(model: nn.Module, **options: Any) -> OptimWrapperDict:
    wrapper = dict(ADAM, **options)
    cfg = dict(type='PerChildOptimWrapperConstructor',
               optim_wrapper_cfg=dict(generators=wrapper, discriminators=wrapper))
    return OPTIM_WRAPPER_CONSTRUCTORS.build(cfg)(model)


def images(seed: int, count: int = 2, height: int = 16, width: int = 32) -> List[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return list(torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator))


def batch(seed: int = 0, **shape: int) -> Dict[str, dict]:
    return {domain: dict(inputs=images(10 * seed + number, **shape)) for number, domain in
            enumerate(('source', 'target'))}  # yapf: disable


def steps(model: nn.Module, count: int = 3, wrappers: Optional[OptimWrapperDict] = None) -> List[Dict[str, Tensor]]:
    """Logs of steps on different batches."""
    wrappers = wrappers or optimizers(model)
    logs = []
    for number in range(count):
        MessageHub.get_current_instance().update_info('iter', number)
        logs.append(model.train_step(batch(number), wrappers))
    return logs
