"""Work directories with the files that runs write, without a training."""
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence, Tuple

import numpy as np
from mmengine.visualization import LocalVisBackend

from udas_mmseg.run_report.evidence import Evidence, Shown
from udas_mmseg.self_training.manifest import Manifest
from udas_mmseg.visualization.page import Page, encode_picture

LOG = '''2026/01/02 03:04:05 - mmengine - INFO -
------------------------------------------------------------
System environment:
    Python: 3.11.7 (main, May  9 2026) [GCC 12.2.0]
    GPU 0: NVIDIA Test GPU
    PyTorch: 2.13.0+cpu
------------------------------------------------------------
2026/01/02 03:04:07 - mmengine - INFO - Config:
    PyTorch: none
2026/01/02 03:14:05 - mmengine - INFO - done
'''
SCORES = dict(aAcc=70.0, mIoU=50.0, mAcc=60.0)
Points = Sequence[Tuple[int, float]]


def write_training(folder: Path, losses: Points = ((5, 2.0), (10, 1.0)), scores: Points = ((5, 10.0), (10, 20.0)),
                   config: str = 'mine.py', lr: float = 0.1, start: str = '20260102_030405') -> Path:
    """The folder of a training, with one start."""
    backend = LocalVisBackend(str(folder / start / 'vis_data'))
    for step, loss in losses:
        backend.add_scalars(dict(loss=loss, lr=lr, time=0.1, iter=step), step)
    for step, score in scores:
        backend.add_scalars({**SCORES, 'mIoU': score, 'IoU/road': score, 'IoU/<car>': 5.0, 'time': 0.1}, step)
    (folder / start / f'{start}.log').write_text(LOG)
    (folder / 'last_checkpoint').write_text(str(folder / 'iter_10.pth'))
    (folder / 'iter_10.pth').write_bytes(b'weights')
    (folder / config).write_text(f"randomness = dict(seed=7)\nmodel = dict(type='A', parts=[dict(size=2)])\n"
                                 f'optim_wrapper = dict(optimizer=dict(lr={lr}))\n')
    return folder


def write_two_seeds(folder: Path) -> None:
    """Self-training with two seeds, of which the second one kept the teacher."""
    write_self_training(folder / 'seed_0', 0, 30.0)
    write_self_training(folder / 'seed_1', 1, 34.0, kept='teacher')


def write_self_training(work_dir: Path, seed: int = 0, score: float = 30.0, kept: str = 'student',
                        cost: Mapping[str, float] = {}) -> Path:
    """The work directory of adaptation and one round, with labels of a cost if one is given."""
    manifest = Manifest(str(work_dir), dict(name='ssl', seed=seed, versions=dict(udas_mmseg='0.1.0')))

    def add(name: str, kind: str, number: int, links: Dict[str, str], **result: Any) -> None:
        manifest.begin(name, 'digest', kind=kind, round=number, links=links, command='')
        manifest.complete(name, 60.0, **result)

    def add_training(name: str, kind: str, number: int, segmentor: str, mean: float, links: Dict[str, str]) -> None:
        folder = write_training(work_dir / name, config='config.py', lr=0.1 * (number + 1))
        metrics = {**SCORES, 'mIoU': mean, 'mIoU/night': 9.0, 'IoU/road': mean, 'IoU/<car>': 3.0}
        add(name, kind, number, links, checkpoint=str(folder / 'iter_10.pth'), sha256='', metrics=metrics,
            segmentor=segmentor)

    add_training('00_adapt', 'adapt', 0, 'adapted', score, {})
    add('01_label_r1', 'label', 1, dict(teacher='00_adapt'), threshold=0.6, coverage=0.75, summary='75 % kept',
        quality=dict(mIoU_kept=0.5, mIoU_all=0.4, ece=0.1), report=str(work_dir / '01_label_r1_report/report.html'))
    page = Page('Pseudo-labels')
    page.section('A set of labels')
    page.table(['class', 'kept'], ['road', '75'])
    page.save(str(work_dir / '01_label_r1_report'), dict(sets=[dict(classes=dict(road=dict(kept=0.75),
                                                                                 car=dict(kept=None)))]))
    links = dict(teacher='00_adapt', labels='01_label_r1')
    if cost:
        add('01_annotate_r1', 'annotate', 1, {}, cost=cost)
        links.update(answers='01_annotate_r1')
    add_training('02_student_r1', 'student', 1, 'round 1', score + 10, links)
    best = '02_student_r1' if kept == 'student' else '00_adapt'
    add('03_select_r1', 'select', 1, dict(student='02_student_r1'), kept=kept, by='label_free', trained_by=best,
        checkpoint=str(work_dir / best / 'iter_10.pth'),
        reasons=[] if kept == 'student' else ['mIoU 20.0 instead of 30.0'], warnings=['road nearly disappears'],
        scores=dict(teacher=dict(mIoU=30.0), student=dict(mIoU=40.0)))
    return work_dir


def evidence(models: Dict[str, Any], *_: int) -> Evidence:
    """Pictures in a colour of their own."""
    def picture(value: int) -> bytes:
        return encode_picture(np.full((32, 64, 3), value, np.uint8))

    found = Evidence(['road', '<car>'], [[128, 64, 128], [0, 0, 142]], 2, 9)
    found.confusions = {name: np.array([[90, 10], [40 + number, 60]]) for number, name in enumerate(models)}
    found.shown = [Shown(f'street_{place}</script>.png', picture(200 + place), picture(100 + place), {
        name: (picture(10 * number + place), picture(50 + number), 70.0 + number)
        for number, name in enumerate(models)}) for place in range(2)]
    return found
