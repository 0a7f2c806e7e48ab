"""A step of `AdversarialSegmentor` against the published step: time, memory, and cost over the image's size.

"Published" is published_step.py, which is also what the tests compare the arithmetic with.
"""
from typing import Any, Callable, Dict, List, Tuple

import torch
from measuring import Parts, Row, absolute, compared, costs, has_bfloat16
from mmengine.structures import PixelData
from mmseg.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS
from mmseg.structures import SegDataSample
from peak_memory import peak_bytes
from published_step import PublishedStep
from torch import Tensor, nn

import udas_mmseg  # noqa: F401  (applies compat)
from udas_mmseg.models.fast_conv import use_fast_convolutions

CLASSES = 19
DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
SIZE = (180, 320)  # height, width
SMALL_MAPS = dict(type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', strides=(2, 2, 1, 1, 1)))
BFLOAT16 = (dict(type='AmpOptimWrapper', dtype='bfloat16') if DEVICE == 'cuda' else
            dict(type='CPUBFloat16OptimWrapper'))
FAST: Dict[str, Any] = dict(upsample_maps=False, discriminators=SMALL_MAPS)
ONE_FORWARD: Dict[str, Any] = dict(FAST, joint_forward=True)
Batch = Tuple[Tensor, Tensor, Tensor]  # source images, their labels, target images


def build(depth: int = 18, **changes: Any) -> nn.Module:
    """AdaptSegNet on a multi-level DeepLabv2 at stride 8 with random weights, the same ones each time."""
    torch.manual_seed(0)
    width = 512 if depth < 50 else 2048
    heads = [
        dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=CLASSES, align_corners=True,
             loss_decode=dict(type='CrossEntropyLoss', loss_weight=weight, avg_non_ignore=True))
        for channels, index, weight in ((width, 3, 1.0), (width // 2, 2, 0.1))
    ]  # yapf: disable
    backbone = dict(type='ResNet', depth=depth, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), norm_cfg=dict(type='BN'))
    segmentor = dict(type='MultiLevelEncoderDecoder', backbone=backbone, decode_head=heads[0],
                     auxiliary_head=heads[1], train_cfg=dict(), test_cfg=dict(mode='whole'))  # yapf: disable
    cfg = dict(type='AdversarialSegmentor', segmentor=segmentor, data_preprocessor=dict(type='BaseDataPreprocessor'),
               discriminators=dict(type='MultiLevelDiscriminator'))  # yapf: disable
    return MODELS.build({**cfg, **changes}).to(DEVICE).train()


def random_batch(size: Tuple[int, int], count: int = 1, dtype: torch.dtype = torch.float32) -> Batch:
    """`count` images of each domain, (height, width), preprocessed already."""
    generator = torch.Generator().manual_seed(0)
    images, target = torch.randn(2, count, 3, *size, generator=generator).to(DEVICE, dtype)
    return images, torch.randint(0, CLASSES, (count, *size), generator=generator).to(DEVICE), target


class Ours:
    """`AdversarialSegmentor.train_step` on one batch, with the optimizers of its configs."""

    def __init__(self, model: nn.Module, batch: Batch, amp: bool = False) -> None:
        wrapper = BFLOAT16 if amp else dict(type='OptimWrapper')
        sgd = dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4)
        adam = dict(type='Adam', lr=1e-4, betas=(0.9, 0.99))
        constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
            dict(type='PerChildOptimWrapperConstructor',
                 optim_wrapper_cfg=dict(segmentor=dict(wrapper, optimizer=sgd),
                                        discriminators=dict(wrapper, optimizer=adam))))  # yapf: disable
        self.model, self.wrappers = model, constructor(model)
        self.optimizers = [wrapper.optimizer for wrapper in self.wrappers.optim_wrappers.values()]
        images, labels, target = batch
        self.data = dict(source=dict(inputs=images, data_samples=labelled(images, labels)),
                         target=dict(inputs=target, data_samples=[SegDataSample() for _ in target]))  # yapf: disable

    def __call__(self) -> None:
        self.model.train_step(self.data, self.wrappers)
        wait()


class Published:
    """The published step on one batch, with optimizers made by hand."""

    def __init__(self, model: nn.Module, batch: Batch) -> None:
        sgd = torch.optim.SGD(model.segmentor.parameters(), lr=2.5e-4, momentum=0.9, weight_decay=5e-4)
        adam = torch.optim.Adam(model.discriminators.parameters(), lr=1e-4, betas=(0.9, 0.99))
        self.step = PublishedStep(model.segmentor, sgd, list(model.discriminators.levels), adam)
        self.model, self.batch, self.optimizers = model, batch, [sgd, adam]

    def __call__(self) -> None:
        self.step(*self.batch)
        wait()


class Supervised:
    """Forward and backward of the segmentor alone: its own losses on the images of both domains, in one batch."""

    def __init__(self, model: nn.Module, batch: Batch) -> None:
        images, labels, target = batch
        self.segmentor = model.segmentor
        self.images = torch.cat([images, target]).contiguous(memory_format=model.memory_format)
        self.samples = labelled(self.images, torch.cat([labels, labels]))

    def __call__(self) -> None:
        losses = self.segmentor(self.images, self.samples, mode='loss')
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        wait()


def labelled(images: Tensor, labels: Tensor) -> List[SegDataSample]:
    meta = dict(img_shape=tuple(images.shape[2:]))
    return [SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=label[None])) for label in labels]


def wait() -> None:
    """CUDA returns before it has computed."""
    if DEVICE == 'cuda':
        torch.cuda.synchronize()


def both(size: Tuple[int, int], depth: int = 18, count: int = 1, amp: bool = False,
         **changes: Any) -> Tuple[Published, Ours]:
    """The published step and ours, on the same batch."""
    batch = random_batch(size, count)
    return (Published(build(depth, channels_last=False), batch), Ours(build(depth, **changes), batch, amp))


def gradients_of(step: Any) -> Dict[str, Tensor]:
    """The gradients with which a step updates each parameter of its model."""
    names = {parameter: name for name, parameter in step.model.named_parameters()}
    found: Dict[str, Tensor] = {}

    def keep(optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
        for group in optimizer.param_groups:
            found.update({names[one]: one.grad.clone() for one in group['params'] if one.grad is not None})

    handles = [optimizer.register_step_pre_hook(keep) for optimizer in step.optimizers]
    step()
    for handle in handles:
        handle.remove()
    return found


def disagreement(expected: Dict[str, Tensor], got: Dict[str, Tensor]) -> float:
    """Largest difference of a gradient, relative to the largest one of the same parameter."""
    if expected.keys() != got.keys():
        raise RuntimeError(f'gradients for different parameters: {sorted(expected.keys() ^ got.keys())}')
    return max(((got[name] - value).abs().max() / value.abs().max()).item() for name, value in expected.items())


def agreement() -> Row:
    """Both steps compute the same gradients.

    In float64: in float32, rounding flips some ReLUs of this untrained network, and the published step differs from
    itself by some percent as soon as its weights have another memory layout.
    """
    batch = random_batch(SIZE, dtype=torch.float64)
    published, ours = Published(build(channels_last=False).double(), batch), Ours(build().double(), batch)
    return absolute(f'adversarial step {SIZE[1]}x{SIZE[0]}, float64, difference of gradients',
                    [disagreement(gradients_of(published), gradients_of(ours))], '< 1e-4',
                    'published step, of the largest of each parameter')


def speed(name: str, goal: str, size: Tuple[int, int] = SIZE, rounds: int = 5, hook: bool = False,
          **options: Any) -> Row:
    """Seconds of a step, and how many times faster than the published one it is.

    Args:
        name (str): Of the step.
        goal (str): See `Row`.
        size (tuple): (height, width).
        rounds (int): Repeats.
        hook (bool): Whether the step has `FastConvHook`, which does nothing on a GPU.
        options: Of `both`.
    """
    published, ours = both(size, **options)
    if hook:
        name = f'{name}, FastConvHook'
        use_fast_convolutions(ours.model)
    return compared(f'adversarial step {size[1]}x{size[0]}, {name}, s', *costs([published, ours], rounds),
                    'published step', goal)


def step_memory(step: Callable[[], None], model: nn.Module) -> int:
    """Bytes that a step takes beyond weights and optimizer states; the gradients are among them."""
    step()  # allocates optimizer states
    model.zero_grad()
    return peak_bytes(step, DEVICE)


def memory() -> List[Row]:
    """Peak memory of each step against the segmentor's own forward and backward on the same images."""
    batch = random_batch(SIZE)
    published, ours = both(SIZE)
    own = step_memory(Supervised(ours.model, batch), ours.model)
    steps = (('published step', published, ''), ('published arithmetic', ours, 'ratio <= 1.15'),
             ('fast options', Ours(build(**FAST), batch), 'ratio <= 1.15'))  # yapf: disable
    rows: List[Row] = []
    for name, step, goal in steps:
        used = step_memory(step, step.model)
        rows.append({**absolute(f'adversarial step {SIZE[1]}x{SIZE[0]}, {name}, peak MB', [used / 1e6], goal,
                                f"segmentor's own step: {own / 1e6:.0f}"), 'ratio': used / own})
    return rows


def parts() -> Parts:
    """The parts of this benchmark."""
    arithmetic = 'published arithmetic'
    bfloat16: Parts = {
        'fast options, bfloat16': lambda: [speed('fast options, bfloat16', 'ratio >= 1.6', amp=True, **FAST)]}
    return {
        'fast options': lambda: [speed('fast options', 'ratio >= 1.6', hook=True, **FAST)],
        **(bfloat16 if has_bfloat16() else {}),
        arithmetic: lambda: [speed(arithmetic, 'ratio >= 1.1', hook=True)],
        'without the hook': lambda: [speed('fast options', '', **FAST), speed(arithmetic, '')],
        'one forward pass': lambda: [speed('fast options, one forward pass', '', hook=True, **ONE_FORWARD)],
        'memory': memory,
        'gradients': lambda: [agreement()],
    }
