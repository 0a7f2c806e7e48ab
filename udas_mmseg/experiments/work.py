"""The kinds of work from which tables are made: trainings, translations, pseudo-labels, and readings."""
import json
import os
import os.path as osp
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Tuple

from mmengine.config import Config

from ..engine import launch
from ..run_report.training import find_checkpoint
from ..self_training.stage_config import image_folder
from ..utils.config_dicts import config_dicts
from ..utils.project import find_config
from .commands import run_command, tool_command
from .step import REMEDY, Step, Work
from .training import claim_folder, read_results, train_and_score, train_arguments, write_results

TRANSLATED = 'translated_root'  # stands for this key of every data set that reads the images of the translator
TRANSLATOR = 'translator.'  # begins the options of translators on the command line
_ROUNDS = 'self_training.'  # begins the options of self-training
_STAGES = ('warm_up', 'adapt', 'student')  # of self-training, whose configs read translations


def load_config(path: str) -> Config:
    """Read a config, which must not be changed: it is read again only after its file or the environment has changed."""
    variables = tuple(sorted(item for item in os.environ.items() if item[0].startswith('UDAS_')))
    return _load(path, os.stat(find_config(path)).st_mtime_ns, variables)


@lru_cache(maxsize=128)
def _load(path: str, time_of_change: int, variables: Tuple[Tuple[str, str], ...]) -> Config:
    return launch.load_config(path)


@dataclass(frozen=True)
class Training(Work):
    """The training of a config, which is then scored.

    Args:
        config (str): Path of the config, such as 'configs/demo/uda.py'.
        takes (Mapping[str, str]): Key of an option -> name of the work whose product is its value. The key
            'translated_root' stands for that of all training data sets that read the translator's images; in
            self-training, of all its trainings.
        options (tuple[str, ...]): Further options, as KEY=VALUE.
        once (bool): See `Work`. Defaults to False.
    """
    config: str
    takes: Mapping[str, str] = field(default_factory=dict)
    options: Tuple[str, ...] = ()
    once: bool = False
    scored = True

    @property
    def needs(self) -> Tuple[str, ...]:
        """Return the names of the works whose products it takes."""
        return tuple(self.takes.values())

    @property
    def what(self) -> str:
        """Return the path of the config below `configs/`."""
        return osp.relpath(self.config, 'configs')

    def content(self, step: Step) -> Dict[str, Any]:
        """Return the config and the options."""
        content = dict(load_config(self.config).to_dict(), cfg_options=self._own_options(step), takes=dict(self.takes))
        return {**content, **(dict(amp=step.amp) if step.amp else {})}

    def all_options(self, step: Step) -> List[str]:
        """Return all options, as KEY=VALUE, with the paths of the products that it takes."""
        taken = [option for key, name in self.takes.items() for option in self._taken(key, step.inputs[name])]
        return [*self._own_options(step), *taken]

    def command(self, step: Step) -> List[str]:
        """Return the command of the training."""
        return ['train.py', '--work-dir', step.folder,
                *train_arguments(self.config, step.seed, self.all_options(step), step.amp)]

    def product(self, step: Step) -> str:
        """Return the path of the last checkpoint."""
        results = read_results(step.folder)
        if results:
            return find_checkpoint(results[-1]['checkpoint'], step.folder)
        return osp.join(step.folder, 'CHECKPOINT')

    def run(self, step: Step) -> None:
        """Train and score."""
        train_and_score(self.config, step.folder, step.seed, self.all_options(step), name=step.name,
                        digest=step.digest, amp=step.amp, remedy=REMEDY, scored=self.scored)

    def _own_options(self, step: Step) -> List[str]:
        given = [option for option in step.options if not option.startswith(TRANSLATOR)]
        if 'self_training' in load_config(self.config):
            given = [option if option.startswith((_ROUNDS, 'budget=')) else f'{_ROUNDS}options.{option}'
                     for option in given]
        else:
            given = [option for option in given if not option.startswith(_ROUNDS)]
        return [*self.options, *given]

    def _taken(self, key: str, giver: Step) -> List[str]:
        """Return the options that hand on the product of another step."""
        if key != TRANSLATED:
            return [f'{key}={giver.product}']
        assert isinstance(giver.work, Translations)
        images, cfg = giver.work.images(giver), load_config(self.config)
        configs = {'': cfg}
        if 'self_training' in cfg:
            configs = {place: load_config(config) for stage in _STAGES
                       if stage in cfg.self_training and f'self_training.{stage}.checkpoint' not in self.takes
                       for place, config in _stage_configs(f'self_training.{stage}.', cfg.self_training[stage])}
        return [option for prefix, part in configs.items()
                for option in _translated_options(part, images, giver.product, prefix)]


def _stage_configs(prefix: str, settings: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """Return where the options of a stage of self-training belong, and its config: of each round that has settings."""
    rounds = settings.get('per_round') or ()
    return [(f'{prefix}per_round.{number}.options.', over.get('config', settings['config']))
            for number, over in enumerate(rounds)] or [(f'{prefix}options.', settings['config'])]


def _translated_options(cfg: Config, images: str, folder: str, prefix: str) -> List[str]:
    """Return the options that let all training data sets with a folder of images read their translations.

    Raises:
        ValueError: if there is none.
    """
    parts = dict(config_dicts(cfg.train_dataloader.to_dict(), 'train_dataloader'))
    places = [place for place, part in parts.items() if TRANSLATED in part] or [
        place for place, part in parts.items() if image_folder(part) == images]
    if not places:
        raise ValueError(f'{cfg.filename} reads no translated images: no data set in train_dataloader has '
                         f'{TRANSLATED} or the images of {images}.')
    keys = [prefix + place.replace('[', '.').replace(']', '') for place in places]
    return [option for key in keys for option in (f'{key}.{TRANSLATED}={folder}', f'{key}.missing_translation=error')]


@dataclass(frozen=True)
class Translator(Training):
    """The training of a translator, once for all seeds. Options of the command line for it begin with 'translator.'."""
    once: bool = True
    scored = False

    def _own_options(self, step: Step) -> List[str]:
        return [*self.options, *(option[len(TRANSLATOR):] for option in step.options if option.startswith(TRANSLATOR))]


@dataclass(frozen=True)
class _Derived(Work):
    """Work of another tool with a trained model.

    Args:
        of (str): Name of the training.
        arguments (tuple[str, ...]): Further arguments of the tool.
        options (tuple[str, ...]): Further options of the config, as KEY=VALUE.
    """
    of: str
    arguments: Tuple[str, ...] = ()
    options: Tuple[str, ...] = ()

    @property
    def needs(self) -> Tuple[str, ...]:
        """Return the name of the training."""
        return (self.of, )

    @property
    def what(self) -> str:
        """Return a description."""
        return f'{self.of} {" ".join(self.arguments)}'.rstrip()

    def content(self, step: Step) -> Dict[str, Any]:
        """Return the kind of work, and its arguments."""
        return dict(kind=type(self).__name__, arguments=list(self.arguments), options=list(self.options))

    def run(self, step: Step) -> None:
        """Run the tool."""
        claim_folder(step.folder, step.digest, self._training(step).config, REMEDY)
        began = time.monotonic()
        tool, *arguments = self.command(step)
        run_command(tool_command(tool, *arguments), osp.join(step.folder, 'output.txt'),
                    osp.join(step.folder, 'seconds.txt'), step.title)
        write_results(step.folder, [dict(name=step.name, model='', seed=step.seed, metrics=self._metrics(step),
                                         seconds=time.monotonic() - began)])

    def _training(self, step: Step) -> Training:
        work = step.inputs[self.of].work
        assert isinstance(work, Training)
        return work

    def _with_model(self, step: Step, tool: str, *arguments: str) -> List[str]:
        """Return a command with the config, the checkpoint and the options of the model."""
        model, training = step.inputs[self.of], self._training(step)
        options = [*training.all_options(model), *self._options(step)]
        return [tool, training.config, model.product, *arguments, *self.arguments,
                *(['--cfg-options', *options] if options else [])]

    def _options(self, step: Step) -> List[str]:
        return list(self.options)

    def _metrics(self, step: Step) -> Dict[str, float]:
        return {}


@dataclass(frozen=True)
class Translations(_Derived):
    """The translated source images of a translator, once for all seeds."""
    once: bool = True

    def command(self, step: Step) -> List[str]:
        """Return the command that translates the images."""
        return self._with_model(step, 'translate.py', '--out', self.product(step))

    def product(self, step: Step) -> str:
        """Return the folder of the images."""
        return osp.join(step.folder, 'images')

    def images(self, step: Step) -> str:
        """Return the folder of the images that are translated."""
        return image_folder(load_config(self._training(step).config).translate_dataloader.dataset)


@dataclass(frozen=True)
class Labels(_Derived):
    """The pseudo-labels of a model for the target's training images."""

    def command(self, step: Step) -> List[str]:
        """Return the command that labels the images."""
        return self._with_model(step, 'pseudo_label.py', '--out', self.product(step))

    def product(self, step: Step) -> str:
        """Return the folder of the labels."""
        return osp.join(step.folder, 'labels')


@dataclass(frozen=True)
class Reading(_Derived):
    """The score of a model on one labelled data set of its config.

    Args:
        dataset (str): Entry of the config.
        translations (str): Name of the translations that are read in place of the images. Defaults to '', none.
    """
    dataset: str = 'target_val'
    translations: str = ''

    @property
    def needs(self) -> Tuple[str, ...]:
        """Return the names of the training and of the translations."""
        return (self.of, self.translations) if self.translations else (self.of, )

    @property
    def what(self) -> str:
        """Return the data set that is read, and by which model."""
        return f'{self.translations or self.dataset}, read by {self.of}'

    def content(self, step: Step) -> Dict[str, Any]:
        """Return the kind of work, its arguments, and the data set."""
        return dict(super().content(step), dataset=self.dataset, translations=self.translations)

    def command(self, step: Step) -> List[str]:
        """Return the command that scores the model."""
        return self._with_model(step, 'score_domains.py', '--datasets', self.dataset, '--json', self.product(step))

    def product(self, step: Step) -> str:
        """Return the path of the scores."""
        return osp.join(step.folder, 'scores.json')

    def _options(self, step: Step) -> List[str]:
        if not self.translations:
            return list(self.options)
        return [*self.options, f'{self.dataset}.{TRANSLATED}={step.inputs[self.translations].product}',
                f'{self.dataset}.missing_translation=error']

    def _metrics(self, step: Step) -> Dict[str, float]:
        with open(self.product(step)) as file:
            return json.load(file)[self.dataset]
