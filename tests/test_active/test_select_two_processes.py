"""Two processes select what one selects, and end together."""
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from labeling import files_of, save_checkpoint, write_work
from small_data import write_image
from two_processes import launch_two
from udas_mmseg.active.select import select

SCRIPT = '''
import torch.distributed as dist
from udas_mmseg.active.select import select
from udas_mmseg.engine.launch import init_distributed, load_config
cfg = load_config('mine.py')
init_distributed(cfg, 'pytorch')
strategy = dict(score=dict(type='EntropyScore'), units=dict(type='TopPoints', points_per_image=5))
found = select(cfg, 'trained.pth', 'target_train', 'two', strategy, dict(points=22), workers=0)
print(f'rank {dist.get_rank()}: {sum(len(image.units) for image in found.images)} points', flush=True)
dist.barrier()
dist.destroy_process_group()
'''


def test_two_processes_select_what_one_selects(processes: str, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    write_work(tmp_path)
    monkeypatch.chdir(tmp_path)
    save_checkpoint('trained.pth', 1)
    for number in range(4):
        write_image(tmp_path / f'data/leftImg8bit/train/zwickau/{number}_leftImg8bit.png',
                    np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    strategy = dict(score=dict(type='EntropyScore'), units=dict(type='TopPoints', points_per_image=5))
    select(Config.fromfile('mine.py'), 'trained.pth', 'target_train', 'one', strategy, dict(points=22), workers=0)
    Path('launch.py').write_text(SCRIPT)
    status, output = launch_two('launch.py')
    assert status == 0, output[-3000:]
    assert 'rank 0: 22 points' in output and 'rank 1: 22 points' in output, output[-3000:]
    assert files_of(tmp_path / 'two') == files_of(tmp_path / 'one')
