"""A run of self-training that the tests share."""
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_pictures_in_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib takes longer than all else in a tiny round. The report of `finished` has them."""
    from udas_mmseg.pseudo_labels import report
    monkeypatch.setattr(report, '_draw', lambda *_: {})


@pytest.fixture(scope='module')
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Adaptation and one round, without a translator."""
    from tiny_self_training import write_configs
    path = write_configs(tmp_path_factory.mktemp('ssl'), iters=2, train=4)
    text = path.read_text().replace("translate=dict(config='{{fileDirname}}/cyclegan.py')", 'translate=None')
    truth = "truth='labeled_target_train', groups=dict(pattern='/([a-z]+)_'), views=2"
    path.write_text(text.replace('rounds=2', 'rounds=1').replace('views=2', truth))
    return path


@pytest.fixture(scope='module')
def finished(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of a whole run."""
    from tiny_self_training import runner
    work_dir = tmp_path_factory.mktemp('finished')
    runner(config, work_dir).train()
    return work_dir
