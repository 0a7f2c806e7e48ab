"""Steps of large networks on a GPU: time, images a second and peak memory, against the published loops in float32.

ResNet-101 at 640x360 and 1280x720, and MiT-B5 at 512x512. Without a GPU, there is nothing in this file.
"""
from functools import partial
from typing import Any, Callable, Dict, List, Tuple

import adversarial_step as adversarial
import online_training as online
import student_step as student
import torch
from measuring import Function, Parts, Row, compared, costs

DEVICE = adversarial.DEVICE
Make = Callable[[], Function]


def peak_of(make: Make) -> Tuple[Function, float]:
    """A step, and the most memory in GB that it takes on the GPU, with weights, gradients and optimizer states."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step = make()
    for _ in range(2):
        step()
    torch.cuda.synchronize()
    return step, (torch.cuda.max_memory_allocated() - before) / 1e9


def measured(name: str, images: int, reference: Tuple[str, Make], variants: Dict[str, Tuple[Make, str]],
             rounds: int = 7) -> List[Row]:
    """Rows of a step in several variants.

    Args:
        name (str): Of all rows.
        images (int): Of a step.
        reference (tuple): What is compared with: its name and a function that makes the step.
        variants (dict): Name -> function that makes the step, and the goal.
        rounds (int): Number of repeats.
    """
    torch.backends.cudnn.benchmark = True  # as in the configs
    found = [peak_of(make) for make in (reference[1], *(make for make, _ in variants.values()))]
    theirs, *ours = costs([step for step, _ in found], rounds)
    rows = []
    for (variant, (_, goal)), cost, (_, peak) in zip(variants.items(), ours, found[1:]):
        row = compared(f'{name}, {variant}, s', theirs, cost, reference[0], goal)
        row.update(against=f'{row["against"]} s, peak {found[0][1]:.2f} GB', images_per_second=images / row['value'],
                   peak_gb=peak)
        rows.append(row)
    return rows


def adversarial_steps(size: Tuple[int, int], rounds: int = 7) -> List[Row]:
    """AdaptSegNet on ResNet-101."""
    batch = adversarial.random_batch(size)

    def ours(amp: bool, **options: Any) -> Make:
        return lambda: adversarial.Ours(adversarial.build(101, **options), batch, amp)

    return measured(
        f'adversarial step, ResNet-101 {size[1]}x{size[0]}, 1 + 1 images', 2,
        ('published step, float32', lambda: adversarial.Published(adversarial.build(101, channels_last=False), batch)),
        {'bfloat16, published arithmetic': (ours(True), 'ratio >= 2'),
         'float32, published arithmetic': (ours(False), 'ratio >= 1.1'),
         'bfloat16, fast options': (ours(True, **adversarial.FAST), 'ratio >= 2'),
         'float32, fast options': (ours(False, **adversarial.FAST), 'ratio >= 1.6')}, rounds)  # yapf: disable


def online_steps(network: str, size: Tuple[int, int], rounds: int = 7) -> List[Row]:
    """DACS, with the update of the teacher."""
    batch = online.random_batch(size)

    def ours(amp: bool, **options: Any) -> Make:
        return lambda: online.Ours(online.build(network, **options), batch, amp)

    return measured(
        f'online step, {network}, {size[1]}x{size[0]}, 2 + 2 images', 4,
        ('published step, float32', lambda: online.Published(online.build(network, channels_last=False), batch)),
        {'bfloat16': (ours(True), 'ratio >= 1.5'), 'float32': (ours(False), 'ratio >= 1'),
         'bfloat16, one forward pass': (ours(True, joint_forward=True), 'ratio >= 1.5')}, rounds)  # yapf: disable


def student_steps(network: str, size: Tuple[int, int], rounds: int = 7) -> List[Row]:
    """A student on pseudo-labels."""
    halves, segmentor = student.random_halves(size), {**online.NETWORKS, **online.LARGE}[network]()

    def ours(wrapper: Any, **options: Any) -> Make:
        return lambda: student.Ours(segmentor, halves, wrapper=wrapper, **options)

    return measured(
        f'student step, {network}, {size[1]}x{size[0]}, 2 + 2 images', 4,
        ("MMSegmentation's own step, float32", lambda: student.MMSegmentation(segmentor, halves)),
        {'bfloat16': (ours(online.MixedPrecision), 'ratio >= 1.5'),
         'float32': (ours(online.OptimWrapper), 'ratio >= 1'),
         'float32, one forward pass': (ours(online.OptimWrapper, joint_forward=True), 'ratio >= 1.2')},
        rounds)  # yapf: disable


def parts() -> Parts:
    """The parts of this benchmark: none without a GPU."""
    if DEVICE != 'cuda':
        return {}
    b5, r101 = online.LARGE
    return {
        'adversarial, ResNet-101 640x360': partial(adversarial_steps, (360, 640)),
        'online, MiT-B5 512x512': partial(online_steps, b5, (512, 512)),
        'student, ResNet-101 640x360': partial(student_steps, r101, (360, 640)),
        'adversarial, ResNet-101 1280x720': partial(adversarial_steps, (720, 1280)),
        'online, ResNet-101 640x360': partial(online_steps, r101, (360, 640)),
        'student, MiT-B5 512x512': partial(student_steps, b5, (512, 512)),
        'student, ResNet-101 1280x720': partial(student_steps, r101, (720, 1280)),
    }
