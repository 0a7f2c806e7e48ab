"""Exported files in a process that has MMSegmentation and not this package."""
import importlib.util
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Callable

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from mmseg.apis import inference_model
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from small_data import write_image
from udas_mmseg.engine.launch import build_runner, load_config
from udas_mmseg.models.trained import build_original

ROOT = Path(__file__).parents[2]
CONFIG = '''
custom_imports = dict(imports=['udas_mmseg'])
default_scope = 'mmseg'
norm = dict(type='BN')
segmentor = dict(
    type='MultiLevelEncoderDecoder',
    data_preprocessor=dict(type='DomainDataPreProcessor', mean=[120., 110, 100], std=[60., 50, 55], bgr_to_rgb=True),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                  dilations=(1, 1, 2, 4), norm_cfg=norm, init_cfg=dict(type='Pretrained', checkpoint='nowhere.pth')),
    decode_head=dict(type='DeepLabV2Head', in_channels=32, in_index=3, num_classes=3, align_corners=True),
    auxiliary_head=dict(type='DeepLabV2Head', in_channels=16, in_index=2, num_classes=3, dilations=(6, 12)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
model = dict(type='AdversarialSegmentor', segmentor=segmentor, discriminators=dict(type='MultiLevelDiscriminator'))
test_pipeline = [dict(type='LoadVerifiedImage'), dict(type='Resize', scale=(96, 64), keep_ratio=False),
                 dict(type='LoadLabelIds'), dict(type='PackSegInputs')]
test_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='LabelMappedDataset', metainfo=dict(classes=('road', 'sidewalk', 'other')), data_root='data',
                 data_prefix=dict(img_path='images', seg_map_path='labels'), test_mode=True, pipeline=test_pipeline))
test_evaluator = dict(type='SubsetIoUMetric')
test_cfg = dict()
'''
# `mmcv._ext` comes with a full mmcv; with mmcv-lite, `mmseg.models` is imported without operators
VANILLA = '''
import importlib.machinery
import importlib.util
import sys
import types

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'udas_mmseg':
            raise ModuleNotFoundError(f'{name} is blocked')

sys.meta_path.insert(0, Blocker())
try:
    import udas_mmseg
    raise SystemExit('udas_mmseg can be imported')
except ModuleNotFoundError:
    pass

# MMSegmentation imports timm, if it is there, which imports torchvision: with CPU-only torch, that may fail
sys.modules['timm'] = None
if importlib.util.find_spec('mmcv._ext') is None:
    class Operators(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith('__'):
                raise AttributeError(name)
            return lambda *args: None
    sys.modules['mmcv._ext'] = Operators('mmcv._ext')
    sys.modules['mmcv._ext'].__spec__ = importlib.machinery.ModuleSpec('mmcv._ext', loader=None)

import cv2
import numpy as np
from mmseg.apis import inference_model, init_model

config, checkpoint, image, out = sys.argv[1:]
model = init_model(config, checkpoint, device='cpu')
by_path = inference_model(model, image)
by_array = inference_model(model, cv2.imread(image))
np.savez(out, by_path=by_path.pred_sem_seg.data[0], by_array=by_array.pred_sem_seg.data[0],
         logits=by_path.seg_logits.data, classes=model.dataset_meta['classes'], palette=model.dataset_meta['palette'],
         kinds=sorted({type(part).__module__.split('.')[0] for part in model.modules()}))
'''


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data, a config and the checkpoint of a model of random weights."""
    rng = np.random.default_rng(0)
    for number in range(2):
        noise = cv2.resize(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8), (100, 80), interpolation=cv2.INTER_CUBIC)
        write_image(tmp_path / f'data/images/{number}.png', noise)
        write_image(tmp_path / f'data/labels/{number}.png', rng.integers(0, 3, (80, 100), dtype=np.uint8))
    (tmp_path / 'mine.py').write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(1)
    model = MODELS.build(ConfigDict(Config.fromfile('mine.py').to_dict()['model']))
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if 'running' in name else torch.randn_like(value) * 0.2)
    pixels = torch.from_numpy(noise[:64, :96].transpose(2, 0, 1).copy())[None].float()
    logits = model.eval()((pixels - 110) / 55)[0]  # of the main head
    model.segmentor.decode_head.convs[0].bias.data -= logits.mean(dim=(0, 2, 3))  # so that every class occurs
    torch.save(dict(state_dict=model.state_dict(), meta=dict(iter=1), message_hub=dict()), 'trained.pth')
    return tmp_path


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The tool, without the time that a new process takes."""

    def call(*arguments: str) -> None:
        monkeypatch.setattr(sys, 'argv', ['export_segmentor.py', *arguments])
        runpy.run_path(str(ROOT / 'tools/export_segmentor.py'), run_name='__main__')

    return call


def test_plain_mmsegmentation_predicts_the_same(work: Path, export: Callable,
                                                capsys: pytest.CaptureFixture) -> None:
    export('mine.py', 'trained.pth', '--out', 'out')
    printed = capsys.readouterr().out
    assert 'wrote out/mine.py' in printed and "init_model('out/mine.py', 'out/mine.pth'" in printed
    assert sorted(path.name for path in (work / 'out').iterdir()) == ['mine.pth', 'mine.py']
    text = (work / 'out/mine.py').read_text()
    assert 'custom_imports' not in text and 'nowhere.pth' not in text and 'Discriminator' not in text
    content = torch.load('out/mine.pth', weights_only=True)
    assert not [key for key in content['state_dict'] if key.startswith(('segmentor', 'discriminators'))]
    assert content['meta']['source']['config'] == 'mine' and content['meta']['versions']['mmsegmentation']

    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    (work / 'vanilla.py').write_text(VANILLA)
    result = subprocess.run([sys.executable, '-I', 'vanilla.py', 'out/mine.py', 'out/mine.pth', 'data/images/0.png',
                             'seen.npz'], env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-3000:]
    seen = np.load('seen.npz')
    assert set(seen['kinds']) <= {'mmseg', 'mmcv', 'mmengine', 'torch'}
    assert list(seen['classes']) == ['road', 'sidewalk', 'other'] and seen['palette'].shape == (3, 3)

    cfg = load_config('mine.py')
    original = build_original(cfg, torch.load('trained.pth')['state_dict'])
    original.cfg = Config(dict(test_pipeline=[step for step in cfg.test_pipeline if step.type != 'LoadLabelIds']))
    expected = inference_model(original, 'data/images/0.png')
    label_map = expected.pred_sem_seg.data[0].numpy()
    assert label_map.shape == (80, 100) and len(np.unique(label_map)) == 3, 'a map with fewer classes shows less'
    assert np.array_equal(seen['by_path'], label_map) and np.array_equal(seen['by_array'], label_map)
    assert np.allclose(seen['logits'], expected.seg_logits.data, rtol=1e-5, atol=1e-5)


def test_the_printed_snippet_works(work: Path, export: Callable, capsys: pytest.CaptureFixture) -> None:
    """In this environment, whether its mmcv has compiled operators or not."""
    export('mine.py', 'trained.pth', '--out', 'out')
    snippet = capsys.readouterr().out.split('320x257 pixels.\n')[1]
    lite = importlib.util.find_spec('mmcv._ext').loader is None  # the placeholder
    assert ('import udas_mmseg' in snippet) == lite
    cv2.imwrite('image.png', cv2.imread('data/images/0.png'))
    (work / 'snippet.py').write_text(f'{snippet}print(tuple(label_map.shape), int(label_map.max()))\n')
    result = subprocess.run([sys.executable, 'snippet.py'], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.splitlines()[-1] == '(80, 100) 2'


def test_the_snippet_for_onnx_gives_the_same_logits(work: Path, export: Callable,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """The snippet in the docs, up to the file itself: onnx is not among the packages of this project."""
    export('mine.py', 'trained.pth', '--out', 'out')
    code = re.search(r'## ONNX.*?```python\n(.*?)```', (ROOT / 'docs/export.md').read_text(), re.DOTALL)[1]
    graphs = []
    monkeypatch.setattr(torch.onnx, 'export', lambda network, images, *_, **names: graphs.append(
        torch.export.export(network, images).module()))
    names: dict = {}
    exec(code.replace('exported/demo_source_only', 'out/mine').replace('256, 512', '64, 96'), names)
    images = torch.randint(0, 256, (1, 3, 64, 96), dtype=torch.uint8)
    sample = SegDataSample(metainfo=dict(ori_shape=(64, 96), img_shape=(64, 96)))
    with torch.no_grad():
        expected = names['model'].test_step(dict(inputs=[images[0]], data_samples=[sample]))[0].seg_logits.data
        logits = graphs[0](images.float())[0]
    assert expected.std() > 0.1 and torch.allclose(logits, expected, atol=1e-4)


def test_exported_config_scores_the_same(work: Path, export: Callable) -> None:
    export('mine.py', 'trained.pth', '--out', 'out')
    ours, stock = load_config('mine.py', 'ours'), Config.fromfile('out/mine.py')
    ours.load_from, stock.load_from, stock.work_dir = 'trained.pth', 'out/mine.pth', 'stock'
    ours.experiment_name, stock.experiment_name = f'{work}_ours', f'{work}_stock'
    expected, actual = build_runner(ours).test(), Runner.from_cfg(stock).test()
    assert expected['mIoU'] > 0
    assert actual['mIoU'] == pytest.approx(expected['mIoU']) and actual['aAcc'] == pytest.approx(expected['aAcc'])


@pytest.mark.parametrize('arguments, message', [
    (['nowhere.py', 'trained.pth'], 'config nowhere.py does not exist'),
    (['mine.py', 'nowhere.pth'], 'checkpoint nowhere.pth does not exist'),
    (['mine.py', 'mine.py'], 'checkpoint mine.py cannot be read'),
    (['mine.py', 'trained.pth', '--cfg-options', 'model.segmentor.decode_head.dilations=(6,12)'],
     '4 unexpected (segmentor.decode_head.convs.2.weight'),
    (['mine.py', 'trained.pth', '--cfg-options', "test_dataloader.dataset.metainfo.classes=('a','b')"],
     'num_classes=3, but there are 2 class names'),
    (['mine.py', 'trained.pth', '--cfg-options', 'model.segmentor.backbone.type=DeepLabResNet'],
     'model.backbone is DeepLabResNet, which has no equivalent'),
])  # yapf: disable
def test_mistakes_are_one_clear_line(work: Path, export: Callable, arguments: list, message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        export(*arguments, '--out', 'out')
    assert message in str(caught.value) and '\n' not in str(caught.value)
    assert not (work / 'out').exists()
