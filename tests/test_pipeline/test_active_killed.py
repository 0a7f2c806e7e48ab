"""Rounds of active labelling that are killed in each kind of stage and started again by the same command."""
import random
from pathlib import Path

import pytest
import torch

from killed_runs import files, kill_in, stages, weights
from tiny_active import write_active
from tiny_self_training import run

pytestmark = pytest.mark.slow
# every kind of stage of a round; those of self-training without a person are in test_self_training_killed.py
STAGES = ['03_query_r1', '04_annotate_r1', '06_label_r2', '07_selector_r2', '08_query_r2', '09_annotate_r2',
          '10_active_student_r2']  # yapf: disable


def test_killed_in_every_stage_of_a_round_it_ends_with_the_same_labels_and_weights(tmp_path: Path) -> None:
    config, whole, cut = write_active(tmp_path, iters=4, train=6), tmp_path / 'whole', tmp_path / 'cut'
    config.write_text(config.read_text().replace('rounds=1', 'rounds=2'))
    done = run(config, whole)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    seconds = {name: entry['seconds'] for name, entry in stages(whole).items()}
    assert len(seconds) == 12 and set(STAGES) <= set(seconds)

    rng, kills = random.Random(0), []
    for stage in STAGES:
        if stages(cut).get(stage, {}).get('state') != 'complete':
            kills.append(kill_in(config, cut, stage, rng.uniform(0, 0.5) * seconds[stage]))
    assert len(kills) >= 5, f'killed in {kills}'
    done = run(config, cut)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    made = files(whole, 'active/round_1', 'active/round_2')
    assert made and files(cut, 'active/round_1', 'active/round_2') == made
    for stage, entry in stages(whole).items():
        assert stages(cut)[stage].get('cost') == entry.get('cost')
        if 'segmentor' in entry:
            first, second = weights(entry['checkpoint']), weights(stages(cut)[stage]['checkpoint'])
            assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first), stage
