"""The tool that converts public checkpoints of DAFormer, and the config that it names."""
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Callable, Dict

import pytest
import torch
from mmengine.config import DictAction
from mmseg.registry import MODELS
from torch import Tensor

from public_daformer import PublicDAFormer
from udas_mmseg.engine.launch import load_config

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/daformer/source-only_mit-b5_40k_gta2cs-512x512.py'


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('converter', ROOT / 'tools/model_converters/daformer.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def training() -> Dict[str, Tensor]:
    """A file of a training with MiT-B0; the channels of the head are those of the config."""
    network = PublicDAFormer(32, (2, 2, 2, 2), 16, 256, lambda *shape: torch.full((1,), 0.5).expand(shape))
    return {f'{part}.{name}': value * factor for part, factor in (('model', 1), ('ema_model', 2))
            for name, value in network.weights.items()}


@pytest.fixture
def call(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Save weights in the format of MMSegmentation 0.x as `in.pth`, convert it to `out.pth`."""
    monkeypatch.chdir(tmp_path)

    def run(weights: Dict[str, Tensor], *options: str) -> Path:
        meta = dict(mmseg_version='0.16.0', CLASSES=['road', 'sidewalk'], PALETTE=[[1, 2, 3], [4, 5, 6]])
        torch.save(dict(meta=meta, state_dict=weights, optimizer=dict(state={}, param_groups=[])), 'in.pth')
        monkeypatch.setattr(sys, 'argv', ['daformer.py', 'in.pth', 'out.pth', *options])
        tool.main()
        return tmp_path / 'out.pth'

    return run


def test_the_printed_options_make_the_config_fit(training: Dict[str, Tensor], call: Callable,
                                                 capsys: pytest.CaptureFixture) -> None:
    out = call(training)
    said = capsys.readouterr().out
    assert 'the student of in.pth' in said and 'MiT-B0, 16 classes' in said and 'left out: ema_model.* (' in said
    assert f'tools/test.py {CONFIG.relative_to(ROOT)} out.pth --cfg-options ' in said
    pairs = [text.partition('=') for text in said.split('--cfg-options ')[1].split()]
    cfg = load_config(str(CONFIG), cfg_options={key: DictAction._parse_iterable(text) for key, _, text in pairs})
    cfg.model.backbone.init_cfg = None
    checkpoint = torch.load(out, weights_only=True)
    MODELS.build(cfg.model).load_state_dict(checkpoint['state_dict'], strict=True)
    assert checkpoint['meta']['dataset_meta']['classes'] == ['road', 'sidewalk']
    assert (checkpoint['meta']['network'], checkpoint['meta']['converted_from']) == ('student', 'in.pth')


def test_the_teacher_can_be_chosen(training: Dict[str, Tensor], call: Callable, capsys: pytest.CaptureFixture) -> None:
    weights = torch.load(call(training, '--teacher'), weights_only=True)['state_dict']
    assert set(weights['decode_head.conv_seg.bias'].tolist()) == {1.0}
    assert 'the teacher of in.pth' in capsys.readouterr().out


def test_a_name_that_does_not_match_is_one_clear_line_and_writes_nothing(
        training: Dict[str, Tensor], call: Callable, tmp_path: Path) -> None:
    training['model.backbone.block1.0.attn.bias_table'] = torch.zeros(1)
    with pytest.raises(SystemExit, match='in.pth: .*unknown: backbone.block1.0.attn.bias_table') as error:
        call(training)
    assert '\n' not in str(error.value) and not list(tmp_path.glob('out*'))
