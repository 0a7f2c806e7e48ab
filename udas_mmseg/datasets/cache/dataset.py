"""Data sets whose images are decoded and resized once, and then read from a file."""
import hashlib
import json
import os
import os.path as osp
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Sequence, Union

from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from ...utils.messages import log_once
from ...utils.processes import in_first_process, together
from ..domain_mix import DomainMixDataset
from ..list_files import nested_datasets
from .build import CacheBuild
from .configs import Cache, cache_settings
from .pack import CacheError, Pack
from .steps import describe_steps, first_steps, sample_key

_FORMAT = 1  # of the files of a cache
_TURN = 60.  # seconds after which what is built is saved, and the processes of a run meet


@DATASETS.register_module()
class CachedDataset(Dataset):
    """A data set whose images are decoded and resized once, and are then read from a file.

    The first steps of its pipeline that give the same result for an image each time, usually loading and resizing of
    image and label, are applied to all images when the data set is built for the first time. Their results are written
    to one file for each data set that it consists of, which all workers and processes map into memory. The other steps
    are applied at each access. The samples are exactly those of the pipeline.

    A stored sample is used only if nothing that it depends on has changed: size and time of change of its files, its
    data information, the settings and the code of the steps, and the versions of the libraries. Only what has changed
    is read again when the next run starts. If a file changes during a run, it is read as without a cache. A broken
    sample is not stored, and is an error when it is used, as without a cache.

    Args:
        dataset (dict | Dataset): An MMEngine data set that reads local files, or one that wraps such data sets.
        cache_dir (str, optional): Folder of the files, which may be deleted at any time when no run uses it. Defaults
            to None: `$UDAS_CACHE_ROOT/images` if this variable is set, else `work_dirs/cache`.
        full_size (bool): Whether images may be stored in the size of their files if the pipeline resizes or crops them
            at random. Defaults to False: this is an error.
        also (Sequence[str]): Names of further transforms that give the same result each time. They must not read other
            files than those that are named in entries `*_path` of a sample, or by their method `other_files(results)`.
            Defaults to (): only transforms of MMCV, MMSegmentation and this project that are known to do so.

    Raises:
        CacheError: if a pipeline has no such first step, only whole images can be stored, a transform that is named in
            `also` draws random numbers, or the files are not on this machine; if the folder cannot be written, or has
            less free space than is needed.

    Example:
        >>> dataset = dict(type='CachedDataset', dataset=dict(type='CityscapesDataset', pipeline=[...], ...))
        >>> dataset = dict(type='DomainPairDataset', cache=True, source=..., target=...)  # all of its data sets
    """

    def __init__(self,
                 dataset: Union[dict, Dataset],
                 cache_dir: Optional[str] = None,
                 full_size: bool = False,
                 also: Sequence[str] = ()) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        root = Path(cache_dir) if cache_dir is not None else default_folder()
        parts = list(_reading_parts(self.dataset))
        if not parts:
            raise CacheError(f'{type(self.dataset).__name__} cannot be cached: neither it nor a data set in it is a '
                             'data set of MMEngine with a pipeline.')
        for part in parts:
            _use_cache(part, root, full_size, also)

    @property
    def metainfo(self) -> dict:
        """Meta information of the data set (classes, palette)."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Do nothing: the data set is initialised. MMEngine's wrappers (`RepeatDataset`, ...) call this method."""

    def get_data_info(self, index: int) -> dict:
        """Return the data information of a sample, before loading it."""
        return self.dataset.get_data_info(index)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """Return a sample."""
        return self.dataset[index]


class CachedSteps(BaseTransform):
    """Takes the result of the first steps of a pipeline from a cache, or else applies them.

    Args:
        transforms (Sequence): The steps.
        folder (Path): Folder of the pack.
    """

    def __init__(self, transforms: Sequence[Any], folder: Path) -> None:
        self.transforms = list(transforms)
        self.pack = Pack(folder)

    def transform(self, results: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """Add the entries that the steps would add."""
        values = self.pack.get(sample_key(results, self.transforms).content)
        if values is not None:
            results.update(values)
            return results
        loaded: Optional[Dict[str, Any]] = results
        for step in self.transforms:
            loaded = step(loaded)
            if loaded is None:
                return None
        log_once(f'{results.get("img_path")} or its label has changed since the cache in {self.pack.folder} was built. '
                 'Such samples are read from their files until the next run.')
        return loaded

    def __repr__(self) -> str:
        return f'{type(self).__name__}(transforms={self.transforms}, folder={str(self.pack.folder)!r})'


def cached(dataset: Any, cache: Cache) -> Any:
    """Return a data set with a cache.

    Args:
        dataset (dict | Dataset): A data set, or its config.
        cache (bool | dict, optional): Arguments of `CachedDataset`, or True for its defaults; False or None for no
            cache.

    Raises:
        CacheError: if `cache` is something else.
    """
    settings = cache_settings(cache)
    return dataset if settings is None else CachedDataset(dataset, **settings)


def default_folder() -> Path:
    """Return the folder of caches for configs that name none."""
    root = os.environ.get('UDAS_CACHE_ROOT')
    return Path(root, 'images') if root else Path('work_dirs', 'cache')


def _reading_parts(dataset: Any) -> Iterator[BaseDataset]:
    """Iterate over the data sets that read files: itself, those that it wraps, and those that are mixed in."""
    for part in nested_datasets(dataset):
        if isinstance(part, BaseDataset):
            yield part
        elif isinstance(part, DomainMixDataset):
            yield from _reading_parts(part.target)


def _use_cache(dataset: BaseDataset, root: Path, full_size: bool, also: Sequence[str]) -> None:
    """Build the cache of a data set, and replace the first steps of its pipeline by it, in place."""
    dataset.full_init()
    steps = dataset.pipeline.transforms
    if any(isinstance(step, CachedSteps) for step in steps):  # the same object is used twice
        return
    count = first_steps(steps, also, full_size, type(dataset).__name__)
    facts = dict(format=_FORMAT, dataset=type(dataset).__name__, folders=_folders_of(dataset),
                 **describe_steps(steps[:count]))
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    folder = root / f'{type(dataset).__name__}_{digest[:16]}'
    keys = _build(dataset, steps[:count], folder, facts)
    pack = together(lambda: _find(keys, CachedSteps(steps[:count], folder)))
    steps[:count] = [pack]


def _folders_of(dataset: BaseDataset) -> Dict[str, str]:
    """Return the folders of a data set, so that each has its own cache, which is found and deleted easily."""
    named = {**dataset.data_prefix, **{name: value for name, value in vars(dataset).items() if name.endswith('_root')}}
    return {name: osp.abspath(path) for name, path in named.items() if isinstance(path, str) and path}


def _build(dataset: BaseDataset, steps: Sequence[Any], folder: Path, facts: Dict[str, Any]) -> Sequence[int]:
    """Build a cache in the first process, while the others wait; keys of a few stored samples."""
    build: Optional[CacheBuild] = None

    def work() -> bool:
        nonlocal build
        build = build or CacheBuild(dataset, steps, folder, facts)
        return build.run(_TURN)

    while not in_first_process(work):  # in turns, since the others may not wait longer than the limit of their group
        pass
    return in_first_process(lambda: build.some_keys() if build else [])


def _find(keys: Sequence[int], steps: CachedSteps) -> CachedSteps:
    """Check that this process sees the cache that the first one has built."""
    if any(steps.pack.get(key) is None for key in keys):
        raise CacheError(f'the first process has built the cache in {steps.pack.folder}, but this one, on another '
                         'machine, does not find it. Set `cache_dir` of the cache to a folder that all machines share.')
    return steps
