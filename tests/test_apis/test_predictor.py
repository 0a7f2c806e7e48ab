"""A trained model that predicts images in memory and in files."""
import warnings
from pathlib import Path
from typing import Any, Dict

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.apis import inference_model
from PIL import Image

from predicting_images import COLORS, IMAGES, noise
from udas_mmseg.apis import Predictor
from udas_mmseg.datasets.image_files import SampleError
from udas_mmseg.engine.launch import load_config
from udas_mmseg.models.trained import build_original, load_checkpoint

SLIDE = {'model.segmentor.test_cfg': dict(mode='slide', crop_size=(24, 32), stride=(16, 24))}


@pytest.mark.parametrize('options', [{}, SLIDE])
def test_prediction_is_that_of_mmsegmentation(work: Path, options: Dict[str, Any]) -> None:
    predictor = Predictor('mine.py', 'trained.pth', cfg_options=options)
    plain = build_original(load_config('mine.py', cfg_options=options), load_checkpoint('trained.pth'))
    plain.cfg = Config(dict(test_pipeline=predictor.pipeline))
    results = predictor([*IMAGES, cv2.imread(IMAGES[1]), Image.open(IMAGES[1])], batch_size=2)
    for name, result in zip([*IMAGES, IMAGES[1], IMAGES[1]], results):
        expected = inference_model(plain, name)
        probability = expected.seg_logits.data.softmax(0).amax(0).numpy()
        assert np.array_equal(result.mask, expected.pred_sem_seg.data[0].numpy()) and len(np.unique(result.mask)) > 1
        assert np.allclose(result.confidence, probability, atol=1e-6) and result.confidence.dtype == np.float32
        assert np.array_equal(result.image, cv2.imread(name))
        assert result.classes == ('road', 'sidewalk', 'building') and list(map(list, result.palette)) == COLORS
    assert [result.mask.shape for result in results] == [(40, 60), (40, 80), (40, 60), (40, 80), (40, 80)]


def test_result_draws_itself(work: Path) -> None:
    result = Predictor('mine.py', 'trained.pth')(Path(IMAGES[0]))
    colors = np.array(COLORS, np.uint8)[result.mask][..., ::-1]
    assert np.array_equal(result.overlay(1), colors) and np.array_equal(result.overlay(0), result.image)
    shown = cv2.imdecode(np.frombuffer(result._repr_png_(), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(shown, result.overlay())


def test_grey_arrays_are_grey_images(work: Path) -> None:
    predictor = Predictor('mine.py', 'trained.pth')
    grey = noise(0)[..., 0]
    expected = predictor(np.dstack([grey] * 3))
    assert np.array_equal(predictor(grey).mask, expected.mask) and expected.mask.shape == (40, 60)
    assert predictor([]) == []


@pytest.mark.parametrize('array', [np.zeros((4, 6, 3)), np.zeros((4, 6, 4), np.uint8), np.zeros((0, 6), np.uint8),
                                   np.zeros((4, 6), np.uint16)])
def test_other_arrays_are_refused(work: Path, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r'allowed are \(H, W, 3\) uint8 in the order blue, green, red'):
        Predictor('mine.py', 'trained.pth')(array)


def test_files_that_cannot_be_read_are_errors(work: Path) -> None:
    Path('cut.png').write_bytes(Path(IMAGES[1]).read_bytes()[:-30])
    with pytest.raises(SampleError, match=r'cut\.png is truncated'):
        Predictor('mine.py', 'trained.pth')('cut.png')


@pytest.mark.parametrize('meta, classes', [
    (dict(dataset_meta=dict(classes=('a', 'b', 'c'), palette=COLORS)), ('a', 'b', 'c')),
    (dict(CLASSES=('a', 'b', 'c'), PALETTE=COLORS), ('a', 'b', 'c')),
    (dict(), ('class 0', 'class 1', 'class 2')),
])
def test_classes_are_those_of_the_checkpoint_without_test_data(work: Path, meta: dict, classes: tuple) -> None:
    content = torch.load('trained.pth')
    torch.save(dict(state_dict=content['state_dict'], meta=meta), 'other.pth')
    cfg = load_config('mine.py')
    cfg.pop('test_dataloader')
    predictor = Predictor(cfg, 'other.pth')
    assert predictor.classes == classes and len(predictor.palette) == 3
    assert meta == {} or list(map(list, predictor.palette)) == COLORS
    assert predictor.palette == Predictor(cfg, 'other.pth').palette


def test_checkpoint_is_compared_first(work: Path) -> None:
    content = torch.load('trained.pth')
    torch.save(dict(content, meta=dict(dataset_meta=dict(classes=('road', 'building', 'sidewalk')))), 'order.pth')
    with pytest.raises(ValueError, match='the same classes in another order'):
        Predictor('mine.py', 'order.pth')
    del content['state_dict']['segmentor.decode_head.convs.0.weight']
    torch.save(content, 'partial.pth')
    with pytest.raises(ValueError, match=r'1 missing \(segmentor\.decode_head\.convs\.0\.weight\)'):
        Predictor('mine.py', 'partial.pth')
    predictor = Predictor('mine.py', 'partial.pth', allow_partial=True)
    loaded = predictor.labeler.segmentor.state_dict()['decode_head.convs.1.weight']
    assert torch.equal(loaded.cpu(), content['state_dict']['segmentor.decode_head.convs.1.weight'])


def test_unusable_configs_are_refused(work: Path) -> None:
    with pytest.raises(ValueError, match='prediction needs whole images without random changes'):
        Predictor('mine.py', 'trained.pth', cfg_options={'test_dataloader.dataset.pipeline.1.type': 'RandomResize'})
    with pytest.raises(ValueError, match='the model has num_classes=3, but the images have 2 classes'):
        Predictor('mine.py', 'trained.pth',
                  cfg_options={'test_dataloader.dataset.metainfo': dict(classes=('road', 'building'))})


def test_losses_say_nothing_in_prediction(work: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        Predictor('mine.py', 'trained.pth')
    assert not [warning for warning in caught if 'avg_non_ignore' in str(warning.message)]


def test_values_that_are_not_finite_are_an_error(work: Path) -> None:
    content = torch.load('trained.pth')
    bias = content['state_dict']['segmentor.decode_head.convs.0.bias']
    bias[1] = torch.finfo(torch.float32).max  # finite, but its sum with the other convolutions' is not
    content['state_dict']['segmentor.decode_head.convs.1.bias'][1] = bias[1]
    torch.save(content, 'large.pth')
    with pytest.raises(ValueError, match='values that are not finite'):
        Predictor('mine.py', 'large.pth')(IMAGES[0])
    bias[1] = float('nan')
    torch.save(content, 'nan.pth')
    with pytest.raises(ValueError, match='1 weights that are not finite'):
        Predictor('mine.py', 'nan.pth')
