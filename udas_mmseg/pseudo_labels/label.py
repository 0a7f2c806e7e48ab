"""Labelling the unlabelled images of a config with a trained model."""
import os.path as osp
import sys
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
from .agreement import check_heads
from .options import LabelingOptions, check_compared
from .predict import Labeler, build_labeler, predict_agreement
from .prior import correct_prior
from .writer import PseudoLabelWriter

_SCANNED = 8  # number of images that are read before labelling starts


def write_pseudo_labels(cfg: Config,
                        checkpoint: str,
                        out: str,
                        options: Optional[LabelingOptions] = None,
                        *,
                        dataset: Union[str, dict] = 'target_train',
                        also: Sequence[Tuple[Config, str]] = (),
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
        also (Sequence[tuple[Config, str]]): Configs and weights of further teachers, such as earlier checkpoints or
            teachers of earlier rounds, whose predictions are merged with those of the first. Defaults to none.
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
    images, writer = together(lambda: _open(dataset_cfg, out, teacher, options, also, overwrite))
    complete = together(lambda: None if overwrite else writer.complete())
    if complete is not None:
        return complete
    labelers = together(lambda: [build_labeler(*model) for model in ((cfg, checkpoint), *also)])
    together(lambda: check_labelers(labelers, writer.classes, options))
    return label_dataset(labelers[0], images, writer, options, labelers[1:])


def check_labelers(labelers: Sequence[Labeler], classes: Sequence[str], options: LabelingOptions) -> None:
    """Check that teachers can label images of these classes with these options.

    Raises:
        ValueError: if a teacher has other classes or lacks a head, or there is nothing to compare.
    """
    predictions = check_compared(options, len(labelers))
    for labeler in labelers:
        labeler.check(classes, predictions + (options.prior is not None), options.temperature)
        check_heads(labeler.segmentor, options.comparison)


def label_dataset(labeler: Labeler, dataset: BaseDataset, writer: PseudoLabelWriter, options: LabelingOptions,
                  also: Sequence[Labeler] = ()) -> Dict[str, Any]:
    """Label the images that have no label yet. With several processes, each labels a part of them.

    Call it in every process of the group, with the model in evaluation mode. The files depend neither on the number of
    processes or workers, nor on interruptions: every batch has `batch_size` images of the same size and is padded with
    copies if there are fewer, and views depend only on the seed and the image.

    Args:
        labeler (Labeler): The model.
        dataset (BaseDataset): Unlabelled images in the writer's order. A sample that fails must not be replaced.
        writer (PseudoLabelWriter): The set.
        options (LabelingOptions): Options of labelling.
        also (Sequence[Labeler]): Further models, whose predictions are merged with its own. Defaults to none.

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

    views = ImageViewsDataset(dataset, writer.names, augment, options.views, options.seed)
    labelers, agreement, correction = [labeler, *also], options.comparison, options.correction
    if correction is not None:
        corrected = [correct_prior(each, views, correction, options.temperature) for each in labelers]
        labelers, writer.priors = [each for each, _ in corrected], [shares for _, shares in corrected]

    def write(image: ImageViews, prediction: Tuple[Tensor, Tensor, Optional[float]]) -> None:
        label, sure, score = prediction
        writer.write(image.number, label.cpu().numpy(), sure, score)

    broken = predict_and_write(
        f'labelling: {writer.out.name}', views, pending,
        lambda group: predict_agreement(labelers, group, options.batch_size, options.temperature, options.merge,
                                        agreement), write, view_sizes, options.batch_size, options.workers)
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
          also: Sequence[Tuple[Config, str]], overwrite: bool) -> Tuple[BaseDataset, PseudoLabelWriter]:
    """Read some images, and open the set."""
    images = open_checked(dataset_cfg)
    return images, open_set(images, out, teacher, options, overwrite, [file_digest(path) for _, path in also])


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


def open_set(images: BaseDataset, out: str, teacher: Dict[str, Any], options: LabelingOptions, overwrite: bool,
             also: Sequence[str] = ()) -> PseudoLabelWriter:
    """Open the set for the labels of these images.

    Raises:
        ValueError: if there are no images, or two images would have the same file.
    """
    paths = [images.get_data_info(index)['img_path'] for index in range(len(images))]
    return PseudoLabelWriter(out, paths, images.data_prefix['img_path'], images.metainfo.get('classes') or (), teacher,
                             also=also, overwrite=overwrite, **options.header)


def labeling_digest(cfg: Config, pipeline: Sequence[dict]) -> str:
    """Return the SHA-256 of the config's settings that affect labels: the model and the pipeline."""
    return config_digest(dict(model=cfg.to_dict()['model'], pipeline=[dict(step) for step in pipeline]))
