"""Several views of an image with the same geometry."""
import copy
from typing import Any, Dict, Iterator, Sequence, Union

from mmengine.dataset import Compose
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from ..utils.randomness import child_key, seeded_rng
from .pipelines import steps_of, unpacked

_GEOMETRY = ('AntialiasedResize', 'CenterCrop', 'Pad', 'RandomAffine', 'RandomChoiceResize', 'RandomCrop', 'RandomFlip',
             'RandomResize', 'RandomRotFlip', 'RandomRotate', 'Resize', 'ResizeShortestEdge', 'ResizeToMultiple',
             'SegFlipScale', 'SegWeakAugment')


@DATASETS.register_module()
class MultiViewDataset(Dataset):
    """Several views of each sample: the same image and label, each with its own colour augmentation.

    The pipeline of `dataset` loads a sample and changes its geometry once, for all views. The transforms of each view
    are then applied to a copy of the result. A sample is that of the first view, with the others in the key `views`:

        dict(inputs=..., data_samples=..., views=dict(strong=dict(inputs=..., data_samples=...), ...))

    A model without support for views therefore trains on the first one. `DomainDataPreProcessor` processes every view
    like an ordinary sample, so the keys of a batch are the same.

    The random numbers of a view depend on the sample's random state after the shared pipeline and on the name of the
    view. Inside a `StreamDataset` or `DomainPairDataset`, they therefore depend only on the seed and the position, and
    adding a view does not change the others.

    Args:
        dataset (dict | Dataset): Any MMSegmentation data set, whose pipeline does not pack.
        views (dict[str, Sequence[dict | Callable]]): View name -> list of transforms, which must end with
            `PackSegInputs` and must not change the geometry.

    Raises:
        ValueError: if there is no view, a view changes the geometry or does not pack a sample, or the data set packs a
            sample.

    Example:
        >>> pack = dict(type='PackSegInputs')
        >>> target = dict(
        ...     type='MultiViewDataset',
        ...     dataset=dict(type='CityscapesDataset', pipeline=[load, crop, flip], ...),
        ...     views=dict(weak=[pack], strong=[dict(type='SegAutoAugment', geometric=False), pack]))
        >>> dataset = dict(type='DomainPairDataset', source=source, target=target)
    """

    def __init__(self, dataset: Union[dict, Dataset], views: Dict[str, Sequence[Any]]) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        if not views:
            raise ValueError('MultiViewDataset: views is empty. Add at least one, such as '
                             "views=dict(weak=[dict(type='PackSegInputs')]).")
        self.views = {name: Compose(steps) for name, steps in views.items()}
        for name, pipeline in self.views.items():
            _refuse_geometry(name, pipeline)

    @property
    def metainfo(self) -> dict:
        """Meta information of the data set (classes, palette)."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Initialise the data set. MMEngine's wrappers (`RepeatDataset`, `ConcatDataset`) call this method."""
        if hasattr(self.dataset, 'full_init'):
            self.dataset.full_init()

    def get_data_info(self, index: int) -> dict:
        """Paths and other information about a sample, before it is loaded."""
        return self.dataset.get_data_info(index)

    def __len__(self) -> int:
        """Return the number of samples of the data set."""
        return len(self.dataset)

    def __getitem__(self, index: int) -> Dict[str, Any]:
        """Return the first view of a sample, with the others in `views`."""
        results = unpacked(self.dataset[index], 'MultiViewDataset', 'dataset', 'each of `views`')
        key = child_key()
        packed = {name: self._view(name, results, *key) for name in self.views}
        first = packed.pop(next(iter(self.views)))
        return {**first, 'views': packed}

    def _view(self, name: str, results: dict, *key: int) -> dict:
        with seeded_rng(*key, 'view', name):
            sample = self.views[name](copy.deepcopy(results))
        if not isinstance(sample, dict) or 'inputs' not in sample:
            raise ValueError(f'MultiViewDataset: view {name!r} of {results.get("img_path", "a sample")} is not packed. '
                             "End its list in `views` with dict(type='PackSegInputs').")
        size, shared = tuple(sample['inputs'].shape[-2:]), results['img'].shape[:2]
        if size != shared:
            raise ValueError(f'MultiViewDataset: view {name!r} is {size} (height, width), but the image is {shared}. '
                             'Views change colours only: put crops and resizing into the pipeline of `dataset`.')
        return sample


def views_of(sample: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    """Iterate over the views of a sample or a batch: itself (the first view), and those in its key `views`."""
    yield sample
    yield from sample.get('views', {}).values()


def _refuse_geometry(name: str, pipeline: Compose) -> None:
    """Check that a view does not change the geometry, so that it matches the others and its label."""
    for step in steps_of(pipeline):
        kind = type(step).__name__
        if kind in _GEOMETRY:
            raise ValueError(f'MultiViewDataset: view {name!r} has {kind}, which changes the geometry. Views change '
                             f'colours only: put {kind} into the pipeline of `dataset`, where all views share it.')
        if getattr(step, 'geometric', False):
            raise ValueError(f'MultiViewDataset: view {name!r} has {kind}(geometric=True). Views change colours only: '
                             'set geometric=False.')
