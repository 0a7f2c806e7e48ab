"""Labelling the unlabelled images of a config with a trained model."""
import os.path as osp
import sys
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple, Union

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather_object, get_rank, is_main_process
from mmseg.registry import DATASETS
from torch import Tensor

from ..datasets.image_views import ImageViews, ImageViewsDataset, build_augment
from ..datasets.preflight import check_config
from ..datasets.unlabeled import prediction_pipeline, without_labels
from ..utils.digests import config_digest, file_digest
from ..utils.file_set import finish_set
from ..utils.prediction_loop import predict_and_write
from ..utils.processes import in_first_process, together
from .predict import MERGES, Labeler, build_labeler, predict_views
from .writer import PseudoLabelWriter

_DEFAULT_AUGMENT = dict(type='SegAutoAugment', policy='imagenet')
_SCANNED = 8  # number of images that are read before labelling starts


@dataclass(frozen=True)
class LabelingOptions:
    """Options of labelling a data set.

    Args:
        views (int): Number of views of each image, including the image itself. UDAS merges 3. Defaults to 3.
        augment (dict, optional): Config of the `SegAugment` that produces the other views. Defaults to AutoAugment's
            ImageNet policy.
        seed (int): Seed of the augmentation, 0 or more. Defaults to 0.
        temperature (float): Temperature of the softmax, above 0. Values below 1 raise the confidences. Defaults to 1.0.
        batch_size (int): Number of images whose views are predicted at once. Defaults to 1.
        workers (int): Number of processes that load images and draw views. Defaults to 2.
        max_broken (int): Number of images that may be skipped because they cannot be read. Defaults to 0.
        merge (str): 'confident', the most confident view of each pixel (UDAS), or 'mean', the mean of their
            probabilities (MRNet). Defaults to 'confident'.

    Raises:
        ValueError: if a value is outside its range, or the geometry of `augment` cannot be undone.
    """
    views: int = 3
    augment: Optional[Dict[str, Any]] = None
    seed: int = 0
    temperature: float = 1.0
    batch_size: int = 1
    workers: int = 2
    max_broken: int = 0
    merge: str = MERGES[0]

    def __post_init__(self) -> None:
        for name, lowest in (('views', 1), ('batch_size', 1), ('seed', 0), ('workers', 0), ('max_broken', 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < lowest:
                raise ValueError(f'{name}={value!r}: allowed are integers of {lowest} or more.')
        if not 0 < self.temperature < float('inf'):
            raise ValueError(f'temperature={self.temperature}: it must be above 0. Values below 1 raise the '
                             'confidences.')
        if self.merge not in MERGES:
            raise ValueError(f'merge={self.merge!r}: allowed are {", ".join(MERGES)}.')
        if self.augment_cfg is not None:
            build_augment(self.augment_cfg).of_view(self.views - 1)

    @property
    def augment_cfg(self) -> Optional[Dict[str, Any]]:
        """The config of the augmentation that produces the other views; None if there are no other views."""
        if self.views == 1:
            return None
        return dict(_DEFAULT_AUGMENT if self.augment is None else self.augment)

    @property
    def header(self) -> Dict[str, Any]:
        """The settings that affect the labels, as stored in index.json."""
        return dict(views=self.views, augment=self.augment_cfg, seed=self.seed, temperature=self.temperature,
                    merge=self.merge)


def write_pseudo_labels(cfg: Config,
                        checkpoint: str,
                        out: str,
                        options: Optional[LabelingOptions] = None,
                        *,
                        dataset: Union[str, dict] = 'target_train',
                        overwrite: bool = False,
                        name: Optional[str] = None) -> Dict[str, Any]:
    """Label a data set with the most confident of several views of each image.

    In a process group, call it in every process: each labels a part of the images. A set that was started with the same
    settings is completed. A complete set of the same images with the same settings is not changed.

    Args:
        cfg (Config): Config of the teacher.
        checkpoint (str): Its weights.
        out (str): Folder of the set. It gets its name when all files are written.
        options (LabelingOptions, optional): Views, batch size and so on. Defaults to those of UDAS.
        dataset (str | dict): Entry of the config with the images, or the config of their data set. Images are loaded
            with the test pipeline, and labels are never opened. Defaults to 'target_train'.
        overwrite (bool): Whether to replace an existing set from other settings. Defaults to False.
        name (str, optional): Name of the config in the index. Defaults to the file name of the config.

    Returns:
        dict: The content of `index.json`, in every process.

    Raises:
        OSError: if a file is missing or cannot be written, or `out` has other files.
        ValueError: if the data, the model and the options do not match, or too many images cannot be read.
        SystemExit: in a process group, if another process has raised one of these.
    """
    options = options or LabelingOptions()
    dataset_cfg, teacher = together(lambda: describe_images(cfg, checkpoint, dataset, name or cfg.filename or ''))
    images, writer = together(lambda: _open(dataset_cfg, out, teacher, options, overwrite))
    complete = together(lambda: None if overwrite else writer.complete())
    if complete is not None:
        return complete
    labeler = together(lambda: build_labeler(cfg, checkpoint))
    together(lambda: labeler.check(writer.classes, options.views, options.temperature))
    return label_dataset(labeler, images, writer, options)


def label_dataset(labeler: Labeler, dataset: BaseDataset, writer: PseudoLabelWriter,
                  options: LabelingOptions) -> Dict[str, Any]:
    """Label the images that have no label yet. With several processes, each labels a part of them.

    Call it in every process of the group, with the model in evaluation mode. The files depend neither on the number of
    processes or workers, nor on interruptions: every batch has `batch_size` images of the same size and is padded with
    copies if there are fewer, and views depend only on the seed and the image.

    Args:
        labeler (Labeler): The model.
        dataset (BaseDataset): Unlabelled images in the writer's order. A sample that fails must not be replaced.
        writer (PseudoLabelWriter): The set.
        options (LabelingOptions): Options of labelling.

    Returns:
        dict: The content of `index.json`, in every process.

    Raises:
        OSError: if a file cannot be written. Files that were written before are kept.
        ValueError: if more than `max_broken` images cannot be read (the others are labelled first), if the views
            cannot be drawn, or if a prediction is not finite.
    """
    pending = in_first_process(writer.begin)
    if is_main_process() and len(pending) < len(dataset):
        print(f'{len(dataset) - len(pending)} of {len(dataset)} labels are kept from an earlier run.', file=sys.stderr)
    augment = None if options.augment_cfg is None else build_augment(options.augment_cfg)

    def write(image: ImageViews, prediction: Tuple[Tensor, Tensor]) -> None:
        label, sure = prediction
        writer.write(image.number, label.cpu().numpy(), sure)

    broken = predict_and_write(
        str(writer.out), ImageViewsDataset(dataset, writer.names, augment, options.views, options.seed), pending,
        lambda group: predict_views(labeler, group, options.batch_size, options.temperature, options.merge), write,
        view_sizes, options.batch_size, options.workers)
    for rank, counts in enumerate(all_gather_object(writer.counts)):
        if rank != get_rank():
            writer.add(counts)
    return in_first_process(lambda: finish_set(writer, broken, options.max_broken, 'labelled'))


def view_sizes(image: ImageViews) -> tuple:
    """Return the sizes of an image's views and its original size, which must be equal in a batch."""
    views = tuple(tuple(sample['inputs'].shape) for sample in image.samples)
    return views, tuple(image.samples[0]['data_samples'].ori_shape)


def describe_images(cfg: Config, checkpoint: str, dataset: Union[str, dict], name: str) -> Tuple[Dict[str, Any], dict]:
    """Return the config of the images, and the description of the model for the index.

    Args:
        cfg (Config): Config of the model.
        checkpoint (str): Its weights.
        dataset (str | dict): See `images_to_label`.
        name (str): Name of the config.

    Raises:
        FileNotFoundError: if the checkpoint does not exist.
        ValueError: see `images_to_label`.
    """
    dataset_cfg = images_to_label(cfg, dataset)
    if not osp.isfile(checkpoint):
        raise FileNotFoundError(f'checkpoint {checkpoint} does not exist (looked in {osp.abspath(osp.curdir)}). '
                                'Use a local file from tools/train.py.')
    return dataset_cfg, dict(config=name, checkpoint=checkpoint, sha256=file_digest(checkpoint),
                             config_digest=labeling_digest(cfg, dataset_cfg['pipeline']))


def _open(dataset_cfg: Dict[str, Any], out: str, teacher: Dict[str, str], options: LabelingOptions,
          overwrite: bool) -> Tuple[BaseDataset, PseudoLabelWriter]:
    """Read some images, and open the set."""
    images = open_checked(dataset_cfg)
    return images, open_set(images, out, teacher, options, overwrite)


def open_checked(dataset_cfg: Dict[str, Any]) -> BaseDataset:
    """Build the data set that `images_to_label` describes, after reading a few images.

    Raises:
        OSError | ValueError: if the images cannot be read.
    """
    # a broken image does not stop the labelling: it is skipped and counted
    lines = check_config(dict(test_dataloader=dict(dataset=dict(max_broken=_SCANNED, dataset=dataset_cfg))), _SCANNED)
    if is_main_process():
        print('\n'.join(lines).replace('test_dataloader.dataset.dataset', 'to label'), flush=True)
    return open_images(dataset_cfg)


def images_to_label(cfg: Config, dataset: Union[str, dict]) -> Dict[str, Any]:
    """Return the config of the images to label, with the test pipeline and without labels.

    Args:
        cfg (Config): Config with the test pipeline and the images.
        dataset (str | dict): Key of the data set in the config, or the config of the data set.

    Raises:
        ValueError: if there is no such data set, no test pipeline, or a test pipeline with random changes.
    """
    found = cfg.get(dataset) if isinstance(dataset, str) else dataset
    kind = DATASETS.get(found['type']) if isinstance(found, dict) and 'type' in found else None
    if not (isinstance(kind, type) and issubclass(kind, BaseDataset)):
        known = sorted(name for name, value in cfg.items() if isinstance(value, dict) and 'data_prefix' in value)
        raise ValueError(f'the config has no data set {dataset!r} to label; its data sets are {known}. Add it, as in '
                         'configs/_base_/datasets, or name another one with --dataset.')
    found = without_labels(found, prediction_pipeline(cfg))
    return {**found, 'test_mode': False}


def open_images(dataset_cfg: Dict[str, Any]) -> BaseDataset:
    """Build the data set that `images_to_label` describes."""
    images = DATASETS.build(dataset_cfg)
    images.test_mode = True  # do not replace a sample that fails by another one
    return images


def open_set(images: BaseDataset, out: str, teacher: Dict[str, Any], options: LabelingOptions,
             overwrite: bool) -> PseudoLabelWriter:
    """Open the set for the labels of these images.

    Raises:
        ValueError: if there are no images, or two images would have the same file.
    """
    paths = [images.get_data_info(index)['img_path'] for index in range(len(images))]
    return PseudoLabelWriter(out, paths, images.data_prefix['img_path'], images.metainfo.get('classes') or (), teacher,
                             overwrite=overwrite, **options.header)


def labeling_digest(cfg: Config, pipeline: Sequence[dict]) -> str:
    """Return the SHA-256 of the config's settings that affect labels: the model and the pipeline."""
    return config_digest(dict(model=cfg.to_dict()['model'], pipeline=[dict(step) for step in pipeline]))
