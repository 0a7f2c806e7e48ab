"""Tiny runs of a translator, and writers of its images."""
import os.path as osp
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Sequence

import pytest

if TYPE_CHECKING:
    from mmengine.config import Config

    from udas_mmseg.translation.writer import TranslationWriter
    from writing import Make


@pytest.fixture
def translator_config(image_folder: Callable, tmp_path: Path,
                      monkeypatch: pytest.MonkeyPatch) -> Callable[..., 'Config']:
    """Config of a tiny CycleGAN between two folders of noise, with checkpoints every two iterations."""
    from mmengine.config import Config

    from tiny_translator import ADAM, model_config
    monkeypatch.chdir(tmp_path)  # MMEngine takes many seconds to print such a config with long paths in it

    def make(name: str = 'run', workers: int = 0, **changes: object) -> 'Config':
        crop = [dict(type='RandomCrop', crop_size=(12, 16)), dict(type='RandomFlip', prob=0.5)]
        load, pack = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
        datasets = {
            domain: dict(type='LabelMappedDataset', data_root=osp.basename(image_folder(domain, count)['data_root']),
                         data_prefix=dict(img_path='images'), pipeline=[load, pack])
            for domain, count in (('source', 5), ('target', 4))
        }  # yapf: disable
        pair = {domain: dict(dataset, pipeline=[load, *crop, pack]) for domain, dataset in datasets.items()}
        cfg = dict(
            default_scope='mmseg',
            custom_imports=dict(imports=['udas_mmseg', 'udas_mmseg.translation']),
            work_dir=name,
            # MMEngine hands out what has the same name again: unique in the whole session
            experiment_name=f'{tmp_path.name}_{name}_{len(list(tmp_path.iterdir()))}',
            model=model_config(loss_config=dict(id_loss_weight=5.)),
            train_dataloader=dict(batch_size=2, num_workers=workers, sampler=dict(type='PositionSampler'),
                                  dataset=dict(type='DomainPairDataset', **pair)),
            translate_dataloader=dict(batch_size=2, num_workers=workers, dataset=datasets['source']),
            train_cfg=dict(type='PositionTrainLoop', max_iters=7),
            optim_wrapper=dict(constructor='PerChildOptimWrapperConstructor', generators=ADAM, discriminators=ADAM),
            model_wrapper_cfg=dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False),
            param_scheduler=[dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=2, end=8, by_epoch=False)],
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
                translator=dict(type='TranslatorCheckpointHook'),
                panels=dict(type='TranslationPanelHook', interval=4, num_images=2, width=32, dataset=datasets)),
            custom_hooks=[dict(type='CheckFiniteLossHook')],
            randomness=dict(seed=7),
            log_processor=dict(by_epoch=False),
            log_level='WARNING')  # yapf: disable
        cfg = Config(cfg)
        cfg.merge_from_dict(changes)
        return cfg

    return make


@pytest.fixture
def make(tmp_path: Path) -> 'Make':
    """Make a writer to `<tmp>/out`; arguments that are no writer's replace entries of the translator."""
    from udas_mmseg.translation.writer import TranslationWriter
    from writing import IMAGES, ROOT, TRANSLATOR

    def call(images: Sequence[str] = IMAGES, image_root: str = ROOT, **changes: Any) -> 'TranslationWriter':
        translator = {name: changes.pop(name, value) for name, value in TRANSLATOR.items()}
        return TranslationWriter(str(tmp_path / 'out'), images, image_root, translator, **changes)

    return call
