"""Exports of models that were trained online, and of networks that MMSegmentation lacks: they predict the same."""
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmseg.apis import init_model
from mmseg.registry import MODELS

from small_data import CLASSES
from udas_mmseg.export import export_segmentor as export_files
from udas_mmseg.export.export_segmentor import compare_models
from udas_mmseg.models.trained import build_original
from vit_models import vit_segmentor

NORM = dict(type='BN')
SIZE = (65, 96)
PIPELINE = [dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')]
PREPROCESSOR = dict(type='DomainDataPreProcessor', mean=[120.0, 110, 100], std=[60.0, 50, 55], bgr_to_rgb=True)
MOBILENET = dict(type='MobileNetV2', widen_factor=0.25, strides=(1, 2, 2, 1, 1, 1, 1), dilations=(1, 1, 1, 2, 2, 4, 4),
                 out_indices=(4, 6), norm_cfg=NORM)
MIT = dict(type='MixVisionTransformer', embed_dims=4, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 1, 1],
           patch_sizes=[7, 3, 3, 3], sr_ratios=[8, 4, 2, 1], mlp_ratio=2)
LEVELS = dict(in_channels=[4, 4, 4, 4], in_index=[0, 1, 2, 3], channels=8, num_classes=3, norm_cfg=NORM)
DEEPLABV2 = [dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=3, dilations=(6, 12))
             for channels, index in ((80, 1), (24, 0))]
ASPP = [dict(type='ASPPHead', in_channels=80, in_index=1, channels=8, dilations=(1, 6), num_classes=3, norm_cfg=NORM),
        dict(type='FCNHead', in_channels=24, in_index=0, channels=8, num_classes=3, norm_cfg=NORM)]
NETWORKS = {
    'MobileNetV2, DeepLabV2Head': (MOBILENET, DEEPLABV2),
    'MobileNetV2, ASPPHead': (MOBILENET, ASPP),
    'MiT, DAFormerHead': (MIT, [dict(LEVELS, type='DAFormerHead', embed_channels=8, dilations=(1, 6))]),
    'MiT, SegformerHead': (MIT, [dict(LEVELS, type='SegformerHead')]),
}


def scored(model: dict) -> Config:
    dataset = dict(type='LabelMappedDataset', metainfo=CLASSES, data_root='d', data_prefix=dict(img_path='i'),
                   pipeline=PIPELINE)
    return Config(dict(model=model, test_dataloader=dict(batch_size=1, dataset=dataset)))


def online(name: str, predict_with: str) -> Config:
    backbone, heads = NETWORKS[name]
    segmentor = dict(type='EncoderDecoder', backbone=backbone, decode_head=heads[0], train_cfg=dict(),
                     test_cfg=dict(mode='whole'), **({} if len(heads) == 1 else dict(auxiliary_head=heads[1])))
    model = dict(type='OnlineSelfTrainingSegmentor', segmentor=segmentor, ema_teacher=dict(momentum=0.99),
                 data_preprocessor=PREPROCESSOR, predict_with=predict_with)
    return scored(model)


def random_weights(cfg: Config, file: Path) -> dict:
    """Write a checkpoint in which student and teacher differ."""
    torch.manual_seed(0)
    state = MODELS.build(ConfigDict(cfg.model)).state_dict()
    for key, value in state.items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if 'running_var' in key else 0.3 * torch.randn_like(value))
    torch.save(dict(state_dict=state), file)
    return state


@pytest.mark.parametrize(('name', 'who'), [
    ('MobileNetV2, DeepLabV2Head', 'student'), ('MobileNetV2, DeepLabV2Head', 'teacher'),
    ('MobileNetV2, ASPPHead', 'teacher'), ('MiT, DAFormerHead', 'student'), ('MiT, DAFormerHead', 'teacher'),
    ('MiT, SegformerHead', 'student')])
def test_student_and_teacher_predict_the_same_in_mmsegmentation(name: str, who: str, tmp_path: Path) -> None:
    cfg = online(name, who)
    state = random_weights(cfg, tmp_path / 'trained.pth')
    written = export_files.export_segmentor(cfg, str(tmp_path / 'trained.pth'), str(tmp_path / 'out'), 'online')
    plain = init_model(str(written.config), str(written.checkpoint), device='cpu')
    ours: Any = {part for part in map(type, plain.modules()) if part.__module__.startswith('udas_mmseg')}
    imports = Config.fromfile(written.config).get('custom_imports', {}).get('imports', [])
    if 'DAFormerHead' in name:
        assert {type(plain.decode_head)} <= ours and imports == ['udas_mmseg']
    else:
        assert not ours and not imports
    assert compare_models(build_original(cfg, dict(state_dict=state)), plain, SIZE) < 1e-5
    other = online(name, 'teacher' if who == 'student' else 'student')
    assert compare_models(build_original(other, dict(state_dict=state)), plain, SIZE) > 1e-2


def written_with_package(model: dict, folder: Path) -> export_files.Exported:
    cfg = scored(model)
    random_weights(cfg, folder / 'trained.pth')
    written = export_files.export_segmentor(cfg, str(folder / 'trained.pth'), str(folder), 'mine')
    assert 'The model has components of udas_mmseg, which must be installed.' in written.notes
    return written


SEGNET = dict(type='EncoderDecoder', data_preprocessor=PREPROCESSOR, train_cfg=dict(), test_cfg=dict(mode='whole'),
              backbone=dict(type='SegNet', channels=(4, 4), num_convs=(2, 1)),
              decode_head=dict(type='SegNetHead', in_channels=4, in_index=1, num_classes=3))  # yapf: disable


@pytest.mark.parametrize('model', [vit_segmentor(), SEGNET], ids=['vision transformer', 'SegNet'])
def test_networks_that_mmsegmentation_lacks_are_imported_from_this_package(model: dict, tmp_path: Path) -> None:
    written = written_with_package(model, tmp_path)
    assert '1.x, and the packages below.' in written.config.read_text()
    assert Config.fromfile(written.config).custom_imports.imports == ['udas_mmseg']


def test_hrda_is_imported_with_all_its_parts(tmp_path: Path) -> None:
    written = written_with_package(
        dict(type='HRDAEncoderDecoder', data_preprocessor=PREPROCESSOR, backbone=MOBILENET, decode_head=DEEPLABV2[0],
             auxiliary_head=DEEPLABV2[1], train_cfg=dict(), test_cfg=dict(mode='whole'), detail_size=64, divisor=16),
        tmp_path)
    model = Config.fromfile(written.config).model
    assert (model.type, model.decode_head.type, model.data_preprocessor.type) == (
        'HRDAEncoderDecoder', 'DeepLabV2Head', 'SegDataPreProcessor')
    assert written.difference < 1e-6
