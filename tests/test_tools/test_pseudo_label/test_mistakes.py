"""What a user gets wrong is said in one line."""
import os
from pathlib import Path

import pytest
import torch

from labeling import error_of, label


@pytest.mark.parametrize('arguments, message', [
    (['nowhere.py', 'trained.pth'], 'config nowhere.py does not exist'),
    (['mine.py', 'nowhere.pth'], 'checkpoint nowhere.pth does not exist'),
    (['mine.py', 'mine.py'], 'checkpoint mine.py cannot be read'),
    (['mine.py', 'trained.pth', '--dataset', 'source'],
     "no data set 'source' to label; its data sets are ['labeled_target_train', 'target_train']"),
    (['mine.py', 'trained.pth', '--dataset', 'test_dataloader'], "no data set 'test_dataloader' to label"),
    (['mine.py', 'trained.pth', '--cfg-options', 'model.segmentor.decode_head.dilations=(6,12)'],
     '4 unexpected (segmentor.decode_head.convs.2.weight'),
    (['mine.py', 'trained.pth', '--cfg-options', 'model.segmentor.decode_head.num_classes=4',
      'model.segmentor.auxiliary_head.num_classes=4'],
     'segmentor.decode_head.convs.0.weight: (3, 32, 3, 3) instead of (4, 32, 3, 3)'),
    (['mine.py', 'trained.pth', '--cfg-options', "target_train.metainfo.classes=('road','car')"],
     "num_classes=3, but the images have 2 classes ('road', 'car')"),
])  # yapf: disable
def test_mistakes_are_one_clear_line(work: Path, arguments: list, message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        label(*arguments, '--out', 'labels')
    assert message in str(caught.value) and '\n' not in str(caught.value)
    assert not (work / 'labels').exists() and not (work / 'labels.part').exists()


@pytest.mark.parametrize('options, message', [
    (['--cfg-options', 'target_train.data_prefix.img_path=nowhere'], 'missing: data/nowhere'),
    (['--augment', 'type=RandomFlip'], 'views need an augmentation whose geometry can be undone'),
    (['--temperature', '0'], 'temperature=0.0: it must be above 0'),
    (['--batch-size', '0'], 'batch_size=0: allowed are integers of 1 or more'),
    (['--cfg-options', 'test_dataloader.dataset.pipeline.1.type=RandomResize'], 'prediction needs whole images'),
    (['--cfg-options', 'test_dataloader.dataset.pipeline.0.to_float32=True'],
     'SegAutoAugment: the image is (32, 48, 3) float32'),
])  # yapf: disable
@pytest.mark.parametrize('workers', [0, 1])
def test_mistakes_of_options_are_clear(work: Path, options: list, message: str, workers: int) -> None:
    error = error_of('mine.py', 'trained.pth', '--out', 'labels', *options, workers=workers, views=2)
    assert message in error and 'Traceback' not in error
    assert not (work / 'labels').exists()


class Malicious:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple:
        return os.system, ('touch was_run', )


def test_checkpoint_that_would_run_code_is_refused(work: Path) -> None:
    torch.save(dict(state_dict=Malicious()), 'evil.pth')
    error = error_of('mine.py', 'evil.pth', '--out', 'labels')
    assert 'checkpoint evil.pth cannot be read' in error
    assert not (work / 'was_run').exists() and not (work / 'labels').exists()


def test_processes_that_do_not_know_of_each_other_are_refused(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('WORLD_SIZE', '2')
    assert '2 processes were started' in error_of('mine.py', 'trained.pth', '--out', 'labels')
