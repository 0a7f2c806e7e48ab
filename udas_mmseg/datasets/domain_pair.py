"""Training samples of several domains."""
from typing import Any, Dict, List, Union

from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from .domain_mix import DomainMixDataset
from .list_files import nested_datasets, refuse_shared_images
from .stream import StreamDataset, StreamIndex


@DATASETS.register_module()
class DomainPairDataset(Dataset):
    """Branches side by side: a labelled source, an unlabelled target, pseudo-labelled and labelled target images.

    A sample is `dict(source=..., target=..., ...)` with the branches that are given, each an ordinary MMSegmentation
    sample. Each branch runs through its own permutation and its own pipeline; see `StreamDataset`.

    Args:
        source (dict | Dataset, optional): Labelled source data set.
        target (dict | Dataset, optional): Unlabelled target data set; its samples must not carry `gt_sem_seg`.
        labeled_target (dict | Dataset, optional): Labelled target data set.
        pseudo_labeled (dict | Dataset, optional): Target data set whose labels a model has made
            (`PseudoLabeledDataset`); its samples must carry `gt_sem_seg`.
        max_broken (int): See `StreamDataset`; for each branch. Defaults to 0.

    Raises:
        ValueError: if no branch has labels, if a branch is empty, if the target declares labels, if the branches have
            other classes, or if an image is both in the list file of labelled target images and in that of the target.
    """

    def __init__(self,
                 source: Union[dict, Dataset, None] = None,
                 target: Union[dict, Dataset, None] = None,
                 labeled_target: Union[dict, Dataset, None] = None,
                 pseudo_labeled: Union[dict, Dataset, None] = None,
                 max_broken: int = 0) -> None:
        given = dict(source=source, labeled_target=labeled_target, pseudo_labeled=pseudo_labeled, target=target)
        self.branches = {
            name: StreamDataset(dataset, branch=name, max_broken=max_broken)
            for name, dataset in given.items() if dataset is not None
        }
        self.first = next(iter(self.branches), 'target')
        if self.first == 'target':
            raise ValueError('DomainPairDataset has no branch with labels, only '
                             f'{list(self.branches) or "nothing"}. Give it `source`, `labeled_target` or '
                             '`pseudo_labeled`.')
        self._refuse_target_labels()
        self._compare_classes()
        if target is not None:
            refuse_shared_images(self._labeled_target_datasets(), list(nested_datasets(self.branches['target'])))

    def _labeled_target_datasets(self) -> List[Any]:
        """Data sets that may hold labelled target images: in the source branch, mixed into it, or on their own."""
        source = list(nested_datasets(self.branches.get('source')))
        mixed = [part for dataset in source if isinstance(dataset, DomainMixDataset)
                 for part in nested_datasets(dataset.target)]
        # one without labels lends its images' style, and may be the target itself
        labeled = [part for part in (*source, *mixed)
                   if getattr(part, 'data_prefix', {}).get('seg_map_path') is not None]
        return [*labeled, *nested_datasets(self.branches.get('labeled_target'))]

    def _refuse_target_labels(self) -> None:
        target = self.branches.get('target')
        prefix = getattr(target and target.dataset, 'data_prefix', {})
        if prefix.get('seg_map_path') is not None:
            raise ValueError(f"the target branch declares labels (seg_map_path={prefix['seg_map_path']!r}). Training "
                             'never opens target labels: take `seg_map_path` out of its `data_prefix`, and use '
                             '`labeled_target` for the target images whose labels may be used.')

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
        if 'target' in sample and 'gt_sem_seg' in sample['target'].get('data_samples', ()):
            raise ValueError('a sample of the target branch carries `gt_sem_seg`: target labels would leak into '
                             'training. Take the label loading out of its pipeline.')
        pseudo_labeled = sample.get('pseudo_labeled')
        if pseudo_labeled is not None and 'gt_sem_seg' not in pseudo_labeled.get('data_samples', ()):
            raise ValueError('a sample of the pseudo_labeled branch has no label (`gt_sem_seg`): its pipeline loads '
                             'none. Add dict(type="LoadPseudoLabel"), or make it the target branch.')
        return sample
