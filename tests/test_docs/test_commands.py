"""The commands of the documentation name tools, options, files and keys that exist; test_runs.py runs them."""
from pathlib import Path

import pytest

from command_checks import OTHERS, FaultError, check
from page_commands import DOCSTRINGS, PAGES, Command, commands_of

WRONG = {
    'python tools/nothing.py': 'tools/nothing.py does not exist',
    'python nothing.py': 'unknown program: python nothing.py',
    'nothing --help': 'unknown program: nothing --help',
    'udas nothing CONFIG': 'there is no tool nothing',
    'python tools/train.py': 'the following arguments are required: config',
    'python tools/train.py CONFIG --nothing': 'unrecognized arguments: --nothing',
    'python tools/train.py CONFIG --out picture.png': '--out is the picture of --dry-run',
    'python tools/train.py configs/udas/nothing.py': 'configs/udas/nothing.py does not exist',
    'python tools/train.py CONFIG --cfg-options model.kl.nothing=1': 'gta2cs_uda.py has no model.kl.nothing',
    'python tools/train.py configs/udas/gta2cs_ssl.py --cfg-options self_training.nothing=1': 'nothing does not exist',
    'python tools/train.py configs/udas/gta2cs_ssl.py --cfg-options self_training.adapt.options.nothing=1':
        'has no self_training.adapt.options.nothing',
    'python tools/compare.py configs/udas/gta2cs_uda.py --vary budget=1,2 --out table': 'has no budget',
    'python tools/active_label.py choose CONFIG CHECKPOINT': 'invalid choice',
    'tools/dist_test.sh CONFIG 2': 'word 3 is not the number of processes',
    'tools/torchrun.sh pseudo_label.py 2 CONFIG CHECKPOINT': 'required: --out',
    'make nothing': 'no target nothing',
    'make setup NOTHING=1': 'no variable NOTHING',
    "pip install -e '.[nothing]'": 'no extra nothing',
    'pip install mmagic==1.0.0': 'not the tested version',
    'UDAS_NOTHING=1 make test': 'no tool reads the variable UDAS_NOTHING',
}  # yapf: disable
PARTS = {'tools/train.py --nothing': 'unrecognized', 'tools/predict.py --what nothing': 'invalid choice',
         'tools/active_label.py choose': 'invalid choice', '--cfg-options model.nothing=1': 'has no model.nothing'}


def test_all_commands_of_all_pages() -> None:
    faults, used = [], set()
    for path in [*PAGES, *DOCSTRINGS]:
        for command in commands_of(path):
            try:
                used.update(check(command))
            except FaultError as fault:
                faults.append(f'{command}\n    {fault}')
    assert not faults, '\n'.join(faults)
    assert {*OTHERS} == used


@pytest.mark.parametrize('text', [*WRONG, *PARTS])
def test_a_wrong_command_is_found(text: str) -> None:
    with pytest.raises(FaultError, match={**WRONG, **PARTS}[text]):
        check(Command('README.md', 1, text, {}, text in WRONG))


PAGE = '''Run `make test`, or `tools/train.py
--amp`, with `label_map`:

    A=configs/udas
    python tools/train.py $A/{gta2cs_uda,gta2cs_ssl}.py \\
        --dry-run    # comment, and '#804080=road' in quotes

1. Steps:
   ```
   make setup && python x.py '#1'
   ```

```python
make = 1
```
```
listing of files
```
'''


def test_commands_are_found_in_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('page_commands.ROOT', tmp_path)
    (tmp_path / 'page.md').write_text(PAGE)
    found = commands_of(tmp_path / 'page.md')
    configs = ['configs/udas/gta2cs_uda.py', 'configs/udas/gta2cs_ssl.py']
    assert [(command.line, command.whole, command.words()) for command in found] == [
        (1, True, ['make', 'test']), (1, False, ['tools/train.py', '--amp']), (4, True, ['A=configs/udas']),
        (5, True, ['python', 'tools/train.py', *configs, '--dry-run']), (10, True, ['make', 'setup']),
        (10, True, ['python', 'x.py', '#1'])]  # yapf: disable
