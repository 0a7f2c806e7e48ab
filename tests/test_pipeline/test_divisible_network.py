"""A network whose input must be divisible trains, validates and exports with each method."""
import copy
from pathlib import Path
from typing import Callable

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmseg.apis import inference_model, init_model
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample

from divisible import UNET
from tiny_runs import train
from udas_mmseg.engine.trial_validation import try_validation
from udas_mmseg.export.export_segmentor import export_segmentor
from udas_mmseg.models.trained import build_original
from udas_mmseg.pseudo_labels.label import LabelingOptions, write_pseudo_labels

LOAD = [dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds')]
PADDED = dict(UNET, data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=1, mean=[100.] * 3, std=[50.] * 3,
                                           test_cfg=dict(size_divisor=4)))
SGD = dict(optimizer=dict(type='SGD', lr=0.01))
SMALL = dict(type='FCDiscriminator', base_channels=2, strides=(1, 1, 1, 1, 1))
METHODS = dict(
    segmentor=dict(model=PADDED, optim_wrapper=SGD),
    adversarial=dict(
        model=dict(type='AdversarialSegmentor', segmentor=PADDED,
                   discriminators=dict(type='MultiLevelDiscriminator', discriminator=SMALL)),
        optim_wrapper=dict(constructor='PerChildOptimWrapperConstructor', segmentor=SGD, discriminators=SGD)),
    teacher=dict(
        model=dict(type='StudentTeacherSegmentor', segmentor=PADDED, ema_teacher=dict(), predict_with='teacher'),
        optim_wrapper=SGD, custom_hooks=[dict(type='EMATeacherHook')]))  # yapf: disable


@pytest.fixture
def divisible_config(labeled_config: Callable, tmp_path: Path) -> Callable[[str], Config]:
    """Two iterations on crops of 16x8, and a validation on images of 34x18."""

    def make(method: str) -> Config:
        crops = [*LOAD, dict(type='RandomCrop', crop_size=(8, 16)), dict(type='PackSegInputs')]
        images = dict(labeled_config('val', 3, pipeline=[
            LOAD[0], dict(type='Resize', scale=(34, 18), keep_ratio=False), LOAD[1], dict(type='PackSegInputs')]))
        source = labeled_config('source', pipeline=crops)
        target = dict(source, data_prefix=dict(img_path='images'), pipeline=[crops[0], *crops[2:]])
        target.pop('label_map')
        dataset = (dict(type='StreamDataset', dataset=source) if method == 'segmentor' else
                   dict(type='DomainPairDataset', source=source, target=target))
        loader = dict(num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), dataset=images)
        return Config(copy.deepcopy(dict(
            default_scope='mmseg', work_dir=str(tmp_path / method), experiment_name=f'{tmp_path.name}_{method}',
            log_level='WARNING', randomness=dict(seed=0), log_processor=dict(by_epoch=False),
            train_dataloader=dict(batch_size=2, num_workers=0, sampler=dict(type='PositionSampler'), dataset=dataset),
            val_dataloader=dict(loader, batch_size=1), val_evaluator=dict(type='SubsetIoUMetric'), val_cfg=dict(),
            test_dataloader=dict(loader, batch_size=1), test_evaluator=dict(type='SubsetIoUMetric'), test_cfg=dict(),
            train_cfg=dict(type='PositionTrainLoop', max_iters=2, val_interval=2),
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2)),
            **METHODS[method])))

    return make


@pytest.mark.parametrize('method', list(METHODS))
def test_it_trains_validates_labels_and_exports(divisible_config: Callable, tmp_path: Path, method: str) -> None:
    cfg = divisible_config(method)
    assert try_validation(cfg)
    runner = train(cfg)
    assert runner.message_hub.get_scalar('val/mIoU').current() > 0
    checkpoint = f'{cfg.work_dir}/iter_2.pth'
    written = export_segmentor(cfg, checkpoint, str(tmp_path / 'out'), 'mine')
    assert written.difference < 1e-6
    image = str(tmp_path / 'val/images/000.png')
    exported = init_model(str(written.config), str(written.checkpoint), device='cpu')
    seen = inference_model(exported, image)
    original = build_original(cfg, torch.load(checkpoint, weights_only=False))
    expected = original.test_step(pseudo_collate([DATASETS.build(cfg.val_dataloader.dataset)[0]]))[0]
    assert seen.pred_sem_seg.data.shape == (1, 16, 32), 'the size of the file'
    assert torch.allclose(seen.seg_logits.data, expected.seg_logits.data, atol=1e-5)
    index = write_pseudo_labels(cfg, checkpoint, str(tmp_path / 'labels'), LabelingOptions(views=2, workers=0),
                                dataset=cfg.val_dataloader.dataset)
    assert index['num_images'] == 3


@pytest.mark.parametrize('mode', [dict(mode='whole'), dict(mode='slide', crop_size=(8, 12), stride=(4, 8))])
def test_padding_is_cropped_again(mode: dict) -> None:
    """As if the image were padded and the logits cropped by hand."""
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(PADDED, test_cfg=mode)).eval()
    image = torch.randint(0, 256, (3, 18, 34), dtype=torch.uint8)
    meta = dict(img_path='a.png', ori_shape=(18, 34), img_shape=(18, 34))
    sample = dict(inputs=image, data_samples=SegDataSample(metainfo=meta))
    with torch.no_grad():
        padded = F.pad((image.float() - 100) / 50, (0, 2, 0, 2))[None]
        by_hand = model.inference(padded, [dict(ori_shape=(20, 36), img_shape=(20, 36), pad_shape=(20, 36))])
        logits = model.test_step(pseudo_collate([sample]))[0].seg_logits.data
    assert logits.shape == (3, 18, 34)
    assert torch.allclose(logits, by_hand[0, :, :18, :34], atol=1e-6)


def test_the_export_takes_a_size_that_the_network_can_predict(divisible_config: Callable, tmp_path: Path) -> None:
    """Without padding, as in a config whose images are all divisible."""
    cfg = divisible_config('segmentor')
    cfg.model.data_preprocessor.test_cfg = None
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'a.pth')
    sizes = {}
    for name, scale in (('resized', (64, 32)), ('other', (34, 18))):
        cfg.test_dataloader.dataset.pipeline[1].scale = scale
        sizes[name] = export_segmentor(cfg, str(tmp_path / 'a.pth'), str(tmp_path / 'out'), name).size
    assert sizes == dict(resized=(32, 64), other=(260, 324))
