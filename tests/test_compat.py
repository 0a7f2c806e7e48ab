"""Version workarounds: applied where their symptom is, and nowhere else."""
import importlib.util
import io
import pickle
import subprocess
import sys
import types

import numpy as np
import pytest
import torch
from mmengine.config import config
from mmengine.logging import HistoryBuffer

from forked_python import run_python
from udas_mmseg import compat


def test_import_registers_without_mmagic_and_torchvision_computes() -> None:
    code = ('import sys, udas_mmseg, torchvision, torch\n'
            'from mmseg.registry import DATASETS, MODELS\n'
            'from torchvision.transforms.v2 import functional as F\n'
            'print("mmagic" in sys.modules, DATASETS.get("GTA5Dataset"), MODELS.get("DeepLabV2Head"))\n'
            'print(F.hflip(torch.arange(3.)[None, None]).flatten().tolist())')
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    line, flipped = result.stdout.splitlines()[-2:]  # the forks print a line of their own
    assert line.startswith('False') and 'GTA5Dataset' in line and 'DeepLabV2Head' in line
    assert flipped == '[2.0, 1.0, 0.0]'


def test_torchvision_weights_load_through_the_real_loader(tmp_path) -> None:
    """`torchvision://resnet18` with the file that a download would have left in torch's cache."""
    (tmp_path / 'load.py').write_text(f'''
import os
os.environ['TORCH_HOME'] = {str(tmp_path)!r}
import udas_mmseg, torch, torchvision
from mmengine.runner.checkpoint import get_torchvision_models
from mmseg.models import ResNet
from pathlib import Path
weights = torchvision.models.resnet18().state_dict()
cached = Path({str(tmp_path)!r}, 'hub/checkpoints', Path(get_torchvision_models()['resnet18']).name)
cached.parent.mkdir(parents=True)
torch.save(weights, cached)
model = ResNet(18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18'))
model.init_weights()
for name, value in model.state_dict().items():
    assert torch.equal(value, weights[name]), name
print('all weights arrived')
''')
    result = run_python(tmp_path / 'load.py')
    assert result.returncode == 0 and result.stdout.endswith('all weights arrived\n'), result.stderr


def test_second_apply_does_nothing() -> None:
    before = compat.applied()
    compat.apply()
    assert compat.applied() == before


@pytest.mark.skipif('placeholder_mmcv_ext' not in compat.applied(), reason='mmcv has compiled operators here')
def test_placeholder_operator_says_how_to_get_it() -> None:
    from mmcv.ops import nms
    with pytest.raises(RuntimeError, match='docs/install.md'):
        nms(torch.zeros(1, 4), torch.zeros(1), 0.5)


def test_environment_report_of_mmcv_works() -> None:
    from mmcv.utils import collect_env
    assert 'MMCV' in collect_env()


def test_full_mmcv_is_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, 'mmcv._ext', raising=False)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: types.SimpleNamespace(name=name))
    assert compat.placeholder_mmcv_ext() is False
    assert 'mmcv._ext' not in sys.modules


def test_working_torchvision_is_untouched(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / '_C.so').touch()
    spec = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.delitem(sys.modules, 'torchvision', raising=False)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)
    monkeypatch.setattr(torch.ops, 'torchvision', object())
    loaded = []
    monkeypatch.setattr(torch.ops, 'load_library', loaded.append)
    assert compat.declare_torchvision_ops() is False
    assert loaded == [str(tmp_path / '_C.so')]


@pytest.mark.parametrize('missing', ['ftfy', 'regex'])
def test_undeclared_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None if name == missing else object())
    with pytest.raises(ModuleNotFoundError, match=f'pip install {missing}'):
        compat.apply()


def test_torchvision_is_asked_for_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(compat.torchvision_functional().gaussian_blur)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ModuleNotFoundError, match='(?s)pip install torchvision.*augment=False'):
        compat.torchvision_functional()


def save(value: object) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return file


def test_message_hub_contents_load_safely() -> None:
    buffer = HistoryBuffer()
    for value in (1.0, 3.0):
        buffer.update(value)
    loaded = torch.load(save(dict(loss=buffer, metric=np.float64(2.5), counts=np.arange(3))))
    assert loaded['loss'].mean() == 2.0
    assert loaded['metric'] == 2.5
    assert loaded['counts'].tolist() == [0, 1, 2]


class _Reach:
    """Pickles as a call of getattr, as an attack would."""

    def __reduce__(self):
        return getattr, (np.ndarray, 'tofile')


def test_safe_loading_stays_on() -> None:
    with pytest.raises(pickle.UnpicklingError):
        torch.load(save(_Reach()))
    with pytest.raises(pickle.UnpicklingError):
        torch.load(save(dict(call=subprocess.run)))


def test_a_config_is_formatted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is yapf's, and is made anew for another text, another style and after many others."""
    made = []

    def format_code(text: str, **options: object) -> tuple:
        made.append((text, options))
        return f'{text} in {options}', True

    monkeypatch.setattr(config, 'FormatCode', format_code)
    assert compat.format_configs_once() and not compat.format_configs_once()
    for text, style in (('a', 'pep8'), ('a', 'pep8'), ('a', 'other'), ('b', 'pep8'), ('a', 'pep8')):
        assert config.FormatCode(text, style_config=style) == (f"{text} in {{'style_config': '{style}'}}", True)
    assert [(text, options['style_config']) for text, options in made] == [('a', 'pep8'), ('a', 'other'), ('b', 'pep8')]
    for number in range(20):
        assert config.FormatCode(f'x = {number}')[0].startswith(f'x = {number}')
    assert config.FormatCode('a', style_config='pep8') == ("a in {'style_config': 'pep8'}", True)


@pytest.mark.parametrize(('channels', 'stride', 'capability', 'expected'), [
    (4, 2, 'AVX2', torch.contiguous_format), (4, 2, 'AVX512', torch.channels_last),
    (8, 2, 'AVX2', torch.channels_last), (4, 1, 'AVX2', torch.channels_last)])
def test_channels_last_is_left_out_where_torch_would_crash(channels: int, stride: int, capability: str,
                                                           expected: torch.memory_format,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: capability)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, channels, 3), torch.nn.Conv2d(channels, 8, 1, stride))
    assert compat.fastest_memory_format(network) == expected
