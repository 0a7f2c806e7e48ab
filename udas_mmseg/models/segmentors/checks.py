"""Mistakes in models and batches of several branches, refused with the fix."""
from typing import Any, Dict, Iterable, List

from mmengine.optim import OptimWrapperDict
from torch import Tensor

from ...datasets.branches import BRANCHES, NONE
from .multi_level import LEVELS


def check_choice(name: str, value: Any, known: Iterable[str]) -> None:
    """Refuse a value that is not among the known ones."""
    if value not in known:
        raise ValueError(f'{name}={value!r}; known are {sorted(known)}.')


def check_levels(name: str, count: int) -> None:
    """Refuse another number of entries than there are levels."""
    if count != len(LEVELS):
        raise ValueError(f'{name} has {count} entries for {len(LEVELS)} levels (main and auxiliary head). Give one for '
                         'each.')


def check_branches(branches: Dict[str, dict], joint_forward: bool) -> None:
    """Refuse unknown branches, labels that are missing or must not be there, and sizes that do not fit together."""
    unknown = sorted(set(branches) - set(BRANCHES))
    if unknown:
        raise ValueError(f'the batch has branches {unknown}; known are {list(BRANCHES)}. A '
                         'method adds one by `register_branch` of udas_mmseg.datasets.')
    check_stacked(branches)
    for name, branch in branches.items():
        if BRANCHES[name].labels == NONE:
            check_unlabeled(name, branch)
        elif not is_labeled(branch):
            raise ValueError(f'the branch {name} has no labels (`gt_sem_seg`). Load them in its pipeline: '
                             'LoadLabelIds, or LoadPseudoLabel for pseudo-labels.')
    if joint_forward:
        check_one_size(branches)


def check_both_domains(branches: Dict[str, dict]) -> None:
    """Refuse a batch without source or without target."""
    missing = [name for name in ('source', 'target') if name not in branches]
    if missing:
        raise ValueError(f'the batch has no {" and no ".join(missing)} branch, only {sorted(branches)}. Train on '
                         'dict(type="DomainPairDataset", source=..., target=...).')


def check_stacked(branches: Dict[str, dict]) -> None:
    """Refuse branches that no preprocessor has made a batch."""
    unstacked = [name for name, branch in branches.items() if not isinstance(branch['inputs'], Tensor)]
    if unstacked:
        raise ValueError(f'the images of {unstacked} are not stacked into a batch: the model has no data_preprocessor '
                         'that takes several branches. Set data_preprocessor=dict(type="DomainDataPreProcessor", '
                         'mean=..., std=...).')


def is_labeled(branch: dict) -> bool:
    """Whether every sample of a branch has a label."""
    return all('gt_sem_seg' in sample for sample in branch['data_samples'])


def check_unlabeled(name: str, branch: dict) -> None:
    """Refuse labels on a branch that must not have any."""
    if any('gt_sem_seg' in sample for sample in branch['data_samples']):
        raise ValueError(f'the {name} branch carries `gt_sem_seg`: its labels would leak into training. Take label '
                         'loading out of its pipeline, or pass those images as `labeled_target`.')


def check_one_size(branches: Dict[str, dict]) -> None:
    """Refuse sizes that do not go into one batch."""
    sizes = {name: tuple(branch['inputs'].shape[2:]) for name, branch in branches.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f'joint_forward=True needs images of one size (height, width), got {sizes}. Crop or resize '
                         'the branches to the same size, or set joint_forward=False.')


def check_terms_have_branches(terms: Iterable[Any], branches: Dict[str, dict]) -> None:
    """Refuse a batch that lacks a branch of a term."""
    for term in terms:
        missing = [name for name in (*term.needs, term.branch) if name not in branches]
        if missing:
            raise ValueError(f'the term {type(term).__name__} works on the branch {missing[0]}, and the batch has '
                             f'{sorted(branches)}. Add the branch to train_dataloader.dataset, or set the `branch` of '
                             'the term.')


def check_optimizers(optim_wrapper: Any, children: List[str]) -> None:
    """Refuse anything but one optimizer for each child."""
    given = list(optim_wrapper.optim_wrappers) if isinstance(optim_wrapper, OptimWrapperDict) else []
    if sorted(given) != sorted(children):
        raise TypeError(f'AdversarialSegmentor needs an optimizer for each of {children}, got '
                        f'{given or type(optim_wrapper).__name__}. Set optim_wrapper=dict(constructor='
                        '"PerChildOptimWrapperConstructor", ...) with one entry for each.')
