"""Checks of models and of batches with several branches; their errors say how to fix the mistake."""
from typing import Any, Dict, Iterable, List

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from ...datasets.branches import BRANCHES, NONE
from .multi_level import LEVELS


def check_choice(name: str, value: Any, known: Iterable[Any]) -> None:
    """Check that a value is allowed."""
    if value not in known:
        raise ValueError(f'{name}={value!r}; allowed are {sorted(known, key=str)}.')


def check_from_zero(name: str, value: float) -> None:
    """Check that a weight is not negative."""
    if not value >= 0:  # also if it is not a number
        raise ValueError(f'{name}={value!r}; allowed are numbers from 0.')


def check_levels(name: str, count: int) -> None:
    """Check that there is an entry for each level."""
    if count != len(LEVELS):
        raise ValueError(f'{name} has {count} entries for {len(LEVELS)} levels (main and auxiliary head). Give one for '
                         'each.')


def check_branches(branches: Dict[str, dict], joint_forward: bool) -> None:
    """Check for unknown branches, missing labels, labels that are not allowed, and different image sizes."""
    unknown = sorted(set(branches) - set(BRANCHES))
    if unknown:
        raise ValueError(f'the batch has branches {unknown}; known are {list(BRANCHES)}. A '
                         'method adds one by `register_branch` of udas_mmseg.datasets.')
    check_stacked(branches)
    for name, branch in branches.items():
        if BRANCHES[name].labels == NONE:
            check_unlabeled(name, branch)
        elif not is_labeled(branch):
            raise ValueError(f'the branch {name} has no labels (`gt_sem_seg`). Load them in its pipeline with '
                             'LoadLabelIds, or with LoadPseudoLabel for pseudo-labels.')
    if joint_forward:
        check_one_size(branches)


def check_both_domains(branches: Dict[str, dict]) -> None:
    """Check that a batch has a source and a target."""
    missing = [name for name in ('source', 'target') if name not in branches]
    if missing:
        raise ValueError(f'the batch has no {" and no ".join(missing)} branch, only {sorted(branches)}. Train on '
                         'dict(type="DomainPairDataset", source=..., target=...).')


def check_stacked(branches: Dict[str, dict]) -> None:
    """Check that the images of each branch are stacked by a preprocessor."""
    unstacked = [name for name, branch in branches.items() if not isinstance(branch['inputs'], Tensor)]
    if unstacked:
        raise ValueError(f'the images of {unstacked} are not stacked into a batch: the model has no data_preprocessor '
                         'that takes several branches. Set data_preprocessor=dict(type="DomainDataPreProcessor", '
                         'mean=..., std=...).')


def check_has_branches(model: nn.Module, mode: str, branches: Dict[str, dict], example: str) -> None:
    """Check that the losses of a method are computed for a batch of branches, for example `source=..., target=...`."""
    if mode == 'loss' and not branches:
        raise ValueError(f'{type(model).__name__} trains on batches of dict(type="DomainPairDataset", {example}), and '
                         'got one without branches.')


def check_networks_differ(first: nn.Module, second: nn.Module, kind: str = 'networks',
                          effect: str = 'they would predict the same and teach each other nothing') -> None:
    """Check that two networks of one config do not have the same weights; buffers are not compared."""
    if all(torch.equal(*pair) for pair in zip(first.parameters(), second.parameters())):
        raise ValueError(f'both {kind} have the same weights: {effect}. Initialise the heads randomly: load pretrained '
                         'weights into the backbone only (backbone.init_cfg), and do not initialise heads with '
                         f'constants. If a checkpoint was loaded, it has two equal {kind} (segmentor.*, second.*): '
                         'remove one of them.')


def is_labeled(branch: dict) -> bool:
    """Whether every sample of a branch has a label."""
    return all('gt_sem_seg' in sample for sample in branch['data_samples'])


def check_unlabeled(name: str, branch: dict) -> None:
    """Check that a branch has no labels."""
    if any('gt_sem_seg' in sample for sample in branch['data_samples']):
        raise ValueError(f'the {name} branch has `gt_sem_seg`: its labels would leak into training. Remove the loading '
                         'of labels from its pipeline, or use these images as `labeled_target`.')


def check_one_size(branches: Dict[str, dict]) -> None:
    """Check that all images can be in one batch."""
    sizes = {name: tuple(branch['inputs'].shape[2:]) for name, branch in branches.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f'joint_forward=True needs images of one size (height, width), got {sizes}. Crop or resize '
                         'the branches to the same size, or set joint_forward=False.')


def check_terms_have_branches(terms: Iterable[Any], branches: Dict[str, dict]) -> None:
    """Check that a batch has the branches of all terms."""
    for term in terms:
        missing = [name for name in (*term.needs, term.branch) if name not in branches]
        if missing:
            raise ValueError(f'the term {type(term).__name__} works on the branch {missing[0]}, and the batch has '
                             f'{sorted(branches)}. Add the branch to train_dataloader.dataset, or set the `branch` of '
                             'the term.')


def check_optimizers(optim_wrapper: Any, children: List[str]) -> None:
    """Check that there is one optimizer for each child."""
    given = list(optim_wrapper.optim_wrappers) if isinstance(optim_wrapper, OptimWrapperDict) else []
    if sorted(given) != sorted(children):
        raise TypeError(f'AdversarialSegmentor needs an optimizer for each of {children}, got '
                        f'{given or type(optim_wrapper).__name__}. Set optim_wrapper=dict(constructor='
                        '"PerChildOptimWrapperConstructor", ...) with one entry for each.')
