"""The configs that configs/README.md shows are complete: each has at most five lines, and fits the data."""
import re
import shutil
from pathlib import Path
from typing import Dict

import pytest
from mmseg.registry import MODELS

from config_data import CONFIGS
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import load_config
from udas_mmseg.self_training import SelfTrainingRunner


@pytest.fixture(scope='module')
def shown() -> Dict[str, str]:
    blocks = re.findall(r'```python\n# (\w+\.py).*?\n(.*?)```', (CONFIGS / 'README.md').read_text(), re.DOTALL)
    return dict(blocks)


@pytest.fixture(scope='module')
def folder(shown: Dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    configs = tmp_path_factory.mktemp('shown') / 'configs'
    shutil.copytree(CONFIGS, configs)
    (configs / 'my_pair').mkdir()
    for name, text in shown.items():
        (configs / 'my_pair' / name).write_text(text)
    return configs / 'my_pair'


def test_each_method_has_at_most_five_lines(shown: Dict[str, str]) -> None:
    assert list(shown) == ['setup.py', 'source_only.py', 'uda.py', 'student.py', 'ssl.py']
    lines = {name: text.count('\n') for name, text in shown.items()}
    assert all(count <= 5 for count in lines.values()), lines


@pytest.mark.parametrize('name', ['source_only.py', 'uda.py'])
def test_they_fit_the_data_and_can_be_built(name: str, folder: Path, data_root: Path) -> None:
    cfg = load_config(str(folder / name))
    assert check_config(cfg)
    segmentor = MODELS.build(cfg.model)
    segmentor = getattr(segmentor, 'segmentor', segmentor)
    assert segmentor.num_classes == segmentor.auxiliary_head.num_classes == 3


def test_stages_fit_the_data_and_read_what_earlier_ones_wrote(folder: Path, data_root: Path, tmp_path: Path) -> None:
    runner = SelfTrainingRunner.from_cfg(load_config(str(folder / 'ssl.py'), str(tmp_path)))
    assert len(runner.stages) == 11 and runner.check()
    dataset = runner.configs['07_student_r2'].train_dataloader.dataset
    assert dataset.source.translated_root == str(tmp_path / '01_translate')
    assert dataset.pseudo_labeled.pseudo_label_root == str(tmp_path / '06_label_r2')
    assert runner.configs['00_translator'].val_dataloader is None
