"""The files that tools/predict.py writes."""
import json
from pathlib import Path
from typing import List

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from labeling import files_of
from predicting_images import COLORS, IMAGES, error_of, noise, predict
from small_data import write_image
from two_processes import launch_two
from udas_mmseg.apis import PredictionOptions, Predictor
from udas_mmseg.apis import predict as predict_files
from udas_mmseg.datasets.label_files import decode_label
from udas_mmseg.datasets.thresholds import encode_confidence
from udas_mmseg.engine.launch import load_config
from udas_mmseg.export.export_segmentor import export_segmentor

ROOT = Path(__file__).parents[3]


def test_files_have_the_names_of_the_images(work: Path, capsys: pytest.CaptureFixture) -> None:
    predict('mine.py', 'trained.pth', 'images', '--out', 'out', '--what', 'overlay', 'mask', 'confidence')
    names = ['0', 'ulm/1', 'ulm/2']
    assert set(files_of(work / 'out')) == {'index.json', 'classes.json', 'legend.png', 'overlay/0.jpg',
                                           'overlay/ulm/1.jpg', 'overlay/ulm/2.jpg', *(f'{kind}/{name}.png' for name in
                                           names for kind in ('mask', 'confidence'))}  # yapf: disable
    predictor = Predictor('mine.py', 'trained.pth')
    for name, image in zip(names, IMAGES):
        expected = predictor(image)
        with Image.open(work / f'out/mask/{name}.png') as picture:
            assert picture.mode == 'P' and picture.getpalette()[:9] == sum(COLORS, [])
            assert np.array_equal(np.asarray(picture), expected.mask)
        content = (work / f'out/mask/{name}.png').read_bytes()
        assert content[24] == 8 and np.array_equal(decode_label(content), expected.mask), 'it can be used as a label'
        stored = cv2.imread(str(work / f'out/confidence/{name}.png'), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(stored, encode_confidence(torch.from_numpy(expected.confidence)))
    drawn = cv2.imread(str(work / 'out/overlay/0.jpg')).astype(int)
    assert np.abs(drawn - predictor(IMAGES[0]).overlay()).mean() < 8, 'only what JPEG loses'
    assert json.loads((work / 'out/classes.json').read_text())[1] == dict(id=1, name='sidewalk', color=COLORS[1])
    index = json.loads((work / 'out/index.json').read_text())
    assert index['complete'] and index['num_images'] == 3 and index['predictor']['checkpoint'] == 'trained.pth'
    printed = capsys.readouterr().out
    assert 'out/overlay, out/mask, out/confidence: predictions for 3 files' in printed and 'out/legend.png' in printed


def test_masks_have_other_ids_if_the_config_maps_them(work: Path) -> None:
    Path('mapped.py').write_text("_base_ = 'mine.py'\nprediction_ids = {0: 7, 1: 255, 2: 7}\n")
    predict('mapped.py', 'trained.pth', 'images', '--out', 'out', '--what', 'mask')
    expected = np.array([7, 255, 7], np.uint8)[Predictor('mine.py', 'trained.pth')(IMAGES[1]).mask]
    with Image.open('out/mask/ulm/1.png') as picture:
        assert np.array_equal(np.asarray(picture), expected) and picture.getpalette()[21:24] == COLORS[0]
        assert picture.getpalette()[765:] == COLORS[1]
    assert [entry['id'] for entry in json.loads(Path('out/classes.json').read_text())] == [7, 255, 7]
    for wrong in ('{0: 7}', '{0: 1, 1: 2, 2: 256}', '{0: 1, 1: 2, 3: 3}'):
        Path('mapped.py').write_text(f"_base_ = 'mine.py'\nprediction_ids = {wrong}\n")
        assert 'it must map each of the train ids 0-2 to an id in 0-255' in error_of(
            'mapped.py', 'trained.pth', 'images', '--out', 'other')


def test_overlays_as_png_lose_nothing(work: Path) -> None:
    predict('mine.py', 'trained.pth', 'images/ulm', '--out', 'out', '--overlay-format', 'png', '--what', 'overlay',
            '--opacity', '0.3')
    expected = Predictor('mine.py', 'trained.pth')(IMAGES[1]).overlay(0.3)
    assert np.array_equal(cv2.imread(str(work / 'out/overlay/1.png')), expected)
    assert not (work / 'out/mask').exists()


def test_sizes_are_batched_as_the_network_sees_them(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3, 7):
        write_image(work / f'images/{number}.png', noise(number, 80 - 20 * (number % 2), 40))
    sizes: List[tuple] = []
    plain = Predictor.predict

    def spy(self: Predictor, samples: list, **options: bool) -> object:
        sizes.append((len(samples), {tuple(sample.packed['inputs'].shape) for sample in samples}))
        return plain(self, samples, **options)

    monkeypatch.setattr(Predictor, 'predict', spy)
    predict('mine.py', 'trained.pth', 'images', '--out', 'one')
    assert [count for count, _ in sizes] == [1] * 7
    sizes.clear()
    predict('mine.py', 'trained.pth', 'images', '--out', 'same', '--batch-size', '3')
    assert sizes == [(3, {(3, 32, 48)}), (3, {(3, 32, 48)}), (1, {(3, 32, 48)})], 'the pipeline resizes to one size'
    sizes.clear()
    keep = ('--cfg-options', 'test_dataloader.dataset.pipeline.1.keep_ratio=True',
            'test_dataloader.dataset.pipeline.1.scale=(48,48)')
    predict('mine.py', 'trained.pth', 'images', '--out', 'kept', '--batch-size', '3', *keep)
    assert sorted(count for count, _ in sizes) == [1, 3, 3] and {len(shapes) for _, shapes in sizes} == {1}
    assert files_of(work / 'one/mask') == files_of(work / 'same/mask')
    predict('mine.py', 'trained.pth', 'images', '--out', 'kept_one', *keep, workers=2)
    assert files_of(work / 'kept/mask') == files_of(work / 'kept_one/mask')


def test_images_that_differ_in_their_suffix_alone_have_their_own_files(work: Path) -> None:
    write_image(work / 'images/ulm/1.jpg', noise(7))
    predict('mine.py', 'trained.pth', 'images', '--out', 'out')
    names = {name for name in files_of(work / 'out') if 'ulm' in name}
    assert names == {'overlay/ulm/1.jpg.jpg', 'overlay/ulm/1.png.jpg', 'mask/ulm/1.jpg.png', 'mask/ulm/1.png.png',
                     'overlay/ulm/2.jpg', 'mask/ulm/2.png'}
    assert cv2.imread(str(work / 'out/mask/ulm/1.jpg.png')).shape == (40, 60, 3)
    assert cv2.imread(str(work / 'out/mask/ulm/1.png.png')).shape == (40, 80, 3)


def test_images_are_read_as_in_training(work: Path) -> None:
    picture = Image.fromarray(noise(3)[..., ::-1])
    exif = Image.Exif()
    exif[0x0112] = 6  # displayed with width and height exchanged
    Path('kinds').mkdir()
    picture.save('kinds/turned.jpg', exif=exif)
    picture.convert('L').save('kinds/grey.png')
    picture.convert('RGBA').save('kinds/alpha.png')
    picture.save('kinds/rgb.png')
    predict('mine.py', 'trained.pth', 'kinds', '--out', 'out')
    masks = {path.stem: cv2.imread(str(path)) for path in Path('out/mask').iterdir()}
    assert masks['turned'].shape == (60, 40, 3) and masks['grey'].shape == (40, 60, 3)
    assert cv2.imread('out/overlay/turned.jpg').shape == (60, 40, 3)
    assert np.array_equal(masks['alpha'], masks['rgb']) and not np.array_equal(masks['grey'], masks['rgb'])


def test_exported_model_predicts_the_same(work: Path) -> None:
    export_segmentor(load_config('mine.py'), 'trained.pth', 'exported', 'mine')
    predict('mine.py', 'trained.pth', 'images', '--out', 'ours')
    predict('exported/mine.py', 'exported/mine.pth', 'images', '--out', 'theirs')
    assert files_of(work / 'ours/mask') == files_of(work / 'theirs/mask')
    assert len(files_of(work / 'theirs/mask')) == 3


def test_function_returns_the_index(work: Path) -> None:
    index = predict_files('mine.py', 'trained.pth', Path('images/ulm'), 'out',
                          PredictionOptions(what=['mask'], workers=0), device='cpu')
    assert index['num_images'] == 2 and set(files_of(work / 'out')) == {'index.json', 'classes.json', 'legend.png',
                                                                        'mask/1.png', 'mask/2.png'}  # yapf: disable


def test_two_processes_write_the_files_of_one(processes: str, work: Path) -> None:
    Path('images/cut.png').write_bytes(Path(IMAGES[1]).read_bytes()[:-30])
    arguments = ('mine.py', 'trained.pth', 'images', '--max-broken', '1', '--workers', '0')
    predict(*arguments, '--out', 'one')
    status, output = launch_two(str(ROOT / 'tools/predict.py'), *arguments, '--out', 'two', '--launcher', 'pytorch')
    assert status == 0, output[-3000:]
    assert files_of(work / 'two') == files_of(work / 'one') and output.count('predictions for 3 files, 1 skipped') == 1
