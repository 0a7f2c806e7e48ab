"""Tiny models that train online, and batches for them."""
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from torch import nn

from adversarial_models import RESNET, deeplabv2
from student_models import sgd, student_batch

MASKED = dict(type='MaskedConsistencyTerm', block_size=16)
DACS = dict(momentum=0.9, labeling=dict(type='SureShareLabeling', threshold=0.4))


def build_online(segmentor: Optional[dict] = None, seed: int = 0, **options: Any) -> Any:
    torch.manual_seed(seed)
    options.setdefault('ema_teacher', DACS)
    cfg = ConfigDict(type='OnlineSelfTrainingSegmentor', segmentor=segmentor or deeplabv2(), **options)
    return MODELS.build(cfg).train()


def step(model: nn.Module, *names: str, seed: int = 0, **options: Any) -> Dict[str, torch.Tensor]:
    np.random.seed(seed)
    return model.train_step(student_batch(*(names or ('source', 'target')), seed=seed), sgd(model, **options))


def pretrained(folder: Path) -> dict:
    torch.save(MODELS.build(RESNET).state_dict(), folder / 'backbone.pth')
    return dict(deeplabv2(), backbone=dict(RESNET, init_cfg=dict(type='Pretrained',
                                                                 checkpoint=str(folder / 'backbone.pth'))))
