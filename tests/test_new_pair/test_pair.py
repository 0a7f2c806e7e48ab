"""The configs of a pair: they load, fit the data, and are written whole."""
import os
import shlex
from pathlib import Path
from typing import Any, List

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from drawings import write_drawings
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import build_runner, load_config
from udas_mmseg.new_pair import NewPair, PairOptions, new_pair, plan
from udas_mmseg.self_training import SelfTrainingRunner
from udas_mmseg.utils.config_dicts import config_dicts

NAMES = 'sky,ground,box,bush'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_drawings(tmp_path / 'data', 3)


def make(data: Path, out: Path, **changes: Any) -> NewPair:
    options: Any = dict(source=(str(data / 'drawings'), str(data / 'masks')), target=str(data / 'photos'),
                        out=str(out), preset='small', target_classes=NAMES)
    return new_pair(PairOptions(**{**options, **changes}))


def labeled(data: Path) -> tuple:
    return str(data / 'val'), str(data / 'val_ids')


def load(pair: NewPair, name: str) -> Config:
    return load_config(os.path.join(pair.plan.out, f'{name}.py'))


@pytest.mark.parametrize('preset', ['small', 'full'])
@pytest.mark.parametrize('uses', [(), ('val', ), ('val', 'labeled_target')])
def test_every_config_fits_the_data(data: Path, tmp_path: Path, preset: str, uses: tuple) -> None:
    data = write_drawings(tmp_path / 'eight', 8)  # as many as self-training needs to hold some out
    pair = make(data, tmp_path / 'pair', preset=preset, from_scratch=True, **dict.fromkeys(uses, labeled(data)))
    for name in ('source_only', 'uda', 'online', 'cyclegan'):
        lines = check_config(load(pair, name))
        assert lines and not [line for line in lines if 'warning' in line], lines
    runner = SelfTrainingRunner.from_cfg(load(pair, 'self_training'))
    baseline = ['source_only'] if uses else []
    assert [stage.kind for stage in runner.stages] == [*baseline, 'translator', 'translate', 'adapt',
                                                       *['label', 'student', 'select'] * 2, 'export', 'report']
    assert runner.stages[-3].criterion(runner.context) == ('validation' if uses else 'label_free')
    assert not [line for line in runner.check() if 'warning' in line]
    adapt = runner.context.configs['02_adapt']
    for name in ('02_adapt', '04_student_r1'):  # the images of the source, and no others, are translated
        datasets = [part for _, part in config_dicts(runner.context.configs[name].train_dataloader)]
        translated = [part for part in datasets if 'translated_root' in part]
        assert [part.data_prefix.img_path for part in translated] == [str(data / 'drawings')]
    assert adapt.model.segmentor.decode_head.num_classes == 4
    mixes = adapt.train_dataloader.dataset.source.type == 'DomainMixDataset'
    assert mixes == ('labeled_target' in uses) and (adapt.get('val_cfg') is None) == (uses == ())
    assert tuple(adapt.crop) == (48, 64)


@pytest.mark.parametrize('uses', [('val', ), ('labeled_target', )])
def test_the_online_config_trains(data: Path, tmp_path: Path, uses: tuple) -> None:
    pair = make(data, tmp_path / 'pair', iterations=2, **dict.fromkeys(uses, labeled(data)))
    cfg = load_config(os.path.join(pair.plan.out, 'online.py'), str(tmp_path / 'work'))
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    runner = build_runner(cfg)
    runner.train()
    mixes = cfg.train_dataloader.dataset.source.type == 'DomainMixDataset'
    assert mixes == ('labeled_target' in uses) and int(runner.model.teacher.steps) == runner.iter == 2
    scores = runner.message_hub.get_scalar('val/mIoU').current() if 'val' in uses else None
    assert (scores is None) == ('val' not in uses) and (tmp_path / 'work/iter_2.pth').exists()


def test_online_self_training_alternates_with_a_round_on_pseudo_labels(tmp_path: Path) -> None:
    data = write_drawings(tmp_path / 'eight', 8)
    pair = make(data, tmp_path / 'pair', from_scratch=True, labeled_target=labeled(data))
    runner = SelfTrainingRunner.from_cfg(load(pair, 'self_training_online'))
    assert [stage.kind for stage in runner.stages] == ['translator', 'translate', 'warm_up', 'adapt', 'label',
                                                       'student', 'student', 'export', 'report']
    assert not [line for line in runner.check() if 'warning' in line]
    first, second = (runner.configs[stage.name] for stage in runner.stages if stage.kind == 'student')
    translated = [part for _, part in config_dicts(first.train_dataloader) if 'translated_root' in part]
    assert [part.data_prefix.img_path for part in translated] == [str(data / 'drawings')] * 2, 'and in the mixture'
    assert (second.model.type, second.model.mixing) == ('OnlineSelfTrainingSegmentor', 'cut_mix'), 'for four classes'
    assert first.model.predict_with == second.model.predict_with == 'teacher'
    assert not [hook for cfg in (first, second) for hook in cfg.custom_hooks if 'Statistics' in hook.type]


@pytest.mark.parametrize('translates', [True, False])
def test_the_source_alone_is_trained_once_in_an_online_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                           translates: bool) -> None:
    monkeypatch.setattr(plan.Plan, 'translates', translates)
    pair = make(data, tmp_path / 'pair', from_scratch=True, val=labeled(data))
    assert any('source_only.py is trained, too' in line for line in pair.summary)
    runner = SelfTrainingRunner.from_cfg(load(pair, 'self_training_online'))
    names = [getattr(stage, 'segmentor', '') for stage in runner.stages]
    assert names.count('source only') == 1 and ('translated' in names) == translates


def test_colours_become_the_classes_of_the_label_map_file(data: Path, tmp_path: Path) -> None:
    pair = make(data, tmp_path / 'pair', val=labeled(data))
    cfg = load(pair, 'uda')
    assert tuple(cfg.metainfo.classes) == tuple(NAMES.split(','))
    assert cfg.source_label_map[0, 0, 255] == 0 and cfg.source_label_map[90, 60, 30] == 1
    assert cfg.val_label_map == {0: 0, 1: 1, 2: 2, 3: 3}
    assert any('labelmap.txt' in doubt for doubt in pair.doubts)


def test_a_sheet_shows_both_domains(data: Path, tmp_path: Path) -> None:
    pair = make(data, tmp_path / 'pair', val=labeled(data))
    sheet = cv2.imread(os.path.join(pair.plan.out, 'sheet.png'))
    for color in pair.plan.classes.palette:
        assert (sheet == color[::-1]).all(-1).sum() > 100, color


def test_commands_quote_folders_with_spaces(data: Path, tmp_path: Path) -> None:
    pair = make(data, tmp_path / 'my pair')
    assert shlex.split(pair.train)[-1] == str(tmp_path / 'my pair/self_training.py')
    assert shlex.split(pair.predict)[3] == 'work_dirs/my pair/self_training/export/my pair.pth'
    assert check_config(load(pair, 'uda'))


def test_results_can_be_in_a_given_folder(data: Path, tmp_path: Path) -> None:
    pair = make(data, tmp_path / 'run/configs', work_dir=str(tmp_path / 'run'))
    assert load(pair, 'uda').work_dir == str(tmp_path / 'run/uda')
    cfg = load(pair, 'self_training')
    assert (cfg.work_dir, cfg.self_training.export.name) == (str(tmp_path / 'run/self_training'), 'run')
    assert str(tmp_path / 'run/self_training/export/run.pth') in shlex.split(pair.predict)


def test_the_sheet_shows_labels_with_ids_that_were_not_read(
        data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = cv2.imread(str(data / 'masks/001.png'))
    mask[:4] = 7
    cv2.imwrite(str(data / 'masks/001.png'), mask)
    monkeypatch.setattr('udas_mmseg.new_pair.pair.NUM_READ', 2)  # the first and the last
    pair = make(data, tmp_path / 'pair')
    assert any('2 of 3 labels were read' in doubt for doubt in pair.doubts)


def test_a_picture_outlines_each_id_or_colour(data: Path, tmp_path: Path) -> None:
    pair = make(data, tmp_path / 'pair', val=labeled(data))
    assert pair.plan.source.scan is not None
    pictures = [cv2.imread(os.path.join(pair.plan.out, f'{name}_labels.png')) for name in ('source', 'val')]
    for picture in pictures:  # four cells in a row, each with a yellow line
        cells = np.array_split(picture, 4, axis=1)
        assert all((cell == (0, 255, 255)).all(-1).any() for cell in cells)


def test_target_ids_that_nothing_names_are_drawn_beside_the_folder(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='pair_val_labels.png shows where'):
        make(data, tmp_path / 'pair', val=labeled(data), target_classes='')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['data', 'pair_val_labels.png']


def test_without_the_shared_configs_the_error_says_where_they_are(
        data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, 'BASE', str(tmp_path / 'site-packages/configs'))
    with pytest.raises(FileNotFoundError, match='Install the wheel'):
        make(data, tmp_path / 'pair')


def test_left_out_files_have_lists(data: Path, tmp_path: Path) -> None:
    (data / 'masks/001.png').unlink()
    (data / 'photos/000.jpg').write_bytes(b'')
    pair = make(data, tmp_path / 'pair')
    assert (tmp_path / 'pair/source.txt').read_text().split() == ['000', '002']
    assert (tmp_path / 'pair/target.txt').read_text().split() == ['001', '002']
    lines = check_config(load(pair, 'uda'))
    assert any('2 labelled images' in line for line in lines), lines


def test_a_labelled_target_list_shares_no_image_with_the_target_list(data: Path, tmp_path: Path) -> None:
    for number, name in enumerate(('000', '001', '002')):
        (data / f'photos/{name}.jpg').write_bytes((data / f'val/{name}.jpg').read_bytes() if number else b'')
    (data / 'val_ids/002.png').unlink()
    pair = make(data, tmp_path / 'pair', labeled_target=(str(data / 'photos'), str(data / 'val_ids')))
    assert (tmp_path / 'pair/labeled_target.txt').read_text().split() == ['001']
    assert (tmp_path / 'pair/target.txt').read_text().split() == ['002']
    check_config(load(pair, 'uda'))


def test_instance_channels_and_binary_masks_train(data: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for path in sorted((data / 'masks').iterdir()):
        ids = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 60
        instances = rng.integers(0, 256, (*ids.shape, 2), dtype=np.uint8)
        cv2.imwrite(str(path), np.dstack([instances, ids.astype(np.uint8) + 3]))
    pair = make(data, tmp_path / 'red', classes='dark,bright')
    assert load(pair, 'uda').source_train.label_channel == 'red'
    check_config(load(pair, 'uda'))
    for path in sorted((data / 'masks').iterdir()):
        cv2.imwrite(str(path), (cv2.imread(str(path))[:, :, 2] == 4).astype(np.uint8) * 255)
    pair = make(data, tmp_path / 'binary', classes='dark,bright')
    assert load(pair, 'uda').source_label_map == {0: 0, 255: 1}
    check_config(load(pair, 'uda'))


def test_an_existing_folder_is_kept(data: Path, tmp_path: Path) -> None:
    make(data, tmp_path / 'pair')
    (tmp_path / 'pair/notes.txt').write_text('mine')
    before = (tmp_path / 'pair/setup.py').read_bytes()
    with pytest.raises(FileExistsError, match='--force'):
        make(data, tmp_path / 'pair', iterations=7)
    assert (tmp_path / 'pair/setup.py').read_bytes() == before
    make(data, tmp_path / 'pair', iterations=7, force=True)
    assert b'iters = 7' in (tmp_path / 'pair/setup.py').read_bytes() and (tmp_path / 'pair/notes.txt').exists()


def test_nothing_is_left_of_a_failed_call(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: object, content: bytes) -> None:
        raise OSError('no space')

    monkeypatch.setattr('udas_mmseg.new_pair.pair.replace_file', full)
    with pytest.raises(OSError, match='no space'):
        make(data, tmp_path / 'pair')
    assert [path.name for path in tmp_path.iterdir()] == ['data']


def test_a_target_folder_around_other_folders_is_doubted(data: Path, tmp_path: Path) -> None:
    pair = make(data, tmp_path / 'pair', target=str(data), target_classes='')
    assert sum('are taken for target images' in doubt for doubt in pair.doubts) == 2  # source images and labels
    assert not any('taken for target' in doubt for doubt in make(data, tmp_path / 'other').doubts)


def test_target_classes_without_target_labels_are_said(data: Path, tmp_path: Path) -> None:
    assert any('it is not used' in doubt for doubt in make(data, tmp_path / 'pair').doubts)


@pytest.mark.parametrize('changes, message', [
    (dict(iterations=-1), '--iterations -1'), (dict(iterations=0), '--iterations 0: it must be 2 or more'),
    (dict(rounds=0), '--rounds 0'), (dict(preset='big'), 'small, full'),
    (dict(weights='x.pth'), 'x.pth: this file does not exist'),
    (dict(weights='x.pth', from_scratch=True), 'one of the two')])
def test_wrong_options(data: Path, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises((ValueError, OSError), match=message):
        make(data, tmp_path / 'pair', **changes)
    assert not (tmp_path / 'pair').exists()


def test_weights_that_cannot_be_downloaded_are_said_at_once(
        data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: List[str] = []

    def offline(request: Any, timeout: float) -> None:
        asked.append(request.full_url)
        raise OSError('no network')

    monkeypatch.setattr(plan.urllib.request, 'urlopen', offline)
    monkeypatch.setattr(plan.torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    with pytest.raises(OSError, match='--from-scratch'):
        make(data, tmp_path / 'pair', preset='full')
    assert 'resnet101' in asked[0]
    (tmp_path / 'hub/checkpoints').mkdir(parents=True)
    (tmp_path / 'hub/checkpoints' / os.path.basename(asked[0])).touch()
    pair = make(data, tmp_path / 'pair', preset='full')
    assert load(pair, 'uda').model.segmentor.backbone.init_cfg.checkpoint == 'torchvision://resnet101'


def test_inside_the_checkout_the_shared_configs_are_relative(
        data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, 'PROJECT', str(tmp_path))
    monkeypatch.setattr(plan, 'BASE', str(tmp_path / 'configs/_base_'))
    (tmp_path / 'configs/_base_').mkdir(parents=True)
    pair = make(data, tmp_path / 'configs/pair')
    text = (tmp_path / 'configs/pair/setup.py').read_text()
    assert "'../_base_/default_runtime.py'" in text and 'installation' not in text
    assert pair.plan.work_dir == 'work_dirs/pair' and not pair.plan.sets_work_dir
