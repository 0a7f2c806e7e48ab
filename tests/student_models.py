"""Tiny students and batches for them."""
from typing import Any, Callable, Dict, Optional

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS, OPTIM_WRAPPERS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

import cpu_amp  # noqa: F401  (registers CpuAmpOptimWrapper)
from adversarial_models import batch, deeplabv2, weights


def build_student(segmentor: Optional[dict] = None, seed: int = 0, **options: Any) -> Any:
    torch.manual_seed(seed)
    cfg = ConfigDict(type='StudentTeacherSegmentor', segmentor=segmentor or deeplabv2(), **options)
    return MODELS.build(cfg).train()


def sgd(model: nn.Module, lr: float = 0.1, **options: Any) -> OptimWrapper:
    return OptimWrapper(torch.optim.SGD(model.parameters(), lr=lr), **options)


def student_batch(*names: str, seed: int = 0) -> Dict[str, dict]:
    """Two images of 48x64 a branch; all but `target` are labelled."""
    made = batch(seed=seed, labeled_target=(48, 64), pseudo_labeled=(48, 64))
    return {name: made[name] for name in names}


def accumulated_steps(build: Callable[[], Any]) -> Dict[str, Tensor]:
    """Take one step of SGD over two batches in float32 and one with AMP; how far the heads moved in each.

    Nothing moves before the second batch, and all that is logged is finite.
    """
    moved = {}
    for name, options in {'float32': {}, 'bfloat16': dict(type='CpuAmpOptimWrapper', dtype='bfloat16')}.items():
        model = build()
        before = weights(model)
        wrapper = OPTIM_WRAPPERS.build({'type': 'OptimWrapper', 'accumulative_counts': 2, **options,
                                        'optimizer': torch.optim.SGD(model.parameters(), lr=0.1)})
        for seed in (0, 1):
            assert all(torch.equal(value, before[key]) for key, value in model.named_parameters())
            np.random.seed(seed)
            logs = model.train_step(student_batch('source', 'target', seed=seed), wrapper)
            assert all(bool(torch.isfinite(value).all()) for value in logs.values())
        moved[name] = torch.cat([(value - before[key]).flatten() for key, value in model.named_parameters()
                                 if 'head' in key])
    return moved


def preprocessed(model: nn.Module, *names: str, seed: int = 0) -> Dict[str, dict]:
    return model.data_preprocessor(student_batch(*names, seed=seed), True)


def labels(branch: dict) -> Tensor:
    return torch.cat([sample.gt_sem_seg.data for sample in branch['data_samples']])


def images() -> dict:
    """An ordinary batch for inference."""
    generator = torch.Generator().manual_seed(5)
    return dict(inputs=[torch.randint(0, 256, (3, 48, 64), generator=generator).to(torch.uint8)],
                data_samples=[SegDataSample(metainfo=dict(img_shape=(48, 64), ori_shape=(48, 64)))])
