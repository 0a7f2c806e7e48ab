"""A sampling order that a user's own file brings, with one config."""
import itertools
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS
from torch.utils.data import DataLoader

from tiny_runs import train
from udas_mmseg.datasets import (
    SAMPLING_ORDERS,
    PositionSampler,
    SamplingOrder,
    StreamDataset,
    StreamIndex,
    UniformOrder,
)

TOY_ORDER = '''
from udas_mmseg.datasets import SAMPLING_ORDERS, SamplingOrder
from udas_mmseg.utils.randomness import key_generator


@SAMPLING_ORDERS.register_module()
class ToyOrder(SamplingOrder):
    """Draws names with a certain ending only; the names are read once."""

    def __init__(self, endings):
        self.endings = tuple(endings)

    def prepare(self, dataset):
        paths = [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]
        self.chosen = [index for index, path in enumerate(paths) if path.endswith(self.endings)]

    def index(self, seed, branch, position, dataset):
        return self.chosen[key_generator(seed, branch, 'toy', position).integers(len(self.chosen))]
'''
CONFIG = '''
custom_imports = dict(imports=['udas_mmseg', 'toy_order'])
default_scope = 'mmseg'
crop = dict(type='RandomCrop', crop_size=(8, 16))
source = dict(
    type='LabelMappedDataset', metainfo=dict(classes=('a', 'b', 'c'), palette=[[1, 1, 1], [2, 2, 2], [3, 3, 3]]),
    label_map={0: 0, 1: 1, 2: 2}, data_root='{root}', data_prefix=dict(img_path='images', seg_map_path='labels'),
    pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'), crop, dict(type='PackSegInputs')])
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='PositionSampler'),
    dataset=dict(type='DomainPairDataset', source=source, labeled_target=source,
                 orders=dict(source=dict(type='ToyOrder', endings=['001.png', '003.png']))))
model = dict(
    type='StudentTeacherSegmentor',
    segmentor=dict(
        type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', size=(8, 16)),
        backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, norm_cfg=dict(type='BN')),
        decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_classes=3,
                         norm_cfg=dict(type='BN')),
        train_cfg=dict(), test_cfg=dict(mode='whole')))
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
train_cfg = dict(type='PositionTrainLoop', max_iters=2)
default_hooks = dict(checkpoint=None)
randomness = dict(seed=7)
log_processor = dict(by_epoch=False)
log_level = 'WARNING'
'''


@pytest.fixture
def toy_config(tmp_path: Path, image_folder: Callable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    root = image_folder()['data_root']
    (tmp_path / 'toy_order.py').write_text(TOY_ORDER)
    (tmp_path / 'toy.py').write_text(CONFIG.replace('{root}', root))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Config.fromfile(str(tmp_path / 'toy.py'))
    sys.modules.pop('toy_order')
    SAMPLING_ORDERS.module_dict.pop('ToyOrder')


def name(sample: dict) -> str:
    return Path(sample['data_samples'].img_path).stem


def test_it_trains(toy_config: Config, tmp_path: Path) -> None:
    toy_config.work_dir = str(tmp_path / 'run')
    runner = train(toy_config)
    assert runner.iter == 2 and runner.message_hub.get_info('stream_position') == 4
    source = runner.train_dataloader.dataset.branches['source']
    assert type(source.order).__name__ == 'ToyOrder'
    assert {name(source[StreamIndex(7, position)]) for position in range(20)} == {'001', '003'}


def batches(dataset: Any, workers: int, count: int, start: int = 0) -> List[Dict]:
    loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate,
                        sampler=PositionSampler(dataset, seed=5, start=start))
    return list(itertools.islice(iter(loader), count))


def images(batch: dict) -> torch.Tensor:
    return torch.stack([*batch['source']['inputs'], *batch['labeled_target']['inputs']])


def test_neither_workers_nor_the_start_change_the_stream(toy_config: Config) -> None:
    dataset = DATASETS.build(toy_config.train_dataloader.dataset)
    whole = batches(dataset, 0, 6)
    for ours, expected in zip(batches(dataset, 2, 6), whole):
        assert torch.equal(images(ours), images(expected))
    again = DATASETS.build(toy_config.train_dataloader.dataset)
    for ours, expected in zip(batches(again, 1, 3, start=6), whole[3:]):
        assert torch.equal(images(ours), images(expected))


def test_other_branches_keep_their_samples(toy_config: Config) -> None:
    cfg = toy_config.train_dataloader.dataset
    ordered = DATASETS.build(cfg)
    cfg.orders = None
    plain = DATASETS.build(cfg)
    for position in range(6):
        ours, expected = (dataset[StreamIndex(0, position)] for dataset in (ordered, plain))
        assert torch.equal(ours['labeled_target']['inputs'], expected['labeled_target']['inputs'])
    assert any(name(ordered[StreamIndex(0, position)]['source']) != name(plain[StreamIndex(0, position)]['source'])
               for position in range(6))


def test_passes_are_the_default(labeled_config: Callable) -> None:
    config = labeled_config()
    default, named = StreamDataset(config), StreamDataset(config, order=dict(type='UniformOrder'))
    assert isinstance(default.order, UniformOrder)
    assert [name(named[StreamIndex(2, position)]) for position in range(12)] == [
        name(default[StreamIndex(2, position)]) for position in range(12)]


def test_mistakes(labeled_config: Callable) -> None:
    with pytest.raises(ValueError, match=r"orders has an entry 'target', but the branches are \['source'\]"):
        DATASETS.build(dict(type='DomainPairDataset', source=labeled_config(),
                            orders=dict(target=dict(type='UniformOrder'))))

    class Beyond(SamplingOrder):

        def index(self, seed: int, branch: str, position: int, dataset: Any) -> int:
            return len(dataset)

    with pytest.raises(ValueError, match="Beyond chose sample 5 at position 3 of branch 'source'. Allowed are 0 to 4"):
        StreamDataset(labeled_config(), order=Beyond())[StreamIndex(0, 3)]
