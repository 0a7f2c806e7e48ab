"""Predicting files: images of any number and size, or videos."""
import os
import os.path as osp
from functools import partial
from typing import Any, Dict, Optional, Sequence, Tuple, Union

from mmengine.config import Config
from torch import Tensor

from ..utils.console import quiet_while
from ..utils.digests import config_digest, file_digest
from ..utils.file_set import finish_set
from ..utils.prediction_loop import predict_and_write
from ..utils.processes import in_first_process, together
from .image_list import ImageList, find_images
from .image_samples import ImageSample, ImageSamples
from .prediction_set import PredictionOptions, PredictionWriter, begin_set, written_ids
from .predictor import Predictor, size_of
from .video import VideoWriter, predict_videos

PathLike = Union[str, 'os.PathLike[str]']


def predict(config: Union[PathLike, Config],
            checkpoint: PathLike,
            images: Union[PathLike, Sequence[PathLike]],
            out: PathLike,
            options: Optional[PredictionOptions] = None,
            *,
            device: Optional[str] = None,
            overwrite: bool = False,
            update: bool = False,
            allow_partial: bool = False,
            cfg_options: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    """Predict images or videos and write the predictions to a folder, as `tools/predict.py` does.

    In a process group, call it in every process: each predicts a part. A folder that was started with the same settings
    is completed. Files depend neither on interruptions nor on the number of processes; with a `batch_size` above 1,
    single pixels may differ on devices whose rounding depends on the size of a batch.

    Args:
        config (str | PathLike | Config): Config of the model.
        checkpoint (str | PathLike): Its weights.
        images (str | PathLike | Sequence): Images, folders, list files, or videos; see `find_images`.
        out (str | PathLike): The folder.
        options (PredictionOptions, optional): Kinds of files, batch size and so on.
        device (str, optional): As in `Predictor`.
        overwrite (bool): Whether to replace predictions from other settings. Defaults to False.
        update (bool): Whether to continue although images were added or removed. Predictions of removed images are
            deleted. Defaults to False.
        allow_partial (bool): As in `Predictor`.
        cfg_options (dict, optional): As in `Predictor`.

    Returns:
        dict: The content of `index.json`, in every process.

    Raises:
        OSError: if a file is missing or cannot be written, or `out` has other files.
        ValueError: if the model and the options do not match, or too many images cannot be read (all others are
            predicted first).
        SystemExit: in a process group, if another process has raised one of these.
    """
    options = options or PredictionOptions()
    out = os.fspath(out)
    found = together(lambda: _find(images, out))
    predictor = together(lambda: Predictor(config, checkpoint, device, allow_partial, cfg_options))
    writer = together(lambda: _open(found, out, predictor, checkpoint, options, overwrite))
    with quiet_while():
        if isinstance(writer, VideoWriter):
            return predict_videos(predictor, writer, update)
        return predict_set(predictor, writer, update)


def predict_set(predictor: Predictor, writer: PredictionWriter, update: bool = False) -> Dict[str, Any]:
    """Predict the images of a set that have no files yet; see `predict`."""
    options = writer.options
    pending = begin_set(writer, update)

    def write(sample: ImageSample, prediction: Tuple[Tensor, Optional[Tensor]]) -> None:
        writer.write(sample.number, predictor.result(sample, prediction))

    broken = predict_and_write(
        f'predicting: {writer.out.name}', ImageSamples(writer.images, predictor.pipeline), pending,
        partial(predictor.predict, with_confidence='confidence' in options.kinds), write, size_of, options.batch_size,
        min(options.workers, len(pending)))
    return in_first_process(lambda: finish_set(writer, broken, options.max_broken, 'predicted'))


def _find(images: Union[PathLike, Sequence[PathLike]], out: str) -> ImageList:
    """Find the images, and check that the predictions do not become images of the next run."""
    named = [images] if isinstance(images, (str, os.PathLike)) else images
    found = find_images([os.fspath(name) for name in named])
    real = osp.join(osp.realpath(out), '')
    inside = [folder for folder in found.folders if real.startswith(osp.join(osp.realpath(folder), ''))]
    if inside:
        raise ValueError(f'{out} is in the image folder {inside[0]}, so predictions would become images of the next '
                         'run. Choose another --out outside this folder.')
    return found


def _open(found: ImageList, out: str, predictor: Predictor, checkpoint: PathLike, options: PredictionOptions,
          overwrite: bool) -> PredictionWriter:
    """Open the set for the predictions of these images or videos."""
    kind = VideoWriter if found.are_videos else PredictionWriter
    return kind(out, found.paths, found.root, _describe(predictor, checkpoint), predictor.classes, predictor.palette,
                options, overwrite, written_ids(predictor.cfg, len(predictor.classes)))


def _describe(predictor: Predictor, checkpoint: PathLike) -> Dict[str, Any]:
    settings = dict(model=predictor.cfg.to_dict()['model'], pipeline=predictor.pipeline)
    path = os.fspath(checkpoint)
    return dict(config=predictor.cfg.filename or '', checkpoint=path, sha256=file_digest(path),
                config_digest=config_digest(settings))
