"""Label budgets: the rule, the lists, and the hashes of Cityscapes' own."""
import hashlib
import logging
import multiprocessing
import random
import re
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from mmengine.logging import MMLogger
from mmseg.registry import DATASETS

from small_data import CITY_NAMES, CLASSES
from udas_mmseg.datasets import LabelBudget, cityscapes_budgets
from udas_mmseg.datasets.label_budget import PARTS
from udas_mmseg.datasets.list_files import list_sha256, read_list, write_list
from udas_mmseg.utils.messages import _log_once

NAMES = ['ulm/0', 'ulm/1', 'jena/0', 'jena/1', 'bremen/0', 'c', 'd']
EMPTY = 'UDA needs no labels: train without mixing.*gta2cs_uda.py'


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> List[Tuple[int, str]]:
    """Level and text of what is logged."""
    found: List[Tuple[int, str]] = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'handle',
                        lambda record: found.append((record.levelno, record.getMessage())))
    MMLogger.get_current_instance().setLevel(logging.INFO)
    _log_once.cache_clear()
    return found


def test_the_rule_is_the_documented_one() -> None:
    def key(name: str) -> str:
        return hashlib.sha256(b'7:' + name.encode()).hexdigest()

    first = sorted(NAMES, key=key)[:3]
    labeled, unlabeled = LabelBudget(3, seed=7).choose(NAMES)
    assert labeled == sorted(first) and unlabeled == sorted(set(NAMES) - set(first))
    # as sha256sum gives it: 2021:ulm/1 is 1..., for example
    assert LabelBudget(3).choose(NAMES)[0] == ['bremen/0', 'jena/1', 'ulm/1']


def test_budgets_are_nested_and_complements_are_the_rest() -> None:
    before: set = set()
    for n in range(1, len(NAMES) + 1):
        labeled, unlabeled = LabelBudget(n).choose(NAMES)
        assert len(labeled) == n and before < set(labeled)
        assert sorted(labeled + unlabeled) == sorted(NAMES)
        before = set(labeled)


def test_neither_the_order_nor_one_image_less_changes_who_comes_first() -> None:
    shuffled = random.Random(0).sample(NAMES, len(NAMES))
    assert LabelBudget(4).choose(shuffled) == LabelBudget(4).choose(NAMES)
    whole = ''.join(f'{name}\n' for name in sorted(NAMES)).encode()
    assert list_sha256(shuffled) == list_sha256(NAMES) == hashlib.sha256(whole).hexdigest()
    labeled, unlabeled = LabelBudget(4).choose(NAMES)
    fewer = [name for name in NAMES if name != unlabeled[0]]
    assert LabelBudget(4).choose(fewer)[0] == labeled


def test_seeds_differ() -> None:
    assert len({tuple(LabelBudget(3, seed).choose(NAMES)[0]) for seed in range(10)}) > 5


@pytest.mark.parametrize(('n', 'total', 'count'), [
    ('1/16', 2975, 186), ('1/8', 2975, 372), ('1/4', 2975, 744), ('1/2', 2975, 1488), (Fraction(1, 2), 5, 3),
    ('1/2', 3, 2), ('1/1', 7, 7), ('100', 2975, 100), (7, 7, 7)])
def test_parts_are_rounded_half_up(n: Any, total: int, count: int) -> None:
    assert LabelBudget(n).count(total) == count


@pytest.mark.parametrize(('n', 'message'), [
    (0, f'n=0 is an empty labelled set. {EMPTY}'), (-5, EMPTY), ('0', EMPTY), ('0/4', EMPTY),
    (0.5, "n=0.5: allowed are an integer.*'1/16'"), ('half', "n='half': allowed"), (True, 'n=True: allowed'),
    ('1/0', "n='1/0': allowed"), ('3/2', "n='3/2': allowed.*up to '1/1'"), (None, 'n=None: allowed')])
def test_impossible_sizes_are_refused(n: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelBudget(n)


def test_what_does_not_fit_the_images_is_refused() -> None:
    with pytest.raises(ValueError, match='n=8 is more than the 7 images found: allowed are 1-7'):
        LabelBudget(8).choose(NAMES)
    with pytest.raises(ValueError, match=f"n='1/16' of 7 images is less than half an image. {EMPTY}"):
        LabelBudget('1/16').choose(NAMES)
    with pytest.raises(ValueError, match='no images to choose from'):
        LabelBudget(1).choose([])
    with pytest.raises(ValueError, match='1 of 8 names occur more than once: c. Remove'):
        LabelBudget(1).choose([*NAMES, 'c'])
    with pytest.raises(ValueError, match=r"cannot be written to a list file.*'a\\nb'"):
        LabelBudget(1).make_lists(['a\nb', 'c'], '.')
    with pytest.raises(ValueError, match="seed='a': it must be an integer"):
        LabelBudget(1, seed='a')


def test_lists_are_files_of_sorted_names(tmp_path: Path) -> None:
    lists = LabelBudget(2).make_lists(NAMES, str(tmp_path / 'new'), 'my data')
    labeled, unlabeled = LabelBudget(2).choose(NAMES)
    assert Path(lists.labeled).read_bytes() == '{}\n{}\n'.format(*labeled).encode()
    assert read_list(lists.unlabeled) == unlabeled
    assert re.fullmatch(r'my_data_2_of_7_seed2021_[0-9a-f]{8}_labeled\.txt', Path(lists.labeled).name)
    assert list_sha256(labeled) == hashlib.sha256(Path(lists.labeled).read_bytes()).hexdigest()
    assert len(list((tmp_path / 'new').iterdir())) == 2
    assert LabelBudget(7).make_lists(NAMES, str(tmp_path / 'new')).unlabeled is None


def test_lists_of_other_images_have_other_files(tmp_path: Path) -> None:
    ours = LabelBudget(2).make_lists(NAMES, str(tmp_path))
    theirs = LabelBudget(2).make_lists([*NAMES[:-1], 'e'], str(tmp_path))
    other_seed = LabelBudget(2, 1).make_lists(NAMES, str(tmp_path))
    assert len({*ours, *theirs, *other_seed}) == 6


def test_the_same_list_stays_and_a_changed_one_is_mended(tmp_path: Path, logged: List) -> None:
    lists = LabelBudget(2).make_lists(NAMES, str(tmp_path))
    before, content = Path(lists.labeled).stat(), Path(lists.labeled).read_bytes()
    LabelBudget(2).make_lists(NAMES, str(tmp_path))
    assert Path(lists.labeled).stat().st_ino == before.st_ino  # not replaced
    Path(lists.labeled).write_text('ulm/0\n')
    LabelBudget(2).make_lists(NAMES, str(tmp_path))
    assert Path(lists.labeled).read_bytes() == content
    assert [text for level, text in logged if level == logging.WARNING and 'did not have the list' in text]


def write_often(path: str, names: List[str]) -> None:
    for _ in range(20):
        Path(path).unlink(missing_ok=True)
        write_list(path, names)


def test_several_processes_may_write_at_once(tmp_path: Path) -> None:
    names = [f'{number:05d}' for number in range(20000)]
    path = str(tmp_path / 'list.txt')
    context = multiprocessing.get_context('fork')
    writers = [context.Process(target=write_often, args=(path, names)) for _ in range(2)]
    for writer in writers:
        writer.start()
    lengths = set()
    while any(writer.is_alive() for writer in writers):
        if Path(path).exists():
            try:
                lengths.add(len(Path(path).read_bytes()))
            except FileNotFoundError:  # just deleted
                continue
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    lengths.add(len(Path(path).read_bytes()))
    assert lengths == {6 * 20000}  # never a part of it
    assert [file.name for file in tmp_path.iterdir()] == ['list.txt']


def test_table_of_the_official_lists_is_complete() -> None:
    table = cityscapes_budgets.OFFICIAL_LISTS
    assert list(table) == [50, 100, 186, 200, 372, 500, 744, 1000, 1488, 2975]
    assert {LabelBudget(part).count(2975) for part in ('1/16', '1/8', '1/4', '1/2')} < set(table)
    assert table.pop(2975) == (cityscapes_budgets.OFFICIAL_NAMES, None)
    table[2975] = (cityscapes_budgets.OFFICIAL_NAMES, None)
    hashes = [value for pair in table.values() for value in pair if value is not None]
    assert len(set(hashes)) == 19 and all(re.fullmatch('[0-9a-f]{64}', value) for value in hashes)


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> Dict[int, Tuple[str, str]]:
    """Eight names stand for the 2,975."""
    labeled, unlabeled = LabelBudget(3).choose(CITY_NAMES)
    table = {3: (list_sha256(labeled), list_sha256(unlabeled)), 8: (list_sha256(CITY_NAMES), None)}
    monkeypatch.setattr(cityscapes_budgets, 'OFFICIAL_NAMES', list_sha256(CITY_NAMES))
    monkeypatch.setattr(cityscapes_budgets, 'OFFICIAL_LISTS', table)
    return table


def test_official_images_give_the_official_split_and_say_so_once(official: Dict, budget: Callable,
                                                                 logged: List) -> None:
    for part in PARTS:
        DATASETS.build(budget(part=part))
    DATASETS.build(budget(8))
    (level, text), (_, whole) = logged
    assert level == logging.INFO and text.startswith('official Cityscapes split, 3 of 8 images, seed 2021: sha256 ')
    assert official[3][0] in text and official[3][1] in text
    assert 'official Cityscapes split, 8 of 8' in whole and 'none (complement)' in whole


def test_official_images_with_another_split_are_our_mistake(official: Dict, budget: Callable, tmp_path: Path) -> None:
    for wrong in ((official[3][0], 'f' * 64), ('f' * 64, official[3][1])):
        official[3] = wrong
        with pytest.raises(RuntimeError, match='internal error.*Expected'):
            DATASETS.build(budget())
    assert not (tmp_path / 'splits').exists()


def test_budgets_without_an_official_value_say_so(official: Dict, budget: Callable, logged: List) -> None:
    DATASETS.build(budget(5))
    DATASETS.build(budget(3, seed=1))
    assert all('It has no official hash' in text and level == logging.INFO for level, text in logged)
    assert len(logged) == 2


def test_an_incomplete_folder_is_named_and_used(official: Dict, budget: Callable, logged: List, tmp_path: Path) -> None:
    next(tmp_path.rglob('ulm_000002*leftImg8bit.png')).unlink()
    assert len(DATASETS.build(budget())) == 3
    (level, text), = logged
    assert level == logging.WARNING
    assert text.startswith('7 images named as in Cityscapes are not the official 2975 of its training set')
    assert list_sha256(LabelBudget(3).choose([name for name in CITY_NAMES if 'ulm_000002' not in name])[0]) in text


def test_other_data_has_its_hash_in_the_log(image_folder: Callable, budget: Callable, logged: List) -> None:
    DATASETS.build(budget(2, dataset=dict(type='LabelMappedDataset', metainfo=CLASSES, **image_folder())))
    (level, text), = logged
    chosen = LabelBudget(2).choose(['000', '001', '002', '003', '004'])[0]
    assert level == logging.INFO and text.startswith('label budget, 2 of 5 images') and list_sha256(chosen) in text
