"""`ChannelsLastHook`: MMSegmentation's own training step with and without the channels-last memory format."""
from types import SimpleNamespace
from typing import Any, Callable, Dict, List, Tuple

import fast_conv
from adversarial_step import SIZE
from measuring import Parts, Row, compared, costs
from online_training import deeplabv2
from student_step import COUNT, MMSegmentation, random_halves

from udas_mmseg.engine.hooks import ChannelsLastHook
from udas_mmseg.models.fast_conv import use_fast_convolutions

NETWORKS: Dict[str, Callable[[], Dict[str, Any]]] = {'FCN head on MobileNetV2': lambda: fast_conv.NETWORK,
                                                     'DeepLabv2 on ResNet-18': deeplabv2}  # yapf: disable


def speed(network: str, size: Tuple[int, int] = SIZE, rounds: int = 5) -> List[Row]:
    """Seconds of a step, and how many times faster it is; both have fast convolutions."""
    plain, fast = (MMSegmentation(NETWORKS[network](), random_halves(size)) for _ in range(2))
    for step in (plain, fast):
        use_fast_convolutions(step.model)
    ChannelsLastHook().before_run(SimpleNamespace(model=fast.model))  # type: ignore[arg-type]
    return [compared(f'ChannelsLastHook, {network}, {2 * COUNT} images of {size[1]}x{size[0]}, s',
                     *costs([plain, fast], rounds), 'without the hook', 'ratio >= 1.0')]  # yapf: disable


def parts() -> Parts:
    """The parts of this benchmark."""
    return {network: lambda network=network: speed(network) for network in NETWORKS}
