"""Training samples with several branches, such as source and target."""
from typing import Any, Dict, List, Optional, Union

from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from .branches import BRANCHES, NONE, PSEUDO, known_branch
from .cache import Cache
from .domain_mix import DomainMixDataset
from .list_files import nested_datasets, refuse_shared_images
from .multi_view import views_of
from .stream import StreamDataset, StreamIndex


@DATASETS.register_module()
class DomainPairDataset(Dataset):
    """Combines several branches: labelled source, unlabelled target, pseudo-labelled and labelled target images.

    A sample is `dict(source=..., target=..., ...)` with the given branches, in the order of the table `BRANCHES`. Each
    entry is an ordinary MMSegmentation sample. Each branch is a stream with its own order and pipeline; see
    `StreamDataset`. Use it with `PositionSampler`.

    Args:
        max_broken (int): See `StreamDataset`; for each branch. Defaults to 0.
        orders (dict, optional): Branch name -> config of its `SamplingOrder`. Other branches have a `UniformOrder`.
        cache (bool | dict, optional): See `StreamDataset`; for all branches. Defaults to None: no cache.
        **branches (dict | Dataset | None): A data set, or its config, for each branch. Names are those of the table:
            `source`, `labeled_target`, `pseudo_labeled`, `target`, and those added by `register_branch`. None leaves
            out a branch. Samples of a branch without labels must not have `gt_sem_seg`, and those of a branch with
            pseudo-labels must have it. The model determines whether annotated labels are needed; a translator needs
            none.

    Raises:
        ValueError: if a name is not in the table, if no branch has labels, if a branch is empty, if a branch without
            labels declares some, if the branches have different classes, or if an image is both in the list file of a
            branch with annotated labels and in that of a branch without labels.

    Example:
        >>> dataset = dict(
        ...     type='DomainPairDataset', source=source_train, target=target_train,
        ...     orders=dict(source=dict(type='UniformOrder')))
    """

    def __init__(self,
                 *,
                 max_broken: int = 0,
                 orders: Optional[Dict[str, dict]] = None,
                 cache: Cache = None,
                 **branches: Union[dict, Dataset, None]) -> None:
        given = {known_branch(name).name: dataset for name, dataset in branches.items() if dataset is not None}
        orders = orders or {}
        for name in orders:
            if name not in given:
                raise ValueError(f'DomainPairDataset: orders has an entry {name!r}, but the branches are '
                                 f'{sorted(given)}. Use one of these, or remove the entry.')
        datasets = {name: DATASETS.build(given[name]) if isinstance(given[name], dict) else given[name]
                    for name in BRANCHES if name in given}  # yapf: disable
        self.first = _check(datasets)
        # after the checks, because a cache takes time
        self.branches = {
            name: StreamDataset(dataset, branch=name, max_broken=max_broken, order=orders.get(name), cache=cache)
            for name, dataset in datasets.items()
        }

    @property
    def metainfo(self) -> dict:
        """Meta information of the source or of the first branch; all branches have the same classes."""
        return self.branches[self.first].metainfo

    def __len__(self) -> int:
        """Return the number of samples in one pass over the source or the first branch; the stream is endless."""
        return len(self.branches[self.first])

    def start_at(self, seed: int, position: int) -> None:
        """Choose the samples at a position before workers are forked; see `StreamDataset.start_at`."""
        for stream in self.branches.values():
            stream.start_at(seed, position)

    def __getitem__(self, index: Union[StreamIndex, int]) -> Dict[str, dict]:
        """Return a sample of every branch; a plain integer means seed 0."""
        sample = {name: stream[index] for name, stream in self.branches.items()}
        for name, of_branch in sample.items():
            for view in views_of(of_branch):
                _check_labels(name, 'gt_sem_seg' in view.get('data_samples', ()))
        return sample


def _check(datasets: Dict[str, Any]) -> str:
    """Check that the data sets of the branches fit together; the name of the first branch with labels."""
    labeled = [name for name in datasets if BRANCHES[name].labels != NONE]
    if not labeled:
        with_labels = [f'`{branch.name}`' for branch in BRANCHES.values() if branch.labels != NONE]
        raise ValueError('DomainPairDataset has no branch with labels, only '
                         f'{list(datasets) or "nothing"}. Add {" or ".join(with_labels)}.')
    unlabeled = {name: list(nested_datasets(datasets[name])) for name in datasets if BRANCHES[name].labels == NONE}
    for name, parts in unlabeled.items():
        _refuse_declared_labels(name, parts)
    _compare_classes(datasets, labeled[0])
    refuse_shared_images(_annotated(datasets), [part for parts in unlabeled.values() for part in parts])
    return labeled[0]


def _annotated(datasets: Dict[str, Any]) -> List[Any]:
    """Return the data sets with labels in branches with annotated labels, including those that are mixed in."""
    parts = [part for name, dataset in datasets.items() if BRANCHES[name].labels not in (NONE, PSEUDO)
             for part in nested_datasets(dataset)]
    mixed = [part for dataset in parts if isinstance(dataset, DomainMixDataset)
             for part in nested_datasets(dataset.target)]
    # the target itself may be mixed in without labels, for the style of its images
    return [part for part in (*parts, *mixed) if _declared_labels(part) is not None]


def _refuse_declared_labels(name: str, parts: List[Any]) -> None:
    for part in parts:
        declared = _declared_labels(part)
        if declared is not None:
            raise ValueError(f'the {name} branch declares labels (seg_map_path={declared!r}). Training never opens '
                             'labels of this branch: remove `seg_map_path` from its `data_prefix`, and use '
                             '`labeled_target` for target images whose labels may be used.')


def _compare_classes(datasets: Dict[str, Any], first: str) -> None:
    classes = {name: tuple(dataset.metainfo.get('classes') or ()) for name, dataset in datasets.items()}
    for name, names in classes.items():
        if names != classes[first]:
            raise ValueError(f'the branches have different classes. {first}: {classes[first]}; {name}: {names}. Give '
                             'them the same `metainfo.classes`, and map their labels with `label_map`.')


def _declared_labels(dataset: Any) -> Optional[str]:
    """Return the label folder of a data set's config."""
    return getattr(dataset, 'data_prefix', {}).get('seg_map_path')


def _check_labels(name: str, has_labels: bool) -> None:
    kind = BRANCHES[name].labels
    if kind == NONE and has_labels:
        raise ValueError(f'a sample of the {name} branch has `gt_sem_seg`: its labels would leak into training. '
                         'Remove the loading of labels from its pipeline.')
    if kind == PSEUDO and not has_labels:
        raise ValueError(f'a sample of the {name} branch has no label (`gt_sem_seg`): its pipeline loads none. Add '
                         'dict(type="LoadPseudoLabel"), or use it as the target branch.')
