"""The benchmark of predicting a folder, on a tiny model."""
from typing import Any, Dict

import prediction
import pytest

NORM = dict(type='BN')
MODEL: Dict[str, Any] = dict(
    type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.] * 3, std=[60.] * 3),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                  dilations=(1, 1, 2, 4), norm_cfg=NORM),
    decode_head=dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_classes=19, norm_cfg=NORM),
    train_cfg=dict(), test_cfg=dict(mode='whole'))


def test_folder_is_predicted_and_compared_with_the_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, 'WORKERS', 0)
    monkeypatch.setattr(prediction, 'BATCH', 2)
    done = []
    plain = prediction.predict_set
    monkeypatch.setattr(prediction, 'predict_set', lambda *args: done.append(plain(*args)))
    row = prediction.throughput(MODEL, 'tiny', files=3, size=(64, 32), rounds=2)
    assert row['name'] == 'prediction of 3 files 64x32 to overlays and masks, tiny, images/s'
    assert row['value'] > 0 and row['ratio'] > 0 and 'bare forward' in row['against']
    assert [index['num_images'] for index in done] == [3] * 3 and len({index['complete'] for index in done}) == 1
