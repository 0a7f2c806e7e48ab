"""The quality of a model's pseudo-labels as a metric of an evaluator."""
import pickle
from typing import List

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample

from udas_mmseg.evaluation import PseudoLabelQualityMetric
from udas_mmseg.pseudo_labels.quality import count_agreement, measure_quality

META = dict(classes=('road', 'car', 'rider'))


def samples(count: int = 4) -> List[SegDataSample]:
    """Predictions that are right more often where they are surer."""
    generator, made = torch.Generator().manual_seed(0), []
    for _ in range(count):
        truth = torch.randint(0, 3, (1, 12, 16), generator=generator)
        logits = torch.randn(3, 12, 16, generator=generator).scatter_add(0, truth, torch.full((1, 12, 16), 2.0))
        truth[:, :2] = 255
        sample = SegDataSample(gt_sem_seg=PixelData(data=truth), seg_logits=PixelData(data=logits),
                               pred_sem_seg=PixelData(data=logits.argmax(dim=0, keepdim=True)))
        made.append(sample)
    return made


def metric(**options: object) -> PseudoLabelQualityMetric:
    made = METRICS.build(dict(type='PseudoLabelQualityMetric', **options))
    made.dataset_meta = META
    return made


def test_scores_are_those_of_the_labels_that_would_be_written() -> None:
    evaluator = Evaluator(metric(threshold=0.7))
    evaluator.dataset_meta = META
    made = samples()
    evaluator.process(made[:3])
    evaluator.process(made[3:])
    scores = evaluator.evaluate(4)
    counts = sum(count_agreement(
        sample.pred_sem_seg.data[0].numpy(),
        np.floor(255 * sample.seg_logits.data.softmax(dim=0).amax(dim=0).numpy()).astype(np.uint8),
        sample.gt_sem_seg.data[0].numpy(), 3) for sample in made)
    quality = measure_quality(counts, META['classes'], 0.7)
    assert scores['pseudo_label/mIoU_kept'] == pytest.approx(100 * quality['mIoU_kept'], abs=0.3)
    assert scores['pseudo_label/precision/car'] == pytest.approx(100 * quality['precision']['car'], abs=0.3)
    assert scores['pseudo_label/recall/rider'] == pytest.approx(100 * quality['recall']['rider'], abs=0.3)
    assert scores['pseudo_label/ece'] == pytest.approx(100 * quality['ece'], abs=0.3)
    assert 0 < scores['pseudo_label/coverage'] < 100
    assert scores['pseudo_label/mIoU_kept'] > scores['pseudo_label/mIoU_all']


def test_padding_of_several_processes_is_not_counted() -> None:
    """Each image is one small result, so that what a sampler repeats can be cut off."""
    ours = metric()
    ours.process(None, [sample.to_dict() for sample in samples(3)])
    assert len(ours.results) == 3 and all(len(pickle.dumps(cells)) < 4000 for cells in ours.results)
    whole = ours.compute_metrics(ours.results)
    assert whole != ours.compute_metrics(ours.results[:2])
    assert ours.evaluate(2)['pseudo_label/coverage'] != whole['coverage']


def test_temperature_changes_confidence_only() -> None:
    found = []
    for temperature in (1.0, 0.25):
        ours = metric(temperature=temperature)
        ours.process(None, [sample.to_dict() for sample in samples()])
        found.append(ours.evaluate(4))
    assert found[1]['pseudo_label/coverage'] > found[0]['pseudo_label/coverage'] + 5
    assert found[1]['pseudo_label/mIoU_all'] == found[0]['pseudo_label/mIoU_all']


def test_what_has_nothing_to_divide_by_is_left_out() -> None:
    ours = metric(threshold=1.0)
    ours.process(None, [sample.to_dict() for sample in samples()])
    scores = ours.evaluate(4)
    assert scores['pseudo_label/coverage'] == 0 and 'pseudo_label/mIoU_kept' not in scores
    assert scores['pseudo_label/recall/car'] == 0 and 'pseudo_label/precision/car' not in scores


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match='threshold=60'):
        metric(threshold=60)
    ours = metric()
    ours.dataset_meta = dict(classes=('road', 'car'))
    with pytest.raises(ValueError, match='ids up to 2 and the truth up to 2; allowed are 0-1'):
        ours.process(None, [sample.to_dict() for sample in samples(1)])
