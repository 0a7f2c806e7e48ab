"""The memory of a training step on a GPU, computed from configs without a GPU and without data.

python benchmarks/step_memory.py CONFIG ... [--amp] [--tiers] [--cfg-options KEY=VALUE ...]

The sum of

- activations: all tensors that autograd keeps for the backward pass of the branches that are in memory together (one
  in adversarial and online trainings, all in others; of both networks, where there are two), counted with torch's
  hooks of saved tensors, on tensors without memory (`FakeTensorMode`), for the crops and the batch of the config; with
  activation checkpointing (`with_cp`), also those of the largest block, which is forwarded again;
- in adversarial trainings, the maps of the target and what the discriminators keep of them, counted in the same way;
- three tenths of the activations, for their gradients, workspaces and fragmentation, and 1 GB for the context and the
  libraries of the GPU: the allowance of `tools/new_pair.py --memory`;
- weights in float32: weight, gradient and moments of the optimizer (AdamW and Adam two, SGD one) of each parameter, the
  teacher's copy, and the copy of the backbone of `FeatureDistanceTerm`.

--tiers computes each config with the tiers of configs/_base_/memory, and without.
"""
import argparse
import inspect
import math
from typing import Any, Dict, List, NamedTuple, Tuple

import torch
import torch.nn.functional as F
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from udas_mmseg.datasets.branches import BRANCHES
from udas_mmseg.engine.launch import load_config
from udas_mmseg.engine.memory import TIERS
from udas_mmseg.models import TimmVisionTransformer
from udas_mmseg.utils.config_dicts import config_dicts

FIXED, MARGIN = 1.0e9, 1.3
MOMENTS = dict(Adam=2, AdamW=2, SGD=1)
# what autocast computes in float32 on a GPU, but not on the CPU
IN_FLOAT32 = (F.softmax, torch.softmax, F.log_softmax, torch.log_softmax, F.layer_norm, torch.layer_norm,
              F.cross_entropy)


class Memory(NamedTuple):
    """Bytes of a training step, see above, and floating-point operations of the forward pass of an image."""
    activations: float
    weights: float
    flops: float

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
        self.total = self.largest_block = self.flops = 0

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
    """Compute the memory of a training step.

    Args:
        cfg (Config): Config of the training, as `load_config` returns it.
        amp (bool): Whether the training has mixed precision. Defaults to False.
    """
    init_default_scope('mmseg')
    segmentor = cfg.model.get('segmentor', cfg.model).copy()
    segmentor.pop('data_preprocessor', None)
    checkpointing = segmentor.backbone.get('with_cp', False)
    segmentor.backbone = dict(segmentor.backbone, init_cfg=None)
    if checkpointing:
        segmentor.backbone['with_cp'] = False
    model = MODELS.build(segmentor).train()
    shape = (cfg.train_dataloader.batch_size * branches_together(cfg), 3, *crop_size(cfg))
    kept = forward(model, shape, amp)
    activations = kept.total
    if checkpointing:
        segmentor.backbone['with_cp'] = True
        activations = forward(MODELS.build(segmentor).train(), shape, amp).total + kept.largest_block
    networks = 2 if cfg.model.type == 'CrossPseudoSupervision' else 1
    weights = weight_bytes(cfg, model, networks)
    activations *= networks
    if cfg.model.get('discriminators'):
        discriminators = MODELS.build({'in_channels': model.out_channels, **cfg.model.discriminators})
        weights += 4.0 * (2 + MOMENTS['Adam']) * sum(value.numel() for value in discriminators.parameters())
        maps = (cfg.train_dataloader.batch_size, model.out_channels, *shape[2:])
        activations += adversarial_bytes(discriminators, maps, amp)
    return Memory(activations, weights, kept.flops / shape[0])


def branches_together(cfg: Config) -> int:
    """How many branches are in memory together."""
    branches = len([name for name in BRANCHES if name in cfg.train_dataloader.dataset]) or 1
    kind = MODELS.get(cfg.model.type)
    one_by_one = getattr(kind, 'trains_by_branch', False) or 'discriminators' in inspect.signature(kind).parameters
    if not one_by_one:
        return branches
    return 2 if cfg.model.get('joint_forward') else 1


def adversarial_bytes(discriminators: nn.Module, shape: Tuple[int, ...], amp: bool) -> float:
    """Bytes that the maps of both levels of the target take, their logits, and what discriminators keep of them."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        as_fake(discriminators, mode)
        kept = Kept(discriminators)
        maps = [torch.empty(shape) for _ in range(2)]
        with torch.autograd.graph.saved_tensors_hooks(kept.pack, lambda value: value), \
                torch.autocast('cpu', dtype=torch.bfloat16, enabled=amp):
            discriminators([level.requires_grad_() for level in maps])
    return kept.total + 2 * sum(4.0 * level.numel() for level in maps)


def weight_bytes(cfg: Config, model: nn.Module, networks: int = 1) -> float:
    """Bytes of the weights, their copies, gradients and moments."""
    sizes: Dict[str, int] = dict(all=sum(value.numel() for value in model.parameters()),
                                 trained=sum(value.numel() for value in model.parameters() if value.requires_grad),
                                 backbone=sum(value.numel() for value in model.backbone.parameters()))
    copied = 'FeatureDistanceTerm' in [part.get('type') for _, part in config_dicts(cfg.model)]
    teacher = bool(cfg.model.get('ema_teacher'))
    wrapper = cfg.optim_wrapper.get('segmentor', cfg.optim_wrapper)
    moments = MOMENTS[wrapper.optimizer.type]
    return 4.0 * networks * ((1 + teacher) * sizes['all'] + (1 + moments) * sizes['trained']
                             + copied * sizes['backbone'])


def as_fake(model: nn.Module, mode: FakeTensorMode) -> None:
    """Replace the weights of a network by tensors without memory."""
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            module._parameters[name] = nn.Parameter(mode.from_tensor(weight.detach()), weight.requires_grad)
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = mode.from_tensor(buffer)


def forward(model: nn.Module, shape: Tuple[int, ...], amp: bool) -> Kept:
    """Count what one forward pass keeps, without computing anything."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        as_fake(model, mode)
        kept = Kept(model)
        for block in checkpointed_blocks(model.backbone):
            kept.watch(block)
        size, images = shape[2:], torch.empty(shape)
        label = torch.zeros(shape[0], *size, dtype=torch.long)
        with torch.autograd.graph.saved_tensors_hooks(kept.pack, lambda value: value), \
                torch.autocast('cpu', dtype=torch.bfloat16, enabled=amp), CastsOfGPU(), \
                FlopCounterMode(display=False) as counter:
            features = model.extract_feat(images)
            heads = [model.decode_head, *([model.auxiliary_head] if model.with_auxiliary_head else [])]
            for head in heads:
                F.cross_entropy(F.interpolate(head(features), size, mode='bilinear'), label)
    kept.flops = counter.get_total_flops()
    return kept


def checkpointed_blocks(backbone: nn.Module) -> List[nn.Module]:
    """The parts of a backbone that `with_cp` forwards again in the backward pass."""
    if isinstance(backbone, TimmVisionTransformer):
        return list(backbone.vit.blocks)
    return [module for module in backbone.modules() if hasattr(module, 'with_cp')
            and not any(hasattr(child, 'with_cp') for child in module.modules() if child is not module)]


def crop_size(cfg: Config) -> Tuple[int, int]:
    """Height and width of the largest training images of all branches: the last crop, or else the last size."""
    dataset = cfg.train_dataloader.dataset
    found = []
    for branch in [dataset[name] for name in BRANCHES if name in dataset] or [dataset]:
        steps = [part for _, part in config_dicts(branch)]
        crops = [tuple(step['crop_size']) for step in steps if 'crop_size' in step]
        scales = [tuple(step['scale'])[::-1] for step in steps if 'scale' in step]
        found += (crops or scales)[-1:]
    return max(found, key=math.prod)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--tiers', action='store_true', help='with each of configs/_base_/memory')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    return parser.parse_args()


def with_tier(path: str, options: Dict[str, Any], tier: str) -> Memory:
    """The memory of a config with one of configs/_base_/memory, or '' for none."""
    cfg = load_config(path, cfg_options={**options, 'memory': tier} if tier else options)
    return step_memory(cfg, bool((cfg.get('memory') or {}).get('amp')))


def main() -> None:
    args = parse_args()
    if args.tiers:
        print(f'| config | as it is, GB | {" | ".join(TIERS)} |\n|{" --- |" * (2 + len(TIERS))}')
        for path in args.configs:
            found = [with_tier(path, args.cfg_options or {}, tier).total / 1e9 for tier in ('', *TIERS)]
            print(f'| {path} | {" | ".join(f"{total:.1f}" for total in found)} |', flush=True)
        return
    print('| config | activations, GB | weights, GB | in all, GB | forward pass, GFLOP an image |\n|'
          ' --- | --- | --- | --- | --- |')
    for path in args.configs:
        memory = step_memory(load_config(path, cfg_options=args.cfg_options), args.amp)
        print(f'| {path} | {memory.activations / 1e9:.1f} | {memory.weights / 1e9:.1f} | {memory.total / 1e9:.1f} '
              f'| {memory.flops / 1e9:.0f} |', flush=True)


if __name__ == '__main__':
    main()
