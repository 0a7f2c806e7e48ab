"""Pipelines of data sets, and the samples that one pipeline passes to the next."""
from typing import Any, Iterator, List, Union


def steps_of(pipeline: Any) -> Iterator[Any]:
    """Iterate over the transforms of a pipeline, including those inside other transforms (RandomApply, RandomChoice).

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
    """Return a sample of a wrapped data set after checking that it has an image and is not packed.

    Args:
        sample: The sample.
        wrapper (str): Name of the data set that wraps it.
        role (str): Argument of the wrapper that has the wrapped data set.
        end (str): Name of the pipeline that should end with `PackSegInputs`.

    Raises:
        ValueError: if the sample is already packed, or no image was loaded.
    """
    if isinstance(sample, dict) and 'img' in sample:
        return sample
    found: Union[List[str], str] = list(sample) if isinstance(sample, dict) else type(sample).__name__
    raise ValueError(f"a sample of {wrapper}'s `{role}` has no `img`, but {found}. The pipeline of `{role}` must load "
                     f'an image and must not pack it: move `PackSegInputs` to the end of {end}.')
