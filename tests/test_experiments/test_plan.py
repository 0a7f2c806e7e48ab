"""Planning a table: the steps that it needs, and those that rows share."""
from dataclasses import replace
from pathlib import Path
from typing import Callable

import pytest
from mmengine.config import DictAction

from toy_tables import StandIn
from udas_mmseg.engine.launch import load_config
from udas_mmseg.experiments import DATA_SETS, TABLES, DataSet, Table, describe, make_plan, run_plan
from udas_mmseg.self_training import SelfTrainingRunner
from udas_mmseg.utils.project import find_config

CARLA = DATA_SETS['carla2camvid']


def test_rows_share_steps_and_seeds_share_the_translator(plan: Callable) -> None:
    found = plan(seeds=2)
    assert [(step.name, step.seed) for step in found.steps] == [
        ('plain', 0), ('translator', 0), ('translations', 0), ('translated', 0), ('labels', 0), ('rectified', 0),
        ('plain budget=7', 0), ('read', 0),
        ('plain', 1), ('translated', 1), ('labels', 1), ('rectified', 1), ('plain budget=7', 1), ('read', 1)]
    assert len({step.folder for step in found.steps}) == len(found.steps)
    assert found.users['plain'] == ('source only', 'rectified', 'the same', 'translations'), 'two names of one training'
    assert [row.reason for row in found.rows if not row.steps] == ['images are small']


def test_steps_hand_on_checkpoints_and_folders(plan: Callable, stand_in: StandIn) -> None:
    found = plan(options=['lr=0.5', 'translator.lr=2', 'self_training.rounds=1'], amp='bfloat16')
    assert run_plan(found, lambda step: None) == {}
    folder = found.steps[0].folder
    work = folder[:-len('plain/seed_0')]
    assert stand_in.commands['translator, seed 0'][-2:] == ['randomness.seed=0', 'lr=2']
    assert stand_in.commands['translated, seed 0'][-6:] == [
        '--cfg-options', 'randomness.seed=0', 'a=1', 'lr=0.5',
        f'train_dataloader.dataset.source.translated_root={work}translations/seed_0/images',
        'train_dataloader.dataset.source.missing_translation=error'], 'the data set with the images of the translator'
    assert stand_in.commands['rectified, seed 0'][-2:] == [f'load_from={folder}/iter_10.pth',
                                                           f'labels_root={work}labels/seed_0/labels']
    assert stand_in.commands['labels, seed 0'][1] == f'{folder}/iter_10.pth'
    assert stand_in.commands['labels, seed 0'][-2:] == ['lr=0.5', 'b=2']
    assert stand_in.commands['plain, seed 0'][3:5] == ['--amp', 'bfloat16']
    assert f'source_train.translated_root={work}translations/seed_0/images' in stand_in.commands['read, seed 0']
    assert stand_in.asked.count('train.py: plain, seed 0') == 1


def test_what_is_given_is_not_made(plan: Callable, tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    found = plan(given=dict(translations=str(tmp_path / 'images')), rows=['2'])
    step, = found.steps
    assert step.name == 'translated' and f'translated_root={tmp_path}/images' in ' '.join(step.work.command(step))
    with pytest.raises(ValueError, match='--given plain: what may be given for pair is translator, translations'):
        plan(given=dict(plain='a.pth'))
    with pytest.raises(FileNotFoundError, match=r'--given translations: nowhere does not exist \(looked in '):
        plan(given=dict(translations='nowhere'))


def test_the_description_has_rows_states_commands_and_missing_data(
        plan: Callable, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_plan(plan(rows=['plain']), lambda step: None)
    monkeypatch.setenv('TOY_ROOT', 'elsewhere')
    text = describe(plan(seeds=2))
    for line in ('| plain | 0, 1 | 0: finished, 1: to do | source only, rectified, the same, translations |',
                 '| translator | 0 | to do | translated, translations |',
                 '| 5 large | - | 60 | no config: images are small |', '| 4 few labels |', 'plain.py budget=7 | 10 |',
                 'elsewhere has no plain.py (TOY_ROOT=elsewhere). Draw them.'):
        assert line in text, line
    assert text.count('python tools/translate.py') == 1 and text.count('python tools/pseudo_label.py') == 1
    monkeypatch.chdir(tmp_path)
    assert f'python {Path(__file__).parents[2]}/tools/translate.py ' in describe(plan(seeds=2)), 'from any folder'


def test_unknown_rows_and_seeds(plan: Callable) -> None:
    assert [row.number for row in plan(rows=['translated', '3', 'few labels']).rows] == [2, 3, 4]
    with pytest.raises(ValueError, match=r'--rows 9: table toy has no such row. Its rows are 1 \(source only\), 2'):
        plan(rows=['9'])
    with pytest.raises(ValueError, match='--seeds 0: it is the number of seeds'):
        plan(seeds=0)


@pytest.mark.parametrize('data', DATA_SETS.values(), ids=DATA_SETS)
def test_every_row_of_the_papers_has_a_config_or_a_reason(data: DataSet) -> None:
    for table in TABLES.values():
        for row in table.rows:
            assert (row.model in data.models) != (row.model in data.absent), (table.name, row.label)
            assert row.budget is None or table.budgets[data.name][row.budget]
        assert table.reference in ('', *(row.label for row in table.rows))
    for name, work in data.models.items():
        assert all(need in data.models for need in work.needs), name
        config = getattr(work, 'config', None)
        assert config is None or find_config(config)


def options_of(table: Table, data: DataSet, row: str, folder: str, *options: str) -> dict:
    """The options of the last step of a row."""
    step = make_plan(table, data, folder, rows=[row], options=options).steps[-1]
    command = step.work.command(step)
    pairs = [option.split('=', 1) for option in command[command.index('--cfg-options') + 1:]]
    return {key: DictAction._parse_iterable(value) for key, value in pairs}


def test_all_trainings_of_self_training_read_the_translations(tmp_path: Path) -> None:
    options = options_of(TABLES['4.3.2'], CARLA, 'UDAS, 500', str(tmp_path), 'train_cfg.max_iters=9',
                         'self_training.rounds=1')
    cfg = load_config('configs/benchmarks/carla2camvid/ladder/ssl.py', str(tmp_path / 'run'), options)
    runner = SelfTrainingRunner.from_cfg(cfg)
    assert [stage.kind for stage in runner.stages] == ['adapt', 'label', 'student', 'export']
    folder = f'{tmp_path}/carla2camvid/translations/seed_0/images'
    for stage in ('00_adapt', '02_student_r1'):
        branches = runner.configs[stage].train_dataloader.dataset
        translated, labeled = branches.source.datasets
        assert translated.translated_root == folder and labeled.dataset.n == 5, stage
        assert runner.configs[stage].train_cfg.max_iters == 9
    assert branches.pseudo_labeled.dataset.translated_root == folder


def test_a_warm_up_reads_the_translations_unless_it_is_given(tmp_path: Path) -> None:
    key = 'self_training.warm_up.options.train_dataloader.dataset.dataset.translated_root'
    assert key not in options_of(TABLES['4.3.1'], CARLA, 'ssl_online_0', str(tmp_path))
    whole = replace(CARLA.models['ssl_online_0'], takes={'translated_root': 'translations'})
    data = replace(CARLA, models={**CARLA.models, 'ssl_online_0': whole})
    options = options_of(TABLES['4.3.1'], data, 'ssl_online_0', str(tmp_path))
    folder = f'{tmp_path}/carla2camvid/translations/seed_0/images'
    assert options[key] == folder
    runner = SelfTrainingRunner.from_cfg(load_config(whole.config, str(tmp_path / 'run'), options))
    first, second = (runner.configs[stage.name].train_dataloader.dataset for stage in runner.stages
                     if stage.kind == 'student')
    assert first.source.translated_root == first.pseudo_labeled.dataset.translated_root == folder
    assert second.source.translated_root == folder and 'pseudo_labeled' not in second


def test_the_methods_of_carla2camvid_have_the_head_of_the_ladder(tmp_path: Path) -> None:
    options = options_of(TABLES['4.3.1'], CARLA, 'AdvEnt', str(tmp_path))
    heads = [load_config(f'configs/benchmarks/carla2camvid/{name}.py', cfg_options=given).model.segmentor.decode_head
             for name, given in (('advent', options), ('ladder/adapted_0', {}))]
    defaults = dict(dilations=(1, 6, 12, 18), dropout_ratio=0.1)
    norm = dict(type='BN', requires_grad=True)
    assert dict(heads[0], norm_cfg=norm, **defaults) == dict(heads[1])


