"""Selecting from a data set: what is written, interruptions, rounds and mistakes."""
import errno
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import Tensor

from labeling import CONFIG, NAMES, files_of, save_checkpoint, write_work
from udas_mmseg.active import AnswerStore, Selection
from udas_mmseg.active import select as selecting
from udas_mmseg.active.select import select
from udas_mmseg.utils import file_set

TOP = dict(score=dict(type='EntropyScore'), units=dict(type='TopPoints', points_per_image=5))
STEMS = [name[:-4] for name in NAMES]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_work(tmp_path)
    monkeypatch.chdir(tmp_path)
    save_checkpoint('trained.pth', 1)
    return tmp_path


@pytest.fixture
def maps(monkeypatch: pytest.MonkeyPatch) -> List[Tensor]:
    """The predictions in the order of the images, of two classifiers: the second one sees the mirrored classes."""
    found: List[Tensor] = []
    predict = selecting.predict_heads

    def predict_two(*args: Any) -> Iterator[Tuple[Tensor, ...]]:
        for probs, in predict(*args):
            found.append(probs)
            yield probs, probs.flip(0)

    monkeypatch.setattr(selecting, 'predict_heads', predict_two)
    return found


def run(out: str = 'rounds', strategy: Any = TOP, budget: Any = None, checkpoint: str = 'trained.pth',
        **options: Any) -> Selection:
    return select(Config.fromfile('mine.py'), checkpoint, 'target_train', out, strategy, budget,
                  **{**dict(workers=0), **options})


def entropies(maps: List[Tensor]) -> np.ndarray:
    """Entropy of the pixels of all images: (N, H, W)."""
    probs = np.stack([(one + one.flip(0)).numpy() / 2 for one in maps]).astype(np.float64)
    return -(probs * np.log(probs)).sum(axis=1)


def test_most_useful_points_of_all_images_within_the_budget(work: Path, maps: List[Tensor]) -> None:
    selection = run(budget=dict(points=7))
    scores = entropies(maps)
    order = np.argsort(-scores.mean(axis=(1, 2)))
    names = [image.name for image in selection.images]
    assert names == [STEMS[number] for number in order if STEMS[number] in selection]
    chosen = [scores[STEMS.index(name)][selection.unit_map(name) > 0] for name in names]
    each = np.sort(scores.reshape(3, -1))[:, -5:]  # five of each image could be chosen
    assert np.sort(np.concatenate(chosen)) == pytest.approx(np.sort(each.ravel())[-7:], abs=1e-5)
    assert selection.classes == ['road', 'sidewalk', 'building'] and len(selection.palette) >= 3
    assert selection.strategy['budget'] == dict(points=7) and selection.strategy['units'] == TOP['units']
    image = selection.images[0]
    assert Path(image.path) == Path(f'data/leftImg8bit/train/{image.name}.png')
    assert (image.width, image.height) == (60, 40)
    for unit in image.units:
        assert selection.unit_map(image.name)[unit.y, unit.x] == unit.id
    assert sorted(path.name for path in (work / 'rounds/round_1').iterdir()) == ['selection.json', 'units']
    before = (work / 'rounds/round_1/selection.json').stat().st_mtime_ns
    assert run(budget=dict(points=7)).images == selection.images and len(maps) == 3  # nothing is predicted again
    assert (work / 'rounds/round_1/selection.json').stat().st_mtime_ns == before


def test_segment_based_labels_of_a_pixel_selector(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / 'mine.py').write_text(f"{CONFIG}\nmodel = dict(type='PixelSelector', segmentor=segmentor)\n")
    noise = partial(torch.randn, generator=torch.Generator().manual_seed(0))
    weights = {name: value for name, value in torch.load('trained.pth')['state_dict'].items()
               if name.startswith('segmentor.')}
    heads = {name.replace('segmentor.', 'second.'): value + 0.1 * noise(value.shape)
             for name, value in weights.items() if name.startswith('segmentor.decode_head.')}
    torch.save(dict(state_dict={**weights, **heads}), 'selector.pth')
    masks, predict = [], selecting.predict_heads

    def remember(*args: Any) -> Iterator[Tuple[Tensor, ...]]:
        for first, second in predict(*args):
            masks.append((first.argmax(0) != second.argmax(0)).numpy())
            yield first, second

    monkeypatch.setattr(selecting, 'predict_heads', remember)
    strategy = dict(score=dict(type='InconsistencyScore'), units=dict(type='ClassRegions', min_pixels=1))
    selection = run(strategy=strategy, batch_size=2, checkpoint='selector.pth')
    assert len(masks) >= 3 and all(mask.any() and not mask.all() for mask in masks)
    for mask, stem in zip(masks, STEMS):
        assert np.array_equal(selection.unit_map(stem) > 0, mask)


def test_interrupted_selection_goes_on(work: Path, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture) -> None:
    run('whole')
    write = file_set.replace_file

    def full_disk(path: Path, content: bytes) -> None:
        if path.name == Path(NAMES[1]).name:
            raise OSError(errno.ENOSPC, 'No space left on device')
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(file_set, 'replace_file', full_disk)
        for out, strategy in (('cut', TOP), ('other', 'random')):
            with pytest.raises(OSError, match='No space'):
                run(out, strategy)
    assert not (work / 'cut/round_1/selection.json').exists()
    capsys.readouterr()
    run('cut')
    assert 'of 3 images are kept from an earlier run' in capsys.readouterr().err
    run('other')  # what another strategy has begun is not used
    assert files_of(work / 'cut') == files_of(work / 'other') == files_of(work / 'whole')


def test_complete_round_is_not_replaced(work: Path) -> None:
    run()
    save_checkpoint('other.pth', 2)
    changes: List[Dict[str, Any]] = [dict(budget=dict(points=3)), dict(strategy='margin'), dict(checkpoint='other.pth')]
    for change, message in zip(changes, ['budget', 'score and another units', 'model']):
        with pytest.raises(FileExistsError, match=f'was selected with another {message}'):
            run(**change)


def test_second_round_selects_other_pixels(work: Path) -> None:
    first = run()
    store = AnswerStore(first)
    units = [unit.id for unit in first.images[0].units]
    store.add_all(first.images[0].name, {**dict.fromkeys(units, 'road'), 2: 255}, by='anna', tool='test')
    second = run(number=2)
    for place, image in enumerate(first.images):
        overlap = (first.unit_map(image.name) > 0) & (second.unit_map(image.name) > 0)
        assert overlap.sum() == (5 if place else 0)  # what has no answer is selected again
    assert AnswerStore(second).labelled() == [first.images[0].name]
    store.add(first.images[1].name, 1, 'road', by='anna', tool='test')
    assert run(number=2).images == second.images
    with pytest.raises(FileNotFoundError, match='round_3'):
        run(number=4)


def test_broken_images_are_counted(work: Path) -> None:
    path = work / 'data/leftImg8bit/train' / NAMES[1]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match='1 of 3 images cannot be read .*the others are predicted'):
        run()
    assert STEMS[1] not in run(max_broken=1)


@pytest.mark.parametrize('settings, message', [
    (dict(strategy='spl'), 'InconsistencyScore compares 2 classifiers, but the model has 1'),
    (dict(budget=dict(regions=3)), 'the budget is in regions, but the strategy selects points'),
    (dict(strategy=dict(score=TOP['score'], units=dict(type='TopRegions', min_pixels=9999))), 'selects nothing in 3'),
    (dict(number=0), 'number=0'), (dict(epsilon=-1), 'epsilon=-1'), (dict(batch_size=0), 'batch_size=0')])
def test_mistakes_are_said(work: Path, settings: Dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**settings)
