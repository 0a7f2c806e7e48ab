"""Translating a whole source data set into the style of the target: writing, checking and reporting."""
import copy
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS, MODELS
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..datasets import SampleError
from ..datasets.preflight import check_config
from ..datasets.unlabeled import predicts_alike, without_labels
from ..models.trained import load_checkpoint
from ..utils.digests import config_digest, file_digest
from ..utils.prediction_loop import Unreadable, predict_and_write
from ..utils.processes import in_first_process
from .checkpoint_hook import check_image_format
from .cyclegan import DOMAINS
from .domain_distance import build_backbone
from .report import verify_images, write_report
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
    """Translate, check and report, as `tools/translate.py` does. Call it in every process of a group.

    Args:
        cfg (Config): The translator's config, with `translate_dataloader`.
        checkpoint (str): Its checkpoint.
        out (str): Folder for the images. Existing images are kept.
        size (tuple[int, int], optional): (width, height) of the files. Defaults to that of each source image.
        file_format (str): 'png' or 'jpg'. Defaults to 'png'.
        quality (int): Quality of JPEG files, 1-100. Defaults to 95.
        backbone (str, optional): Segmentation config whose pretrained backbone measures the feature distance.
        batch_size (int, optional): Number of images in a batch. Defaults to that of the config.
        workers (int, optional): Number of processes that load images. Defaults to that of the config.
        overwrite (bool): Whether to replace translations from other settings. Defaults to False.
        update (bool): Whether to continue although images were added to the source or removed. Defaults to False.
        name (str): Name of the config in the index. Defaults to ''.

    Raises:
        OSError: if a file cannot be written. Images that were written before are kept.
        ValueError: if the config, the checkpoint, an image or the content of `out` cannot be used.
    """
    wanted = backbone and is_main_process()  # first, so that a mistake is not found after hours
    network = build_backbone(Config.fromfile(backbone), device=get_device()) if wanted else None
    dataset, target = _open_data(cfg)
    model = build_translator(cfg, checkpoint)
    loader = cfg.translate_dataloader
    names = dict(config=name, checkpoint=checkpoint)
    writer = TranslationWriter(out, _paths_of(dataset), dataset.data_prefix['img_path'],
                               {**names, **_digests(cfg, checkpoint)}, size, file_format, quality, overwrite)
    broken = translate_dataset(model, dataset, writer,
                               loader.get('batch_size', 4) if batch_size is None else batch_size,
                               loader.get('num_workers', 2) if workers is None else workers, update)
    if is_main_process():
        _finish(writer, broken)
        _report(writer, target, network, names)


def build_translator(cfg: Config, checkpoint: str) -> nn.Module:
    """Build the trained translator of a config, in evaluation mode on the best device.

    Args:
        cfg (Config): Config of a `DomainCycleGAN`.
        checkpoint (str): Its weights.

    Raises:
        FileNotFoundError: if the checkpoint does not exist.
        ValueError: if weights are missing in the checkpoint, or it was trained on images of another format.
    """
    content = load_checkpoint(checkpoint)
    model = MODELS.build({**cfg.model, 'semantic_consistency': None}).eval()  # only training needs it
    weights, wanted = content.get('state_dict', content), model.state_dict()
    generators = [key for key in wanted if key.startswith('generators.')]
    missing = [key for key in generators if key not in weights or weights[key].shape != wanted[key].shape]
    broken = [key for key in generators if key not in missing and not torch.isfinite(weights[key]).all()]
    if broken:
        raise ValueError(f'checkpoint {checkpoint} has weights that are not finite ({", ".join(broken[:3])}): every '
                         'translation would be black. Use an earlier one.')
    if missing:
        raise ValueError(f'checkpoint {checkpoint} does not match the config: {len(missing)} of {len(generators)} '
                         f'weights of the generators are missing or have another shape ({", ".join(missing[:3])}). '
                         'Use the config and the --cfg-options of its training.')
    check_image_format(content.get('meta') or {}, model.image_format)
    model.load_state_dict({key: weights[key] for key in generators}, strict=False)
    return model.to(get_device())


class _Image(NamedTuple):
    """An image (3, H, W) uint8 BGR at the size of the translation, and the original width and height."""
    number: int
    pixels: Tensor
    size: Tuple[int, int]


class _Images(Dataset):
    """Samples of a data set as `_Image` or `Unreadable`."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Union[_Image, Unreadable]:
        try:
            sample = self.dataset[index]
        except (SampleError, OSError) as error:
            return Unreadable(index, str(error))
        height, width = sample['data_samples'].ori_shape[:2]
        return _Image(index, sample['inputs'], (width, height))


def translate_dataset(model: nn.Module,
                      dataset: Dataset,
                      writer: TranslationWriter,
                      batch_size: int = 4,
                      workers: int = 2,
                      update: bool = False) -> List[str]:
    """Translate the images that have no translation yet. With several processes, each translates a part of them.

    Every batch has `batch_size` images of the same size and is padded with copies if there are fewer, because rounding
    in the networks depends on the size of a batch. A file therefore does not depend on interruptions, on unreadable
    images, or on the number of processes or images.

    Args:
        model (nn.Module): `DomainCycleGAN`, or any model with its `translate`.
        dataset (Dataset): Unlabelled images in the writer's order. The pipeline ends with `PackSegInputs`.
        writer (TranslationWriter): The set.
        batch_size (int): Number of images that are translated together, at least 1. Defaults to 4.
        workers (int): Number of processes that load images. Defaults to 2.
        update (bool): Whether images may have been added to the source or removed. Defaults to False.

    Returns:
        list[str]: A message for each image that cannot be read. All other images are translated.

    Raises:
        OSError: if a file cannot be written. Files that were written before are kept.
        ValueError: if the size of a batch is less than 1.
    """
    if batch_size < 1:
        raise ValueError(f'batch_size={batch_size}: it must be 1 or more.')

    def translate(group: List[_Image]) -> np.ndarray:
        images = torch.stack([image.pixels for image in group])
        images = images[torch.arange(batch_size).clamp(max=len(images) - 1)]
        return model.translate(images).permute(0, 2, 3, 1).contiguous().cpu().numpy()

    pending = in_first_process(lambda: writer.begin(update))
    broken = predict_and_write(
        f'translating: {writer.out.name}', _Images(dataset), pending, translate,
        lambda image, pixels: writer.write(image.number, pixels, image.size),
        lambda image: tuple(image.pixels.shape), batch_size, workers)
    return list(broken.values())


def images_to_translate(cfg: Config) -> Dict[str, Any]:
    """Return the config of the images to translate, without their labels.

    Raises:
        ValueError: if `translate_dataloader` is missing, has several data sets, or changes images randomly.
    """
    dataset_cfg = (cfg.get('translate_dataloader') or {}).get('dataset')
    if not dataset_cfg:
        raise ValueError('the config has no `translate_dataloader` with the images to translate. Add '
                         'translate_dataloader=dict(batch_size=4, num_workers=4, dataset=...), as in '
                         'configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py.')
    kind = DATASETS.get(dataset_cfg['type'])
    if not (isinstance(kind, type) and issubclass(kind, BaseDataset)):
        raise ValueError(f'translate_dataloader.dataset is a {dataset_cfg["type"]}: it must be a single data set of '
                         'images, such as LabelMappedDataset.')
    found = without_labels(dataset_cfg)
    if not predicts_alike(found['pipeline']):
        names = [str(step['type']) for step in found['pipeline']]
        raise ValueError(f'translate_dataloader.dataset.pipeline is {names}, but translation needs whole images '
                         'without random changes. Use LoadVerifiedImage, optionally Resize, and PackSegInputs.')
    found.pop('translated_root', None)  # an earlier translation
    return found


def to_source(cfg: Config) -> Config:
    """Return a config that translates the target images of a translator's training into the style of the source.

    They are loaded as in the training, but without random crops and flips.

    Raises:
        ValueError: if the config has no source and target images of a training.
    """
    cfg = copy.deepcopy(cfg)
    pair = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    if not {*DOMAINS} <= {*pair}:
        raise ValueError(f'train_dataloader.dataset of {cfg.filename} has no `source` and `target`, so it is unknown '
                         'which images to translate into the style of the source. Use the config of the training.')
    steps = [step for step in pair['target']['pipeline'] if not step['type'].startswith('Random')]
    images = {**pair['target'], 'pipeline': steps}
    cfg.translate_dataloader = {**(cfg.get('translate_dataloader') or {}), 'dataset': images}
    pair['target'] = {**without_labels(pair['source']), 'translated_root': None}  # with which the report compares
    cfg.model.translate_to = DOMAINS[0]
    return cfg


def _open_data(cfg: Config) -> Tuple[BaseDataset, Optional[BaseDataset]]:
    """Open the images to translate, and the target images of the translator's training if the config has them.

    Raises:
        ValueError: if there are none, or some of the first images are broken.
    """
    source = images_to_translate(cfg)
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
    dataset.test_mode = True  # do not replace a sample that fails by another one
    return dataset, DATASETS.build(target) if target else None


def _paths_of(dataset: BaseDataset) -> List[str]:
    return [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]


def _digests(cfg: Config, checkpoint: str) -> Dict[str, str]:
    """Return digests of the weights, and of the settings that affect the pixels of a translation."""
    settings = dict(generator=cfg.model['generator'], preprocessor=cfg.model.get('data_preprocessor'),
                    pipeline=images_to_translate(cfg)['pipeline'])
    if cfg.model.get('translate_to', DOMAINS[1]) != DOMAINS[1]:
        settings['to'] = cfg.model['translate_to']
    return dict(sha256=file_digest(checkpoint), config_digest=config_digest(settings))


def _finish(writer: TranslationWriter, broken: List[str]) -> None:
    """Complete the set if every image was read and every file is complete.

    Raises:
        ValueError: if this is not the case.
    """
    count = len(writer.names)
    if broken:
        raise ValueError(f'{len(broken)} of {count} source images cannot be read; the others are translated:\n- '
                         + '\n- '.join(broken) + '\nRepair them and run the same command again, or remove them from '
                         'the list and add --update.')
    _check(writer)
    writer.finish()
    print(f'{writer.out}: {count} images, all of them checked', flush=True)


def _check(writer: TranslationWriter) -> None:
    """Check every file, and delete damaged ones, so that the next run writes them again.

    Raises:
        ValueError: if there were damaged files.
    """
    paths = writer.translations
    damaged = verify_images(paths, sizes=None if writer.size is None else [writer.size] * len(paths))
    for file in damaged:
        Path(file.path).unlink(missing_ok=True)
    if damaged:
        listed = '\n- '.join(file.problem for file in damaged[:10])
        raise ValueError(f'{len(damaged)} of {len(paths)} translations were damaged and are deleted:\n- {listed}\n'
                         'Run the same command again to write them again.')


def _report(writer: TranslationWriter, target: Optional[BaseDataset], network: Any, facts: Dict[str, str]) -> None:
    """Write the report on the images and their translations, and print the distances to the target."""
    if target is None:
        print('no report: the config has no train_dataloader.dataset.target to compare with', flush=True)
        return
    folder = f'{writer.out}_report'
    distances = write_report(folder, writer.images, writer.translations, _paths_of(target), network, facts=facts)
    for kind, unit in (('color_distance', 'of colours, in Lab units'), ('feature_distance', 'of features')):
        if distances[kind]:
            print('distance {}: {:.3g} before, {:.3g} after'.format(unit, distances[kind]['before'],
                                                                   distances[kind]['after']))
    print(f'{folder}/report.html')
