"""The table of branches."""
from typing import Callable, Dict, Iterator

import pytest
from mmseg.registry import DATASETS

from udas_mmseg.datasets import BRANCHES, Branch, StreamIndex, register_branch
from udas_mmseg.datasets.preflight import check_config

UNLABELED = [dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')]


def test_the_order_is_the_one_in_which_branches_go_through_the_network() -> None:
    assert list(BRANCHES) == ['source', 'labeled_target', 'pseudo_labeled', 'target']


def test_names_are_the_keys() -> None:
    assert all(branch.name == name for name, branch in BRANCHES.items())


def test_labels_say_where_they_come_from() -> None:
    assert {name: branch.labels for name, branch in BRANCHES.items()} == {
        'source': 'truth', 'labeled_target': 'truth', 'pseudo_labeled': 'pseudo', 'target': 'none'}


@pytest.fixture
def table() -> Iterator[Dict[str, Branch]]:
    """The table, as it was before once the test is over."""
    before = dict(BRANCHES)
    yield BRANCHES
    BRANCHES.clear()
    BRANCHES.update(before)


def test_branches_without_labels_come_after_the_others_and_the_target_last(table: Dict[str, Branch]) -> None:
    register_branch(Branch('unlabeled_source', 'none'))
    register_branch(Branch('second_source', 'truth', weight=0.5))
    register_branch(Branch('second_source', 'truth', weight=0.5))  # a module that is imported twice
    assert list(table) == ['source', 'labeled_target', 'pseudo_labeled', 'second_source', 'unlabeled_source', 'target']


def test_a_branch_is_not_replaced(table: Dict[str, Branch]) -> None:
    with pytest.raises(ValueError, match=r"already Branch\(name='target', labels='none'.*Choose another name"):
        register_branch(Branch('target', 'truth'))


@pytest.mark.parametrize(('arguments', 'message'), [
    (dict(name='inputs', labels='none'), "name='inputs'. Allowed are names"),
    (dict(name='a/b', labels='none'), "name='a/b'"),
    (dict(name='extra', labels='guess'), r"labels='guess'. Allowed are \('truth', 'pseudo', 'none'\)"),
    (dict(name='extra', labels='none', weight=-1), 'weight=-1. Allowed')])
def test_mistakes(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Branch(**arguments)


def test_a_registered_branch_is_an_ordinary_one(table: Dict[str, Branch], labeled_config: Callable) -> None:
    register_branch(Branch('second_source', 'truth'))
    register_branch(Branch('unlabeled_source', 'none'))
    unlabeled = dict(labeled_config('plain', 4, pipeline=UNLABELED), data_prefix=dict(img_path='images'))
    config = dict(type='DomainPairDataset', unlabeled_source=unlabeled, second_source=labeled_config('second', 2),
                  source=labeled_config())
    sample = DATASETS.build(config)[StreamIndex(0, 1)]
    assert list(sample) == ['source', 'second_source', 'unlabeled_source']
    lines = check_config(dict(train_dataloader=dict(dataset=config)))
    assert [line.split(':')[0] for line in lines if not line.startswith(' ')] == [
        f'train_dataloader.dataset.{name}' for name in list(config)[1:]]
    with pytest.raises(ValueError, match='the unlabeled_source branch declares labels'):
        DATASETS.build(dict(config, unlabeled_source=labeled_config('plain', 4)))


def test_unknown_branches_are_refused_with_the_known_ones(labeled_config: Callable) -> None:
    with pytest.raises(ValueError, match=r"'third' is not the name of a branch. Known: source, .*, target. To add one, "
                       r"call register_branch\(Branch\('third', labels='truth'\)\).*custom_imports"):
        DATASETS.build(dict(type='DomainPairDataset', source=labeled_config(), third=labeled_config()))


def test_declared_labels_are_found_in_wrappers(labeled_config: Callable) -> None:
    repeated = dict(type='RepeatDataset', times=2, dataset=labeled_config('target'))
    with pytest.raises(ValueError, match='the target branch declares labels'):
        DATASETS.build(dict(type='DomainPairDataset', source=labeled_config(), target=repeated))
