"""Caches in configs: what is checked before a run, and what a cache does not change."""
from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS

from small_data import LOAD
from udas_mmseg.datasets import CachedDataset
from udas_mmseg.datasets.cache import CacheError, check_caches, without_caches
from udas_mmseg.self_training.stage import affecting_result

FLIP = dict(type='RandomFlip', prob=0.5)
SHRINK = [*LOAD, dict(type='AntialiasedResize', scale=(24, 12)), FLIP]


def test_tools_that_only_look_build_no_cache() -> None:
    inner = dict(type='A', cache=1)
    cfg = dict(dataset=dict(type='DomainPairDataset', cache=True, source=dict(type='CachedDataset', dataset=inner)))
    assert without_caches(cfg) == dict(dataset=dict(type='DomainPairDataset', source=inner))
    assert without_caches([dict(type=CachedDataset, dataset=inner)]) == [inner]


def test_a_stage_of_self_training_may_get_a_cache_later() -> None:
    train = dict(num_workers=1, dataset=dict(type='DomainPairDataset', source=dict(type='A')))
    cfg = Config(dict(train_dataloader=train))
    before = affecting_result(cfg)
    cfg.train_dataloader.dataset.cache = dict(cache_dir='elsewhere')
    assert affecting_result(cfg) == before


def test_the_check_before_a_run_finds_pipelines_that_cannot_be_cached() -> None:
    source = dict(type='GTA5Dataset', pipeline=SHRINK)
    target = dict(type='CityscapesDataset', pipeline=[LOAD[0], dict(type='RandomCrop', crop_size=(8, 8)), FLIP])
    mixed = dict(type='DomainMixDataset', dataset=source, target=target, pipeline=[FLIP])
    pair = dict(type='DomainPairDataset', source=mixed, target=source)
    assert check_caches(dict(dataset=pair), 'train_dataloader') == []
    (problem, ) = check_caches(dict(dataset=dict(pair, cache=True)), 'train_dataloader')
    assert problem.startswith('train_dataloader.dataset: CityscapesDataset: only the steps up to LoadVerifiedImage')
    assert check_caches(dict(pair, cache=dict(full_size=True)), '') == []
    assert 'cache=3' in check_caches(dict(pair, cache=3), '')[0]
    assert "['dir']; its entries are cache_dir, full_size, also" in check_caches(dict(pair, cache=dict(dir='a')), '')[0]
    alone = dict(type='CachedDataset', dataset=dict(source, pipeline=[FLIP]))
    assert 'begins with RandomFlip' in check_caches(alone, '')[0]
    assert check_caches(dict(alone, also=['RandomFlip']), '') == check_caches(dict(alone, also='RandomFlip'), '') == []
    assert check_caches(dict(alone, also='RandomFlipped'), '')


def test_mistakes_are_found_before_a_cache_is_built(labeled_config: Callable, tmp_path: Path) -> None:
    source, target = (labeled_config(name, pipeline=SHRINK) for name in ('source', 'target'))
    with pytest.raises(ValueError, match='the target branch declares labels'):
        DATASETS.build(dict(type='DomainPairDataset', source=source, target=target,
                            cache=dict(cache_dir=str(tmp_path / 'cache'))))
    with pytest.raises(ValueError, match='max_broken=-1'):
        DATASETS.build(dict(type='StreamDataset', dataset=source, max_broken=-1,
                            cache=dict(cache_dir=str(tmp_path / 'cache'))))
    assert not (tmp_path / 'cache').exists()


def test_files_on_another_machine_are_refused(labeled_config: Callable, tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('udas_mmseg.datasets.cache.steps.osp.isfile', lambda path: not path.endswith('.png'))
    with pytest.raises(CacheError, match=r'images/000.png was read, but is no file on this machine'):
        CachedDataset(labeled_config(pipeline=SHRINK), str(tmp_path / 'cache'))
