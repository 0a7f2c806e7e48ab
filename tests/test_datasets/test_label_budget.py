"""Label budgets: the rule, the lists, the hashes of Cityscapes' own, and the data set."""
import hashlib
import logging
import multiprocessing
import random
import re
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmseg.registry import DATASETS

from small_data import CLASSES, LOAD, write_image
from udas_mmseg.datasets import LabelBudget, StreamIndex, cityscapes_budgets
from udas_mmseg.datasets.label_budget import PARTS, _log_once
from udas_mmseg.datasets.list_files import list_sha256, read_list, refuse_shared_images, write_list
from udas_mmseg.datasets.preflight import check_config

NAMES = ['ulm/0', 'ulm/1', 'jena/0', 'jena/1', 'bremen/0', 'c', 'd']
CITY_NAMES = [f'{city}/{city}_{number:06d}_000019' for city in ('aachen', 'ulm') for number in range(4)]
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


@pytest.fixture
def city(tmp_path: Path) -> Dict[str, Any]:
    """Config of eight labelled images in Cityscapes' own folders."""
    for name in CITY_NAMES:
        write_image(tmp_path / f'cityscapes/img/{name}_leftImg8bit.png', np.zeros((4, 8, 3), np.uint8))
        write_image(tmp_path / f'cityscapes/gt/{name}_gtFine_labelTrainIds.png', np.ones((4, 8), np.uint8))
    # unserialized: MMEngine collects all garbage for each data set that it serializes
    return dict(type='CityscapesDataset', data_root=str(tmp_path / 'cityscapes'), pipeline=LOAD, serialize_data=False,
                data_prefix=dict(img_path='img', seg_map_path='gt'))  # yapf: disable


@pytest.fixture
def budget(city: Dict[str, Any], tmp_path: Path) -> Callable[..., Dict[str, Any]]:

    def make(n: Any = 3, **changes: Any) -> Dict[str, Any]:
        return {**dict(type='LabelBudgetDataset', n=n, dataset=city, list_dir=str(tmp_path / 'splits')), **changes}

    return make


def names_of(dataset: Any) -> List[str]:
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    return [info['img_path'].split('/img/')[1][:-len('_leftImg8bit.png')] for info in infos]


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
    (0.5, "n=0.5: allowed are a whole number.*'1/16'"), ('half', "n='half': allowed"), (True, 'n=True: allowed'),
    ('1/0', "n='1/0': allowed"), ('3/2', "n='3/2': allowed.*up to '1/1'"), (None, 'n=None: allowed')])
def test_impossible_sizes_are_refused(n: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelBudget(n)


def test_what_does_not_fit_the_images_is_refused() -> None:
    with pytest.raises(ValueError, match='n=8 is more than the 7 images that there are: allowed are 1-7'):
        LabelBudget(8).choose(NAMES)
    with pytest.raises(ValueError, match=f"n='1/16' of 7 images is less than half an image. {EMPTY}"):
        LabelBudget('1/16').choose(NAMES)
    with pytest.raises(ValueError, match='no images to choose from'):
        LabelBudget(1).choose([])
    with pytest.raises(ValueError, match='1 of 8 names are there more than once: c. Take'):
        LabelBudget(1).choose([*NAMES, 'c'])
    with pytest.raises(ValueError, match=r"cannot stand in a list file.*'a\\nb'"):
        LabelBudget(1).make_lists(['a\nb', 'c'], '.')
    with pytest.raises(ValueError, match="seed='a': it must be a whole number"):
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
    assert [text for level, text in logged if level == logging.WARNING and 'held another list' in text]


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
    assert all('There is no official value for it' in text and level == logging.INFO for level, text in logged)
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


def test_both_parts_as_data_sets(budget: Callable) -> None:
    labeled, unlabeled = (DATASETS.build(budget(part=part)) for part in PARTS)
    assert type(labeled).__name__ == 'CityscapesDataset'
    assert (names_of(labeled), names_of(unlabeled)) == LabelBudget(3).choose(CITY_NAMES)
    assert labeled[0]['gt_seg_map'].max() == 1
    assert DATASETS.build(budget('1/2', seed=5)).ann_file.endswith('cityscapes_4_of_8_seed5_'
                                                                  f'{list_sha256(CITY_NAMES)[:8]}_labeled.txt')


def test_a_list_of_the_data_sets_own_says_which_images_there_are(budget: Callable, city: Dict, tmp_path: Path) -> None:
    (tmp_path / 'cityscapes/own.txt').write_text('\n'.join(CITY_NAMES[2:6]) + '\n\n')
    dataset = DATASETS.build(budget(2, dataset=dict(city, ann_file='own.txt')))
    assert names_of(dataset) == LabelBudget(2).choose(CITY_NAMES[2:6])[0]
    (tmp_path / 'cityscapes/own.txt').write_text(f'{CITY_NAMES[0]}\nulm/gone\n')
    with pytest.raises(ValueError, match='1 of 2 images that the list .*own.txt names do not exist: .*ulm/gone_left'):
        DATASETS.build(budget(1, dataset=dict(city, ann_file='own.txt')))


@pytest.mark.parametrize(('changes', 'error', 'message'), [
    (dict(part='labelled'), ValueError, r"part='labelled' .*allowed are \('labeled', 'unlabeled'\)"),
    (dict(n=8, part='unlabeled'), ValueError, 'n=8 are all images.*Use the whole folder.*without their labels'),
    (dict(n=9), ValueError, 'n=9 is more than the 8 images'),
    (dict(dataset=dict(type='RepeatDataset', times=2)), ValueError, 'is RepeatDataset: .*Wrappers'),
    (dict(dataset=[1]), ValueError, 'is list: it must be the config of a single data set'),
])
def test_mistakes_of_a_config(budget: Callable, changes: Dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        DATASETS.build(budget(**changes))


def test_missing_folders_and_images(budget: Callable, city: Dict) -> None:
    with pytest.raises(FileNotFoundError, match='missing: .*/nowhere '):
        DATASETS.build(budget(dataset=dict(city, data_prefix=dict(img_path='nowhere'))))
    with pytest.raises(FileNotFoundError, match="has no images ending in '.jpg'. Check"):
        DATASETS.build(budget(dataset=dict(city, img_suffix='.jpg')))
    with pytest.raises(ValueError, match='backend_args.*local folders only'):
        DATASETS.build(budget(dataset=dict(city, backend_args=dict(backend='local'))))


def test_preflight_checks_the_budget_and_not_the_folder(budget: Callable, tmp_path: Path) -> None:
    labeled, unlabeled = LabelBudget(3).choose(CITY_NAMES)
    (tmp_path / f'cityscapes/gt/{unlabeled[0]}_gtFine_labelTrainIds.png').write_bytes(b'')  # never to be read
    loader = dict(train_dataloader=dict(dataset=dict(type='StreamDataset', max_broken=5, dataset=budget())))
    assert check_config(loader) == ['train_dataloader.dataset.dataset: CityscapesDataset, 3 labelled images, 3 read '
                                    'and found good']
    (tmp_path / f'cityscapes/gt/{labeled[1]}_gtFine_labelTrainIds.png').unlink()
    with pytest.raises(ValueError, match=f'1 of 3 labels that the list .* names do not exist: .*{labeled[1]}_gtFine'):
        check_config(loader)
    loader['train_dataloader']['dataset']['dataset'] = budget(9)
    with pytest.raises(ValueError, match=r'train_dataloader\.dataset\.dataset: n=9 is more than'):
        check_config(loader)


def test_preflight_names_files_of_a_list_that_are_missing(city: Dict, tmp_path: Path) -> None:
    own = tmp_path / 'cityscapes/own.txt'
    own.write_text('\n'.join([*CITY_NAMES, 'ulm/gone', 'ulm/lost']))
    loader = dict(train_dataloader=dict(dataset=dict(type='StreamDataset', max_broken=50,
                                                     dataset=dict(city, ann_file='own.txt'))))  # yapf: disable
    with pytest.raises(ValueError, match=r'2 of 10 images that the list .*own\.txt names do not exist: .*ulm/gone_left'
                       ".*without '_leftImg8bit.png'. Restore"):
        check_config(loader)
    own.write_text('')
    with pytest.raises(ValueError, match=fr'the list .*own\.txt is empty. {EMPTY}'):
        check_config(loader)


UNLABELED = [dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')]


@pytest.fixture
def branches(budget: Callable, city: Dict) -> Callable[..., Dict[str, Any]]:
    """Labelled and unlabelled parts of two budgets."""

    def make(labeled: int = 3, unlabeled: int = 3, part: str = 'unlabeled') -> Dict[str, Any]:
        target = dict(city, data_prefix=dict(img_path='img'), pipeline=UNLABELED)
        packed = dict(city, pipeline=[*LOAD, dict(type='PackSegInputs')])
        return dict(type='DomainPairDataset', source=packed, target=budget(unlabeled, part=part, dataset=target),
                    labeled_target=budget(labeled, dataset=packed))  # yapf: disable

    return make


def test_budget_and_complement_make_a_pair(branches: Callable) -> None:
    pair = DATASETS.build(branches())
    assert set(pair[StreamIndex(0, 0)]) == {'source', 'target', 'labeled_target'}


def test_images_in_both_lists_are_refused(branches: Callable) -> None:
    message = (r'2 images are both in the labelled list .*5_of_8.*_labeled\.txt and in the unlabelled list .*3_of_8'
               r'.*_unlabeled\.txt: .*leftImg8bit.png, .*part=.unlabeled.*make_splits')
    with pytest.raises(ValueError, match=message):
        DATASETS.build(branches(labeled=5))
    config = branches(labeled=5)
    config['labeled_target'] = dict(type='RepeatDataset', times=2, dataset=config['labeled_target'])
    config['target'] = dict(type='ConcatDataset', datasets=[config['target']])
    with pytest.raises(ValueError, match=message):
        DATASETS.build(config)


def test_a_target_without_a_list_is_all_images(branches: Callable) -> None:
    config = branches()
    config['target'] = config['target']['dataset']
    assert len(DATASETS.build(config).branches['target']) == 8
    config = branches(unlabeled=2)
    config['labeled_target'] = config['labeled_target']['dataset']  # nor is a labelled branch without one looked at
    DATASETS.build(config)


def test_a_translated_image_is_still_the_same_image() -> None:
    class Listed(list):
        ann_file = 'list.txt'
        get_data_info = list.__getitem__

    original, translated = dict(img_path='a/1.png'), dict(img_path='b/1.png', original_img_path='a/1.png')
    with pytest.raises(ValueError, match='1 images are both in the labelled list'):
        refuse_shared_images([Listed([translated])], [Listed([original])])


def test_labelled_images_mixed_into_the_source_count_too(branches: Callable) -> None:
    config = branches(labeled=5)
    labeled = config.pop('labeled_target')
    labeled['dataset'] = dict(labeled['dataset'], pipeline=LOAD)
    config['source'] = dict(type='DomainMixDataset', dataset=labeled['dataset'], pipeline=[dict(type='PackSegInputs')],
                            target=dict(type='RepeatDataset', times=2, dataset=labeled))  # yapf: disable
    with pytest.raises(ValueError, match='2 images are both in the labelled list'):
        DATASETS.build(config)
    # whose labels are not used may lend their style
    labeled['dataset'] = dict(labeled['dataset'], data_prefix=dict(img_path='img'))
    DATASETS.build(config)
