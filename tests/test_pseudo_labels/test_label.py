"""Labelling by several views: plain inference for one, the maximum confidence map for more."""
import errno
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS
from torch import Tensor, nn

from small_data import CLASSES, write_image
from udas_mmseg.datasets.image_views import ImageViewsDataset, build_augment, map_at_size
from udas_mmseg.datasets.thresholds import encode_confidence
from udas_mmseg.models.max_confidence import max_confidence_merge
from udas_mmseg.pseudo_labels import label as labeling
from udas_mmseg.pseudo_labels.label import LabelingOptions, label_dataset
from udas_mmseg.pseudo_labels.predict import Labeler
from udas_mmseg.pseudo_labels.writer import PseudoLabelWriter, confidence_path
from udas_mmseg.utils import background

SIZES = ((40, 60), (40, 60), (36, 50), (40, 60), (36, 50))  # height, width
GEOMETRY = dict(type='SegAutoAugment', policy=[[('Rotate', 0.8, 9), ('Invert', 0.5, 5)], [('ShearX', 0.9, 8)],
                                               [('Color', 1.0, 8)]])
MODES = dict(
    whole=dict(test_cfg=dict(mode='whole')),
    slide=dict(test_cfg=dict(mode='slide', crop_size=(16, 24), stride=(12, 16))),
    padded=dict(test_cfg=dict(mode='whole'), test_size_divisor=32),
    half_pixel=dict(test_cfg=dict(mode='whole'), align_corners=False))


def build(test_cfg: dict, test_size_divisor: int = 0, align_corners: bool = True, channels: int = 3) -> nn.Module:
    torch.manual_seed(1)
    padding = dict(test_cfg=dict(size_divisor=test_size_divisor)) if test_size_divisor else {}
    head = dict(type='FCNHead', in_channels=32, in_index=3, channels=32, num_convs=0, concat_input=False,
                num_classes=max(2, channels), out_channels=channels, align_corners=align_corners)
    if channels == 1:
        head['loss_decode'] = dict(type='CrossEntropyLoss', use_sigmoid=True)
    model = MODELS.build(ConfigDict(
        type='EncoderDecoder',
        data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.] * 3, std=[60.] * 3, bgr_to_rgb=True, **padding),
        backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                      dilations=(1, 1, 2, 4), norm_cfg=dict(type='BN', momentum=1.0)),
        decode_head=head, train_cfg=dict(), test_cfg=test_cfg))  # yapf: disable
    nn.init.normal_(model.decode_head.conv_seg.weight, std=0.5)
    noise = torch.randn(4, 3, 6, 7)
    with torch.no_grad():
        model.train().backbone(nn.functional.interpolate(noise, size=(32, 48), mode='bilinear'))
    return model.eval()


@pytest.fixture
def images(tmp_path: Path) -> Any:
    rng = np.random.default_rng(0)
    for number, (height, width) in enumerate(SIZES):
        noise = rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)
        write_image(tmp_path / f'images/{number}.png', cv2.resize(noise, (width, height)))
    dataset = DATASETS.build(
        dict(type='LabelMappedDataset', metainfo=CLASSES, data_root=str(tmp_path), serialize_data=False,
             data_prefix=dict(img_path='images'),
             pipeline=[dict(type='LoadVerifiedImage'), dict(type='Resize', scale=(48, 32), keep_ratio=True),
                       dict(type='PackSegInputs')]))
    dataset.test_mode = True
    return dataset


@pytest.fixture
def label(images: Any, tmp_path: Path) -> Callable[..., Path]:
    """Label the images; the folder of the set."""

    def call(model: nn.Module, name: str = 'set', overwrite: bool = False, **options: object) -> Path:
        given = LabelingOptions(**{**dict(workers=0), **options})
        paths = [images.get_data_info(number)['img_path'] for number in range(len(images))]
        writer = PseudoLabelWriter(str(tmp_path / name), paths, images.data_prefix['img_path'], CLASSES['classes'],
                                   dict(sha256='00', config_digest='11'), overwrite=overwrite, **given.header)
        label_dataset(Labeler.of(model), images, writer, given)
        return tmp_path / name

    return call


def stored(folder: Path, number: int) -> Tuple[np.ndarray, np.ndarray]:
    names = f'{number}.png', confidence_path(f'{number}.png')
    label, sure = (cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED) for name in names)
    return label, sure


def contents(folder: Path) -> Dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


@pytest.mark.parametrize('mode', MODES)
def test_one_view_is_plain_inference_bit_for_bit(images: Any, label: Callable, mode: str) -> None:
    model = build(**MODES[mode])
    folder = label(model, views=1)
    classes = set()
    for number, size in enumerate(SIZES):
        with torch.no_grad():
            result = model.test_step(pseudo_collate([images[number]]))[0]
        logits, (found, sure) = result.seg_logits.data, stored(folder, number)
        assert found.shape == size and np.array_equal(found, result.pred_sem_seg.data[0].numpy())
        expected = (logits.amax(dim=0) - logits.logsumexp(dim=0)).exp()
        assert np.array_equal(sure, (expected * 255).clamp(max=255).to(torch.uint8).numpy())
        classes |= set(np.unique(found))
    assert len(classes) > 1


def one_view_at_a_time(model: nn.Module, images: Any, number: int, views: int, augment: dict) -> Tuple[Tensor, Tensor]:
    """The maximum confidence map, by the model's plain inference on one view after the other."""
    names = [f'{image}.png' for image in range(len(images))]
    drawn = ImageViewsDataset(images, names, build_augment(augment), views)[number]
    probs, valid = [], []
    for sample, affine in zip(drawn.samples, drawn.maps):
        with torch.no_grad():
            logits = model.test_step(pseudo_collate([sample]))[0].seg_logits.data
        to_view = map_at_size(affine, SIZES[number], model.align_corners)
        undone = to_view.undo(logits.softmax(dim=0)[None])
        probs.append(undone[0])
        valid.append(undone[1][None])
    label, sure = max_confidence_merge(probs, valid)
    return label[0], sure[0]


@pytest.mark.parametrize('mode, augment', [
    ('whole', GEOMETRY), ('slide', GEOMETRY), ('padded', GEOMETRY), ('half_pixel', GEOMETRY),
    ('whole', dict(type='SegWeakAugment', crop_size=(24, 40))),
    ('slide', dict(type='SegWeakAugment', crop_size=(32, 44), flip_prob=1.0)),
])  # yapf: disable
def test_views_are_merged_by_their_confidence(images: Any, label: Callable, mode: str, augment: dict) -> None:
    model = build(**MODES[mode])
    folder, plain = label(model, views=3, augment=augment, batch_size=2), label(model, 'plain', views=1)
    gained = 0
    for number in range(len(SIZES)):
        expected, sure = one_view_at_a_time(model, images, number, 3, augment)
        found, level = stored(folder, number)
        assert (found == expected.numpy()).mean() > 0.999  # what is computed in another order may be a tie
        assert np.abs(level - np.floor(sure.numpy() * 255)).max() <= 1
        assert (level.astype(int) >= stored(plain, number)[1]).all()  # the image itself is one of the views
        gained += (level > stored(plain, number)[1]).sum()
    assert gained > 100


def test_files_do_not_depend_on_batches_or_workers(label: Callable) -> None:
    model = build(**MODES['whole'])
    whole = contents(label(model, augment=GEOMETRY))
    assert len(whole) == 11
    for name, options in dict(two=dict(batch_size=2, workers=1), many=dict(batch_size=7)).items():
        assert contents(label(model, name, augment=GEOMETRY, **options)) == whole
    other = contents(label(model, 'seed', augment=GEOMETRY, seed=1))
    assert sum(other[name] != whole[name] for name in whole) > 5


def test_every_batch_has_the_same_size(label: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding depends on it, on some devices."""
    model, seen = build(**MODES['whole']), []
    inference = model.inference
    monkeypatch.setattr(model, 'inference', lambda inputs, metas: seen.append(len(inputs)) or inference(inputs, metas))
    label(model, augment=GEOMETRY, batch_size=2)
    assert set(seen) == {6} and len(seen) == 3  # 0 and 1; two others of the same size; the last one
    seen.clear()
    label(model, 'crops', augment=dict(type='SegWeakAugment', crop_size=16), batch_size=2)
    assert sorted(set(seen)) == [2, 4]  # the images, and their crops


def test_temperature_changes_confidences_and_not_the_classes_of_an_image(label: Callable) -> None:
    model = build(**MODES['whole'])
    plain, sharp = label(model, 'plain', views=1), label(model, 'sharp', views=1, temperature=0.5)
    for number in range(len(SIZES)):
        (first, low), (second, high) = stored(plain, number), stored(sharp, number)
        assert np.array_equal(first, second) and (high >= low).all() and (high > low).any()
    views = label(model, 'views', augment=GEOMETRY, temperature=0.5)
    assert stored(views, 0)[1].mean() > stored(label(model, 'warm', augment=GEOMETRY), 0)[1].mean()


def test_one_channel_is_plain_inference_only(images: Any, label: Callable) -> None:
    model = build(**MODES['whole'], channels=1)
    folder = label(model, views=1)
    with torch.no_grad():
        result = model.test_step(pseudo_collate([images[0]]))[0]
    assert np.array_equal(stored(folder, 0)[0], result.pred_sem_seg.data[0].numpy())
    for options in (dict(views=3), dict(views=1, temperature=0.5)):
        with pytest.raises(ValueError, match='one output channel.*views=1 and temperature=1 only'):
            Labeler.of(model).check(('road', 'other'), **options)


def test_segmentor_is_found_in_models_and_other_models_are_refused() -> None:
    outer = nn.Module()
    outer.segmentor, outer.data_preprocessor = build(**MODES['whole']), nn.Identity()
    assert Labeler.of(outer) == (outer.segmentor, outer.data_preprocessor, None)
    with pytest.raises(ValueError, match='Linear cannot label images: it has no inference'):
        Labeler.of(nn.Linear(1, 1))


@pytest.mark.parametrize('options, message', [
    (dict(views=0), 'views=0: allowed are integers of 1 or more'),
    (dict(views=2.5), 'views=2.5'),
    (dict(batch_size=0), 'batch_size=0'),
    (dict(workers=-1), 'workers=-1'),
    (dict(max_broken=-1), 'max_broken=-1'),
    (dict(seed=-1), 'seed=-1'),
    (dict(merge='median'), "merge='median': allowed are confident, mean"),
    (dict(views=5, augment=dict(type='SegFlipScale')), 'SegFlipScale has 4 views, two for each of its scales'),
    (dict(temperature=0), 'temperature=0: it must be above 0'),
    (dict(augment=dict(type='RandomFlip')), 'views need an augmentation'),
])  # yapf: disable
def test_options_out_of_range_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelingOptions(**options)


@pytest.mark.parametrize('number', [0, 4])
def test_error_of_a_writing_thread_ends_the_labelling(label: Callable, tmp_path: Path, number: int,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    write = PseudoLabelWriter.write

    def fails(self: PseudoLabelWriter, index: int, *rest: Any) -> None:
        if index == number:
            raise OSError(errno.ENOSPC, 'No space left on device')
        write(self, index, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(PseudoLabelWriter, 'write', fails)
        with pytest.raises(OSError, match='No space left'):
            label(build(**MODES['whole']), augment=GEOMETRY)
    assert not (tmp_path / 'set').exists() and not (tmp_path / f'set.part/{number}.png').exists()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / 'set.part').glob('*.png')}
    cut = label(build(**MODES['whole']), augment=GEOMETRY)
    assert all((cut / path.name).stat().st_mtime_ns == time for path, time in kept.items())
    assert contents(cut) == contents(label(build(**MODES['whole']), 'whole', augment=GEOMETRY))


def test_files_are_written_in_the_background_and_few_wait(label: Callable,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    write, threads, waiting, most = PseudoLabelWriter.write, set(), [0], [0]
    predict = labeling.predict_agreement

    def slow(self: PseudoLabelWriter, *arguments: Any) -> None:
        threads.add(threading.current_thread())
        time.sleep(0.05)
        write(self, *arguments)
        waiting[0] -= 1

    def counted(*arguments: Any) -> List[Tuple[Tensor, Tensor]]:
        found = list(predict(*arguments))
        waiting[0] += len(found)
        most[0] = max(most[0], waiting[0])
        return found

    monkeypatch.setattr(background, '_THREADS', 1)
    monkeypatch.setattr(PseudoLabelWriter, 'write', slow)
    monkeypatch.setattr(labeling, 'predict_agreement', counted)
    label(build(**MODES['whole']), views=1)
    assert threading.main_thread() not in threads and waiting == [0]
    assert 2 <= most[0] <= 4  # 2 a batch and one thread may wait, and one is predicted


def test_confidence_of_a_broken_model_is_refused(label: Callable) -> None:
    model = build(**MODES['whole'])
    nn.init.constant_(model.decode_head.conv_seg.bias, float('nan'))
    with pytest.raises(ValueError, match='confidences from nan'):
        label(model, augment=GEOMETRY)
    assert encode_confidence(torch.ones(1, 1)).item() == 255


def test_mean_of_the_image_and_its_mirror_image(images: Any, label: Callable) -> None:
    """Both predictions of the same size, so that the mean needs no resampling but that of a flip."""
    model = build(**MODES['whole'])
    folder = label(model, views=2, merge='mean', augment=dict(type='SegFlipScale'))
    number = 0
    batch = model.data_preprocessor(pseudo_collate([images[number]]), False)
    metas = [sample.metainfo for sample in batch['data_samples']]
    with torch.no_grad():
        logits = [model.inference(batch['inputs'], metas), model.inference(batch['inputs'].flip(3), metas).flip(3)]
    size = SIZES[number]
    probs = [torch.nn.functional.interpolate(level, size=size, mode='bilinear', align_corners=model.align_corners)
             .softmax(dim=1)[0] for level in logits]
    mean = (probs[0] + probs[1]) / 2
    found, sure = stored(folder, number)
    assert (found == mean.argmax(dim=0).numpy()).mean() > 0.999
    assert np.abs(sure / 255 - mean.amax(dim=0).numpy()).max() < 2 / 255
    single = stored(label(model, 'single', views=1), number)[1]
    assert np.abs(single / 255 - sure / 255).max() > 4 / 255, 'the mean is another prediction'
    with pytest.raises(FileExistsError, match='another merging of the views'):
        label(model, views=2, augment=dict(type='SegFlipScale'))
