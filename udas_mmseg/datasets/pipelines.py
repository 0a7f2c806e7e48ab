"""Pipelines of data sets, and the samples between two of them."""
from typing import Any, Iterator, List, Union


def steps_of(pipeline: Any) -> Iterator[Any]:
    """Transforms of a pipeline, those inside of others (RandomApply, RandomChoice) among them.

    Args:
        pipeline: A transform, such as `Compose`, or a list of transforms, or None.
    """
    if isinstance(pipeline, (list, tuple)):
        for step in pipeline:
            yield from steps_of(step)
    elif pipeline is not None:
        yield pipeline
        yield from steps_of(getattr(pipeline, 'transforms', None))


def unpacked(sample: Any, wrapper: str, role: str, end: str) -> dict:
    """The sample of a wrapped data set, if further transforms can work on it.

    Args:
        sample: What the data set returned.
        wrapper (str): Name of the data set that wraps it.
        role (str): Argument that holds the wrapped one.
        end (str): Where `PackSegInputs` belongs.

    Raises:
        ValueError: if it is packed already, or no image was loaded.
    """
    if isinstance(sample, dict) and 'img' in sample:
        return sample
    found: Union[List[str], str] = list(sample) if isinstance(sample, dict) else type(sample).__name__
    raise ValueError(f"a sample of {wrapper}'s `{role}` has no `img`, but {found}. The pipeline of `{role}` must load "
                     f'an image and must not pack it: take `PackSegInputs` out of it, and put it at the end of {end}.')
