"""The benchmark of evaluation, on a tiny network."""
from pathlib import Path
from typing import Any, Dict

import evaluation
import numpy as np
import pytest
import torch
from mmengine.runner import Runner

MODEL = {'backbone.depth': 18, 'decode_head.in_channels': 512, 'auxiliary_head.in_channels': 256}


def test_evaluation_scores_what_the_forward_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, 'DRAWN', 2)
    evaluation.write_files(str(tmp_path), 3, (64, 32))
    cfg = evaluation.config(str(tmp_path), (32, 16), 0)
    cfg.merge_from_dict({f'model.{key}': value for key, value in MODEL.items()})
    with evaluation.quiet():
        runner = Runner.from_cfg(cfg)
    bare, whole = evaluation.Bare(runner, cfg), evaluation.Evaluation(runner)
    assert [len(batch['inputs']) for batch in bare.batches] == [1] * 3
    scores = whole()
    assert scores == whole() and 0 <= scores['mIoU'] <= 100
    right = total = 0
    for batch in bare.batches:
        sample, = batch['data_samples']
        with torch.no_grad():
            logits = bare.model.inference(batch['inputs'], [sample.metainfo])
        logits = torch.nn.functional.interpolate(logits, (32, 64), mode='bilinear', align_corners=True)
        label = np.asarray(sample.gt_sem_seg.data[0])
        right += ((logits.argmax(1)[0].numpy() == label) & (label != 255)).sum()
        total += (label != 255).sum()
    assert scores['aAcc'] == pytest.approx(100 * right / total, abs=0.01)


def test_throughput() -> None:
    row: Dict[str, Any] = dict(evaluation.throughput(2, (64, 32), (32, 16), 0, 1, **MODEL))
    assert 'evaluation of 2 labelled files 64x32, seen at 32x16' in row['name']
    # images a second, of which the ratio is that of the times the other way round
    name, bare = row['against'].split(': ')
    assert name == 'bare forward' and row['ratio'] == pytest.approx(float(bare) / row['value'], rel=0.01)
    assert row['goal'] == 'ratio <= 1.1'
