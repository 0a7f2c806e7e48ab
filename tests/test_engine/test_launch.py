"""From a config file to a Runner."""
import socket
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from udas_mmseg.engine.launch import (
    config_name,
    enable_amp,
    fit_workers,
    has_checkpoint,
    init_distributed,
    load_config,
    prepare_resume,
)


def test_work_dir_follows_the_file_unless_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / 'mine.py'
    path.write_text('a = dict(b=1)\n')
    assert load_config(str(path)).work_dir == 'work_dirs/mine'
    assert load_config(str(path), 'elsewhere').work_dir == 'elsewhere'
    assert load_config(str(path), cfg_options={'a.b': 2}).a.b == 2
    path.write_text("work_dir = 'own'\n")
    assert load_config(str(path)).work_dir == 'own'


def test_configs_of_one_name_get_different_folders() -> None:
    assert config_name('configs/demo/source_only.py') == 'demo/source_only'
    assert config_name('/a/configs/b/configs/benchmarks/carla2camvid/source_only.py') == (
        'benchmarks/carla2camvid/source_only')
    assert config_name('elsewhere/mine.py') == 'mine'


def test_no_workers_need_no_other_setting(tmp_path: Path) -> None:
    path = tmp_path / 'mine.py'
    path.write_text('train_dataloader = dict(num_workers=2, persistent_workers=True, prefetch_factor=4)\n'
                    'val_dataloader = train_dataloader\ntest_dataloader = None\n')
    cfg = load_config(str(path), cfg_options={'train_dataloader.num_workers': 0})
    assert cfg.train_dataloader == dict(num_workers=0)  # torch refuses the others without workers
    assert cfg.val_dataloader == dict(num_workers=2, persistent_workers=True, prefetch_factor=4)


def test_missing_config_is_named() -> None:
    with pytest.raises(FileNotFoundError, match='nowhere.py does not exist'):
        load_config('nowhere.py')


def test_amp_for_one_and_for_several_optimizers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    one = Config(dict(optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD'))))
    enable_amp(one)
    assert one.optim_wrapper.type == 'AmpOptimWrapper' and one.optim_wrapper.loss_scale == 'dynamic'
    child = dict(optimizer=dict(type='SGD'))
    several = Config(dict(optim_wrapper=dict(constructor='Mine', segmentor=child, discriminators=dict(child))))
    enable_amp(several, 'bfloat16')
    for name in ('segmentor', 'discriminators'):
        assert several.optim_wrapper[name].type == 'AmpOptimWrapper'
        assert several.optim_wrapper[name].dtype == 'bfloat16' and 'loss_scale' not in several.optim_wrapper[name]


def test_amp_refuses_a_wrapper_that_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    with pytest.raises(ValueError, match='ApexOptimWrapper'):
        enable_amp(Config(dict(optim_wrapper=dict(type='ApexOptimWrapper', optimizer=dict(type='SGD')))))


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_amp_without_a_gpu_is_bfloat16_alone() -> None:
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='SGD'))))
    enable_amp(cfg, 'bfloat16')
    assert cfg.optim_wrapper == dict(type='CPUBFloat16OptimWrapper', optimizer=dict(type='SGD'))
    amp = dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic', optimizer=dict(type='SGD'))
    of_gpu = Config(dict(optim_wrapper=amp))
    enable_amp(of_gpu, 'bfloat16')
    assert of_gpu.optim_wrapper == cfg.optim_wrapper
    assert cfg.custom_hooks == [dict(type='FastConvHook')]
    with pytest.raises(RuntimeError, match='needs a CUDA device'):
        enable_amp(Config(dict(optim_wrapper=dict(optimizer=dict(type='SGD')))))


def test_a_pointer_cut_off_by_a_kill_is_mended(tmp_path: Path) -> None:
    pointer = tmp_path / 'last_checkpoint'
    cfg = Config(dict(work_dir=str(tmp_path), load_from='weights.pth'))
    assert not has_checkpoint(cfg.work_dir)
    pointer.write_text('')
    with pytest.raises(FileNotFoundError, match='nothing to continue'):
        prepare_resume(cfg, True)
    assert not pointer.exists()
    assert cfg.load_from == 'weights.pth' and not cfg.get('resume')
    for iteration in (800, 1000):
        (tmp_path / f'iter_{iteration}.pth').touch()
    pointer.write_text('')
    prepare_resume(cfg, False)
    assert pointer.read_text() == str(tmp_path / 'iter_1000.pth')
    assert cfg.load_from == 'weights.pth' and not cfg.get('resume')
    pointer.write_text(str(tmp_path / 'iter_800.pth'))
    prepare_resume(cfg, True)
    assert pointer.read_text() == str(tmp_path / 'iter_800.pth')  # a good one is left alone
    assert cfg.load_from is None and cfg.resume


def test_one_process_needs_no_set_up() -> None:
    cfg = Config(dict(sync_bn='torch'))
    init_distributed(cfg, 'none')
    assert cfg.to_dict() == dict(sync_bn='torch', launcher='none')


def test_a_busy_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with socket.create_server(('', 0)) as busy:
        port = str(busy.getsockname()[1])
        for name, value in dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=port, RANK='0', WORLD_SIZE='2').items():
            monkeypatch.setenv(name, value)
        with pytest.raises(RuntimeError, match=rf'port {port} of this machine \(MASTER_PORT\) is used'):
            init_distributed(Config(), 'pytorch')


def test_workers_that_are_not_there_cannot_time_out() -> None:
    cfg = Config(dict(val_dataloader=dict(num_workers=0, timeout=9, multiprocessing_context='fork')))
    fit_workers(cfg)
    assert cfg.val_dataloader == dict(num_workers=0)
