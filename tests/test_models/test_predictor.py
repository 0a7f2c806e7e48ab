"""One network validates, labels and is exported, whichever it is."""
import copy
from pathlib import Path
from typing import Any, Dict

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmseg.apis import init_model
from mmseg.registry import MODELS
from torch import Tensor, nn

from adversarial_models import build, deeplabv2
from small_data import CLASSES
from student_models import images
from udas_mmseg.datasets.image_views import ImageViews
from udas_mmseg.datasets.transforms import AffineMap
from udas_mmseg.export.export_segmentor import export_segmentor
from udas_mmseg.export.plain_config import export_config
from udas_mmseg.models.predictor import predictor_config, predictor_of
from udas_mmseg.models.trained import build_original, segmentor_weights
from udas_mmseg.pseudo_labels.predict import Labeler, predict_views

HEAD = dict(type='DeepLabV2Head', num_classes=3, dilations=(2, 3), align_corners=True)


def segmentor() -> dict:
    """One that can be exported."""
    return dict(deeplabv2(), decode_head=dict(HEAD, in_channels=32, in_index=3),
                auxiliary_head=dict(HEAD, in_channels=16, in_index=2))


KINDS: Dict[str, dict] = {
    **dict.fromkeys(('student', 'teacher'), dict(type='StudentTeacherSegmentor', ema_teacher=dict(momentum=0.9))),
    **dict.fromkeys(('first', 'second', 'mean'), dict(type='CrossPseudoSupervision')),
    **dict.fromkeys(('selector first', 'selector second', 'selector mean'), dict(type='PixelSelector')),
}


@pytest.fixture(params=['student', 'teacher', 'first', 'second', 'selector first', 'selector second'])
def trained(request: Any) -> Any:
    """Two networks that predict differently, and one of them is used: the config and the model."""
    return trained_by(request.param)


def trained_by(name: str) -> Any:
    options = dict(KINDS[name], predict_with=name.split()[-1])
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(options, segmentor=segmentor())).eval()
    generator = torch.Generator().manual_seed(0)
    for network in networks(model):
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                random = torch.rand if 'running' in name else torch.randn
                value.copy_(random(value.shape, generator=generator) * 0.3 + 0.5 * ('running' in name))
    if model.teacher is not None:
        model.teacher.steps += 5
    cfg = Config(dict(model=dict(segmentor=segmentor(), **options),
                      test_pipeline=[dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')],
                      test_dataloader=dict(dataset=dict(type='LabelMappedDataset', metainfo=CLASSES, data_root='d',
                                                        data_prefix=dict(img_path='i'), pipeline=[
                                                            dict(type='LoadVerifiedImage'),
                                                            dict(type='PackSegInputs')]))))
    return cfg, model


def networks(model: nn.Module) -> list:
    return [model.segmentor, model.second if model.teacher is None else model.teacher.network]


def other_predictor(model: nn.Module) -> nn.Module:
    """The network that does not predict."""
    other = copy.copy(model)
    other.predict_with = dict(student='teacher', teacher='student', first='second', second='first')[model.predict_with]
    return other.predictor


def labels_by(model: nn.Module) -> Tensor:
    sample = {key: value[0] for key, value in images().items()}
    view = ImageViews(0, [sample], [AffineMap.identity((48, 64))])
    (label, _), = predict_views(Labeler.of(model), [view])
    return label


def test_validation_labelling_and_export_agree(trained: Any, tmp_path: Path) -> None:
    cfg, model = trained
    expected = model.val_step(images())[0]
    label = expected.pred_sem_seg.data[0]
    batch = model.data_preprocessor(images(), False)
    other = other_predictor(model).predict(**batch)[0]
    assert not torch.equal(other.pred_sem_seg.data[0], label)  # the comparison can fail
    # labelling by the live model, and by one that is built from a checkpoint
    state = dict(model.state_dict())
    assert torch.equal(labels_by(model).long(), label)
    assert torch.equal(labels_by(build_original(cfg, state)).long(), label)
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'trained.pth')
    exported = export_segmentor(cfg, str(tmp_path / 'trained.pth'), str(tmp_path / 'out'), 'mine')
    network = init_model(str(exported.config), str(exported.checkpoint), device='cpu')
    result = network.test_step(images())[0]
    assert torch.allclose(result.seg_logits.data, expected.seg_logits.data, atol=1e-4)
    assert float((result.pred_sem_seg.data[0] == label).float().mean()) > 0.999


@pytest.mark.parametrize('kind', ['', 'selector '])
def test_the_mean_validates_and_labels_and_is_not_exported(kind: str) -> None:
    cfg, model = trained_by(f'{kind}mean')
    label = model.val_step(images())[0].pred_sem_seg.data[0]
    for name in (f'{kind}first', f'{kind}second'):
        alone = trained_by(name)[1].val_step(images())[0].pred_sem_seg.data[0]
        assert not torch.equal(alone, label)
    state = dict(model.state_dict())
    assert torch.equal(labels_by(model).long(), label)
    assert torch.equal(labels_by(build_original(cfg, state)).long(), label)
    with pytest.raises(ValueError, match="no segmentor that predicts the mean.*predict_with='first' or 'second'"):
        export_config(cfg)


MODELS_BY_NAME = {
    'segmentor': lambda: (dict(deeplabv2()), MODELS.build(deeplabv2())),
    'BranchSegmentor': lambda: _both(dict(type='BranchSegmentor', segmentor=deeplabv2())),
    'AdversarialSegmentor': lambda: (dict(type='AdversarialSegmentor', segmentor=deeplabv2()), build()),
    'student': lambda: _both(dict(type='StudentTeacherSegmentor', segmentor=deeplabv2(), ema_teacher=dict())),
    'teacher': lambda: _both(dict(type='StudentTeacherSegmentor', segmentor=deeplabv2(), ema_teacher=dict(),
                                  predict_with='teacher')),
    **{name: lambda name=name: _both(dict(KINDS[name], segmentor=deeplabv2(), predict_with=name.split()[-1]))
       for name in KINDS if name not in ('student', 'teacher')},
}
PREFIXES = {'segmentor': '', 'teacher': 'teacher.', 'second': 'second.', 'selector second': 'second.decode_head.',
            'mean': 'mean.', 'selector mean': 'mean.'}
MEANS = {'mean': 'SegmentorMean', 'selector mean': 'ClassifierMean'}


def _both(cfg: dict) -> tuple:
    return cfg, MODELS.build(cfg)


@pytest.mark.parametrize('name', MODELS_BY_NAME)
def test_a_live_model_and_its_config_name_the_same_weights(name: str) -> None:
    cfg, model = MODELS_BY_NAME[name]()
    for index, value in enumerate(model.state_dict().values()):
        value.fill_(index) if value.is_floating_point() else None
    config, prefix = predictor_config(Config(dict(model=cfg)))
    assert config['type'] == MEANS.get(name, 'MultiLevelEncoderDecoder')
    assert config['data_preprocessor'] is not None and prefix == PREFIXES.get(name, 'segmentor.')
    found, expected = segmentor_weights(model.state_dict(), prefix), predictor_of(model).state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, found[key]) for key, value in expected.items())


def test_a_checkpoint_without_its_other_network_is_refused_if_that_predicts(trained: Any) -> None:
    cfg, model = trained
    state = {key: value for key, value in model.state_dict().items() if key.startswith('segmentor.')}
    if model.predict_with in ('student', 'first'):
        build_original(cfg, state)
        return
    part = 'decode_head.convs' if type(model).__name__ == 'PixelSelector' else 'backbone'
    with pytest.raises(ValueError, match=rf'missing \({model.predict_with}.{part}'):
        build_original(cfg, state)
