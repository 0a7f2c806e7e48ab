"""The base class of stages of self-training, and the information about their run."""
import os.path as osp
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

from mmengine.config import Config
from mmengine.registry import Registry

from ..datasets.budget_key import merge_options
from ..datasets.cache import without_caches
from ..datasets.preflight import NUM_SCANNED
from ..engine.launch import fit_machine, load_config
from ..utils.config_dicts import config_dicts
from ..utils.digests import config_digest, file_digest
from .manifest import Manifest

STAGE_KINDS = Registry('stage kind', scope='udas_mmseg')
REQUIRED = None  # a default that means that the setting is required
# parts of a config that can change without affecting the result of a training
_NO_EFFECT = ('default_hooks', 'env_cfg', 'experiment_name', 'hang_limit', 'log_level', 'log_processor', 'vis_backends',
              'visualizer')
_LOADING = ('num_workers', 'persistent_workers', 'prefetch_factor')


@dataclass(frozen=True)
class Stage:
    """One step of self-training in its own folder; the base class of all kinds of stages.

    A kind is a subclass that is registered in `STAGE_KINDS` and listed in `self_training.stages`. It must define `what`
    and `run`. Roles link stages: one that `takes` a role is linked to the last earlier stage that `gives` it.

    Attributes:
        part: Entry of `self_training` with the settings of the kind. Defaults to the name of the kind.
        defaults: All settings with their defaults; `REQUIRED` for required settings.
        optional: Whether stages of the kind are left out if the part is not given.
        skippable: Whether None in `per_round` leaves the stage out of that round.
        no_effect: Settings that may change during a run, because they do not affect the result.
        reads: Description of the data that it reads if it takes nothing from other stages.
        takes: Roles that it needs, such as 'teacher'.
        may_take: Roles that it uses if an earlier stage gives them.
        may_ignore: Those of them that the config of a training need not read.
        gives: Roles that later stages may take from it.
        trains: Whether the stage is a training.
        has_budget: Whether the run's `budget` of labelled images also applies to its config.
        replaceable: Whether it may be run again, replacing its files, with other settings or another number of rounds.
        numbered: Whether its folder has a number if it is before the rounds; without, it may be added to a run later.
        name: Its folder in the work directory, such as '04_student_r1'.
        kind: Name of the kind in `STAGE_KINDS`.
        settings: All settings of its part, except `options`.
        options: Dicts that override its config, in this order: those of its part, then those of its round.
        round: Self-training round, from 1; 0 outside the rounds.
        links: Role -> name of the stage that gives it, or path of a given checkpoint.
        given: Role -> the stage whose result was given as a checkpoint.

    Example:
        >>> @STAGE_KINDS.register_module(name='count')
        ... class Count(Stage):
        ...     takes = ('labels',)
        ...     what = 'counts the pseudo-labels'
        ...
        ...     def run(self, context):
        ...         labels = Path(context.folder_of(self, 'labels'))
        ...         return dict(summary=f'{len(list(labels.rglob("*_confidence.png")))} images')
    """
    part: ClassVar[str] = ''
    defaults: ClassVar[Dict[str, Any]] = {}
    optional: ClassVar[bool] = False
    skippable: ClassVar[bool] = False
    no_effect: ClassVar[Tuple[str, ...]] = ()
    reads: ClassVar[str] = ''
    takes: ClassVar[Tuple[str, ...]] = ()
    may_take: ClassVar[Tuple[str, ...]] = ()
    may_ignore: ClassVar[Tuple[str, ...]] = ()
    gives: ClassVar[Tuple[str, ...]] = ()
    trains: ClassVar[bool] = False
    has_budget: ClassVar[bool] = False
    replaceable: ClassVar[bool] = False
    numbered: ClassVar[bool] = True

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Tuple[Mapping[str, Any], ...] = ()
    round: int = 0
    links: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, 'Stage'] = field(default_factory=dict)

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> None:
        """Raise a ValueError for a value that is not allowed, without reading any file."""

    @property
    def config(self) -> str:
        """The config file of the stage, relative to the current folder if it is below it; '' for none."""
        path = self.settings.get('config') or ''
        relative = osp.relpath(path) if path else ''
        return osp.normpath(path) if relative.startswith(osp.pardir) else relative

    @property
    def what(self) -> str:
        """A short description of the stage."""
        raise NotImplementedError

    def folder_in(self, work_dir: str) -> str:
        """Return the folder of its files, which several stages may share."""
        return osp.join(work_dir, self.name)

    def build_config(self, context: 'RunContext') -> Optional[Config]:
        """Build the complete config of the stage without reading data; None if it has no config."""
        return None

    def change_training(self, training: 'Stage', cfg: Config, context: 'RunContext') -> None:
        """Change the config of a training of the run in place, when it is built; without reading data."""

    def model_configs(self, context: 'RunContext') -> List[Config]:
        """Return the config of the model that the stage gives, or of each that it may give if that is not known yet."""
        return [context.configs[self.name]]

    def check(self, context: 'RunContext') -> List[str]:
        """Find mistakes before any stage runs.

        Returns:
            list[str]: A line about each data set.

        Raises:
            ValueError: listing all mistakes, such as missing folders.
        """
        return []

    def digest_content(self, context: 'RunContext') -> Dict[str, Any]:
        """Return further content that affects the result, besides its settings, links, config and given checkpoints."""
        return {}

    def run(self, context: 'RunContext') -> Dict[str, Any]:
        """Do the work, in every process of the group.

        Returns:
            dict: Entries for the manifest from the first process, which must be serialisable as JSON: `checkpoint` and
            its `sha256` for a model that later stages take, `summary` for the table, `inputs` (role -> digest), or
            others.
        """
        raise NotImplementedError

    def ends_rounds(self, context: 'RunContext') -> str:
        """Return the reason to leave out the remaining rounds after this stage; '' to continue."""
        return ''

    def command(self, context: 'RunContext') -> str:
        """Return the command that runs the stage alone; '' for none."""
        return ''


class RunContext:
    """Information about a run for its stages.

    Args:
        stages (Sequence[Stage]): All stages, in order.
        work_dir (str): Work directory of the run.
        seed (int): Seed of the run. Defaults to 0.
        launcher (str): As in MMEngine. Defaults to 'none'.
        amp (str): 'float16', 'bfloat16' or '' for neither. Defaults to ''.
        options (Mapping, optional): Dotted keys that override the config of every stage.
        name (str): Name of the run. Defaults to 'self_training'.
        allow_partial (bool): Whether weights of initial checkpoints may be missing or have another shape. Defaults to
            False.

    Attributes:
        configs (dict[str, Config]): Configs of the stages that have one, by name.
        manifest (Manifest, optional): Set during the run.
        num_scanned (int, optional): Number of samples of each data set that the checks read; None for all.
    """

    def __init__(self, stages: Sequence[Stage], work_dir: str, *, seed: int = 0, launcher: str = 'none', amp: str = '',
                 options: Optional[Mapping[str, Any]] = None, name: str = 'self_training',
                 allow_partial: bool = False) -> None:
        self.stages = list(stages)
        self.work_dir = osp.abspath(work_dir)
        self.seed, self.launcher, self.amp = seed, launcher, amp
        self.options = options or {}
        self.name, self.allow_partial = name, allow_partial
        self.manifest: Optional[Manifest] = None
        self.num_scanned: Optional[int] = NUM_SCANNED
        self.configs: Dict[str, Config] = {}
        for stage in self.stages:
            cfg = stage.build_config(self)  # may depend on those of earlier stages
            if cfg is not None:
                self.configs[stage.name] = cfg

    @property
    def entries(self) -> Dict[str, Dict[str, Any]]:
        """The manifest's entries of the stages that were started, by name."""
        return self.manifest.entries if self.manifest else {}

    def folder(self, stage: str) -> str:
        """Folder of a stage."""
        found = self.stage(stage)
        return found.folder_in(self.work_dir) if found else osp.join(self.work_dir, stage)

    def stage(self, link: str) -> Optional[Stage]:
        """Return the stage to which a link leads; None for a given checkpoint."""
        return next((stage for stage in self.stages if stage.name == link), None)

    def is_stage(self, link: str) -> bool:
        """Whether a link leads to a stage, and not to a given checkpoint."""
        return self.stage(link) is not None

    def digest(self, stage: Stage) -> str:
        """Return the SHA-256 of everything that affects the result of a stage, except the results of earlier stages."""
        settings = {key: value for key, value in stage.settings.items() if key not in ('config', *stage.no_effect)}
        content: Dict[str, Any] = dict(kind=stage.kind, links=dict(stage.links), settings=settings, seed=self.seed,
                                       options=[layer for layer in stage.options if layer])
        if stage.name in self.configs:
            content['config'] = affecting_result(self.configs[stage.name])
        content['checkpoints'] = {role: file_digest(link) for role, link in stage.links.items()
                                  if not self.is_stage(link) and osp.isfile(link)}
        if not stage.round:  # rounds may end early, and the stages after them then take another student
            sources = [self.source_of(stage, role) for role in stage.links]
            content['sources'] = [(source, self.entries.get(source, {}).get('sha256')) for source in sources]
        return config_digest({**content, **stage.digest_content(self)})

    def result(self, stage: Stage) -> Optional[Dict[str, Any]]:
        """Return the manifest's entry of a stage; None if it is not complete, or has other settings."""
        return self.manifest.result(stage.name, self.digest(stage)) if self.manifest else None

    def source_of(self, stage: Stage, role: str) -> str:
        """Return the name of the stage, or the path of the checkpoint, from which a stage takes a role.

        This is the target of its link or, if the rounds ended early, the last stage before it that was run.
        """
        link = stage.links[role]
        if not self.is_stage(link):
            return link
        names = [other.name for other in self.stages]
        givers = [other for other in self.stages[:names.index(link) + 1] if role in other.gives]
        return next((other.name for other in reversed(givers) if self.result(other)), link)

    def folder_of(self, stage: Stage, role: str) -> str:
        """Return the folder from which a stage takes a role; see `source_of`."""
        return self.folder(self.source_of(stage, role))

    def checkpoint_of(self, stage: Stage, role: str) -> str:
        """Return the path of the checkpoint that a stage takes: the last one of the linked stage, or the given file.

        Raises:
            FileNotFoundError: if it does not exist.
            ValueError: if it was changed after its stage wrote it.
        """
        source, origin = self.source_of(stage, role), self.trained_by(stage, role)
        entry = self.entries.get(source)
        path = entry['checkpoint'] if entry else source
        if not osp.isfile(path):
            raise FileNotFoundError(f"the {role}'s checkpoint {path} does not exist (any more). Restore it" +
                                    (f', or delete the entries of {origin} and of all later stages in '
                                     f'{self.manifest.path if self.manifest else ""}, and their folders, to make them '
                                     'again.' if self.is_stage(origin) else ', or correct `checkpoint`.'))
        if entry and file_digest(path) != entry['sha256']:
            raise ValueError(f"the {role}'s checkpoint {path} has been changed since {source} wrote it: its SHA-256 is "
                             f'not that in {self.manifest.path if self.manifest else ""}. Restore it.')
        return path

    def config_of(self, stage: Stage, role: str) -> Config:
        """Return the config of the model that a stage takes: that of the stage that trains or would have trained it."""
        giver = self.stage(self.source_of(stage, role))
        return self.load_config(stage.given[role]) if giver is None else giver.model_configs(self)[0]

    def trained_by(self, stage: Stage, role: str) -> str:
        """Return the name of the stage that trained the model that a stage takes, or the path of a given checkpoint."""
        source = self.source_of(stage, role)
        return self.entries.get(source, {}).get('trained_by', source)

    def load_config(self, stage: Stage, folder: Optional[str] = None) -> Config:
        """Load the config file of a stage, and apply the options of the run and of the stage."""
        cfg = load_config(stage.config, folder)
        common = {key: value for key, value in self.options.items() if key != 'budget' or stage.has_budget}
        for options in (common, *stage.options):
            merge_options(cfg, options)
        fit_machine(cfg)
        return cfg

    def training_on(self, stage: Stage, role: str) -> Stage:
        """Return the first training that takes a role from a stage.

        Raises:
            ValueError: if there is none.
        """
        for other in self.stages:
            if other.trains and other.links.get(role) == stage.name:
                return other
        raise ValueError(f'no training takes the {role} of {stage.name}. Add one after it in self_training.stages, '
                         f'such as student, or leave out {stage.kind}.')


def affecting_result(cfg: Config) -> Dict[str, Any]:
    """Return the settings of a config that affect its training, as a plain dict."""
    content = without_caches({key: value for key, value in cfg.to_dict().items() if key not in _NO_EFFECT})
    for _, part in config_dicts(content):
        for key in _LOADING:
            part.pop(key, None)
    return content
