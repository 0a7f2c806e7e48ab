"""Predicting videos, frame by frame, with OpenCV."""
import contextlib
import dataclasses
import logging
import os.path as osp
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

import cv2
import numpy as np
from mmengine.dist import get_dist_info
from mmengine.logging import print_log

from ..utils.background import BackgroundCalls
from ..utils.files import PART, replace_file
from ..utils.predicting import predicting_alike
from ..utils.processes import in_first_process, together
from ..utils.progress import Progress
from .image_samples import ImageSamples
from .prediction_set import PredictionOptions, PredictionWriter, begin_set
from .predictor import Predictor
from .result import PredictionResult

_FPS = 25.0  # of videos that do not say how many they have
_MP4 = ('mp4v', 'avc1', 'h264', 'hvc1', 'hev1', 'av01')  # codecs of .mp4 files; all others are written to .avi files


class VideoWriter(PredictionWriter):
    """Writes an overlay video for each video and, if asked for, PNG files of its frames in a folder of its name.

    The frames are `mask/<video>/000000.png` and so on; the overlay is always written. See `PredictionWriter`.

    Raises:
        ValueError: if a video cannot be opened, or the codec of the overlays is not available.
    """
    suffixes = ('.avi', '.mp4', '.png', PART)

    def __init__(self, out: str, images: Sequence[str], image_root: str, predictor: Mapping[str, Any],
                 classes: Sequence[str], palette: Sequence[Sequence[int]], options: PredictionOptions,
                 overwrite: bool = False, ids: Optional[Sequence[int]] = None) -> None:
        self.ending = '.mp4' if options.codec in _MP4 else '.avi'
        _check_codec(options.codec, self.ending)
        for path in images:
            with open_video(path):
                pass
        super().__init__(out, images, image_root, predictor, classes, palette,
                         dataclasses.replace(options, what=('overlay', *options.what)), overwrite, ids)

    def drawing(self) -> Dict[str, Any]:
        """Return the settings that affect overlays alone."""
        return dict(opacity=self.options.opacity, codec=self.options.codec)

    def file_of(self, kind: str, name: str) -> str:
        """Return the path of the overlay video, or of the folder with the frames of another kind."""
        return osp.join(kind, name + (self.ending if kind == 'overlay' else ''))

    def name_files(self, image_root: str, endings: Sequence[str]) -> List[Tuple[str, ...]]:
        """Return the file of each video; `frames` has the folders of its frames."""
        found = super().name_files(image_root, endings)
        self.frames = [files[1:] for files in found]
        return [files[:1] for files in found]

    def _list(self, folder: Path) -> Set[str]:
        """Return the files of a set without the frames of its videos, whose number is not known."""
        frames = {osp.join(name, '') for names in self.frames for name in names}
        return {file for file in super()._list(folder) if osp.join(osp.dirname(file), '') not in frames}


def predict_videos(predictor: Predictor, writer: VideoWriter, update: bool = False) -> Dict[str, Any]:
    """Predict the videos that have no overlay yet. With several processes, each predicts a part of the videos.

    Returns:
        dict: The content of `index.json`, in every process.

    Raises:
        OSError: if a file cannot be written.
        ValueError: if a video has no frames.
    """
    pending = begin_set(writer, update)
    rank, world_size = get_dist_info()

    def predict_part() -> None:
        for number in pending[rank::world_size]:
            _predict_video(predictor, writer, number)

    together(predict_part)
    return in_first_process(writer.finish)


@contextlib.contextmanager
def open_video(path: str) -> Iterator[cv2.VideoCapture]:
    """Open a video for a block.

    Raises:
        ValueError: if OpenCV cannot open it.
    """
    capture = cv2.VideoCapture(path)
    try:
        if not capture.isOpened():
            raise ValueError(f'{path} cannot be opened. It is damaged, or this build of OpenCV ({cv2.__version__}) '
                             'cannot decode it. Convert it, for example with `ffmpeg -i VIDEO -c:v mjpeg OUT.avi`.')
        yield capture
    finally:
        capture.release()


def _check_codec(codec: str, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = cv2.VideoWriter(osp.join(folder, f'a{ending}'), cv2.VideoWriter.fourcc(*codec), _FPS, (64, 64))
        opened = writer.isOpened()
        writer.release()
    if not opened:
        raise ValueError(f'this build of OpenCV ({cv2.__version__}) cannot write {ending} videos with the codec '
                         f'{codec!r}. Choose another --codec; mp4v (.mp4) and MJPG (.avi) are usually available.')


def _frames(path: str, capture: cv2.VideoCapture) -> Iterator[np.ndarray]:
    """Iterate over the frames of a video, with a warning if there are fewer than its header says."""
    number, count = 0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    progress = Progress(osp.basename(path), count, unit='frames')
    while True:
        found, frame = capture.read()
        if not found:
            break
        yield frame
        number += 1
        if number < count:  # not all files say how many frames they have
            progress.show(number)
    if number == 0:
        raise ValueError(f'{path} has no frames that OpenCV can decode.')
    progress.total = max(number, count)
    progress.finish(number)
    if number < count:
        print_log(f'{path}: only {number} of {count} frames can be read; the predictions end there.', 'current',
                  logging.WARNING)


def _predict_video(predictor: Predictor, writer: VideoWriter, number: int) -> None:
    """Write the frames of other kinds, and then the overlay video."""
    (file, ), folders, options = writer.files[number], writer.frames[number], writer.options
    target, part = writer.folder / file, writer.folder / f'{file}{PART}{writer.ending}'
    for folder in folders:
        shutil.rmtree(writer.folder / folder, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    path, written = writer.images[number], 0
    with open_video(path) as capture, BackgroundCalls(2 * options.batch_size) as calls:
        size = tuple(int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        fps = capture.get(cv2.CAP_PROP_FPS)
        video = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*options.codec), fps if fps > 0 else _FPS, size)
        try:
            for result in _results(predictor, _frames(path, capture), options):
                video.write(result.overlay(options.opacity))
                for kind, folder in zip(options.kinds[1:], folders):
                    name = osp.join(folder, f'{written:06d}.png')
                    calls.submit(_write_frame, writer, kind, result, name)
                written += 1
        finally:
            video.release()
    with open_video(str(part)) as capture:
        readable = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    if readable < written:
        raise OSError(f'only {readable} of {written} frames were written to {part}. Is the disk full?')
    part.replace(target)


def _write_frame(writer: VideoWriter, kind: str, result: PredictionResult, name: str) -> None:
    replace_file(writer.folder / name, writer.encode(kind, result, name))


def _results(predictor: Predictor, frames: Iterator[np.ndarray],
             options: PredictionOptions) -> Iterator[PredictionResult]:
    loader, batch = ImageSamples([], predictor.pipeline), []
    with_confidence = 'confidence' in options.kinds
    with predicting_alike():
        for frame in frames:
            batch.append(loader.load(frame))
            if len(batch) == options.batch_size:
                yield from map(predictor.result, batch, predictor.predict(batch, with_confidence))
                batch = []
        yield from map(predictor.result, batch, predictor.predict(batch, with_confidence) if batch else ())
