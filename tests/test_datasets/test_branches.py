"""The table of branches."""
import inspect

from udas_mmseg.datasets import DomainPairDataset
from udas_mmseg.datasets.branches import BRANCHES


def test_the_order_is_the_one_in_which_branches_go_through_the_network() -> None:
    assert list(BRANCHES) == ['source', 'labeled_target', 'pseudo_labeled', 'target']


def test_names_are_the_keys_and_each_is_an_argument_of_the_data_set() -> None:
    arguments = inspect.signature(DomainPairDataset).parameters
    assert all(branch.name == name and name in arguments for name, branch in BRANCHES.items())


def test_labels_say_where_they_come_from() -> None:
    assert {name: branch.labels for name, branch in BRANCHES.items()} == {
        'source': 'truth', 'labeled_target': 'truth', 'pseudo_labeled': 'pseudo', 'target': 'none'}
