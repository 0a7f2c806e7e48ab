"""Self-training that is killed in every stage and started again by the same command."""
import random
from pathlib import Path
from typing import Tuple

import pytest
import torch

from killed_runs import files, kill_in, stages, weights
from tiny_self_training import run, write_configs

STAGES = ['00_translator', '01_translate', '02_adapt', '03_label_r1', '04_student_r1', '05_select_r1', '06_label_r2',
          '07_student_r2', '08_select_r2', 'export']  # yapf: disable


@pytest.fixture(scope='module')
def undisturbed(processes: str, tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, Path]:
    """Config and work directory of a run that nothing killed."""
    folder = tmp_path_factory.mktemp('undisturbed')
    config = write_configs(folder, train=8)
    config.write_text(config.read_text().replace("keep='last'", "keep='best', select=dict(by='label_free', "
                                                 "tolerance=100, class_drop=100)"))  # students learn too little
    done = run(config, folder / 'run')
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return config, folder / 'run'


def test_killed_in_every_stage_it_ends_with_the_same_weights_and_labels(undisturbed: Tuple[Path, Path],
                                                                        tmp_path: Path) -> None:
    (config, whole), cut = undisturbed, tmp_path / 'cut'
    seconds = {name: entry['seconds'] for name, entry in stages(whole).items()}
    assert list(seconds) == STAGES

    rng, kills = random.Random(0), []
    for stage in STAGES:
        for _ in range(2 if stage == '04_student_r1' else 1):
            if stages(cut).get(stage, {}).get('state') == 'complete':
                continue
            kills.append(kill_in(config, cut, stage, rng.uniform(0, 0.5) * seconds[stage]))
    # a stage may end earlier than in the run before, on a machine that had other work then
    assert len(kills) >= 8 and len(set(STAGES) - set(kills)) <= 1, f'killed in {kills}'
    done = run(config, cut)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    made = files(whole, '01_translate', '03_label_r1', '06_label_r2')
    assert len(made) == 8 + 12 + 12, 'two images are held out from labelling'
    assert files(cut, '01_translate', '03_label_r1', '06_label_r2') == made
    for stage in ('05_select_r1', '08_select_r2'):
        first, second = (stages(folder)[stage] for folder in (whole, cut))
        assert first['kept'] == 'student'
        assert (first['scores'], first['target']) == (second['scores'], second['target'])
    for stage in ('00_translator', '02_adapt', '04_student_r1', '07_student_r2', 'export'):
        first, second = (weights(stages(folder)[stage]['checkpoint']) for folder in (whole, cut))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first), stage


def test_rerun_by_hand(undisturbed: Tuple[Path, Path], tmp_path: Path) -> None:
    """A stage's written config is an ordinary one, and gives the weights that the stage gave."""
    whole = undisturbed[1]
    done = run(whole / '02_adapt/config.py', tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    first = weights(stages(whole)['02_adapt']['checkpoint'])
    second = weights(str(tmp_path / 'iter_6.pth'))
    assert all(torch.equal(first[key], second[key]) for key in first)
