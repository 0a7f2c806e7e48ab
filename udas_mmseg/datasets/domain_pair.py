"""Training samples of several domains."""
from typing import Any, Dict, List, Optional, Union

from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from .branches import BRANCHES, NONE, PSEUDO, known_branch
from .domain_mix import DomainMixDataset
from .list_files import nested_datasets, refuse_shared_images
from .multi_view import views_of
from .stream import StreamDataset, StreamIndex


@DATASETS.register_module()
class DomainPairDataset(Dataset):
    """Branches side by side: a labelled source, an unlabelled target, pseudo-labelled and labelled target images.

    A sample is `dict(source=..., target=..., ...)` with the branches that are given, in the order of the table
    `BRANCHES`, each an ordinary MMSegmentation sample. Each branch is a stream with its own order and pipeline; see
    `StreamDataset`. Use it with `PositionSampler`.

    Args:
        max_broken (int): See `StreamDataset`; for each branch. Defaults to 0.
        orders (dict, optional): Config of the `SamplingOrder` of a branch, by its name. Other branches have a
            `UniformOrder`.
        **branches (dict | Dataset | None): A data set, or its config, for each branch. The name is one of the table:
            `source`, `labeled_target`, `pseudo_labeled`, `target`, or one that `register_branch` added. None leaves a
            branch out. Samples of a branch without labels must not carry `gt_sem_seg`, and those of a branch with
            pseudo-labels must. Whether annotated labels are needed is up to the model: a translator needs none.

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
                 **branches: Union[dict, Dataset, None]) -> None:
        given = {known_branch(name).name: dataset for name, dataset in branches.items() if dataset is not None}
        orders = orders or {}
        for name in orders:
            if name not in given:
                raise ValueError(f'DomainPairDataset: orders has an entry {name!r}, but the branches are '
                                 f'{sorted(given)}. Name one of these, or take the entry out.')
        self.branches = {
            name: StreamDataset(given[name], branch=name, max_broken=max_broken, order=orders.get(name))
            for name in BRANCHES if name in given
        }
        labeled = [name for name in self.branches if BRANCHES[name].labels != NONE]
        if not labeled:
            with_labels = [f'`{branch.name}`' for branch in BRANCHES.values() if branch.labels != NONE]
            raise ValueError('DomainPairDataset has no branch with labels, only '
                             f'{list(self.branches) or "nothing"}. Give it {" or ".join(with_labels)}.')
        self.first = labeled[0]
        self._refuse_declared_labels()
        self._compare_classes()
        refuse_shared_images(self._annotated_datasets(), [
            part for name in self._unlabeled for part in nested_datasets(self.branches[name])])

    @property
    def _unlabeled(self) -> List[str]:
        return [name for name in self.branches if BRANCHES[name].labels == NONE]

    def _annotated_datasets(self) -> List[Any]:
        """Data sets of branches with annotated labels, and those mixed into them, that declare labels."""
        parts = [part for name, stream in self.branches.items() if BRANCHES[name].labels not in (NONE, PSEUDO)
                 for part in nested_datasets(stream)]
        mixed = [part for dataset in parts if isinstance(dataset, DomainMixDataset)
                 for part in nested_datasets(dataset.target)]
        # the target itself may be mixed in without labels, for the style of its images
        return [part for part in (*parts, *mixed) if _declared_labels(part) is not None]

    def _refuse_declared_labels(self) -> None:
        for name in self._unlabeled:
            for part in nested_datasets(self.branches[name]):
                declared = _declared_labels(part)
                if declared is not None:
                    raise ValueError(f'the {name} branch declares labels (seg_map_path={declared!r}). Training never '
                                     'opens labels of this branch: take `seg_map_path` out of its `data_prefix`, and '
                                     'use `labeled_target` for the target images whose labels may be used.')

    def _compare_classes(self) -> None:
        classes = {name: tuple(stream.metainfo.get('classes') or ()) for name, stream in self.branches.items()}
        for name, names in classes.items():
            if names != classes[self.first]:
                raise ValueError(f'the branches have different classes. {self.first}: {classes[self.first]}; {name}: '
                                 f'{names}. Give them the same `metainfo.classes`, and map their labels with '
                                 '`label_map`.')

    @property
    def metainfo(self) -> dict:
        """Meta information of the source, or of the first branch; the classes are those of every branch."""
        return self.branches[self.first].metainfo

    def __len__(self) -> int:
        """Samples in one pass over the source, or over the first branch; the stream itself does not end."""
        return len(self.branches[self.first])

    def __getitem__(self, index: Union[StreamIndex, int]) -> Dict[str, dict]:
        """One sample of every branch; a plain integer means seed 0."""
        sample = {name: stream[index] for name, stream in self.branches.items()}
        for name, of_branch in sample.items():
            for view in views_of(of_branch):
                _check_labels(name, 'gt_sem_seg' in view.get('data_samples', ()))
        return sample


def _declared_labels(dataset: Any) -> Optional[str]:
    """The folder of labels that the config of a data set names."""
    return getattr(dataset, 'data_prefix', {}).get('seg_map_path')


def _check_labels(name: str, has_labels: bool) -> None:
    kind = BRANCHES[name].labels
    if kind == NONE and has_labels:
        raise ValueError(f'a sample of the {name} branch carries `gt_sem_seg`: its labels would leak into training. '
                         'Take the label loading out of its pipeline.')
    if kind == PSEUDO and not has_labels:
        raise ValueError(f'a sample of the {name} branch has no label (`gt_sem_seg`): its pipeline loads none. Add '
                         'dict(type="LoadPseudoLabel"), or make it the target branch.')
