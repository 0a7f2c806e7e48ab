"""One model that reads the data sets of several domains."""
import importlib.util
import json
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from adversarial_models import deeplabv2
from small_data import CLASSES, LOAD, write_carla_and_camvid
from udas_mmseg.evaluation.domains import score_domains
from udas_mmseg.evaluation.validation import validate

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cfg(tmp_path: Path) -> Config:
    """CARLA, a translation that changes no image, one at half size that turns them grey, and the model."""
    write_carla_and_camvid(tmp_path)
    for path in (tmp_path / 'carla/images').iterdir():
        image = cv2.imread(str(path))
        for name, pixels in (('same', image), ('grey', cv2.resize(image // 8, (80, 40)))):
            (tmp_path / name).mkdir(exist_ok=True)
            assert cv2.imwrite(str(tmp_path / name / f'{path.stem}.png'), pixels)
    source = dict(type='LabelMappedDataset', metainfo=CLASSES, data_root=str(tmp_path / 'carla'), img_suffix='.jpg',
                  data_prefix=dict(img_path='images', seg_map_path='labels'),
                  pipeline=[*LOAD, dict(type='RandomFlip', prob=0.5), dict(type='PackSegInputs')])
    torch.manual_seed(0)
    model = deeplabv2()
    model['data_preprocessor'] = dict(type='DomainDataPreProcessor', mean=[128.] * 3, std=[50.] * 3)
    return Config(dict(
        default_scope='mmseg', custom_imports=dict(imports=['udas_mmseg']), model=model, source_train=source,
        test_pipeline=[*LOAD, dict(type='PackSegInputs')], unlabeled=dict(source, data_prefix=dict(img_path='images')),
        **{f'{name}_train': dict(source, translated_root=str(tmp_path / name)) for name in ('same', 'grey')}))


def test_each_data_set_is_scored_as_by_validation(cfg: Config, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    model = MODELS.build(cfg.model).eval()
    with torch.no_grad():  # several classes in every image
        torch.nn.init.normal_(model.decode_head.convs[0].weight)
        noise = torch.randn(1, 3, 80, 160)
        model.decode_head.convs[0].bias -= model(noise)[0].mean(dim=(0, 2, 3))
    keys = ['source_train', 'same_train', 'grey_train']
    found = score_domains(cfg, model, keys)
    loader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                  dataset=dict(cfg.source_train, pipeline=cfg.test_pipeline, test_mode=True))
    expected: Any = validate(model, loader, dict(type='SubsetIoUMetric'))
    assert found['source_train'] == {name: value for name, value in expected.items()
                                     if name == 'mIoU' or name.startswith('IoU/')}
    assert found['same_train'] == found['source_train'] and found['grey_train'] != found['source_train']

    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'model.pth')
    cfg.dump(str(tmp_path / 'mine.py'))
    spec = importlib.util.spec_from_file_location('score_domains', ROOT / 'tools/score_domains.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    call = [str(tmp_path / 'mine.py'), str(tmp_path / 'model.pth'), '--json', str(tmp_path / 'scores.json')]
    tool.main([*call, '--datasets', *keys])
    assert json.loads((tmp_path / 'scores.json').read_text()) == found
    assert f'| grey_train | {found["grey_train"]["mIoU"]:.1f} |' in capsys.readouterr().out
    for key, message in (('target_val', r"no data set 'target_val'; its data sets are \['grey_train'"),
                         ('unlabeled', 'LabelMappedDataset has no labels to read')):
        with pytest.raises(SystemExit, match=message):
            tool.main([*call, '--datasets', key])
