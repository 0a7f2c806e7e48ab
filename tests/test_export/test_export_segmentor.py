"""A trained segmentor in terms of MMSegmentation alone."""
import copy
from pathlib import Path
from typing import Any, Callable, Optional, Tuple

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS, TRANSFORMS
from mmseg.structures import SegDataSample
from torch import nn

from small_data import CLASSES
from udas_mmseg.engine.launch import load_config
from udas_mmseg.export import export_segmentor as export_files
from udas_mmseg.export.export_segmentor import compare_models, find_dataset_meta
from udas_mmseg.export.plain_config import export_config, export_state_dict
from udas_mmseg.models import DeepLabV2Head
from udas_mmseg.models.trained import build_original

NORM = dict(type='BN')
SIZE = (65, 96)
PIPELINE = [dict(type='LoadVerifiedImage'), dict(type='Resize', scale=(32, 16), keep_ratio=False),
            dict(type='LoadLabelIds'), dict(type='PackSegInputs')]
PREPROCESSOR = dict(type='DomainDataPreProcessor', mean=[120.0, 110, 100], std=[60.0, 50, 55], bgr_to_rgb=True)
SCORED = dict(type='LabelMappedDataset', metainfo=CLASSES, data_root='d', data_prefix=dict(img_path='i'),
              pipeline=PIPELINE)


def deeplab(channels: int, index: int, **changes: object) -> dict:
    return {**dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=3, align_corners=True),
            **changes}


def stock(kind: str, channels: int, index: int) -> dict:
    return dict(type=kind, in_channels=channels, in_index=index, channels=4, num_classes=3, norm_cfg=NORM)


def config(main: Optional[dict] = None, auxiliary: Optional[dict] = None, **changes: Any) -> Config:
    backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                    dilations=(1, 1, 2, 4), norm_cfg=NORM)
    model = dict(type='MultiLevelEncoderDecoder', data_preprocessor=PREPROCESSOR, backbone=backbone,
                 decode_head=main or deeplab(32, 3), auxiliary_head=auxiliary or deeplab(16, 2), train_cfg=dict(),
                 test_cfg=dict(mode='whole'))
    return Config(copy.deepcopy(dict(model={**model, **changes.pop('model', {})}, test_pipeline=PIPELINE, **changes)))


def scored(**changes: object) -> Config:
    return config(test_dataloader=dict(batch_size=2, dataset={**SCORED, **changes}),
                  test_evaluator=dict(type='SubsetIoUMetric', subsets=dict(two=['road', 'other']),
                                      groups=dict(pattern='(.)')))


def wrapped(cfg: Config, **changes: object) -> Config:
    """`AdversarialSegmentor` around the segmentor of a config."""
    segmentor = cfg.to_dict()['model']
    return Config({**cfg.to_dict(), 'model': dict(type='AdversarialSegmentor', segmentor=segmentor, **changes,
                                                  discriminators=dict(type='MultiLevelDiscriminator'))})


def trained(cfg: Config) -> nn.Module:
    """A model whose weights and statistics are all random."""
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(cfg.to_dict()['model'])).eval()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if 'running' in name else torch.randn_like(value) * 0.3)
    return model


def exported(cfg: Config, model: nn.Module) -> Tuple[EncoderDecoder, dict]:
    stock_config = export_config(cfg).config
    vanilla = MODELS.build(ConfigDict(stock_config['model'])).eval()
    vanilla.load_state_dict(export_state_dict(model.state_dict(), cfg))  # strict
    return vanilla, stock_config


def assert_stock(model: nn.Module) -> None:
    assert not [name for name, part in model.named_modules() if type(part).__module__.startswith('udas_mmseg')]


@pytest.mark.parametrize('dilations', [(6, 12), (6, 12, 18, 24)])
@pytest.mark.parametrize('dtype, tolerance', [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_deeplabv2_head_is_an_aspp_head(dilations: tuple, dtype: torch.dtype, tolerance: float) -> None:
    cfg = config(deeplab(32, 3, dilations=dilations))
    ours = trained(cfg)
    vanilla, _ = exported(cfg, ours)
    assert isinstance(ours.decode_head, DeepLabV2Head) and type(vanilla.decode_head).__name__ == 'ASPPHead'
    features = [torch.empty(0)] * 3 + [torch.randn(2, 32, 41, 37, dtype=dtype)]
    expected, actual = (model.decode_head.to(dtype)(features) for model in (ours, vanilla))
    assert expected.abs().max() > 1
    assert (expected - actual).abs().max() < tolerance * expected.abs().max()


@pytest.mark.parametrize('main, auxiliary', [
    (deeplab(32, 3), deeplab(16, 2, dilations=(6, 12))),
    (deeplab(32, 3, dilations=[6, 12]), stock('FCNHead', 16, 2)),
    (stock('FCNHead', 32, 3), deeplab(16, 2)),
    (stock('PSPHead', 32, 3), stock('FCNHead', 16, 2)),
])
def test_predicts_the_same_with_any_heads(main: dict, auxiliary: dict) -> None:
    cfg = config(main, auxiliary)
    ours = trained(cfg)
    vanilla, _ = exported(cfg, ours)
    assert_stock(vanilla)
    assert type(vanilla) is EncoderDecoder
    assert compare_models(ours, vanilla, SIZE) < 1e-6
    head = vanilla.auxiliary_head
    (head.conv_seg if isinstance(auxiliary.get('norm_cfg'), dict) else head.aspp_modules[1].conv).weight.data += 0.01
    assert compare_models(ours, vanilla, SIZE) > 1e-4  # every level counts, not only the one that predicts


def test_segmentor_is_taken_out_of_adversarial_training() -> None:
    plain = config()
    cfg = wrapped(plain)
    model = trained(cfg)
    assert any(key.startswith('discriminators.') for key in model.state_dict())
    vanilla, _ = exported(cfg, model)
    assert_stock(vanilla)
    assert compare_models(build_original(cfg, model.state_dict()), vanilla, SIZE) < 1e-6
    assert export_config(cfg) == export_config(plain)
    given = export_config(wrapped(plain, data_preprocessor=dict(PREPROCESSOR, mean=[1, 2, 3]))).config
    assert given['model']['data_preprocessor']['mean'] == [1, 2, 3]
    model.segmentor.decode_head.convs[0].weight.data += 0.1
    assert compare_models(build_original(cfg, model.state_dict()), vanilla, SIZE) > 1e-4


def test_rectified_training_and_losses_of_ours_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = type('OurLoss', (nn.Module, ), dict(__module__='udas_mmseg.models.losses', loss_name='loss_ours'))
    monkeypatch.setitem(MODELS.module_dict, 'OurLoss', loss)
    cfg = config(deeplab(32, 3, loss_decode=dict(type='OurLoss')), model=dict(type='RectifiedEncoderDecoder'))
    vanilla, stock_config = exported(cfg, trained(cfg))
    assert_stock(vanilla)
    assert 'loss_decode' not in stock_config['model']['decode_head']
    assert "decode_head has MMSegmentation's default loss" in export_config(cfg).notes[0]


@pytest.mark.parametrize('changes', [dict(), dict(size=(24, 40)), dict(size_divisor=32, pad_val=7),
                                     dict(test_cfg=dict(size_divisor=32))])
@pytest.mark.parametrize('training', [False, True])
def test_preprocessor_does_the_same(changes: dict, training: bool) -> None:
    cfg = config(model=dict(data_preprocessor={**PREPROCESSOR, **changes}))
    vanilla = MODELS.build(export_config(cfg).config['model']['data_preprocessor'])
    assert type(vanilla).__name__ == 'SegDataPreProcessor'

    def batch() -> dict:
        label = PixelData(data=torch.ones(1, 16, 32))
        return dict(inputs=[torch.arange(16 * 32 * 3).reshape(3, 16, 32)],
                    data_samples=[SegDataSample(metainfo=dict(img_shape=(16, 32)), gt_sem_seg=label)])

    expected = MODELS.build(cfg.model.data_preprocessor)(batch(), training)
    assert torch.equal(vanilla(batch(), training)['inputs'], expected['inputs'])


def test_pretrained_weights_are_dropped_and_the_config_is_left_alone() -> None:
    cfg = config(model=dict(pretrained='a.pth'))
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='torchvision://resnet18')
    before = cfg.to_dict()
    assert 'retrained' not in str(export_config(cfg).config)
    assert cfg.to_dict() == before


@pytest.mark.parametrize('cfg, message', [
    (config(deeplab(32, 3, dilations=(1, 2))), r'model.decode_head.dilations=\(1, 2\)'),
    (config(model=dict(backbone=dict(type='DeepLabResNet', depth=18))), 'model.backbone is DeepLabResNet, which'),
    (config(model=dict(test_cfg=dict(mode='whole', aux_weight=0.5))), 'aux_weight=0.5: both heads predict'),
    (Config(dict(model=config().model)), 'neither test_dataloader.dataset.pipeline nor test_pipeline'),
])
def test_what_has_no_equivalent_is_refused_by_name(cfg: Config, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        export_config(cfg)


def test_transform_of_ours_is_refused_and_other_packages_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSFORMS.module_dict, 'Foreign', type('Foreign', (), dict(__module__='mypkg.ops')))
    cfg = config(custom_imports=dict(imports=['udas_mmseg', 'mypkg', 'unused']))
    cfg.test_pipeline.insert(1, dict(type='Foreign'))
    assert export_config(cfg).config['custom_imports']['imports'] == ['mypkg']
    monkeypatch.setitem(TRANSFORMS.module_dict, 'Foreign', type('Foreign', (), dict(__module__='udas_mmseg.ops')))
    with pytest.raises(ValueError, match=r'test_pipeline\[1\] is Foreign'):
        export_config(cfg)


def test_data_of_train_ids_are_expressed_in_stock_terms() -> None:
    result, notes = export_config(scored(label_map={0: 0, 1: 1, 2: 2}))
    dataset = result['test_dataloader']['dataset']
    assert [step['type'] for step in result['test_pipeline']] == [
        'LoadImageFromFile', 'Resize', 'LoadAnnotations', 'PackSegInputs']
    assert dataset['pipeline'] == result['test_pipeline']
    assert dataset['type'] == 'BaseSegDataset' and dataset['img_suffix'] == '.png' and 'label_map' not in dataset
    assert result['test_evaluator'] == [dict(type='IoUMetric')]
    assert notes == ['test_evaluator gives the mean over all classes and images; subsets and groups are left out.']
    assert 'udas_mmseg' not in str(result) and 'custom_imports' not in result


def test_data_whose_ids_are_mapped_are_left_out() -> None:
    result, notes = export_config(scored(label_map={0: 1, 1: 0, 2: 2}))
    assert 'test_dataloader' not in result and 'test_evaluator' not in result
    assert notes[0].startswith('The test data are left out: LabelMappedDataset')
    assert 'test_dataloader' not in export_config(scored(type='GTA5Dataset')).config


def test_cityscapes_is_scored_on_its_train_ids() -> None:
    cfg = load_config(str(Path(__file__).parents[2] / 'configs/udas/gta2cs_source_only.py'))
    result, notes = export_config(cfg)
    dataset = result['test_dataloader']['dataset']
    assert (dataset['type'], dataset['seg_map_suffix']) == ('CityscapesDataset', '_gtFine_labelTrainIds.png')
    assert 'tools/dataset_converters/cityscapes.py' in notes[0]
    assert cfg.test_dataloader.dataset.seg_map_suffix == '_gtFine_labelIds.png'


def test_checkpoint_that_does_not_fit_says_how() -> None:
    cfg = config()
    state = trained(cfg).state_dict()
    state['extra'] = state.pop('decode_head.convs.0.bias')
    state['decode_head.convs.1.bias'] = torch.zeros(5)
    with pytest.raises(ValueError, match=r'1 missing \(decode_head.convs.0.bias\); 1 unexpected \(extra\); '
                       r'1 of another shape \(decode_head.convs.1.bias: \(5,\) instead of \(3,\)\)'):
        build_original(cfg, state)
    with pytest.raises(ValueError, match=r'1 missing \(decode_head.convs.0.bias\)'):
        build_original(wrapped(cfg), state)  # a segmentor alone is taken where a larger model is expected
    whole = {f'segmentor.{key}': value for key, value in state.items()}
    with pytest.raises(ValueError, match=r'1 missing \(segmentor.decode_head.convs.0.bias\)'):
        build_original(wrapped(cfg), whole)


def test_classes_come_from_the_checkpoint_or_the_data() -> None:
    colours = [[1, 1, 1], [2, 2, 2], [3, 3, 3]]
    meta = dict(dataset_meta=dict(classes=('a', 'b', 'c'), palette=torch.tensor(colours).numpy(), label_map=None))
    assert find_dataset_meta(config(), meta, 3) == dict(classes=['a', 'b', 'c'], palette=colours)
    assert find_dataset_meta(scored(), {}, 3) == dict(classes=list(CLASSES['classes']), palette=colours)
    with pytest.raises(ValueError, match='has the names of the classes'):
        find_dataset_meta(config(), {}, 3)
    with pytest.raises(ValueError, match=r'num_classes=4, but there are 3 class names'):
        find_dataset_meta(config(), meta, 4)


@pytest.mark.parametrize('content', [b'', b'not a checkpoint', b'PK\x03\x04 cut off'])
def test_damaged_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'a.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='a.pth cannot be read'):
        export_files.load_checkpoint(str(path))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[], Any]:
    cfg = scored()
    torch.save(trained(cfg).state_dict(), tmp_path / 'trained.pth')
    return lambda: export_files.export_segmentor(cfg, str(tmp_path / 'trained.pth'), str(tmp_path / 'out'), 'mine')


def test_files_that_predict_something_else_are_removed(write: Callable, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files, 'export_state_dict', lambda weights, cfg: {
        name: value * 1.001 for name, value in export_state_dict(weights, cfg).items()})
    with pytest.raises(ValueError, match='gives other predictions'):
        write()
    assert list((tmp_path / 'out').iterdir()) == []
    monkeypatch.undo()
    assert write().difference < 1e-6
    before = {path: path.read_bytes() for path in (tmp_path / 'out').iterdir()}
    assert sorted(path.name for path in before) == ['mine.pth', 'mine.py']
    monkeypatch.setattr(export_files, 'compare_models', lambda *models: float('nan'))
    with pytest.raises(ValueError, match='gives other predictions'):
        write()
    assert {path: path.read_bytes() for path in (tmp_path / 'out').iterdir()} == before  # the good ones stay


def test_weights_that_are_missing_in_the_file_are_an_error(write: Callable) -> None:
    cfg, written = scored(), write()
    content = torch.load(written.checkpoint, weights_only=True)
    assert content['meta']['dataset_meta']['classes'] == list(CLASSES['classes'])
    del content['state_dict']['auxiliary_head.conv_seg.bias']
    torch.save(content, written.checkpoint)
    with pytest.raises(ValueError, match='auxiliary_head.conv_seg.bias'):
        export_files.check_files(trained(cfg), written.config, written.checkpoint)
