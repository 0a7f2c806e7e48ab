"""Two processes write what one writes, and end together."""
from pathlib import Path

import numpy as np

from labeling import NAMES, files_of, label
from small_data import write_image
from two_processes import launch_two

SCRIPT = '''
import runpy, sys
import torch.distributed as dist
from mmengine.config import Config
from udas_mmseg.engine.launch import init_distributed, load_config
from udas_mmseg.pseudo_labels.label import LabelingOptions, write_pseudo_labels
cfg = load_config('mine.py')
init_distributed(cfg, 'pytorch')
first = write_pseudo_labels(cfg, 'trained.pth', 'two', LabelingOptions(batch_size=2, workers=1, max_broken=1),
                            name='mine.py')
again = write_pseudo_labels(cfg, 'trained.pth', 'two', LabelingOptions(max_broken=1))
assert first == again and first['num_images'] == 8, first
print(f'rank {dist.get_rank()} has the index', flush=True)
dist.barrier()
try:
    write_pseudo_labels(cfg, 'trained.pth', 'two', LabelingOptions(seed=1))
except FileExistsError as error:
    print(f'rank {dist.get_rank()} says: {error}', flush=True)
except SystemExit as error:
    print(f'rank {dist.get_rank()} ends', flush=True)
dist.barrier()
dist.destroy_process_group()
'''


def test_two_processes_write_the_files_of_one(processes: str, work: Path) -> None:
    for number in range(6):
        write_image(work / f'data/leftImg8bit/train/zwickau/{number}_leftImg8bit.png',
                    np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    broken = Path('data/leftImg8bit/train', NAMES[1])
    broken.write_bytes(broken.read_bytes()[:-30])
    label('mine.py', 'trained.pth', '--out', 'one', '--max-broken', '1', '--batch-size', '2', views=3)
    Path('launch.py').write_text(SCRIPT)
    status, output = launch_two('launch.py')
    assert status == 0, output[-3000:]
    assert files_of(work / 'two') == files_of(work / 'one')
    assert 'rank 0 has the index' in output and 'rank 1 has the index' in output
    assert output.count('has a complete set') == 1 and 'rank 1 ends' in output
    assert sorted(path.name for path in work.glob('two*')) == ['two']
