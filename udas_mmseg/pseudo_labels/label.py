"""Pseudo-labels of a config's unlabelled images, by a trained model."""
import os.path as osp
from typing import Any, Dict, Optional, Sequence, Tuple, Union

from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS, TRANSFORMS

from ..datasets.preflight import check_config
from ..datasets.transforms.loading import loads_labels
from ..models.trained import build_original, load_checkpoint
from ..utils.digests import config_digest, file_digest
from ..utils.processes import together
from .view_labeling import LabelingOptions, check_labeler, label_dataset
from .view_prediction import Labeler
from .writer import PseudoLabelWriter

_SCANNED = 8  # images that are read before anything is labelled


def write_pseudo_labels(cfg: Config,
                        checkpoint: str,
                        out: str,
                        *,
                        dataset: Union[str, dict] = 'target_train',
                        views: int = 3,
                        augment: Optional[Dict[str, Any]] = None,
                        seed: int = 0,
                        temperature: float = 1.0,
                        batch_size: int = 1,
                        workers: int = 2,
                        max_broken: int = 0,
                        overwrite: bool = False,
                        name: Optional[str] = None) -> Dict[str, Any]:
    """Label a data set by the most confident of several views of each image.

    In a process group, call it in every process: each labels its share. A set that was begun with the same is
    completed; one that is complete and was made of the same images with the same is left as it is.

    Args:
        cfg (Config): Config that the teacher was trained with.
        checkpoint (str): Its weights.
        out (str): Folder of the set; it appears when all is written.
        dataset (str | dict): Which entry of the config has the images, or their data set's config. Images are loaded
            by the test pipeline; labels are never opened. Defaults to 'target_train'.
        views (int): Views of each image, the image itself among them; 1 is plain inference. Defaults to 3, as in UDAS.
        augment (dict, optional): Config of the `SegAugment` that the further views are drawn from. Defaults to
            AutoAugment's ImageNet policy.
        seed (int): Of the draws. Defaults to 0.
        temperature (float): Of the softmax; below 1 sharpens. Defaults to 1.0.
        batch_size (int): Images whose views are predicted at once. Defaults to 1.
        workers (int): Processes that load images and draw views. Defaults to 2.
        max_broken (int): Images that may be left out because they cannot be read. Defaults to 0.
        overwrite (bool): Replace a set that was made with something else. Defaults to False.
        name (str, optional): What the index calls the config. Defaults to the config's file.

    Returns:
        dict: The content of `index.json`, in every process.

    Raises:
        OSError: if a file is missing or cannot be written, or `out` holds something else.
        ValueError: if the data, the model and the options do not fit together, or too many images cannot be read.
        SystemExit: in a process group, where another process has raised one of these.
    """
    options = together(
        lambda: LabelingOptions(views, augment, seed, temperature, batch_size, workers, max_broken))
    images, writer = together(
        lambda: _prepare(cfg, checkpoint, out, dataset, options, overwrite, name or cfg.filename or ''))
    complete = together(lambda: None if overwrite else writer.complete())
    if complete is not None:
        return complete
    labeler = together(lambda: build_teacher(cfg, checkpoint, writer.classes, options))
    return label_dataset(labeler, images, writer, options)


def _prepare(cfg: Config, checkpoint: str, out: str, dataset: Union[str, dict], options: LabelingOptions,
             overwrite: bool, name: str) -> Tuple[BaseDataset, PseudoLabelWriter]:
    """Open the images, and describe the set."""
    dataset_cfg = unlabeled_dataset(cfg, dataset)
    teacher = describe_teacher(cfg, checkpoint, dataset_cfg['pipeline'], name)
    # a broken image is no reason to stop here: it is left out, and counted
    lines = check_config(dict(test_dataloader=dict(dataset=dict(max_broken=_SCANNED, dataset=dataset_cfg))), _SCANNED)
    if is_main_process():
        print('\n'.join(lines).replace('test_dataloader.dataset.dataset', 'to label'), flush=True)
    images = open_images(dataset_cfg)
    return images, open_set(images, out, teacher, options, overwrite)


def open_images(dataset_cfg: Dict[str, Any]) -> BaseDataset:
    """Build the data set that `unlabeled_dataset` describes."""
    images = DATASETS.build(dataset_cfg)
    images.test_mode = True  # a sample that fails is not replaced by another one
    return images


def open_set(images: BaseDataset, out: str, teacher: Dict[str, Any], options: LabelingOptions,
             overwrite: bool) -> PseudoLabelWriter:
    """The set that the labels of these images go to.

    Raises:
        ValueError: if there are no images, or two would have the same file.
    """
    paths = [images.get_data_info(index)['img_path'] for index in range(len(images))]
    return PseudoLabelWriter(out, paths, images.data_prefix['img_path'], images.metainfo.get('classes') or (), teacher,
                             overwrite=overwrite, **options.header)


def unlabeled_dataset(cfg: Config, dataset: Union[str, dict]) -> Dict[str, Any]:
    """Config of images to label, loaded by the test pipeline without labels.

    Args:
        cfg (Config): Has the test pipeline, and under the key `dataset` the images.
        dataset (str | dict): That key, or the config itself.

    Raises:
        ValueError: if there is no such data set, no test pipeline, or one that changes images by chance.
    """
    found = cfg.get(dataset) if isinstance(dataset, str) else dataset
    kind = DATASETS.get(found['type']) if isinstance(found, dict) and 'type' in found else None
    if not (isinstance(kind, type) and issubclass(kind, BaseDataset)):
        known = sorted(name for name, value in cfg.items() if isinstance(value, dict) and 'data_prefix' in value)
        raise ValueError(f'the config has no data set {dataset!r} to label; its data sets are {known}. Add it, as in '
                         'configs/_base_/datasets, or name another one with --dataset.')
    pipeline = (cfg.get('test_dataloader') or {}).get('dataset', {}).get('pipeline') or cfg.get('test_pipeline')
    if not pipeline:
        raise ValueError('the config has neither test_dataloader.dataset.pipeline nor test_pipeline, so that nothing '
                         'says how images are loaded. Add `test_pipeline`, as in configs/_base_/datasets.')
    steps = [_verified(step) for step in pipeline if not loads_labels(step)]
    names = [str(step['type']) for step in steps]
    if names[-1:] != ['PackSegInputs'] or any(name.startswith('Random') for name in names):
        raise ValueError(f'the test pipeline is {names}: whole images are labelled, always alike. Write '
                         'LoadVerifiedImage, perhaps Resize, and PackSegInputs.')
    prefix = {name: path for name, path in (found.get('data_prefix') or {}).items() if name != 'seg_map_path'}
    return {**found, 'data_prefix': {'img_path': '', **prefix}, 'pipeline': steps, 'test_mode': False}


def _verified(step: Dict[str, Any]) -> Dict[str, Any]:
    """The step, or in place of MMCV's image loader one that loads the same and names broken files."""
    return {**step, 'type': 'LoadVerifiedImage'} if TRANSFORMS.get(step['type']) is LoadImageFromFile else step


def build_teacher(cfg: Config, checkpoint: str, classes: Sequence[str], options: LabelingOptions) -> Labeler:
    """The trained segmentor, in evaluation mode on the best device.

    Raises:
        ValueError: if the checkpoint does not fit the config, or the model's classes are not the data's.
    """
    content = load_checkpoint(checkpoint)
    labeler = Labeler.of(build_original(cfg, content.get('state_dict', content)).to(get_device()))
    check_labeler(labeler, classes, options)
    return labeler


def describe_teacher(cfg: Config, checkpoint: str, pipeline: Sequence[dict], name: str) -> Dict[str, str]:
    """Where labels come from, as the index tells it.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
    """
    if not osp.isfile(checkpoint):
        raise FileNotFoundError(f'checkpoint {checkpoint} does not exist (looked in {osp.abspath(osp.curdir)}). '
                                'Give a local file that tools/train.py wrote.')
    return dict(config=name, checkpoint=checkpoint, sha256=file_digest(checkpoint),
                config_digest=decisive_digest(cfg, pipeline))


def decisive_digest(cfg: Config, pipeline: Sequence[dict]) -> str:
    """SHA-256 of what decides labels besides weights: the model and the pipeline."""
    return config_digest(dict(model=cfg.to_dict()['model'], pipeline=[dict(step) for step in pipeline]))
