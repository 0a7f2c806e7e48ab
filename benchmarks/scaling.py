"""How time grows with the area of images, the number of classes, the batch, the processes, and the images to label."""
import copy
import os.path as osp
import tempfile
from typing import Any, Dict, List, Sequence, Tuple

import adversarial_step
import pseudo_labeling
import student_step
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from measuring import Cost, Function, Parts, Row, compared, costs, note
from mmengine.config import ConfigDict
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from online_training import NETWORKS

AREAS = ((90, 160), (180, 320))  # height, width
BATCHES = (1, 2, 4)
CLASSES = (19, 150)
NETWORK = 'DeepLabv2 on ResNet-18'
LABELED = (2, 4, 8)  # images to label


def per_unit(name: str, unit: str, steps: Dict[str, Tuple[float, Function]], goal: str, rounds: int = 5) -> List[Row]:
    """Seconds of functions divided by their amounts, relative to the first: 1 if time grows with the amount.

    Args:
        name (str): Of the rows.
        unit (str): Of an amount.
        steps (dict): Label -> its amount, and the function.
        goal (str): See `Row`.
        rounds (int): Number of repeats.
    """
    amounts = [amount for amount, _ in steps.values()]
    found = [Cost([time / amount for time in cost.wall], [time / amount for time in cost.cpu])
             for amount, cost in zip(amounts, costs([step for _, step in steps.values()], rounds))]
    labels = list(steps)
    return [compared(f'{name}: {label}, s a {unit}', found[0], cost, labels[0], goal, share=True)
            for label, cost in zip(labels[1:], found[1:])]


def areas(sizes: Sequence[Tuple[int, int]] = AREAS) -> List[Row]:
    """Optimizers cost the same at every size, which shows at the smallest."""
    model = adversarial_step.build()
    steps: Dict[str, Tuple[float, Function]] = {
        f'{size[1]}x{size[0]}': (2e-6 * size[0] * size[1],
                                 adversarial_step.Ours(model, adversarial_step.random_batch(size))) for size in sizes}
    return per_unit('adversarial step', 'megapixel', steps, 'ratio <= 1.15')


def batches(sizes: Sequence[int] = BATCHES, size: Tuple[int, int] = (90, 160)) -> List[Row]:
    """A student with more images of each branch."""
    steps: Dict[str, Tuple[float, Function]] = {
        f'{count} + {count} images': (2 * count, student_step.Ours(NETWORKS[NETWORK](),
                                                                   student_step.random_halves(size, count)))
        for count in sizes}
    return per_unit(f'student step {size[1]}x{size[0]}', 'image', steps, 'ratio <= 1.05')


def classes(counts: Sequence[int] = CLASSES, size: Tuple[int, int] = (90, 160), rounds: int = 5) -> List[Row]:
    """A student with more classes, against itself and against MMSegmentation's own step with as many."""
    halves = student_step.random_halves(size, 1)
    networks = [with_classes(NETWORKS[NETWORK](), count) for count in counts]
    few, many, theirs = costs([*(student_step.Ours(network, halves) for network in networks),
                               student_step.MMSegmentation(networks[-1], halves)], rounds)
    name = f'student step {size[1]}x{size[0]}, {counts[-1]} classes, s'
    return [compared(name, few, many, f'{counts[0]} classes', share=True),
            compared(name, theirs, many, "MMSegmentation's own step with as many", 'ratio >= 1.0')]


def with_classes(segmentor: Dict[str, Any], count: int) -> Dict[str, Any]:
    """The config of a segmentor with another number of classes."""
    changed = copy.deepcopy(segmentor)
    for head in ('decode_head', 'auxiliary_head'):
        if head in changed:
            changed[head]['num_classes'] = count
    return changed


def two_processes(size: Tuple[int, int] = adversarial_step.SIZE, rounds: int = 5) -> List[Row]:
    """A step in each of two processes with one thread, against the step of one of them while the other waits.

    On a GPU, too, on the CPU with gloo: several GPUs have their own run.
    """
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context('spawn')
        found = context.SimpleQueue()
        arguments = (f'file://{folder}/store', size, rounds, found)
        started = multiprocessing.spawn(one_of_two, arguments, nprocs=2, join=False)
        alone, together = (Cost(*times) for times in found.get())
        while not started.join():
            pass
    return [compared(f'student step {size[1]}x{size[0]} in two processes of one thread each, s', alone, together,
                     'one process', 'ratio >= 0.85')]


def one_of_two(rank: int, store: str, size: Tuple[int, int], rounds: int, found: Any) -> None:
    """Time steps in one of two processes, and return them from the first one."""
    torch.set_num_threads(1)
    init_default_scope('mmseg')
    dist.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    halves = student_step.random_halves(size, 1)
    step, other = (student_step.Ours(NETWORKS[NETWORK](), halves) for _ in range(2))
    parallel = MMDistributedDataParallel(other.model, broadcast_buffers=False)
    wrapper = OptimWrapper(other.optimizers[0])
    alone, together = Cost([], []), Cost([], [])
    for _ in range(rounds + 1):
        if rank == 0:
            note(step, alone)
        dist.barrier()
        note(lambda: parallel.train_step(other.data, wrapper), together)
        dist.barrier()
    if rank == 0:
        found.put([(cost.wall[1:], cost.cpu[1:]) for cost in (alone, together)])
    dist.destroy_process_group()


def labeling(counts: Sequence[int] = LABELED, size: Tuple[int, int] = (320, 160), seen: Tuple[int, int] = (160, 80),
             rounds: int = 5) -> List[Row]:
    """Labels of more and more images; starting workers is a smaller and smaller part."""
    cfg = ConfigDict(NETWORKS[NETWORK](), data_preprocessor=student_step.PREPROCESSOR)
    model = MODELS.build(cfg).eval().to(student_step.DEVICE)
    with tempfile.TemporaryDirectory() as root:
        steps: Dict[str, Tuple[float, Function]] = {}
        for count in counts:
            folder = osp.join(root, str(count))
            images = pseudo_labeling.images_of(osp.join(folder, 'data'), count, size, seen)
            steps[f'{count} images'] = (count, pseudo_labeling.Files(model, images, folder))
        return per_unit(f'pseudo-labels, files {size[0]}x{size[1]} seen at {seen[0]}x{seen[1]}', 'image', steps,
                        'ratio <= 1.05', rounds)


def parts() -> Parts:
    """The parts of this benchmark."""
    return {'area': areas, 'classes': classes, 'batch': batches, 'labelling': labeling, 'processes': two_processes}
