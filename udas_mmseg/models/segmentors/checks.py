"""What training on several branches refuses."""
from typing import Any, Dict, Iterable, List

from mmengine.optim import OptimWrapperDict
from torch import Tensor

from .loss_term import LEVELS


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
    """Refuse a batch without both domains, with target labels, or with sizes that do not go into one batch."""
    missing = [name for name in ('source', 'target') if name not in branches]
    if missing:
        raise ValueError(f'the batch has no {" and no ".join(missing)} branch, only {sorted(branches)}. Train on '
                         'dict(type="DomainPairDataset", source=..., target=...).')
    check_stacked(branches)
    check_unlabeled(branches['target'])
    if joint_forward:
        check_one_size(branches)


def check_stacked(branches: Dict[str, dict]) -> None:
    """Refuse branches that no preprocessor has made a batch."""
    unstacked = [name for name, branch in branches.items() if not isinstance(branch['inputs'], Tensor)]
    if unstacked:
        raise ValueError(f'the images of {unstacked} are not stacked into a batch: the model has no data_preprocessor '
                         'that takes several branches. Set data_preprocessor=dict(type="DomainDataPreProcessor", '
                         'mean=..., std=...).')


def check_unlabeled(target: dict) -> None:
    """Refuse a target branch with labels."""
    if any('gt_sem_seg' in sample for sample in target['data_samples']):
        raise ValueError('the target branch carries `gt_sem_seg`: its labels would leak into training. Take label '
                         'loading out of its pipeline, or pass those images as `labeled_target`.')


def check_one_size(branches: Dict[str, dict]) -> None:
    """Refuse sizes that do not go into one batch."""
    sizes = {name: tuple(branch['inputs'].shape[2:]) for name, branch in branches.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f'joint_forward=True needs images of one size (height, width), got {sizes}. Crop or resize '
                         'the branches to the same size, or set joint_forward=False.')


def check_optimizers(optim_wrapper: Any, children: List[str]) -> None:
    """Refuse anything but one optimizer for each child."""
    given = list(optim_wrapper.optim_wrappers) if isinstance(optim_wrapper, OptimWrapperDict) else []
    if sorted(given) != sorted(children):
        raise TypeError(f'AdversarialSegmentor needs an optimizer for each of {children}, got '
                        f'{given or type(optim_wrapper).__name__}. Set optim_wrapper=dict(constructor='
                        '"PerChildOptimWrapperConstructor", ...) with one entry for each.')
