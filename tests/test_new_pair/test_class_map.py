"""The classes of a pair, and the maps of both domains."""
from typing import Any, List

import pytest

from udas_mmseg.datasets.label_scan import LabelScan
from udas_mmseg.new_pair.class_map import map_target, name_values, propose_classes
from udas_mmseg.new_pair.names import parse_classes


def ids(*values: int) -> LabelScan:
    return LabelScan('ids', pixels=dict.fromkeys(values, 10), examples=dict.fromkeys(values, 'labels/a.png'))


def names(text: str) -> Any:
    return parse_classes(text, '--classes')


def target(scan: LabelScan, text: str = '', ask: Any = None) -> Any:
    source = ids(0, 1, 2)
    classes = propose_classes(source, names('road,sidewalk,other'))
    return map_target(classes, scan, names(text) if text else None, source, 'val', '--target-classes', ask)


def test_names_are_those_of_the_ids_or_in_their_order() -> None:
    assert name_values(ids(0, 2), names('a,b,c'), 'source') == {0: 'a', 2: 'c'}
    assert name_values(ids(7, 8, 11), names('a,b,c'), 'source') == {7: 'a', 8: 'b', 11: 'c'}
    with pytest.raises(ValueError, match='2 names, but the source labels have the ids 7, 8, 11'):
        name_values(ids(7, 8, 11), names('a,b'), 'source')


def test_names_that_were_not_seen_count_if_not_all_files_were_read() -> None:
    scan = ids(0, 2)
    assert propose_classes(scan, names('a,b,c')).names == ['a', 'c']
    scan.is_partial = True
    assert propose_classes(scan, names('a,b,c')).source_map == {0: 0, 1: 1, 2: 2}
    assert propose_classes(scan, names('0=a,2=b,7=c,9=-')).source_map == {0: 0, 2: 1, 7: 2, 9: 255}


def test_colours_need_their_own_names() -> None:
    scan = LabelScan('colors', pixels={(0, 0, 255): 1, (255, 0, 0): 1})
    with pytest.raises(ValueError, match='#0000ff=.*,#ff0000='):
        name_values(scan, names('a,b'), 'source')
    with pytest.raises(ValueError, match='names 7, but the source labels have colors'):
        name_values(scan, names('7=a'), 'source')


def test_classes_without_names_are_named_after_the_ids() -> None:
    classes = propose_classes(ids(0, 3, 255), None)
    assert (classes.names, classes.source_map) == (['class_0', 'class_3'], {0: 0, 3: 1})
    assert 'No names' in classes.doubts[0] and len(set(classes.palette)) == 2


def test_void_is_ignored_and_equal_names_are_one_class() -> None:
    classes = propose_classes(ids(0, 1, 2, 3, 4), names('0=car,1=road,2=Void,3=car'))
    assert classes.names == ['car', 'road'] and classes.source_map == {0: 0, 1: 1, 2: 255, 3: 0, 4: 255}
    assert 'Without a name, and ignored: 4' in classes.doubts[0]


def test_a_mask_of_0_and_255_is_mapped() -> None:
    classes = propose_classes(ids(0, 255), names('ground,crack'))
    assert classes.source_map == {0: 0, 255: 1}


def test_colours_of_the_labels_are_the_palette() -> None:
    scan = LabelScan('colors', pixels={(0, 0, 255): 1, (255, 0, 0): 1})
    classes = propose_classes(scan, names('#ff0000=box,#0000ff=sky'))
    assert (classes.names, classes.palette) == (['box', 'sky'], [(255, 0, 0), (0, 0, 255)])


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match='1 classes: a'):
        propose_classes(ids(0, 1), names('0=a,1=-'))


def test_target_labels_are_mapped_by_name() -> None:
    found, doubts = target(ids(3, 4, 5, 11), '3=Road,4=side walk,5=Tree,11=void')
    assert found == {3: 0, 4: 1, 5: 2, 11: 255}
    assert doubts == ["Classes of the val labels that the source does not have are mapped to 'other': Tree.",
                      'The val labels that were read have no pixel of other.'][:1]


def test_a_misspelt_class_is_pointed_out() -> None:
    _, doubts = target(ids(3, 4, 5), '3=raod,4=sidewalk,5=tree')
    assert doubts[0].endswith("mapped to 'other': raod (did you mean road?), tree.")
    _, doubts = target(ids(3, 4, 5), '3=road,4=sidewalk,5=roads')  # road has pixels: roads may be another class
    assert 'did you mean' not in doubts[0]


def test_names_without_pixels_are_said() -> None:
    classes = propose_classes(ids(0, 1, 2), names('road,sidewalk,other,car'))
    assert classes.names == ['road', 'sidewalk', 'other'] and 'have no pixel of car' in classes.doubts[0]
    classes = propose_classes(ids(0, 1), names('0=road,1=other,7=car,8=void,*=rest'))
    assert 'have no pixel of car, rest' in classes.doubts[0]
    assert propose_classes(ids(0, 1), names('0=road,*=other')).doubts == []


def test_the_same_ids_without_names_are_the_same_classes() -> None:
    found, doubts = target(ids(0, 2))
    assert found == {0: 0, 2: 2} and 'no names: the same ids' in doubts[0]


def test_other_ids_without_names_are_refused_with_the_option_to_give() -> None:
    with pytest.raises(ValueError, match="--target-classes '0=NAME,1=NAME,2=NAME,.*source: road, sidewalk, other"):
        target(ids(0, 1, 2, 9))


def test_a_few_pixels_of_other_ids_are_ignored() -> None:
    scan = ids(0, 1, 2, 9)
    scan.pixels[9] = 1
    found, doubts = target(scan)
    assert found == {0: 0, 1: 1, 2: 2, 9: 255} and 'and 9 are ignored' in doubts[0]


def test_or_asked_for_on_a_terminal() -> None:
    asked: List[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return 'road' if ', 3,' in question else ''

    found, _ = target(ids(3, 9), ask=ask)
    assert found == {3: 0, 9: 255} and len(asked) == 2 and 'a.png' in asked[0]


def test_no_common_class_is_refused() -> None:
    source = ids(0, 1)
    classes = propose_classes(source, names('cat,dog'))
    with pytest.raises(ValueError, match='no class of the val labels'):
        map_target(classes, ids(0, 1), names('sun,moon'), source, 'val', '--target-classes')
