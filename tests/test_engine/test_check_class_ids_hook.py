"""A label with an id outside the classes is named in validation and testing, with MMSegmentation's metric too."""
from pathlib import Path
from typing import Callable

import cv2
import pytest

from udas_mmseg.datasets.class_ids import ClassIdError
from udas_mmseg.engine.config_run import SingleTraining
from udas_mmseg.engine.launch import build_runner


@pytest.mark.parametrize('loop', ['val', 'test'])
def test_the_file_is_named(run_config: Callable, loop: str) -> None:
    cfg = run_config(val_evaluator=dict(type='IoUMetric'))
    dataset = cfg.val_dataloader.dataset
    dataset.label_map = None
    cfg.update(test_dataloader=cfg.val_dataloader, test_evaluator=cfg.val_evaluator, test_cfg=dict())
    getattr(build_runner(cfg), loop)()  # good labels pass
    label = max(Path(dataset.get('data_root') or '', dataset.data_prefix.seg_map_path).rglob('*.png'))
    pixels = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
    pixels[0, :3] = 7
    cv2.imwrite(str(label), pixels)
    cfg.experiment_name += '_wrong'
    with pytest.raises(ClassIdError, match=rf'{label} has the ids \[7\], 3 pixels, but there are 3 classes') as error:
        getattr(build_runner(cfg), loop)()
    assert isinstance(error.value, SingleTraining.mistakes), 'the command line shows no traceback'
