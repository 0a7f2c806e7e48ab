"""Groups of images by a rule on their paths."""
from pathlib import Path
from typing import Any

import pytest

from small_data import LOAD, write_carla_and_camvid
from udas_mmseg.datasets.image_groups import ImageGroups
from udas_mmseg.datasets.preflight import check_config

CAMVID = r'images/(val)/|images/train/(\w+?)_'
PATHS = ['/data/images/val/0016E5_1.jpg', '/data/images/train/0001TP_1.jpg', '/data/images/train/0006R0_7.jpg',
         '/data/images/train/0001TP_2.jpg']


def test_the_three_rules_find_the_same_groups(tmp_path: Path) -> None:
    for name, content in (('dusk', '0001TP_1\n0001TP_2\n'), ('day', 'train/0006R0_7\n')):
        (tmp_path / f'{name}.txt').write_text(content)
    by_pattern = ImageGroups(CAMVID)
    assert by_pattern.check(PATHS) == {'0001TP': 2, '0006R0': 1, 'val': 1}
    globs = ImageGroups(globs=dict(dusk='0001TP_*', day='train/0006*.jpg'), rest='val')
    lists = ImageGroups(lists={name: str(tmp_path / f'{name}.txt') for name in ('dusk', 'day')}, rest='val')
    for groups in (globs, lists):
        assert groups.check(PATHS) == dict(dusk=2, day=1, val=1)
        assert [groups.group_of(path) for path in PATHS] == ['val', 'dusk', 'day', 'dusk']


def test_lists_of_names_with_a_suffix(tmp_path: Path) -> None:
    (tmp_path / 'ulm.txt').write_text('ulm/ulm_1\n')
    groups = ImageGroups(lists=dict(ulm=str(tmp_path / 'ulm.txt')), suffix='_leftImg8bit.png', rest='other')
    assert groups.group_of('val/ulm/ulm_1_leftImg8bit.png') == 'ulm'
    assert groups.group_of('val/ulm/ulm_11_leftImg8bit.png') == 'other', 'another image with the same beginning'
    assert groups.group_of('val/ulm/ulm_1.png') == 'other'


def test_mean_and_worst_are_over_the_groups_that_count() -> None:
    scores = dict(val=90.0, dusk=40.0, day=60.0)
    assert ImageGroups(CAMVID).mean_and_worst(scores) == (pytest.approx(63.33, abs=0.01), 40.0)
    assert ImageGroups(CAMVID, not_in_mean=['val', 'dusk']).mean_and_worst(scores) == (60.0, 60.0)


@pytest.mark.parametrize('rule, message', [
    (dict(), r'have the rules \[\]: give one of pattern, globs, lists'),
    (dict(pattern='(a)', globs=dict(a='*')), 'give one of'),
    (dict(pattern='(a'), 'is not a regular expression'),
    (dict(pattern='0016E5'), 'has no part in parentheses'),
    (dict(globs=dict(mean='*')), "neither 'mean' nor 'worst'"),
    (dict(globs=dict(a='*'), rest='a'), 'use each name once'),
    (dict(lists=dict(a='nowhere.txt')), "the list nowhere.txt of the group 'a' does not exist"),
    (dict(pattern='(a)', not_in_mean='val'), 'must be a list of names'),
])  # yapf: disable
def test_a_malformed_rule_is_refused(rule: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageGroups(**rule)


@pytest.mark.parametrize('rule, message', [
    (dict(pattern='/(0001TP)_'), r'0016E5_1.jpg belongs to no group of pattern=.*groups\.rest'),
    (dict(pattern='/(0016E6)_', rest='other'), "finds all 4 images in 'other'"),
    (dict(globs=dict(dusk='0001TP_*', train='train/*'), rest='val'), 'belongs to 2 groups: dusk, train'),
    (dict(globs=dict(dusk='0001TP_*', night='night/*'), rest='other'), r"finds no images in the groups \['night'\]"),
    (dict(pattern=CAMVID, not_in_mean=['vla']), r"no images in the groups \['vla'\]"),
])  # yapf: disable
def test_a_rule_that_does_not_fit_the_images_is_refused(rule: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageGroups(**rule).check(PATHS)
    if 'night' in message:
        assert ImageGroups(**rule, allow_empty=True).check(PATHS)['night'] == 0


def test_groups_of_a_config_are_checked_against_its_images(tmp_path: Path) -> None:
    write_carla_and_camvid(tmp_path)
    dataset = dict(type='LabelMappedDataset', metainfo=dict(classes=('a', 'b', 'c')), data_root=str(tmp_path / 'carla'),
                   data_prefix=dict(img_path='images', seg_map_path='labels'), img_suffix='.jpg',
                   pipeline=[*LOAD, dict(type='PackSegInputs')])  # yapf: disable

    def check(pattern: str) -> Any:
        metric = dict(type='SubsetIoUMetric', groups=dict(pattern=pattern))
        return check_config(dict(test_dataloader=dict(dataset=dataset), test_evaluator=[metric]))

    assert check(r'/(\d)\.jpg')[-1] == 'test_evaluator: groups of images: 0 1, 1 1, 2 1'
    with pytest.raises(ValueError, match=r'test_evaluator\.groups: .*0\.jpg belongs to no group'):
        check('/(night)/')
