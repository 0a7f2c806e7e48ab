"""Videos are predicted frame by frame."""
import json
from pathlib import Path
from typing import List

import cv2
import numpy as np
import pytest
from PIL import Image

from labeling import files_of
from predicting_images import error_of, predict, write_video
from udas_mmseg.apis import Predictor, video


@pytest.mark.parametrize('codec, ending', [('mp4v', '.mp4'), ('MJPG', '.avi')])
def test_overlay_has_the_frames_and_their_rate(work: Path, codec: str, ending: str) -> None:
    write_video(work / 'videos/clip.avi', count=5)
    predict('mine.py', 'trained.pth', 'videos/clip.avi', '--out', 'out', '--codec', codec, '--what', 'mask',
            'confidence', '--batch-size', '2')
    frames = [f'{number:06d}.png' for number in range(5)]
    assert set(files_of(work / 'out')) == {
        'index.json', 'classes.json', 'legend.png', f'overlay/clip{ending}',
        *(f'{kind}/clip/{name}' for kind in ('mask', 'confidence') for name in frames)}  # yapf: disable
    predictor = Predictor('mine.py', 'trained.pth')
    source, overlay = cv2.VideoCapture('videos/clip.avi'), cv2.VideoCapture(f'out/overlay/clip{ending}')
    assert overlay.get(cv2.CAP_PROP_FPS) == source.get(cv2.CAP_PROP_FPS) == 12.5
    for name in frames:
        expected = predictor(source.read()[1])
        with Image.open(f'out/mask/clip/{name}') as picture:
            assert picture.mode == 'P' and np.array_equal(np.asarray(picture), expected.mask)
        found, drawn = overlay.read()
        assert found and np.abs(drawn.astype(int) - expected.overlay()).mean() < 20, 'only what the codec loses'
    assert not overlay.read()[0]


def test_done_videos_are_kept(work: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ('a', 'b'):
        write_video(work / f'videos/{name}.avi')
    arguments = ('mine.py', 'trained.pth', 'videos/a.avi', 'videos/b.avi', '--out', 'out', '--what', 'mask')
    predict(*arguments)
    first = files_of(work / 'out')
    when = (work / 'out/overlay/a.mp4').stat().st_mtime_ns
    (work / 'out/overlay/b.mp4').rename(work / 'out/overlay/b.mp4.part.mp4')  # as a killed run leaves it
    (work / 'out/mask/b/000001.png').unlink()
    capsys.readouterr()
    predict(*arguments)
    assert '1 of 2 predictions are kept' in capsys.readouterr().err
    assert set(files_of(work / 'out')) == set(first) and (work / 'out/overlay/a.mp4').stat().st_mtime_ns == when
    assert json.loads((work / 'out/index.json').read_text())['complete']
    assert 'made with another codec' in error_of(*arguments, '--codec', 'MJPG')


def test_videos_that_cannot_be_read_or_written_are_errors(work: Path) -> None:
    Path('noise.mp4').write_bytes(bytes(range(256)) * 20)
    assert 'noise.mp4 cannot be opened. It is damaged, or this build of OpenCV' in error_of(
        'mine.py', 'trained.pth', 'noise.mp4', '--out', 'out')
    write_video(work / 'clip.avi')
    error = error_of('mine.py', 'trained.pth', 'clip.avi', '--out', 'out', '--codec', 'zzzz')
    assert "cannot write .avi videos with the codec 'zzzz'. Choose another --codec" in error
    assert not (work / 'out').exists()


def test_truncated_video_is_said(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: List[str] = []
    monkeypatch.setattr(video, 'print_log', lambda message, *_: said.append(message))
    path = write_video(work / 'clip.avi', count=8)
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    predict('mine.py', 'trained.pth', 'clip.avi', '--out', 'out')
    overlay = cv2.VideoCapture('out/overlay/clip.mp4')
    assert 0 < overlay.get(cv2.CAP_PROP_FRAME_COUNT) < 8
    assert len(said) == 1 and 'of 8 frames can be read; the predictions end there' in said[0]
