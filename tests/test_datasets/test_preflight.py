"""A config is compared with the files on disk before a run starts."""
import re
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from mmseg.registry import DATASETS

from small_data import write_image
from udas_mmseg.datasets.preflight import check_config


def config(train: dict, **changes: object) -> dict:
    head = dict(type='DeepLabV2Head', num_classes=3)
    return dict(
        model=dict(decode_head=head, auxiliary_head=[dict(head)]),
        train_dataloader=dict(dataset=dict(type='StreamDataset', dataset=train)),
        **changes)


def test_a_good_config_is_summed_up(labeled_config: Callable) -> None:
    unlabeled = dict(labeled_config('target', 3), data_prefix=dict(img_path='images'),
                     pipeline=[dict(type='LoadVerifiedImage')])  # yapf: disable
    pair = dict(dataset=dict(type='DomainPairDataset', source=labeled_config(), target=unlabeled))
    lines = check_config(dict(train_dataloader=pair, val_dataloader=dict(dataset=labeled_config())))
    assert lines[0] == 'train_dataloader.dataset.source: LabelMappedDataset, 5 labelled images, 5 read and found good'
    assert re.fullmatch(r'  in 5 labels: road 3\d\.\d %, sidewalk 3\d\.\d %, other 3\d\.\d %, ignored 0\.0 %', lines[2])
    assert re.fullmatch(r'  5 images of 32x16 pixels: mean value 1[23]\d, standard deviation 7\d', lines[1])
    assert lines[3] == ('train_dataloader.dataset.target: LabelMappedDataset, 3 unlabelled images, 3 read and found '
                        'good') and len(lines) == 5  # the validation set is the source set: checked once


def test_all_problems_are_listed_at_once(labeled_config: Callable, tmp_path: Path) -> None:
    broken = labeled_config('broken')
    write_image(tmp_path / 'broken/labels/000.png', np.full((16, 32), 9, np.uint8))
    missing = dict(labeled_config('gone'), data_root=str(tmp_path / 'nowhere'))
    with pytest.raises(ValueError) as error:
        check_config(config(broken, val_dataloader=dict(dataset=missing)))
    text = str(error.value)
    assert 'train_dataloader.dataset.dataset: label_map of' in text and 'id 9 is not mapped' in text
    assert 'val_dataloader.dataset: missing: ' in text and 'nowhere' in text


def test_broken_samples_are_allowed_as_far_as_the_stream_skips_them(labeled_config: Callable, tmp_path: Path) -> None:
    cfg = config(labeled_config())
    (tmp_path / 'source/images/000.png').write_bytes(b'')
    with pytest.raises(ValueError, match=r'000\.png is empty'):
        check_config(cfg)
    cfg['train_dataloader']['dataset']['max_broken'] = 1
    assert '5 read 4 of 5 found good' in check_config(cfg)[0]


def test_more_than_a_few_broken_samples_are_no_longer_skipped(labeled_config: Callable, tmp_path: Path) -> None:
    cfg = config(labeled_config())
    cfg['train_dataloader']['dataset']['max_broken'] = 100
    for number in range(5):
        write_image(tmp_path / f'source/labels/00{number}.png', np.zeros((15, 32), np.uint8))
    with pytest.raises(ValueError, match=r'all 5 samples .* are broken \(max_broken=100\).*000\.png is 32x15'):
        check_config(cfg)


def test_other_kinds_of_data_sets_are_left_alone() -> None:

    @DATASETS.register_module(force=True)
    class NotMMEngines(list):
        pass

    stream = dict(type='StreamDataset', dataset=dict(type='NotMMEngines'))
    assert check_config(dict(train_dataloader=dict(dataset=stream))) == [
        'train_dataloader.dataset.dataset: NotMMEngines, not checked']


def test_num_classes_of_every_head(labeled_config: Callable) -> None:
    cfg = config(labeled_config())
    cfg['model']['auxiliary_head'][0]['num_classes'] = 19
    with pytest.raises(ValueError, match=r'model\.auxiliary_head\[0\]\.num_classes=19, but LabelMappedDataset has 3'):
        check_config(cfg)


def test_missing_weights_are_named_and_urls_are_left_alone(labeled_config: Callable) -> None:
    cfg = config(labeled_config())
    cfg['model']['backbone'] = dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'))
    check_config(cfg)
    cfg['model']['backbone']['init_cfg']['checkpoint'] = 'nowhere/r101.pth'
    with pytest.raises(ValueError, match=r"model\.backbone\.init_cfg\.checkpoint='nowhere/r101\.pth' does not exist"):
        check_config(cfg)


def test_mmseg_data_sets_are_checked_too(tmp_path: Path) -> None:
    write_image(tmp_path / 'img/a/a_leftImg8bit.png', np.zeros((4, 4, 3), np.uint8))
    prefix = dict(img_path='img', seg_map_path='gt')
    dataset = dict(type='CityscapesDataset', data_root=str(tmp_path), data_prefix=prefix,
                   pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds')])  # yapf: disable
    with pytest.raises(ValueError, match='missing: .*gt'):
        check_config(dict(val_dataloader=dict(dataset=dataset)))
    (tmp_path / 'gt').mkdir()
    with pytest.raises(ValueError, match='a_leftImg8bit.png has no label'):
        check_config(dict(val_dataloader=dict(dataset=dataset)))
    write_image(tmp_path / 'gt/a/a_gtFine_labelTrainIds.png', np.full((4, 4), 19, np.uint8))
    with pytest.raises(ValueError, match=r'has the ids \[19\].*: allowed are 0-18 and 255\..*'
                       r"would fit label_map='cityscapes'"):
        check_config(dict(val_dataloader=dict(dataset=dataset)))


def test_pseudo_labels_are_checked(labeled_config: Callable) -> None:
    pseudo = labeled_config('pseudo', 2)
    branches = dict(type='DomainPairDataset', source=labeled_config(), pseudo_labeled=pseudo)
    assert any(line.startswith('train_dataloader.dataset.pseudo_labeled: ')
               for line in check_config(dict(train_dataloader=dict(dataset=branches))))
    (Path(pseudo['data_root']) / 'labels/001.png').unlink()
    with pytest.raises(ValueError, match='dataset.pseudo_labeled: .*001.png'):
        check_config(dict(train_dataloader=dict(dataset=branches)))


def test_a_teacher_that_would_stand_still_or_see_the_students_view_is_refused(labeled_config: Callable) -> None:
    model = dict(type='StudentTeacherSegmentor', segmentor=dict(), ema_teacher=dict())
    pack = dict(type='PackSegInputs', meta_keys=('img_path', 'teacher_img'))
    pipeline = [*labeled_config()['pipeline'][:2], dict(type='KeepTeacherView'), pack]
    loader = dict(dataset=dict(type='DomainPairDataset', source=labeled_config(pipeline=pipeline)))
    hooks = [dict(type='EMATeacherHook')]
    check_config(dict(model=model, custom_hooks=hooks, train_dataloader=loader))
    with pytest.raises(ValueError, match='nothing updates the teacher. Add dict'):
        check_config(dict(model=model, custom_hooks=[], train_dataloader=loader))
    pack.pop('meta_keys')
    with pytest.raises(ValueError, match='source.pipeline: KeepTeacherView adds .*PackSegInputs does not keep it'):
        check_config(dict(model=model, custom_hooks=hooks, train_dataloader=loader))


def test_missing_files_of_pascal_voc_are_named(tmp_path: Path) -> None:
    """The class of MMSegmentation asserts that they exist, without a message."""
    voc = dict(type='PascalVOCDataset', data_root=str(tmp_path), data_prefix=dict(img_path='JPEGImages'),
               ann_file='trainaug.txt', pipeline=[])
    for dataset in (voc, dict(type='LabelBudgetDataset', n=2, part='unlabeled', dataset=voc)):
        with pytest.raises(ValueError, match=f'missing: {tmp_path}/JPEGImages, {tmp_path}/trainaug.txt'):
            check_config(dict(train_dataloader=dict(dataset=dataset)))
