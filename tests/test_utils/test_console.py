"""Messages that the console does not show."""
import logging
import re
import sys
import warnings
from pathlib import Path
from typing import Iterator

import pytest
from mmengine.logging import MMLogger

from udas_mmseg.utils import console
from udas_mmseg.utils.console import USELESS, is_quiet, is_useless, quiet_console, quiet_logger, quiet_while

ALIGN = ('When align_corners=True, the output would more aligned if input size (16, 32) is `x+1` and out size '
         '(128, 256) is `nx+1`')


@pytest.fixture
def logger(tmp_path: Path) -> Iterator[MMLogger]:
    found = MMLogger.get_instance(tmp_path.name, log_file=str(tmp_path / 'run.log'))
    quiet_logger(found)
    yield found
    MMLogger._instance_dict.pop(tmp_path.name)


def test_the_console_has_warnings_and_the_file_everything(logger: MMLogger, tmp_path: Path,
                                                          capsys: pytest.CaptureFixture) -> None:
    logger.handlers[0].setStream(sys.stdout)
    logger.info('Iter(train) [ 50/300]')
    logger.warning('The prefix is not set in metric class SubsetIoUMetric.')
    logger.warning('3 images have no label')
    logger.error('it failed')
    said, kept = capsys.readouterr().out, (tmp_path / 'run.log').read_text()
    assert '3 images have no label' in said and 'it failed' in said
    assert 'Iter' not in said and 'prefix' not in said
    assert all(text in kept for text in ('Iter(train)', 'The prefix is not set', '3 images', 'it failed'))


def test_the_loggers_of_later_trainings_do_not_repeat_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ('first', 'second'):
        logger = MMLogger.get_instance(f'{tmp_path.name}_{name}', log_file=str(tmp_path / f'{name}.log'))
        quiet_logger(logger)
        logger.warning('this split differs')
        assert 'this split differs' in (tmp_path / f'{name}.log').read_text()
        MMLogger._instance_dict.pop(f'{tmp_path.name}_{name}')
    assert capsys.readouterr().out.count('this split differs') == 1


def test_python_warnings_go_through_the_log(logger: MMLogger, tmp_path: Path, capsys: pytest.CaptureFixture,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, 'showwarning', None)  # and back, after the test
    logger.handlers[0].setStream(sys.stdout)
    quiet_console()
    assert is_quiet()
    with warnings.catch_warnings():
        warnings.simplefilter('always')
        warnings.showwarning = console._log_warning
        warnings.warn(ALIGN, stacklevel=1)
        warnings.warn('learning rate is 0', RuntimeWarning, stacklevel=1)
    said, kept = capsys.readouterr(), (tmp_path / 'run.log').read_text()
    assert said.err == '' and 'aligned' not in said.out
    assert 'learning rate is 0 (RuntimeWarning, ' in said.out and 'learning rate is 0' in kept
    assert ALIGN in kept


def test_verbose_changes_nothing(capsys: pytest.CaptureFixture) -> None:
    before = warnings.showwarning
    quiet_console(verbose=True)
    assert not is_quiet() and warnings.showwarning is before


@pytest.mark.parametrize('one', USELESS, ids=lambda one: one.start[:20])
def test_each_useless_warning_has_a_reason(one: console.Useless) -> None:
    assert one.reason and re.match(r'(mmengine|mmcv|mmsegmentation) \d', one.versions)
    assert re.compile(one.start).groups == 0


def test_our_own_warnings_are_not_useless() -> None:
    assert is_useless(ALIGN)
    for text in ('The loss is not finite', '2 labels have no image', 'The model and loaded state dict do not match '
                 'exactly\n\nunexpected key in source state_dict: decode_head.weight'):
        assert not is_useless(text)


def test_a_function_leaves_the_console_as_before() -> None:
    before, handler = warnings.showwarning, MMLogger.get_current_instance().handlers[0]
    level, filters = handler.level, handler.filters[:]
    for outer in (False, True):
        if outer:
            quiet_console()
        inside = warnings.showwarning
        with pytest.raises(KeyError), quiet_while():
            assert is_quiet() and handler.level >= logging.WARNING
            raise KeyError
        assert is_quiet() == outer and warnings.showwarning is inside
        assert outer or (handler.level, handler.filters) == (level, filters)
    warnings.showwarning = before
    handler.level, handler.filters = level, filters
