"""Refusing heads with one sigmoid channel where probabilities of a softmax are needed."""
from typing import Any, Mapping


def check_softmax_heads(heads: Mapping[str, Any], user: str) -> None:
    """Check that no head has a single output channel, as binary segmentation with a sigmoid has.

    The softmax of one channel is 1 everywhere, so losses on it would have no gradient.

    Args:
        heads (Mapping[str, nn.Module]): Heads by name.
        user (str): Name of the method that needs the softmax.

    Raises:
        ValueError: naming the heads and the fix.
    """
    single = [name for name, head in heads.items() if getattr(head, 'out_channels', None) == 1]
    if single:
        raise ValueError(f'{user} needs a softmax over the classes, but of {" and ".join(single)} there is one output '
                         'channel (out_channels=1, a sigmoid), whose softmax is always 1 and has no gradient. Set '
                         'num_classes=2, out_channels=2 and loss_decode=dict(type="CrossEntropyLoss", '
                         'use_sigmoid=False) in all heads.')
