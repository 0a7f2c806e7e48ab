"""Variants of a config for the rows of a table."""
import pytest

from udas_mmseg.utils.variants import Variant, expand, folder_name, parse_values, unknown_keys
from udas_mmseg.visualization.budget_curve import split_budget


@pytest.mark.parametrize(('argument', 'expected'), [
    ('budget=1,2,10', ('budget', ['1', '2', '10'])),
    ('budget=1/20, 1/10', ('budget', ['1/20', '1/10'])),
    ('model.kl.weight=0.1', ('model.kl.weight', ['0.1'])),
    ('a.sizes=(1,2),[3,4],5', ('a.sizes', ['(1,2)', '[3,4]', '5'])),
])
def test_values_of_a_key(argument: str, expected: tuple) -> None:
    assert parse_values(argument) == expected


@pytest.mark.parametrize('argument', ['budget', 'budget=', '=1,2', 'budget=1,,2', 'budget=1,1', 'a b=1'])
def test_malformed_values_are_refused(argument: str) -> None:
    with pytest.raises(ValueError, match='must be KEY=a,b,c'):
        parse_values(argument)


def test_several_keys_give_their_product() -> None:
    assert expand({}) == [Variant('', ())]
    variants = expand({'budget': ['1', '2'], 'model.kl.weight': ['0.1', '1']})
    assert [variant.suffix for variant in variants] == [
        ' budget=1 model.kl.weight=0.1', ' budget=1 model.kl.weight=1', ' budget=2 model.kl.weight=0.1',
        ' budget=2 model.kl.weight=1'
    ]
    assert variants[1].options == ('budget=1', 'model.kl.weight=1')


def test_rows_have_different_folders_and_keep_their_budget() -> None:
    name = 'benchmarks/carla2camvid/cutmix budget=10 sizes=(1,2)'
    assert folder_name(name) == 'benchmarks/carla2camvid/cutmix_budget-10_sizes--1-2-'
    assert folder_name('demo/source_only') == 'demo/source_only'
    assert split_budget(name) == ('cutmix sizes=(1,2)', 10)


def test_a_key_that_a_config_does_not_have_is_unknown() -> None:
    cfg = dict(budget=1, model=dict(kl=None))
    assert unknown_keys(['budget', 'model.kl.weight', 'budgets', 'models.kl'], cfg) == ['budgets', 'models.kl']
