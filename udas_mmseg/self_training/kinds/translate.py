"""The stages that train a translator and translate the source."""
import os.path as osp
from typing import Any, ClassVar, Dict, Optional, Tuple

from mmengine.config import Config
from mmengine.dist import is_main_process

from ...utils.digests import file_digest
from ...utils.mirrored_folder import INDEX
from ..stage import REQUIRED, STAGE_KINDS, RunContext, Stage
from ..stage_config import training_config
from .training import Training

_DEFAULTS: Dict[str, Any] = dict(config=REQUIRED, checkpoint='', size=(), options={})


@STAGE_KINDS.register_module(name='translator')
class Translator(Training):
    """Trains the translator. Its settings are those of `Translate`."""
    part: ClassVar[str] = 'translate'
    defaults: ClassVar[Dict[str, Any]] = _DEFAULTS
    optional: ClassVar[bool] = True
    has_budget: ClassVar[bool] = False  # it uses no labels
    reads: ClassVar[str] = 'source and target images'
    gives: ClassVar[Tuple[str, ...]] = ('translator',)

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return f'trains the translator of {self.config}'


@STAGE_KINDS.register_module(name='translate')
class Translate(Stage):
    """Translates the source images.

    Settings: `config` of the translator, `options` that override it, `size` (width, height) of the images, and
    `checkpoint` of a trained translator, with which none is trained.
    """
    defaults: ClassVar[Dict[str, Any]] = _DEFAULTS
    optional: ClassVar[bool] = True
    takes: ClassVar[Tuple[str, ...]] = ('translator',)
    gives: ClassVar[Tuple[str, ...]] = ('translations',)

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return 'translates the source images'

    def build_config(self, context: RunContext) -> Optional[Config]:
        """Build the translator's config."""
        return training_config(self, context)

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Translate the images; see `write_translations`."""
        from ...translation.translate import write_translations  # only this needs MMagic
        checkpoint, out = context.checkpoint_of(self, 'translator'), context.folder(self.name)
        size = self.settings['size']
        write_translations(context.configs[self.name], checkpoint, out, size=tuple(size) if size else None,
                           name=self.config)
        if not is_main_process():  # only the main process finishes the set and writes the manifest
            return {}
        result = dict(index_sha256=file_digest(osp.join(out, INDEX)), inputs={'translator': file_digest(checkpoint)})
        report = osp.join(f'{out}_report', 'report.html')
        return dict(result, translation_report=report) if osp.exists(report) else result
