"""Lists of label budgets from the command line."""
import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Callable, List

import pytest

from udas_mmseg.datasets import LabelBudget
from udas_mmseg.datasets.list_files import read_list

NAMES = [f'{town}/{number}' for town in ('jena', 'ulm') for number in range(4)]


@pytest.fixture(scope='module')
def tool() -> ModuleType:
    path = Path(__file__).parents[2] / 'tools/make_splits.py'
    spec = importlib.util.spec_from_file_location('make_splits', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / f'images/{name}_rgb.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / 'images'


@pytest.fixture
def make(tool: ModuleType, images: Path) -> Callable[..., int]:

    def run(*budgets: str, seed: str = '2021') -> int:
        return tool.main([str(images), '--suffix', '_rgb.png', '--seed', seed, '--out', str(images.parent / 'out'),
                          '--budgets', *budgets])  # yapf: disable

    return run


def test_lists_and_an_index_with_their_hashes(make: Callable, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert make('2', '1/2', '8', seed='3') == 0
    files = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert files == ['index.json', 'labeled_2.txt', 'labeled_4.txt', 'labeled_8.txt', 'unlabeled_without_2.txt',
                     'unlabeled_without_4.txt']
    labeled, unlabeled = LabelBudget(2, 3).choose(NAMES)
    assert read_list(tmp_path / 'out/labeled_2.txt') == labeled
    assert read_list(tmp_path / 'out/unlabeled_without_2.txt') == unlabeled
    index = json.loads((tmp_path / 'out/index.json').read_text())
    assert (index['seed'], index['suffix'], index['images']) == (3, '_rgb.png', 8) and '<seed>:<name>' in index['rule']
    out = capsys.readouterr().out
    for name, entry in index['lists'].items():
        content = (tmp_path / 'out' / name).read_bytes()
        assert entry == dict(images=content.count(b'\n'), sha256=hashlib.sha256(content).hexdigest())
        assert name in out and entry['sha256'] in out
    assert '5 lists and index.json' in out


def test_the_same_again_is_fine_and_other_lists_are_not(make: Callable, tmp_path: Path,
                                                        capsys: pytest.CaptureFixture) -> None:
    make('2')
    (tmp_path / 'out/index.json').unlink()  # killed before its end
    assert make('2') == 0 and 'all there' not in capsys.readouterr().out
    assert make('2') == 0 and 'all there already' in capsys.readouterr().out
    before = {path: path.read_bytes() for path in (tmp_path / 'out').iterdir()}
    for arguments in (dict(seed='4'), dict()):
        assert make('2', '3', **arguments) == 1
        assert capsys.readouterr().err.startswith('error: ' + str(tmp_path / 'out') + ' has other files: ')
    assert {path: path.read_bytes() for path in (tmp_path / 'out').iterdir()} == before


@pytest.mark.parametrize(('budget', 'message'), [('0', 'UDA needs no labels'), ('9', 'n=9 is more than the 8 images'),
                                                 ('x', "n='x': allowed")])
def test_impossible_budgets_are_one_line(make: Callable, tmp_path: Path, capsys: pytest.CaptureFixture, budget: str,
                                         message: str) -> None:
    assert make('2', budget) == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ') and message in error and error.count('\n') == 1
    assert not (tmp_path / 'out').exists()


def test_no_images_are_one_line(tool: ModuleType, images: Path, capsys: pytest.CaptureFixture) -> None:
    rest = ['--budgets', '1', '--out', str(images / 'out')]
    assert tool.main([str(images), '--suffix', '.jpg', *rest]) == 1
    assert "has no images ending in '.jpg'" in capsys.readouterr().err
    assert tool.main([str(images / 'nowhere'), '--suffix', '.jpg', *rest]) == 1
    assert 'missing: ' in capsys.readouterr().err


def test_images_like_cityscapes_that_are_not_all_of_it(tool: ModuleType, tmp_path: Path,
                                                       capsys: pytest.CaptureFixture) -> None:
    for number in range(3):
        path = tmp_path / f'images/ulm/ulm_{number:06d}_000019_leftImg8bit.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    arguments = ['--suffix', '_leftImg8bit.png', '--out', str(tmp_path / 'out'), '--budgets', '1', '2']
    assert tool.main([str(tmp_path / 'images'), *arguments]) == 0
    error = capsys.readouterr().err
    assert error.startswith('warning: 3 images named as in Cityscapes') and error.count('\n') == 1


def check(tool: ModuleType, folder: Path, labeled: List[str], unlabeled: List[str], *more: str) -> int:
    (folder / 'a.txt').write_text('\n'.join(labeled))
    (folder / 'b.txt').write_text('\n'.join(unlabeled))
    return tool.main([*more, '--check', str(folder / 'a.txt'), str(folder / 'b.txt')])


def test_check_of_good_lists(tool: ModuleType, images: Path, capsys: pytest.CaptureFixture) -> None:
    folder, below = images.parent, [str(images), '--suffix', '_rgb.png']
    assert check(tool, folder, NAMES[:2], ['not', 'there']) == 0
    assert check(tool, folder, NAMES[:2], NAMES[2:5], *below) == 0
    assert '2 labelled and 3 unlabelled images, none in both lists, each with its file; 3 of 8 images in neither' in \
        capsys.readouterr().out


def test_check_names_all_that_is_wrong(tool: ModuleType, images: Path, capsys: pytest.CaptureFixture) -> None:
    below = [str(images), '--suffix', '_rgb.png']
    assert check(tool, images.parent, [*NAMES[:3], 'gone'], [*NAMES[2:], NAMES[7]], *below) == 1
    error = capsys.readouterr().err
    assert "a.txt has 1 names without an image: gone. Line 4 is 'gone'. A line must be a path below" in error
    assert 'b.txt has 1 names more than once: ulm/3' in error
    assert '1 names are in both lists: jena/2' in error
    assert check(tool, images.parent, [], NAMES) == 1
    assert 'a.txt is empty. UDA needs no labels' in capsys.readouterr().err


def test_check_of_lists_of_other_tools(tool: ModuleType, images: Path, capsys: pytest.CaptureFixture) -> None:
    below = [str(images), '--suffix', '_rgb.png']
    assert check(tool, images.parent, ['', f'{NAMES[0]}_rgb.png'], NAMES[1:], *below) == 1
    assert "Line 2 is 'jena/0_rgb.png', which ends in a suffix" in capsys.readouterr().err
    (images.parent / 'a.txt').write_text(NAMES[0], encoding='utf-16')
    assert tool.main(['--check', str(images.parent / 'a.txt'), str(images.parent / 'b.txt')]) == 1
    assert capsys.readouterr().err.startswith(f'error: the list {images.parent}/a.txt is encoded in UTF-16')


@pytest.mark.parametrize('arguments', [[], ['images', '--budgets', '1', '--out', 'o'], ['images', '--suffix', '.png'],
                                       ['--check', 'a', 'b', '--out', 'o']])
def test_half_a_command_is_refused(tool: ModuleType, arguments: List[str]) -> None:
    with pytest.raises(SystemExit, match='2'):
        tool.main(arguments)
