"""Reading the folder of a training."""
from pathlib import Path

import pytest

from run_folders import write_training
from udas_mmseg.run_report.training import find_checkpoint, is_training, read_curves, read_training


def test_curves_of_a_resumed_training(tmp_path: Path) -> None:
    folder = write_training(tmp_path, losses=[(5, 2.0), (10, 1.5), (15, float('nan'))], scores=[(10, 20.0)])
    write_training(tmp_path, losses=[(10, 1.0), (20, 0.5)], scores=[(20, 30.0)], start='20260103_030405')
    with (folder / '20260103_030405/vis_data/scalars.json').open('a') as file:
        file.write('{"loss": 9.0, "iter": 2')  # killed
    curves = read_curves(str(folder))
    assert curves['loss'] == [(5, 2.0), (10, 1.0), (20, 0.5)]
    assert curves['val/mIoU'] == [(10, 20.0), (20, 30.0)]
    assert sorted(curves) == ['loss', 'lr', 'val/IoU/<car>', 'val/IoU/road', 'val/aAcc', 'val/mAcc', 'val/mIoU']


def test_a_training_is_read_with_its_environment(tmp_path: Path) -> None:
    assert not is_training(str(tmp_path))
    run = read_training(str(write_training(tmp_path)))
    assert is_training(str(tmp_path))
    model, = run.models
    assert (run.name, run.seed, model.seconds, model.metrics['mIoU']) == ('mine', 7, 600.0, 20.0)
    assert run.versions == {'python': '3.11.7', 'GPU 0': 'NVIDIA Test GPU', 'torch': '2.13.0+cpu'}
    assert model.checkpoint == str(tmp_path / 'iter_10.pth') and model.config == str(tmp_path / 'mine.py')


def test_results_of_the_comparison_come_first(tmp_path: Path) -> None:
    write_training(tmp_path)
    (tmp_path / 'results.json').write_text('[{"seed": 3, "name": "demo/uda budget=2", "metrics": {"mIoU": 44.0}, '
                                           '"seconds": 5.0, "versions": {"torch": "3.0"}}]')
    run = read_training(str(tmp_path))
    assert (run.name, run.seed, run.models[0].metrics, run.models[0].seconds) == (
        'demo/uda budget=2', 3, {'mIoU': 44.0}, 5.0)
    assert run.versions['torch'] == '3.0'


@pytest.mark.parametrize('moved', [True, False])
def test_checkpoints_of_a_folder_that_was_moved(tmp_path: Path, moved: bool) -> None:
    (tmp_path / ('iter_9.pth' if moved else 'iter_8.pth')).touch()
    assert find_checkpoint('old/iter_9.pth', str(tmp_path)) == (str(tmp_path / 'iter_9.pth') if moved
                                                                else 'old/iter_9.pth')
