"""Translation: a whole data set against the bare generator, `DomainCycleGAN`'s step against MMagic's, image statistics.

The networks are the published ones, with the weights that they are initialised with.
"""
import contextlib
import copy
import io
import os
import os.path as osp
import tempfile
from itertools import count
from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np
import torch
from measuring import Parts, Row, absolute, compared, costs, images_a_second, seconds, threads
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapperDict
from mmseg.registry import DATASETS, MODELS, OPTIM_WRAPPER_CONSTRUCTORS, TRANSFORMS
from torch import Tensor, nn
from torch.utils.data import Dataset

import udas_mmseg.translation  # noqa: F401  (registers)
from udas_mmseg.scenes import write_gta5
from udas_mmseg.translation.translate import translate_dataset
from udas_mmseg.translation.writer import TranslationWriter

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))
DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
SIZE = (640, 352) if DEVICE == 'cuda' else (240, 128)  # width, height
FILES = 1024 if DEVICE == 'cuda' else 8
DRAWN = 64  # files beyond these hold the same images
BATCH, WORKERS = 4, 2  # the defaults of `translate_dataset`
CROP = 256 if DEVICE == 'cuda' else 64  # the paper's is 256, which takes two cores many seconds
DOMAINS = ('source', 'target')


def published() -> Dict[str, Any]:
    """Model and optimizers of the paper."""
    return Config.fromfile(osp.join(ROOT, 'configs/_base_/models/cyclegan_resnet9.py')).to_dict()


def build(cfg: Dict[str, Any]) -> nn.Module:
    """The model of a config, the same weights each time."""
    torch.manual_seed(0)
    model = MODELS.build(cfg['model'])
    model.init_weights()
    return model.to(DEVICE)


def wait() -> None:
    """CUDA returns before it has computed."""
    if DEVICE == 'cuda':
        torch.cuda.synchronize()


def source_of(root: str, files: int, size: Tuple[int, int]) -> Dataset:
    """Drawn images as PNG files (width, height), read by the pipeline of configs/translation."""
    write_gta5(root, min(files, DRAWN), size=size, progress=False)
    folder = osp.join(root, 'images')
    drawn = sorted(os.listdir(folder))
    for number in range(len(drawn), files):
        os.link(osp.join(folder, drawn[number % len(drawn)]), osp.join(folder, f'again_{number:05d}.png'))
    pipeline = [dict(type='LoadVerifiedImage'), dict(type='Resize', scale=size, keep_ratio=True),
                dict(type='PackSegInputs')]
    dataset = DATASETS.build(
        dict(type='GTA5Dataset', data_root=root, data_prefix=dict(img_path='images'), pipeline=pipeline))
    dataset.test_mode = True
    return dataset


class Files:
    """Translate a data set from files to files as tools/translate.py does, each time to a new folder.

    Starting the loader's workers is included; opening every file at the end and the report are not. The system has
    read the files before.
    """

    def __init__(self, model: nn.Module, dataset: Dataset, out: str) -> None:
        self.model, self.dataset, self.out, self.number = model, dataset, out, count()
        self.images = [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]

    def __call__(self) -> None:
        writer = TranslationWriter(osp.join(self.out, str(next(self.number))), self.images,
                                   self.dataset.data_prefix['img_path'], translator={})  # yapf: disable
        with contextlib.redirect_stderr(io.StringIO()):  # the progress
            broken = translate_dataset(self.model, self.dataset, writer, BATCH, WORKERS)
            writer.finish()
        if broken:
            raise RuntimeError('\n'.join(broken))


class Bare:
    """The generator alone, on the same batches in memory, preprocessed."""

    def __init__(self, model: nn.Module, dataset: Dataset) -> None:
        self.generator = model.generators['target']
        images = [dataset[index]['inputs'] for index in range(len(dataset))]
        self.batches = [
            model.data_preprocessor(dict(inputs=torch.stack(images[first:first + BATCH])))['inputs']
            for first in range(0, len(images), BATCH)
        ]

    @torch.no_grad()
    def __call__(self) -> None:
        for batch in self.batches:
            self.generator(batch)
        wait()


def throughput(cfg: Dict[str, Any], files: int = FILES, size: Tuple[int, int] = SIZE, rounds: int = 5) -> Row:
    """Images a second from PNG files to PNG files of the same size."""
    model = build(cfg).eval()
    with tempfile.TemporaryDirectory() as root:
        dataset = source_of(osp.join(root, 'source'), files, size)
        bare, ours = costs([Bare(model, dataset), Files(model, dataset, osp.join(root, 'out'))], rounds)
    return compared(f'translation of {files} files, {size[0]}x{size[1]}, images/s', bare, ours, 'bare generator',
                    'ratio >= 0.9', unit=images_a_second(files))


class Step:
    """A training step on one batch; each call goes on where the last one ended.

    Args:
        model (nn.Module): `DomainCycleGAN` or MMagic's `CycleGAN`.
        cfg (dict): With `optim_wrapper`.
        data (dict): What the model's `train_step` takes.
    """

    def __init__(self, model: nn.Module, cfg: Dict[str, Any], data: Dict[str, Any]) -> None:
        wrappers = copy.deepcopy(cfg['optim_wrapper'])
        constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
            dict(type=wrappers.pop('constructor'), optim_wrapper_cfg=wrappers))
        self.model, self.data = model.train(), data
        self.wrappers: OptimWrapperDict = constructor(model)

    def __call__(self) -> Dict[str, Tensor]:
        MessageHub.get_current_instance().update_info('iter', 0)
        logs = self.model.train_step(self.data, self.wrappers)
        wait()
        return logs


def random_images(size: int) -> Dict[str, List[Tensor]]:
    """Domain -> one image (3, size, size), uint8."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8, generator=generator).to(DEVICE)
    return {domain: [image] for domain, image in zip(DOMAINS, images)}


def with_identity(cfg: Dict[str, Any], weight: float) -> Dict[str, Any]:
    """The config with another weight of the identity loss."""
    model = cfg['model']
    return {**cfg, 'model': {**model, 'loss_config': {**model.get('loss_config', {}), 'id_loss_weight': weight}}}


def mmagic_alone(cfg: Dict[str, Any]) -> nn.Module:
    """MMagic's own class with the networks, the weights and the losses of `build`."""
    ours, model = build(cfg), cfg['model']
    theirs = MODELS.build(
        dict(type='CycleGAN', generator=dict(model['generator'], _scope_='mmagic'),
             discriminator=dict(model['discriminator'], _scope_='mmagic'), default_domain='target',
             reachable_domains=list(DOMAINS), related_domains=list(DOMAINS), buffer_size=model['buffer_size'],
             data_preprocessor=dict(type='DataPreprocessor', data_keys=None, _scope_='mmagic'),
             loss_config=ours.loss_config, _scope_='mmagic'))  # yapf: disable
    theirs.load_state_dict(ours.state_dict())
    return theirs.to(DEVICE)


def both(cfg: Dict[str, Any], size: int) -> Tuple[Step, Step]:
    """MMagic's step and ours on the same images."""
    images = random_images(size)
    theirs = dict(inputs={f'img_{domain}': one for domain, one in images.items()})
    ours = {domain: dict(inputs=one) for domain, one in images.items()}
    return Step(mmagic_alone(cfg), cfg, theirs), Step(build(cfg), cfg, ours)


def losses_of(step: Step, steps: int) -> List[Dict[str, float]]:
    """The losses of several steps, of which all but the first show what the earlier ones did to the weights."""
    np.random.seed(0)  # which images come from the buffers
    return [{name: value.item() for name, value in step().items()} for _ in range(steps)]


def disagreement(expected: Sequence[Dict[str, float]], got: Sequence[Dict[str, float]]) -> float:
    """Largest difference of a loss, relative to its value."""
    if [logs.keys() for logs in expected] != [logs.keys() for logs in got]:
        raise RuntimeError(f'the steps log other losses: {sorted(expected[0])} and {sorted(got[0])}')
    return max(abs(ours[name] - value) / abs(value) for theirs, ours in zip(expected, got)
               for name, value in theirs.items())  # yapf: disable


def agreement(cfg: Dict[str, Any], weight: float, size: int = CROP, steps: int = 2) -> Row:
    """Both steps compute the same losses. On CUDA sums in another order turn some of Adam's first steps around."""
    theirs, ours = (losses_of(step, steps) for step in both(with_identity(cfg, weight), size))
    goal = '< 1e-2' if DEVICE == 'cuda' else '= 0'
    return absolute(f'CycleGAN step {size}x{size}, identity weight {weight:g}, difference of losses',
                    [disagreement(theirs, ours)], goal, "MMagic's step, of each loss")


def speed(cfg: Dict[str, Any], weight: float, goal: str, size: int = CROP, rounds: int = 5) -> Row:
    """Seconds of a step, and its time as a share of MMagic's."""
    theirs, ours = costs(both(with_identity(cfg, weight), size), rounds)
    return compared(f'CycleGAN step {size}x{size}, identity weight {weight:g}, s', theirs, ours, "MMagic's step", goal,
                    share=True)


def style_transfer(name: str, size: Tuple[int, int] = (640, 360), rounds: int = 15) -> Row:
    """Milliseconds a sample, on one thread, without reading the two images."""
    images = np.random.default_rng(0).integers(0, 256, (2, size[1], size[0], 3), dtype=np.uint8)
    transform: Callable[[dict], dict] = TRANSFORMS.build(dict(type=name))

    def restyle() -> None:
        transform(dict(img=images[0], mix_results=[dict(img=images[1])]))

    with threads(1):
        restyle()
        times = [1000 * seconds(restyle) for _ in range(rounds)]
    return absolute(f'{name} {size[0]}x{size[1]}, ms a sample', times)


def steps(weight: float, goal: str) -> List[Row]:
    """Both rows about steps with one weight of the identity loss."""
    cfg = published()
    return [speed(cfg, weight, goal), agreement(cfg, weight)]


def parts() -> Parts:
    """The parts of this benchmark."""
    return {
        'throughput': lambda: [throughput(published())],
        'step with identity': lambda: steps(5., 'ratio <= 1.1'),
        'step without identity': lambda: steps(0., 'ratio < 1'),
        'style transfer': lambda: [style_transfer(name) for name in ('FourierAmplitudeTransfer',
                                                                     'LabStatisticsTransfer')],
    }
