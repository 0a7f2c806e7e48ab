"""The memory of a training step on a GPU, computed from configs without a GPU and without data.

python benchmarks/step_memory.py CONFIG ... [--amp] [--cfg-options KEY=VALUE ...]

For `OnlineSelfTrainingSegmentor`, which forwards and frees its branches one after the other. The sum of

- activations: all tensors that autograd keeps for the backward pass of one branch, counted with torch's hooks of saved
  tensors, on tensors without memory (`FakeTensorMode`), for the crops and the batch of the config; with activation
  checkpointing (`with_cp`), also those of the largest block, which is forwarded again;
- three tenths of the activations, for their gradients, workspaces and fragmentation, and 1 GB for the context and the
  libraries of the GPU: the allowance of `tools/new_pair.py --memory`;
- weights in float32: weight, gradient and moments of the optimizer (AdamW two, SGD one) of each parameter, the
  teacher's copy, and the copy of the backbone of `FeatureDistanceTerm`.
"""
import argparse
from typing import Any, Dict, List, NamedTuple, Tuple

import torch
import torch.nn.functional as F
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

from udas_mmseg.engine.launch import load_config
from udas_mmseg.models import TimmVisionTransformer
from udas_mmseg.utils.config_dicts import config_dicts

FIXED, MARGIN = 1.0e9, 1.3
MOMENTS = dict(AdamW=2, SGD=1)
# what autocast computes in float32 on a GPU, but not on the CPU
IN_FLOAT32 = (F.softmax, torch.softmax, F.log_softmax, torch.log_softmax, F.layer_norm, torch.layer_norm,
              F.cross_entropy)


class Memory(NamedTuple):
    """Bytes of a training step, see above."""
    activations: float
    weights: float

    @property
    def total(self) -> float:
        """All bytes, with the allowance."""
        return MARGIN * self.activations + self.weights + FIXED


class CastsOfGPU(TorchFunctionMode):
    """Computes the functions in float32 that autocast on a GPU computes in float32."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        if func not in IN_FLOAT32:
            return func(*args, **(kwargs or {}))
        with torch.autocast('cpu', enabled=False):
            return func(*(value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
                          for value in args), **(kwargs or {}))


class Kept:
    """Counts the bytes of tensors that are saved for the backward pass; each storage once, and no weights."""

    def __init__(self, model: nn.Module) -> None:
        self.seen = {value.untyped_storage()._cdata: value for value in model.state_dict(keep_vars=True).values()}
        self.total = self.largest_block = 0

    def pack(self, value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage._cdata not in self.seen:
            self.seen[storage._cdata] = value  # keep it alive: the number of a freed storage is used again
            self.total += storage.nbytes()
        return value

    def watch(self, block: nn.Module) -> None:
        """Measure what the forward pass of a block adds."""
        before: List[int] = []
        block.register_forward_pre_hook(lambda *_: before.append(self.total))

        def after(*_: Any) -> None:
            self.largest_block = max(self.largest_block, self.total - before.pop())

        block.register_forward_hook(after)


def step_memory(cfg: Config, amp: bool = False) -> Memory:
    """Compute the memory of a step of `OnlineSelfTrainingSegmentor`.

    Args:
        cfg (Config): Config of the training, as `load_config` returns it.
        amp (bool): Whether the training has mixed precision. Defaults to False.
    """
    init_default_scope('mmseg')
    segmentor = cfg.model.segmentor.copy()
    checkpointing = segmentor.backbone.get('with_cp', False)
    segmentor.backbone = dict(segmentor.backbone, init_cfg=None, with_cp=False)
    model = MODELS.build(segmentor).train()
    images = cfg.train_dataloader.batch_size * (2 if cfg.model.get('joint_forward') else 1)
    kept = forward(model, (images, 3, *crop_size(cfg)), amp)
    activations = kept.total
    if checkpointing:
        segmentor.backbone = dict(segmentor.backbone, with_cp=True)
        model = MODELS.build(segmentor).train()
        activations = forward(model, (images, 3, *crop_size(cfg)), amp).total + kept.largest_block
    return Memory(activations, weight_bytes(cfg, model))


def weight_bytes(cfg: Config, model: nn.Module) -> float:
    """Bytes of the weights, their copies, gradients and moments."""
    sizes: Dict[str, int] = dict(all=sum(value.numel() for value in model.parameters()),
                                 trained=sum(value.numel() for value in model.parameters() if value.requires_grad),
                                 backbone=sum(value.numel() for value in model.backbone.parameters()))
    copied = 'FeatureDistanceTerm' in [part.get('type') for _, part in config_dicts(cfg.model)]
    moments = MOMENTS[cfg.optim_wrapper.optimizer.type]
    return 4.0 * (2 * sizes['all'] + (1 + moments) * sizes['trained'] + copied * sizes['backbone'])


def forward(model: nn.Module, shape: Tuple[int, ...], amp: bool) -> Kept:
    """Count what one forward pass keeps, without computing anything."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        for module in model.modules():
            for name, weight in module.named_parameters(recurse=False):
                fake = nn.Parameter(mode.from_tensor(weight.detach()), weight.requires_grad)
                module._parameters[name] = fake
            for name, buffer in module.named_buffers(recurse=False):
                module._buffers[name] = mode.from_tensor(buffer)
        kept = Kept(model)
        for block in checkpointed_blocks(model.backbone):
            kept.watch(block)
        size, images = shape[2:], torch.empty(shape)
        label = torch.zeros(shape[0], *size, dtype=torch.long)
        with torch.autograd.graph.saved_tensors_hooks(kept.pack, lambda value: value), \
                torch.autocast('cpu', dtype=torch.bfloat16, enabled=amp), CastsOfGPU():
            features = model.extract_feat(images)
            heads = [model.decode_head, *([model.auxiliary_head] if model.with_auxiliary_head else [])]
            for head in heads:
                F.cross_entropy(F.interpolate(head(features), size, mode='bilinear'), label)
    return kept


def checkpointed_blocks(backbone: nn.Module) -> List[nn.Module]:
    """The parts of a backbone that `with_cp` forwards again in the backward pass."""
    if isinstance(backbone, TimmVisionTransformer):
        return list(backbone.vit.blocks)
    return [module for module in backbone.modules() if hasattr(module, 'with_cp')
            and not any(hasattr(child, 'with_cp') for child in module.modules() if child is not module)]


def crop_size(cfg: Config) -> Tuple[int, int]:
    """Height and width of the training images: the last crop of the source, or else its last size."""
    steps = cfg.train_dataloader.dataset.source.pipeline
    crops = [tuple(step['crop_size']) for step in steps if 'crop_size' in step]
    scales = [tuple(step['scale'])[::-1] for step in steps if 'scale' in step]
    return (crops or scales)[-1]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    print('| config | activations, GB | weights, GB | in all, GB |\n| --- | --- | --- | --- |')
    for path in args.configs:
        memory = step_memory(load_config(path, cfg_options=args.cfg_options), args.amp)
        print(f'| {path} | {memory.activations / 1e9:.1f} | {memory.weights / 1e9:.1f} | {memory.total / 1e9:.1f} |',
              flush=True)


if __name__ == '__main__':
    main()
