"""A whole source data set in the target's style: read, translated, written, checked and reported."""
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.dist import all_gather_object, is_main_process
from mmseg.registry import DATASETS

from ..datasets.preflight import check_config
from ..datasets.transforms.loading import loads_labels
from ..utils.digests import config_digest, file_digest
from ..utils.processes import together
from .domain_distance import build_backbone
from .report import verify_images, write_report
from .translate import build_translator, translate_dataset
from .writer import TranslationWriter


def write_translations(cfg: Config,
                       checkpoint: str,
                       out: str,
                       *,
                       size: Optional[Tuple[int, int]] = None,
                       file_format: str = 'png',
                       quality: int = 95,
                       backbone: Optional[str] = None,
                       batch_size: Optional[int] = None,
                       workers: Optional[int] = None,
                       overwrite: bool = False,
                       update: bool = False,
                       name: str = '') -> None:
    """Translate, check and report; what `tools/translate.py` does, in every process of a group.

    Args:
        cfg (Config): The translator's config, with `translate_dataloader`.
        checkpoint (str): Its checkpoint.
        out (str): Folder for the images. What was written whole there is kept.
        size (tuple[int, int], optional): (width, height) of the files. Defaults to that of each source image.
        file_format (str): 'png' or 'jpg'. Defaults to 'png'.
        quality (int): Of JPEG files, 1-100. Defaults to 95.
        backbone (str, optional): Segmentation config whose pretrained backbone measures the feature distance.
        batch_size (int, optional): Images at a time. Defaults to the config's.
        workers (int, optional): Processes that load images. Defaults to the config's.
        overwrite (bool): Begin anew where `out` was made with something else. Defaults to False.
        update (bool): Go on although images came to the source or left it. Defaults to False.
        name (str): What the index calls the config. Defaults to ''.

    Raises:
        OSError: if a file cannot be written; what was written whole is kept.
        ValueError: if the config, the checkpoint, an image or what is in `out` does not fit.
    """
    wanted = backbone and is_main_process()  # first: a mistake here should not show after hours
    network = build_backbone(Config.fromfile(backbone), device=get_device()) if wanted else None
    dataset, target = _open_data(cfg)
    model = build_translator(cfg, checkpoint)
    loader = cfg.translate_dataloader
    names = dict(config=name, checkpoint=checkpoint)
    writer = TranslationWriter(out, _paths_of(dataset), dataset.data_prefix['img_path'],
                               {**names, **_digests(cfg, checkpoint)}, size, file_format, quality)
    together(lambda: writer.begin(overwrite, update) if is_main_process() else None)
    broken = translate_dataset(model, dataset, writer,
                               loader.get('batch_size', 4) if batch_size is None else batch_size,
                               loader.get('num_workers', 2) if workers is None else workers)
    broken = [problem for problems in all_gather_object(broken) for problem in problems]
    if is_main_process():
        _finish(writer, broken)
        _report(writer, target, network, names)


def source_config(cfg: Config) -> Dict[str, Any]:
    """Config of the images to translate, without their labels.

    Raises:
        ValueError: if the config does not say which, or changes them by chance.
    """
    dataset_cfg = (cfg.get('translate_dataloader') or {}).get('dataset')
    if not dataset_cfg:
        raise ValueError('the config has no `translate_dataloader`, which says what is translated. Add '
                         'translate_dataloader=dict(batch_size=4, num_workers=4, dataset=...), as in '
                         'configs/translation/cyclegan_gta2cs.py.')
    kind = DATASETS.get(dataset_cfg['type'])
    if not (isinstance(kind, type) and issubclass(kind, BaseDataset)):
        raise ValueError(f'translate_dataloader.dataset is a {dataset_cfg["type"]}: it must be a single data set of '
                         'images, such as LabelMappedDataset.')
    prefix = {name: path for name, path in (dataset_cfg.get('data_prefix') or {}).items() if name != 'seg_map_path'}
    steps = [step for step in dataset_cfg.get('pipeline') or [] if not loads_labels(step)]
    names = [str(step['type']) for step in steps]
    changing = [name for name in names if name.startswith('Random') or name == 'PhotoMetricDistortion']
    if changing or names[-1:] != ['PackSegInputs']:
        raise ValueError(f'translate_dataloader.dataset.pipeline is {names}: whole images are translated, always '
                         'alike. Write LoadVerifiedImage, perhaps Resize, and PackSegInputs.')
    # not what was translated before
    dataset_cfg = {key: value for key, value in dataset_cfg.items() if key != 'translated_root'}
    return {**dataset_cfg, 'data_prefix': {'img_path': '', **prefix}, 'pipeline': steps}


def _open_data(cfg: Config) -> Tuple[BaseDataset, Optional[BaseDataset]]:
    """The images to translate, and the target's that the translator was trained with, if the config tells.

    Raises:
        ValueError: if there are none, or some of the first that are read are broken.
    """
    source = source_config(cfg)
    target = (cfg.get('train_dataloader') or {}).get('dataset', {}).get('target')
    loaders = dict(test_dataloader=dict(dataset=source))
    if target:
        loaders['train_dataloader'] = dict(dataset=dict(target=target))
    try:
        summary = check_config(loaders)
    except ValueError as error:
        raise ValueError(str(error).replace('test_dataloader', 'translate_dataloader')) from error
    if is_main_process():
        print('\n'.join(summary).replace('test_dataloader', 'translate_dataloader'), flush=True)
    dataset = DATASETS.build(source)
    dataset.test_mode = True  # a sample that fails is not replaced by another one
    return dataset, DATASETS.build(target) if target else None


def _paths_of(dataset: BaseDataset) -> List[str]:
    return [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]


def _report(writer: TranslationWriter, target: Optional[BaseDataset], network: Any, facts: Dict[str, str]) -> None:
    """Write the report on the images and their translations, beside the target's, and print the distances."""
    if target is None:
        print('no report: the config has no train_dataloader.dataset.target to compare with', flush=True)
        return
    folder = f'{writer.out}_report'
    distances = write_report(folder, writer.images, [str(writer.out / name) for name in writer.names],
                             _paths_of(target), network, facts=facts)
    for kind, unit in (('color_distance', 'of colours, in Lab units'), ('feature_distance', 'of features')):
        if distances[kind]:
            print('distance {}: {:.3g} before, {:.3g} after'.format(unit, distances[kind]['before'],
                                                                   distances[kind]['after']))
    print(f'{folder}/report.md and samples.png')


def _digests(cfg: Config, checkpoint: str) -> Dict[str, str]:
    """What decides the pixels of a translation, and nothing that only training needs."""
    decisive = dict(generator=cfg.model['generator'], preprocessor=cfg.model.get('data_preprocessor'),
                    pipeline=source_config(cfg)['pipeline'])
    return dict(sha256=file_digest(checkpoint), config_digest=config_digest(decisive))


def _finish(writer: TranslationWriter, broken: List[str]) -> None:
    """Complete the set, if every image was read and every file opens.

    Raises:
        ValueError: if not.
    """
    count = len(writer.names)
    if broken:
        raise ValueError(f'{len(broken)} of {count} source images cannot be read; the others are translated:\n- '
                         + '\n- '.join(broken) + '\nMend them and give the same command, or take them off the list and '
                         'add --update.')
    _check(writer)
    writer.finish()
    print(f'{writer.out}: {count} images, every one of them was opened', flush=True)


def _check(writer: TranslationWriter) -> None:
    """Open every file; damaged ones are deleted, so that the next run makes them again.

    Raises:
        ValueError: if there were any.
    """
    paths = [str(writer.out / name) for name in writer.names]
    damaged = verify_images(paths, sizes=None if writer.size is None else [writer.size] * len(paths))
    for file in damaged:
        Path(file.path).unlink(missing_ok=True)
    if damaged:
        listed = '\n- '.join(file.problem for file in damaged[:10])
        raise ValueError(f'{len(damaged)} of {len(paths)} translations were damaged and are deleted:\n- {listed}\n'
                         'Give the same command again to make them anew.')
