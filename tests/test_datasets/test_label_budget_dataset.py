"""Label budgets as data sets: what they hold, what preflight says, and which pairs are refused."""
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from mmengine import fileio
from mmseg.registry import DATASETS

from small_data import CITY_NAMES, LOAD
from udas_mmseg.datasets import LabelBudget, StreamIndex
from udas_mmseg.datasets.label_budget import PARTS
from udas_mmseg.datasets.list_files import list_sha256, refuse_shared_images
from udas_mmseg.datasets.preflight import check_config

EMPTY = 'UDA needs no labels: train without mixing.*gta2cs_uda.py'


def names_of(dataset: Any) -> List[str]:
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    return [info['img_path'].split('/img/')[1][:-len('_leftImg8bit.png')] for info in infos]


def test_both_parts_as_data_sets(budget: Callable) -> None:
    labeled, unlabeled = (DATASETS.build(budget(part=part)) for part in PARTS)
    assert type(labeled).__name__ == 'CityscapesDataset'
    assert (names_of(labeled), names_of(unlabeled)) == LabelBudget(3).choose(CITY_NAMES)
    assert labeled[0]['gt_seg_map'].max() == 1
    assert DATASETS.build(budget('1/2', seed=5)).ann_file.endswith('cityscapes_4_of_8_seed5_'
                                                                  f'{list_sha256(CITY_NAMES)[:8]}_labeled.txt')


def test_existing_lists_are_read_and_none_is_made(budget: Callable, city: Dict, tmp_path: Path) -> None:
    splits = tmp_path / 'cityscapes/splits'
    splits.mkdir()
    for stem, names in (('labeled_', CITY_NAMES[:1]), ('unlabeled_without_', CITY_NAMES[1:])):
        (splits / f'{stem}1.txt').write_text('\n'.join(names) + '\n')
    labeled, unlabeled = (DATASETS.build(budget(1, part=part, split_dir='splits')) for part in PARTS)
    assert (names_of(labeled), names_of(unlabeled)) == (CITY_NAMES[:1], CITY_NAMES[1:])
    with pytest.raises(FileNotFoundError, match=r'splits/labeled_3.txt does not exist. There are lists for n = 1\.'):
        DATASETS.build(budget(3, split_dir='splits'))
    assert [path for path in tmp_path.rglob('*labeled*.txt') if path.parent != splits] == []
    (splits / 'few_1.txt').write_text(f'{CITY_NAMES[2]}\n')
    named = dict(split_dir='splits', split_names=dict(labeled='few_{n}.txt'))
    assert names_of(DATASETS.build(budget(1, **named))) == [CITY_NAMES[2]]
    with pytest.raises(FileNotFoundError, match=r'splits/few_2.txt does not exist. There are lists for n = 1\.'):
        DATASETS.build(budget(2, **named))
    with pytest.raises(ValueError, match=r"has no name with \{n\} for part='unlabeled'"):
        DATASETS.build(budget(1, part='unlabeled', **named))


def test_with_all_images_labelled_the_target_may_be_the_whole_data_set(budget: Callable) -> None:
    whole = DATASETS.build(budget(len(CITY_NAMES), part='unlabeled', whole_if_empty=True))
    assert names_of(whole) == CITY_NAMES and not whole.ann_file
    assert whole.get_data_info(0).get('seg_map_path') is None
    rest = DATASETS.build(budget(3, part='unlabeled', whole_if_empty=True))
    assert names_of(rest) == LabelBudget(3).choose(CITY_NAMES)[1]


def test_a_list_of_the_data_sets_own_says_which_images_there_are(budget: Callable, city: Dict, tmp_path: Path) -> None:
    (tmp_path / 'cityscapes/own.txt').write_text('\n'.join(CITY_NAMES[2:6]) + '\n\n')
    dataset = DATASETS.build(budget(2, dataset=dict(city, ann_file='own.txt')))
    assert names_of(dataset) == LabelBudget(2).choose(CITY_NAMES[2:6])[0]
    (tmp_path / 'cityscapes/own.txt').write_text(f'{CITY_NAMES[0]}\nulm/gone\n')
    with pytest.raises(ValueError, match='1 of 2 images in the list .*own.txt do not exist: .*ulm/gone_left'):
        DATASETS.build(budget(1, dataset=dict(city, ann_file='own.txt')))


@pytest.mark.parametrize(('changes', 'error', 'message'), [
    (dict(part='labelled'), ValueError, r"part='labelled' .*allowed are \('labeled', 'unlabeled'\)"),
    (dict(n=8, part='unlabeled'), ValueError, 'n=8 is the number of all.*whole_if_empty=True.*without their labels'),
    (dict(n=9), ValueError, 'n=9 is more than the 8 images'),
    (dict(dataset=dict(type='RepeatDataset', times=2)), ValueError, 'is RepeatDataset: .*wrappers'),
    (dict(dataset=dict(type='Nope')), ValueError, "is of the unknown type 'Nope': it must be"),
    (dict(dataset=dict(data_root='a')), ValueError, 'is of the unknown type None: it must be'),
    (dict(dataset=[1]), ValueError, "is of the unknown type 'list': it must be the config of a single data set"),
])
def test_mistakes_of_a_config(budget: Callable, changes: Dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        DATASETS.build(budget(**changes))


def test_missing_folders_and_images(budget: Callable, city: Dict) -> None:
    with pytest.raises(FileNotFoundError, match='missing: .*/nowhere '):
        DATASETS.build(budget(dataset=dict(city, data_prefix=dict(img_path='nowhere'))))
    with pytest.raises(FileNotFoundError, match="has no images ending in '.jpg'. It has 8 files"):
        DATASETS.build(budget(dataset=dict(city, img_suffix='.jpg')))
    with pytest.raises(ValueError, match='backend_args.*local folders only'):
        DATASETS.build(budget(dataset=dict(city, backend_args=dict(backend='local'))))


def test_preflight_checks_the_budget_and_not_the_folder(budget: Callable, tmp_path: Path) -> None:
    labeled, unlabeled = LabelBudget(3).choose(CITY_NAMES)
    (tmp_path / f'cityscapes/gt/{unlabeled[0]}_gtFine_labelTrainIds.png').write_bytes(b'')  # never to be read
    loader = dict(train_dataloader=dict(dataset=dict(type='StreamDataset', max_broken=5, dataset=budget())))
    assert check_config(loader)[0] == ('train_dataloader.dataset.dataset: CityscapesDataset, 3 labelled images, 3 read '
                                       'and found good')
    (tmp_path / f'cityscapes/gt/{labeled[1]}_gtFine_labelTrainIds.png').unlink()
    with pytest.raises(ValueError, match=f'1 of 3 labels in the list .* do not exist: .*{labeled[1]}_gtFine'):
        check_config(loader)
    loader['train_dataloader']['dataset']['dataset'] = budget(9)
    with pytest.raises(ValueError, match=r'train_dataloader\.dataset\.dataset: n=9 is more than'):
        check_config(loader)


def test_labels_outside_of_the_budget_are_never_opened(budget: Callable, city: Dict, monkeypatch: pytest.MonkeyPatch,
                                                      tmp_path: Path) -> None:
    opened: List[str] = []
    get = fileio.get
    monkeypatch.setattr(fileio, 'get', lambda path, *args, **kwargs: opened.append(path) or get(path, *args, **kwargs))
    allowed = LabelBudget(3).choose(CITY_NAMES)[0]
    for name in ('LabelBudgetDataset', 'mmseg.LabelBudgetDataset'):
        lines = check_config(dict(train_dataloader=dict(dataset=budget(type=name))))
        assert lines[0] == 'train_dataloader.dataset: CityscapesDataset, 3 labelled images, 3 read and found good'
    assert {Path(path).name[:-len('_gtFine_labelTrainIds.png')] for path in opened if '/gt/' in path} == {
        Path(name).name for name in allowed}  # yapf: disable
    opened.clear()
    with pytest.raises(ValueError, match="part='unlabeled' with seg_map_path=.*never opened. Remove `seg_map_path`"):
        check_config(dict(train_dataloader=dict(dataset=budget(part='unlabeled', dataset=city))))
    assert not opened


def test_preflight_says_what_a_misspelt_budget_lacks(budget: Callable) -> None:
    config = budget()
    del config['dataset']
    with pytest.raises(ValueError, match=r"train_dataloader\.dataset: .*argument.*'dataset'"):
        check_config(dict(train_dataloader=dict(dataset=config)))


def test_preflight_names_files_of_a_list_that_are_missing(city: Dict, tmp_path: Path) -> None:
    own = tmp_path / 'cityscapes/own.txt'
    own.write_text('\n'.join([*CITY_NAMES, 'ulm/gone', 'ulm/lost']))
    loader = dict(train_dataloader=dict(dataset=dict(type='StreamDataset', max_broken=50,
                                                     dataset=dict(city, ann_file='own.txt'))))  # yapf: disable
    with pytest.raises(ValueError, match=r'2 of 10 images in the list .*own\.txt do not exist: .*ulm/gone_left'
                       ".*Line 9 is 'ulm/gone'. A line must be .* without its suffix '_leftImg8bit.png'"):
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
    # or stand beside the source
    config['source'] = dict(type='ConcatDataset', datasets=[labeled['dataset'], branches(labeled=5)['labeled_target']])
    with pytest.raises(ValueError, match='2 images are both in the labelled list'):
        DATASETS.build(config)
