"""Lists of labelled images of other authors: their forms, mistakes, and training on them."""
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Callable, List

import pytest

from udas_mmseg.datasets.list_files import read_list
from udas_mmseg.utils.digests import file_digest

NAMES = [f'{town}/{town}_{number:06d}' for town in ('jena', 'ulm') for number in range(4)]
FEW = ['jena/jena_000001', 'ulm/ulm_000003']
OTHERS = sorted(set(NAMES) - set(FEW))
SUFFIX = '_rgb.png'


@pytest.fixture(scope='module')
def tool() -> ModuleType:
    path = Path(__file__).parents[2] / 'tools/make_splits.py'
    spec = importlib.util.spec_from_file_location('make_splits', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def take(tool: ModuleType, tmp_path: Path) -> Callable[..., int]:
    for name in NAMES:
        path = tmp_path / f'images/{name}{SUFFIX}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def run(*lists: Path, more: tuple = ()) -> int:
        return tool.main([str(tmp_path / 'images'), '--suffix', SUFFIX, '--out', str(tmp_path / 'out'), '--published',
                          *map(str, lists), *more])

    return run


def write(path: Path, lines: List[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines) + '\n')
    return path


@pytest.mark.parametrize('form', [
    'leftImg8bit/train/{0}_rgb.png gtFine/train/{0}_gtFine_labelTrainIds.png',  # UniMatch, ST++
    'image/{1}_rgb.png\tlabel/{1}.png',  # CPS
    '{1}', '{0}', './{0}.jpg', 'D:\\data\\{1}_rgb.png'
])
def test_forms_of_lines(form: str, take: Callable, tmp_path: Path) -> None:
    lines = [form.format(name, name.split('/')[1]) for name in FEW]
    assert take(write(tmp_path / 'labeled.txt', lines)) == 0
    assert read_list(tmp_path / 'out/labeled_2.txt') == FEW
    assert read_list(tmp_path / 'out/unlabeled_without_2.txt') == OTHERS


def test_folders_of_lists_with_their_complements(take: Callable, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    first = write(tmp_path / 'lists/1_4/labeled.txt', FEW)
    second = write(tmp_path / 'lists/1_4/unlabeled.txt', OTHERS[:5])  # which need not be the whole complement
    write(tmp_path / 'lists/train_aug_labeled_1-8.txt', FEW[:1])
    write(tmp_path / 'lists/val.txt', FEW)
    assert take(tmp_path / 'lists') == 0
    assert read_list(tmp_path / 'out/unlabeled_without_2.txt') == OTHERS[:5]
    assert len(read_list(tmp_path / 'out/unlabeled_without_1.txt')) == 7
    index = json.loads((tmp_path / 'out/index.json').read_text())
    assert index['files'][str(first)] == file_digest(str(first)) and str(second) in index['files']
    assert len(index['lists']) == 4 and 'seed' not in index
    assert '4 lists and index.json' in capsys.readouterr().out
    assert take(tmp_path / 'lists') == 0  # again


def test_a_part_of_the_folder(take: Callable, tmp_path: Path) -> None:
    """The complement of PASCAL VOC's lists is that in the training set, not in the folder of all images."""
    training_set = write(tmp_path / 'trainaug.txt', NAMES[:5])
    assert take(write(tmp_path / 'labeled.txt', NAMES[:2]), more=('--among', str(training_set))) == 0
    assert read_list(tmp_path / 'out/unlabeled_without_2.txt') == NAMES[2:5]


@pytest.mark.parametrize(('files', 'message'), [
    (dict(labeled=['jena/other.png']), "line 1: 'jena/other.png'. A line must begin with the path of an image"),
    (dict(labeled=[FEW[0], FEW[0]]), 'has 1 images more than once'),
    (dict(labeled=FEW, unlabeled=NAMES), '2 images are both in'),
    ({'labeled': FEW, '2/labeled': NAMES[:2]}, 'both have 2 labelled images'),
    (dict(val=FEW), 'has no list *labeled*.txt'),
])
def test_lists_that_do_not_fit(files: dict, message: str, take: Callable, tmp_path: Path,
                               capsys: pytest.CaptureFixture) -> None:
    for stem, lines in files.items():
        write(tmp_path / f'lists/{stem}.txt', lines)
    assert take(tmp_path / 'lists') == 1
    assert message in capsys.readouterr().err and not (tmp_path / 'out').exists()


def test_arguments(take: Callable, tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert take(tmp_path / 'nowhere') == 1 and 'nowhere does not exist' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        take(tmp_path, more=('--budgets', '2'))
    outside = write(tmp_path / 'among.txt', ['basel/0'])
    assert take(write(tmp_path / 'labeled.txt', FEW), more=('--among', str(outside))) == 1
    assert '1 of 1 names' in capsys.readouterr().err
