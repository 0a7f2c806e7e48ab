"""The tool that converts public checkpoints, and the config that is meant for them."""
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Callable, Dict

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import DictAction
from mmengine.model.weight_init import PretrainedInit
from mmseg.registry import MODELS
from PIL import Image
from torch import Tensor

from public_deeplab import LAYERS, PublicNetwork
from udas_mmseg.engine.launch import load_config

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/adaptsegnet/source-only_r101-d8-caffe_120k_gta2cs-640x360.py'


@pytest.fixture(scope='module')
def full_size() -> Dict[str, Tensor]:
    """Names and shapes of the real thing; one value for each tensor, so that the file is small."""
    return PublicNetwork(101, 64, 19, lambda *shape: torch.full((1,), 0.5).expand(shape)).weights


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('converter', ROOT / 'tools/model_converters/adaptsegnet.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def call(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Save what is given as `in.pth`, convert it to `out.pth`."""
    monkeypatch.chdir(tmp_path)

    def run(content: object, *options: str) -> Path:
        if isinstance(content, bytes):
            Path('in.pth').write_bytes(content)
        elif content is not None:
            torch.save(content, 'in.pth')
        monkeypatch.setattr(sys, 'argv', ['adaptsegnet.py', 'in.pth', 'out.pth', *options])
        tool.main()
        return tmp_path / 'out.pth'

    return run


def test_the_tool_writes_what_the_config_loads(full_size: dict, call: Callable, capsys: pytest.CaptureFixture) -> None:
    out = call(full_size, '--dilations', '6', '12')
    said = capsys.readouterr().out
    assert '(backbone 624, decode_head 4, auxiliary_head 4), 19 classes, dilations (6, 12)' in said
    assert 'left out: branches 2, 3' in said
    assert f'tools/test.py {CONFIG.relative_to(ROOT)} out.pth\n' in said
    checkpoint = torch.load(out, weights_only=True)
    assert checkpoint['meta']['dilations'] == (6, 12) and checkpoint['meta']['converted_from'] == 'in.pth'
    assert len(checkpoint['meta']['converted_from_sha256']) == 64
    with torch.device('meta'):
        model = MODELS.build(load_config(str(CONFIG)).model)
    model.load_state_dict(checkpoint['state_dict'], strict=True, assign=True)
    assert model.decode_head.convs[1].dilation == (12, 12)
    assert sorted(path.name for path in out.parent.iterdir()) == ['in.pth', 'out.pth']


def test_the_printed_options_make_the_config_fit(full_size: dict, call: Callable,
                                                 capsys: pytest.CaptureFixture) -> None:
    public = {name: value[:16] if name.startswith(LAYERS) else value for name, value in full_size.items()}
    out = call(dict(model=public), '--dilations', '6', '12', '18', '24')
    said = capsys.readouterr().out
    options = [DictAction._parse_iterable(text.partition('=')[2]) for text in said.split('--cfg-options ')[1].split()]
    assert options == [[6, 12, 18, 24], 16] * 2
    heads = dict(dilations=[6, 12, 18, 24], num_classes=16)
    cfg = load_config(str(CONFIG), cfg_options={f'model.{head}.{key}': value for key, value in heads.items()
                                                for head in ('decode_head', 'auxiliary_head')})  # yapf: disable
    with torch.device('meta'):
        expected = MODELS.build(cfg.model).state_dict()
    found = torch.load(out, weights_only=True)['state_dict']
    assert {name: value.shape for name, value in found.items()} == {name: v.shape for name, v in expected.items()}


def test_the_printed_options_load_the_backbone(full_size: dict, call: Callable, capsys: pytest.CaptureFixture) -> None:
    out = call(full_size, '--backbone-only')
    said = capsys.readouterr().out
    assert 'left out: layer5 (8 tensors, 19 classes) and layer6' in said
    options = dict(text.split('=') for text in said.split('--cfg-options ')[1].split())
    init_cfg = load_config(str(CONFIG), cfg_options=options).model.backbone.init_cfg
    assert init_cfg == dict(type='Pretrained', checkpoint='out.pth', prefix='backbone.')
    backbone = MODELS.build(dict(type='DeepLabResNet', depth=101))
    PretrainedInit(str(out), prefix=init_cfg.prefix)(backbone)
    assert all(torch.equal(value, full_size[name]) for name, value in backbone.state_dict().items())


def test_files_of_old_versions_are_read(full_size: dict, call: Callable, tmp_path: Path) -> None:
    torch.save(full_size, tmp_path / 'in.pth', _use_new_zipfile_serialization=False)
    assert call(None, '--dilations', '6', '12').exists()


@pytest.mark.parametrize('content, message', [
    (None, 'FileNotFoundError: in.pth does not exist'),
    (b'<html>not found</html>', 'in.pth cannot be read as tensors.*Is the download complete'),
    (torch.nn.Linear(1, 1), 'in.pth cannot be read as tensors.*model.state_dict'),
    ([1, 2], 'in.pth: the file has an object of type list, and no state dict'),
    (dict(epoch=3, weights={}), 'in.pth: the file has a dict with the entries epoch, weights'),
    ({}, 'in.pth: the file has an empty dict'),
    ({'features.0.weight': torch.zeros(1), 'classifier.bias': torch.zeros(1)}, r'in.pth: .*unknown: features.0.weight'),
])  # yapf: disable
def test_a_mistake_is_one_clear_line_and_writes_nothing(call: Callable, tmp_path: Path, content: object,
                                                        message: str) -> None:
    with pytest.raises(SystemExit, match=message) as error:
        call(content)
    assert '\n' not in str(error.value)
    assert not list(tmp_path.glob('out*'))


def test_the_input_is_never_overwritten(full_size: dict, call: Callable, tmp_path: Path) -> None:
    torch.save(full_size, tmp_path / 'in.pth')
    (tmp_path / 'out.pth').symlink_to('in.pth')
    with pytest.raises(SystemExit, match='out.pth is the input itself'):
        call(None, '--dilations', '6', '12')


def test_images_reach_the_network_as_in_the_published_scripts(tmp_path: Path) -> None:
    cfg = load_config(str(CONFIG))
    rgb = np.random.default_rng(0).integers(0, 256, (300, 700, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / 'image.png')
    pipeline = [step for step in cfg.test_pipeline if step['type'] != 'LoadLabelIds']
    sample = Compose(pipeline)(dict(img_path=str(tmp_path / 'image.png'), reduce_zero_label=False, seg_fields=[]))
    batch = dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])
    found = MODELS.build(cfg.model.data_preprocessor)(batch)['inputs'][0]
    resized = np.asarray(Image.fromarray(rgb).resize((1024, 512), Image.BICUBIC), np.float32)
    mean = torch.tensor([104.00698793, 116.66876762, 122.67891434])
    expected = torch.from_numpy(resized[:, :, ::-1].copy()) - mean
    torch.testing.assert_close(found, expected.permute(2, 0, 1))
