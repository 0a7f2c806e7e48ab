"""A step of `StudentTeacherSegmentor` against MMSegmentation's own of the same network on the same images.

The images are half labelled source and half target with a teacher's labels, which for MMSegmentation is a batch of
labelled images. Both normalise uint8 images, update with SGD, and log the same losses.
"""
from typing import Any, Dict, List, Tuple

import torch
from adversarial_step import CLASSES, DEVICE, SIZE, disagreement, gradients_of, labelled, wait
from measuring import Parts, Row, absolute, compared, costs
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from online_training import NETWORKS, SMALL, sgd
from torch import Tensor, nn

import udas_mmseg  # noqa: F401  (applies compat)
from udas_mmseg.models.fast_conv import use_fast_convolutions

COUNT = 2  # images of each half
PREPROCESSOR = dict(type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
                    bgr_to_rgb=True, size_divisor=1)
Half = Tuple[Tensor, Tensor]  # images and labels


def random_halves(size: Tuple[int, int], count: int = COUNT) -> Tuple[Half, Half]:
    """`count` uint8 images and labels of each half; (height, width)."""
    generator = torch.Generator().manual_seed(0)

    def half() -> Half:
        return (torch.randint(0, 256, (count, 3, *size), dtype=torch.uint8, generator=generator),
                torch.randint(0, CLASSES, (count, *size), generator=generator))

    return half(), half()


class Ours:
    """`StudentTeacherSegmentor.train_step`."""

    def __init__(self, segmentor: Dict[str, Any], halves: Tuple[Half, Half], dtype: torch.dtype = torch.float32,
                 wrapper: Any = OptimWrapper, **options: Any) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = MODELS.build(dict(type='StudentTeacherSegmentor', data_preprocessor=PREPROCESSOR,
                                                  segmentor=segmentor, **options)).to(DEVICE, dtype).train()
        self.optimizers = [sgd(self.model)]
        self.wrapper = wrapper(self.optimizers[0])
        self.data = {name: dict(inputs=list(images), data_samples=labelled(images, labels))
                     for name, (images, labels) in zip(('source', 'pseudo_labeled'), halves)}

    def __call__(self) -> None:
        self.model.train_step(self.data, self.wrapper)
        wait()


class MMSegmentation:
    """`EncoderDecoder.train_step` on all images in one batch."""

    def __init__(self, segmentor: Dict[str, Any], halves: Tuple[Half, Half], dtype: torch.dtype = torch.float32,
                 wrapper: Any = OptimWrapper) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = MODELS.build(dict(segmentor, data_preprocessor=PREPROCESSOR)).to(DEVICE, dtype).train()
        self.optimizers = [sgd(self.model)]
        self.wrapper = wrapper(self.optimizers[0])
        images, labels = (torch.cat(both) for both in zip(*halves))
        self.data = dict(inputs=list(images), data_samples=labelled(images, labels))

    def __call__(self) -> None:
        self.model.train_step(self.data, self.wrapper)
        wait()


def speed(network: str, size: Tuple[int, int] = SIZE, rounds: int = 5) -> List[Row]:
    """Seconds of a step, with FastConvHook, and with one forward pass, and how many times faster they are."""
    halves, segmentor = random_halves(size), NETWORKS[network]()
    steps = [MMSegmentation(segmentor, halves), Ours(segmentor, halves), Ours(segmentor, halves),
             Ours(segmentor, halves, joint_forward=True)]  # yapf: disable
    for step in steps[2:]:
        use_fast_convolutions(step.model)
    reference, separate, hooked, joint = costs(steps, rounds)
    name = f'student step {size[1]}x{size[0]}, {network}, {COUNT} + {COUNT} images'
    against = "MMSegmentation's own step"
    return [compared(f'{name}, s', reference, separate, against, 'ratio >= 1.2'),
            compared(f'{name}, FastConvHook, s', reference, hooked, against, 'ratio >= 1.2'),
            compared(f'{name}, FastConvHook, one forward pass, s', reference, joint, against, 'ratio >= 1.2')]


def agreement(network: str, size: Tuple[int, int] = (32, 64)) -> Row:
    """With one forward pass, gradients are those of MMSegmentation, twice: each branch has a mean of its own."""
    halves, segmentor = random_halves(size), NETWORKS[network]()
    reference = MMSegmentation(segmentor, halves, torch.float64)
    ours = Ours(segmentor, halves, torch.float64, joint_forward=True)
    ours.model.segmentor.load_state_dict(reference.model.state_dict())
    expected = {f'segmentor.{name}': 2 * value for name, value in gradients_of(reference).items()}
    return absolute(f'student step {size[1]}x{size[0]}, {network}, one forward pass, float64, difference of gradients',
                    [disagreement(expected, gradients_of(ours))], '< 1e-4',
                    "twice those of MMSegmentation's own step, of the largest of each parameter")


def parts() -> Parts:
    """The parts of this benchmark."""
    deeplab, former = NETWORKS
    found: Parts = {deeplab: lambda: speed(deeplab), former: lambda: speed(former, SMALL)}
    found.update({f'gradients, {network}': lambda network=network: [agreement(network)] for network in NETWORKS})
    return found
