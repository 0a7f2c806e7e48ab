"""Every config under configs/ is named, documented and composed by the rules of configs/README.md."""
import copy
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmseg.registry import DATASETS, MODELS

from config_data import ACTIVE, CONFIGS, EVERY, ROOT, SELF_TRAINING, TRAINED, fit_to_small_data, name_of, shrink_resnet
from online_models import pretrained
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import load_config
from udas_mmseg.self_training import SelfTrainingRunner
from udas_mmseg.self_training.stage_config import pseudo_label_threshold, pseudo_labeled_dataset, to_label
from udas_mmseg.utils.config_dicts import config_dicts

WITH_BUDGET = [path for path in TRAINED if re.search('^budget = ', path.read_text(), re.MULTILINE)]
# gta2cs_ssl.py under the name of a budget
SAME_BUT_THE_BUDGET = [path for path in SELF_TRAINING if re.fullmatch(r'gta2cs_ssl_[1-9]\d*', path.stem)]
RUNS = [path for path in SELF_TRAINING if path not in SAME_BUT_THE_BUDGET]
SHORT_NAMES = ('udas', 'demo', 'benchmarks')


def budgets_of(cfg: Any) -> list:
    return [part['n'] for _, part in config_dicts(cfg) if part.get('type') == 'LabelBudgetDataset']


def test_every_config_opens_with_the_command_that_runs_it() -> None:
    for path in EVERY:
        command = f'python tools/train.py {path.relative_to(ROOT)}'
        assert command in path.read_text().split('"""')[1], f'{path} does not say: {command}'


def test_every_config_is_in_the_table_of_its_folder() -> None:
    for path in EVERY:
        readme = next(folder / 'README.md' for folder in path.parents if (folder / 'README.md').exists())
        assert readme.parent != CONFIGS, f'{path.parent} has no README.md'
        name = str(path.relative_to(readme.parent))
        assert name in readme.read_text() or f'`{path.name}`' in readme.read_text(), f'{readme} does not name {name}'


def test_configs_of_published_sizes_are_named_as_in_mmsegmentation() -> None:
    for path in EVERY:
        if path.relative_to(CONFIGS).parts[0] not in SHORT_NAMES:
            assert re.fullmatch(r'[a-z0-9-]+_[a-z0-9-]+_\d+k_([a-z0-9]+2)?[a-z0-9]+-\d+x\d+', path.stem), path


def test_configs_use_no_inheritance_from_packages() -> None:
    for path in CONFIGS.rglob('*.py'):
        assert '::' not in path.read_text(), f'{path}: `mmseg::` needs pkg_resources'


@pytest.mark.parametrize('path', WITH_BUDGET, ids=name_of)
def test_the_budget_of_a_file_is_that_of_its_data_sets(path: Path) -> None:
    """MMSegmentation's own tools do not apply the key: for them, the data sets must have its value already."""
    cfg = Config.fromfile(path)
    budgets = budgets_of(cfg.train_dataloader)
    assert budgets == [cfg.budget] * len(budgets) and budgets
    other = load_config(str(path), cfg_options=dict(budget=7))
    assert budgets_of(other.train_dataloader) == [7] * len(budgets)


def test_with_all_images_labelled_the_teacher_labels_them_all(data_root: Path, tmp_path: Path) -> None:
    cfg = load_config(str(CONFIGS / 'udas/gta2cs_student.py'), cfg_options=dict(budget=3))
    dataset = pseudo_labeled_dataset(cfg)
    assert len(DATASETS.build(to_label({**dataset, 'list_dir': str(tmp_path)}))) == 3


def test_published_schedule_trains_the_heads_ten_times_faster() -> None:
    cfg = load_config(str(CONFIGS / 'udas/gta2cs_source_only.py'))
    model = MODELS.build(cfg.model)
    rates = {}
    for group in build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups:
        for parameter in group['params']:
            rates[parameter] = group['lr']
    assert rates
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:  # batch norm's scale and shift stay ImageNet's
            continue
        factor = 10 if name.startswith(('decode_head', 'auxiliary_head')) else 1
        assert rates[parameter] == pytest.approx(2.5e-4 * factor), name


@pytest.mark.parametrize('name', ['dacs', 'daformer', 'mic', 'hrda', 'mic_hrda'])
def test_published_online_methods_take_a_pretrained_network(name: str, tmp_path: Path) -> None:
    method = Config.fromfile(CONFIGS / f'_base_/methods/{name}.py').method
    segmentor = pretrained(tmp_path)
    for head in ('decode_head', 'auxiliary_head'):
        segmentor[head] = dict(segmentor[head], num_classes=19)
    model = MODELS.build(dict(method, segmentor=segmentor))
    terms = [] if name == 'dacs' else ['FeatureDistanceTerm', *(['MaskedConsistencyTerm'] if 'mic' in name else [])]
    assert [type(term).__name__ for term in model.terms] == terms
    assert model.teacher.momentum == (0.99 if name == 'dacs' else 0.999) and model.teacher_norm == 'batch'


@pytest.mark.parametrize('path', RUNS, ids=name_of)
def test_stages_of_self_training_fit_the_data_and_each_other(path: Path, data_root: Path, tmp_path: Path) -> None:
    # the small data have too few images to hold some out
    runner = SelfTrainingRunner.from_cfg(load_config(str(path), str(tmp_path), {'self_training.keep': 'last'}))
    kinds = [stage.kind for stage in runner.stages]
    rounds = ['label', 'student', *([] if path.stem.startswith(('ssl_online', 'gta2cs_ssl_online')) else ['label']),
              'student', 'export', 'report']
    assert kinds[-len(rounds):] == rounds
    for cfg in runner.configs.values():
        shrink_resnet(fit_to_small_data(cfg, data_root))
    assert runner.check()
    label, student = (runner.stages[kinds.index(kind)] for kind in ('label', 'student'))
    student = runner.configs[student.name]
    assert pseudo_label_threshold(pseudo_labeled_dataset(student)) > 0
    assert DATASETS.build(to_label(pseudo_labeled_dataset(student))).get_data_info(0).get('seg_map_path') is None
    if path.parent.name == 'udas':  # as published
        assert (label.settings['views'], runner.stages[0].kind) == (3, 'translator')
        assert pseudo_label_threshold(pseudo_labeled_dataset(student)) == 0.6


@pytest.mark.parametrize('path', ACTIVE, ids=name_of)
def test_rounds_of_active_labelling_are_planned(path: Path, tmp_path: Path) -> None:
    runner = SelfTrainingRunner.from_cfg(load_config(str(path), str(tmp_path)))
    kinds = [stage.kind for stage in runner.stages]
    first = ['query'] if path.stem in ('labor_baseline', 'labor_images') else ['label', 'selector', 'query']
    assert kinds == ['adapt', *(2 * [*first, 'annotate', 'active_student']), 'export', 'report']
    query, student = runner.stages[kinds.index('query')], runner.configs[runner.stages[-3].name]
    units = {'labor_spl': 'regions', 'labor-spl': 'regions', 'labor_images': 'images'}
    assert query.strategy.maker.unit == units.get(path.stem.split('_r101')[0], 'points')
    assert student.train_dataloader.dataset.labeled_target.answers_root == str(tmp_path / 'active/round_2')
    if query.strategy.maker.unit == 'points':
        assert query.strategy.maker.points_per_image == 20


def test_stages_of_active_labelling_fit_the_data_and_each_other(data_root: Path, tmp_path: Path) -> None:
    path = CONFIGS / 'benchmarks/carla2camvid/labor_spl.py'
    options = {'self_training.active_student.config': str(path.with_name('labor_student_pseudo.py'))}
    runner = SelfTrainingRunner.from_cfg(load_config(str(path), str(tmp_path), options))
    for cfg in runner.configs.values():
        fit_to_small_data(cfg, data_root)
    assert runner.check()
    branches = runner.configs[runner.stages[-3].name].train_dataloader.dataset
    assert branches.pseudo_labeled.pseudo_label_root == str(tmp_path / '06_label_r2')
    assert branches.pseudo_labeled.answers_root == branches.labeled_target.answers_root


@pytest.mark.parametrize('path', RUNS, ids=name_of)
def test_the_score_of_no_self_training_is_what_selects(path: Path, tmp_path: Path) -> None:
    stages = SelfTrainingRunner.from_cfg(load_config(str(path), str(tmp_path))).stages
    selections = [stage.settings['by'] for stage in stages if stage.kind == 'select']
    assert selections == (['label_free', 'label_free'] if path == CONFIGS / 'demo/self_training/ssl.py' else [])


def test_the_budget_of_self_training_is_that_of_its_stages(tmp_path: Path) -> None:
    ssl = CONFIGS / 'udas/gta2cs_ssl.py'
    runner = SelfTrainingRunner.from_cfg(load_config(str(ssl), str(tmp_path), dict(budget=100)))
    trained = {stage.kind: budgets_of(runner.configs[stage.name].train_dataloader)
               for stage in runner.stages if stage.name in runner.configs}
    assert trained['adapt'] == trained['student'] == [100, 100] and trained['translator'] == []
    assert len(SAME_BUT_THE_BUDGET) == 4
    for path in SAME_BUT_THE_BUDGET:  # short names of a budget
        assert Config.fromfile(path).to_dict() == {**Config.fromfile(ssl).to_dict(),
                                                   'budget': int(path.stem.rpartition('_')[2])}


@pytest.mark.parametrize('path', RUNS, ids=name_of)
def test_plan_of_self_training_needs_no_data(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('DATA_ROOT', 'DEMO_ROOT', 'WEIGHTS_ROOT', 'TRANSLATED_ROOT', 'PSEUDO_ROOT', 'DEMO_TRANSLATIONS',
                 'DEMO_LABELS'):
        monkeypatch.setenv(f'UDAS_{name}', str(tmp_path / 'nowhere'))
    runner = SelfTrainingRunner.from_cfg(load_config(str(path), str(tmp_path / 'run')))
    assert all(f'| {stage.name} |' in runner.plan() for stage in runner.stages)
    with pytest.raises(ValueError, match='nowhere'):
        runner.check()
    assert not list(tmp_path.iterdir())


def test_missing_data_are_named_before_anything_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('UDAS_DATA_ROOT', str(tmp_path))
    with pytest.raises(ValueError) as error:
        check_config(load_config(str(CONFIGS / 'udas/gta2cs_source_only.py')))
    assert 'gta5/images' in str(error.value) and 'cityscapes/leftImg8bit/val' in str(error.value)
    shutil.copytree(CONFIGS, tmp_path / 'configs')  # the same from a copy outside the checkout
    assert load_config(str(tmp_path / 'configs/udas/gta2cs_source_only.py')).model.backbone.depth == 101


def test_the_exact_schedules_have_the_learning_rates_of_the_published_code() -> None:
    """Its list of parameters has a convolution once for each module from the stage down that contains it."""
    for name, iterations in (('adaptsegnet/adaptsegnet_r101-d8-caffe_150k', 150000),
                             ('advent/advent_r101-d8-caffe_120k', 120000)):
        cfg = Config.fromfile(CONFIGS / f'{name}_gta2cs-1280x720.py')
        assert cfg.train_cfg.max_iters == iterations
        segmentor = copy.deepcopy(cfg.model.segmentor)
        segmentor.backbone.update(depth=50, base_channels=1, stem_channels=1, init_cfg=None)
        for head, channels in (('decode_head', 32), ('auxiliary_head', 16)):
            segmentor[head].update(num_classes=2, in_channels=channels)
        model = MODELS.build(segmentor)
        of_name = {key: value for key, value in model.named_parameters() if value.requires_grad}
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper.segmentor)
        rates = {id(group['params'][0]): group['lr'] / 2.5e-4 for group in wrapper.param_groups}
        for key, parameter in of_name.items():
            parts = key.split('.')[1:-1]  # of the backbone: layer1, 0, conv1
            expected = 10 if 'head' in key else len(parts) if parts[0].startswith('layer') else 1
            assert rates[id(parameter)] == pytest.approx(expected), key
