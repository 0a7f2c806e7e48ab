"""Looking at what a config trains on."""
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import cv2
import pytest

from small_data import write_demo_data

ROOT = Path(__file__).parents[2]


@pytest.fixture
def browse() -> ModuleType:
    spec = importlib.util.spec_from_file_location('browse_dataset', ROOT / 'tools/browse_dataset.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str, *options: str) -> None:
    root = write_demo_data(tmp_path / 'data', 3, 1)
    monkeypatch.setenv('UDAS_DATA_ROOT', str(root))
    monkeypatch.setenv('UDAS_DEMO_ROOT', str(root))
    monkeypatch.setattr(sys, 'argv', ['browse', config, '--out', str(tmp_path), '--count', '2', *options])
    browse.main()


def test_a_picture_for_each_branch(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                   capsys: pytest.CaptureFixture) -> None:
    config = tmp_path / 'pair.py'
    config.write_text(f"_base_ = ['{ROOT}/configs/_base_/datasets/demo_256x128.py', "
                      f"'{ROOT}/configs/_base_/default_runtime.py']\n")
    run(browse, monkeypatch, tmp_path, str(config))
    source, target = cv2.imread(str(tmp_path / 'pair_source.png')), cv2.imread(str(tmp_path / 'pair_target.png'))
    assert source.shape[1] > 2.5 * 256  # image, label, blend
    assert target.shape[1] < 1.2 * 256  # unlabelled: the image alone
    out = capsys.readouterr().out
    assert 'pair_source.png: 3 images; pixels in percent:' in out and 'road' in out
    assert 'pair_target.png: 3 images; pixels in percent: no labels' in out


def test_validation_labels_are_shown_at_image_size(browse: ModuleType, monkeypatch: pytest.MonkeyPatch,
                                                   tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    config = str(ROOT / 'configs/udas/gta2cs_source_only.py')  # scored at the label's own size: 128x64 here
    run(browse, monkeypatch, tmp_path, config, '--split', 'val')
    assert cv2.imread(str(tmp_path / 'gta2cs_source_only_val.png')).shape[1] > 3 * 640
    assert 'road' in capsys.readouterr().out


def test_missing_data_is_one_clear_line(browse: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('UDAS_DATA_ROOT', str(tmp_path / 'nowhere'))
    config = str(ROOT / 'configs/udas/gta2cs_source_only.py')
    monkeypatch.setattr(sys, 'argv', ['browse', config, '--out', str(tmp_path)])
    with pytest.raises(SystemExit, match='FileNotFoundError: missing: .*nowhere/gta5/images'):
        browse.main()
