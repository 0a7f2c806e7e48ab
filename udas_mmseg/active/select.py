"""Selecting what a person labels: a data set is predicted, and the most useful units are written as a round."""
import json
import shutil
import sys
from pathlib import Path
from threading import Semaphore
from typing import Any, Collection, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.dist import is_main_process

from ..datasets.answered import SELECTION
from ..datasets.image_views import ImageViews, ImageViewsDataset
from ..pseudo_labels.label import describe_images, open_checked, view_sizes
from ..pseudo_labels.predict import Labeler, build_labeler, predict_heads
from ..utils.file_set import finish_set
from ..utils.files import to_json
from ..utils.prediction_loop import predict_and_write
from ..utils.processes import in_first_process, together
from .answer_store import AnswerStore
from .budget import Budget
from .candidates import CandidateWriter, find_candidates
from .choice import choose_units
from .clicks import EPSILON
from .scores import check_at_least
from .selection_set import Selection
from .strategies import Strategy, build_strategy, strategy_settings

_CANDIDATES = 'candidates'  # deleted when the round is selected
_ANSWERED = 'answered_before'  # answers of earlier rounds
_AT_ONCE = 4  # images whose probabilities are in memory: 160 MB for 19 classes at 2048x1024


class SelectOptions(NamedTuple):
    """Options of `select` that do not belong to a strategy; see there."""
    number: int
    epsilon: float
    batch_size: int
    workers: int
    max_broken: int

    def check(self) -> None:
        """Raise a ValueError if a value is outside its range."""
        values = self._asdict()
        epsilon = values.pop('epsilon')
        check_at_least('select', **{name: (value, int(name in ('number', 'batch_size')))
                                    for name, value in values.items()})
        if not 0 <= epsilon < float('inf'):
            raise ValueError(f'select: epsilon={epsilon}; it must be 0 or more pixels.')


def select(cfg: Config, checkpoint: str, dataset: Union[str, dict], out: str, strategy: Union[str, Mapping[str, Any]],
           budget: Optional[Mapping[str, Union[int, str]]] = None, *, number: int = 1, epsilon: float = EPSILON,
           batch_size: int = 1, workers: int = 2, max_broken: int = 0, name: Optional[str] = None) -> Selection:
    """Select what a person labels, and write it to `<out>/round_<number>`.

    In a process group, call it in every process: each predicts a part of the images. An interrupted selection is
    continued; a complete one with the same settings is returned.

    Args:
        cfg (Config): Config of the model. For strategies that compare two classifiers, that of a pixel selector.
        checkpoint (str): Its weights.
        dataset (str | dict): Entry of the config with the images, such as 'target_train', or the config of their data
            set. Images are loaded with the test pipeline, and labels are never opened.
        out (str): Folder of the rounds.
        strategy (str | Mapping): A name, see `named_strategy`, or a dict with the configs of `score` and `units`.
        budget (Mapping, optional): Budget of all images together, such as `dict(clicks=5000)`, see `Budget`. Defaults
            to None: everything that the strategy selects.
        number (int): Number of the round, 1 or more. What was answered in earlier rounds is not selected again.
            Defaults to 1.
        epsilon (float): Accuracy of polygons in pixels, see `region_clicks`. Defaults to 1.
        batch_size (int): Number of images that are predicted at once. Defaults to 1.
        workers (int): Number of processes that load images. Defaults to 2.
        max_broken (int): Number of images that may be skipped because they cannot be read. Defaults to 0.
        name (str, optional): Name of the config. Defaults to the file name of the config.

    Returns:
        Selection: The selection, in every process.

    Raises:
        OSError: if a file is missing or cannot be written, or the round has another selection.
        ValueError: if the data, the model and the strategy do not match, the budget does not suffice for anything, or
            nothing can be selected.
        SystemExit: in a process group, if another process has raised one of these.
    """
    options = SelectOptions(number, epsilon, batch_size, workers, max_broken)
    options.check()
    folder, limit, built = Path(out, f'round_{number}'), Budget.of(budget), build_strategy(strategy_settings(strategy))
    if limit is not None:
        limit.check(built.maker.unit)
    dataset_cfg, model = together(lambda: describe_images(cfg, checkpoint, dataset, name or cfg.filename or ''))
    earlier = in_first_process(lambda: _earlier(out, number))
    settings = {**strategy_settings(strategy), 'epsilon': epsilon, _ANSWERED: _count_answers(earlier)}
    header = dict(settings, budget=None if budget is None else dict(budget))
    if not in_first_process(lambda: _is_complete(folder, header, model)):
        images, writer = together(lambda: _open(dataset_cfg, folder, model, settings))
        labeler = together(lambda: _build(cfg, checkpoint, images))
        skipped = write_candidates(labeler, images, writer, built, earlier, options).get('skipped') or ()
        in_first_process(lambda: _write(writer, images, skipped, limit, header, number, built.maker.unit))
    return together(lambda: Selection.read(folder))


def write_candidates(labeler: Labeler, images: BaseDataset, writer: CandidateWriter, strategy: Strategy,
                     earlier: Optional[AnswerStore], options: SelectOptions) -> Dict[str, Any]:
    """Predict the images that have no candidates yet, and write the candidates; see `select`.

    Returns:
        dict: The content of the index, with the images that are `skipped`.
    """
    pending, size = in_first_process(lambda: writer.begin(update=True)), options.batch_size
    if is_main_process() and len(pending) < len(images):
        print(f'{len(images) - len(pending)} of {len(images)} images are kept from an earlier run.', file=sys.stderr)
    slots = Semaphore(_AT_ONCE)

    def predict(group: List[ImageViews]) -> Iterator[Tuple[np.ndarray, ...]]:
        samples = [image.samples[0] for image in group]
        filled = [*samples, *[samples[-1]] * (size - len(group))]  # rounding depends on the size of a batch
        for maps, _ in zip(predict_heads(labeler, filled), group):
            slots.acquire()
            yield tuple(one.cpu().numpy() for one in maps)

    def write(image: ImageViews, probs: Tuple[np.ndarray, ...]) -> None:
        try:
            name = writer.name_of(image.number)
            taken = earlier.taken(name) if earlier else None
            writer.write(image.number, find_candidates(*strategy, probs, name, taken, options.epsilon))
        finally:
            slots.release()

    broken = predict_and_write(f'selecting: {writer.out.parent.name}', ImageViewsDataset(images, writer.names), pending,
                               predict, write, view_sizes, size, options.workers)
    return in_first_process(lambda: finish_set(writer, broken, options.max_broken, 'predicted'))


def _earlier(out: str, number: int) -> Optional[AnswerStore]:
    """Return the answers of the round before; None in the first round."""
    return None if number == 1 else AnswerStore(Selection.read(Path(out, f'round_{number - 1}')))


def _count_answers(store: Optional[AnswerStore]) -> int:
    return 0 if store is None else len(store.log.answers) + _count_answers(store.earlier)


def _open(dataset_cfg: Dict[str, Any], folder: Path, model: Mapping[str, Any],
          settings: Mapping[str, Any]) -> Tuple[BaseDataset, CandidateWriter]:
    images = open_checked(dataset_cfg)
    paths = [images.get_data_info(number)['img_path'] for number in range(len(images))]
    writer = CandidateWriter(str(folder / _CANDIDATES), paths, images.data_prefix['img_path'], model, settings)
    return images, writer


def _build(cfg: Config, checkpoint: str, images: BaseDataset) -> Labeler:
    labeler = build_labeler(cfg, checkpoint)
    labeler.check(images.metainfo.get('classes') or ())
    return labeler


def _is_complete(folder: Path, header: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    """Whether the round is already selected with these settings.

    Raises:
        FileExistsError: if it is selected with others.
    """
    if not (folder / SELECTION).is_file():
        return False
    found, wanted = Selection.read(folder), json.loads(to_json(header))
    wanted.pop(_ANSWERED)  # more answers since then change nothing
    other = [name for name, value in wanted.items() if found.strategy.get(name) != value]
    other += ['model'] * any(found.model.get(name) != model[name] for name in ('sha256', 'config_digest'))
    if other:
        raise FileExistsError(f'{folder} was selected with another {" and another ".join(other)}. Nothing was changed: '
                              'choose the next round, or another folder.')
    shutil.rmtree(folder / _CANDIDATES, ignore_errors=True)
    return True


def _write(writer: CandidateWriter, images: BaseDataset, skipped: Collection[str], budget: Optional[Budget],
           header: Mapping[str, Any], number: int, unit: str) -> None:
    """Choose the units, and write the selection. The candidates are not needed any more."""
    selected, maps = choose_units(writer, skipped, budget)
    selection = Selection(number, header, unit, images.metainfo['classes'], images.metainfo.get('palette') or [],
                          selected, images.data_prefix['img_path'], writer.header['model'])
    selection.write(writer.out.parent, maps)
    shutil.rmtree(writer.folder, ignore_errors=True)
