"""The stage that exports the result of the rounds."""
import os.path as osp
from typing import Any, ClassVar, Dict, List, Tuple

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS

from ...export.export_segmentor import export_segmentor
from ...export.plain_config import export_config
from ...models.trained import build_original, load_checkpoint
from ...utils.digests import file_digest
from ...utils.processes import together
from ...visualization import save_picture
from ...visualization.prediction_panel import draw_predictions
from ..stage import STAGE_KINDS, RunContext, Stage


@STAGE_KINDS.register_module(name='export')
class Export(Stage):
    """Exports the last student (or the model that was kept) for plain MMSegmentation, and draws its predictions.

    Settings: `name` of the exported files (default: the name of the run), `num_images` in the picture.
    """
    defaults: ClassVar[Dict[str, Any]] = dict(name='', num_images=6)
    takes: ClassVar[Tuple[str, ...]] = ('student',)
    replaceable: ClassVar[bool] = True  # with another number of rounds, another student is exported

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return 'exports the last model for plain MMSegmentation'

    def check(self, context: RunContext) -> List[str]:
        """Check that plain MMSegmentation can build every model that may be exported."""
        giver = context.stage(self.links['student'])
        for cfg in giver.model_configs(context) if giver else ():
            export_config(cfg)
        return []

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Export and draw, in the first process only."""
        checkpoint, cfg = context.checkpoint_of(self, 'student'), context.config_of(self, 'student')
        name, out = self.settings['name'] or context.name, context.folder(self.name)
        return together(lambda: _export_student(cfg, checkpoint, out, name, self.settings['num_images'])
                        if is_main_process() else {})


def _export_student(cfg: Config, checkpoint: str, out: str, name: str, num_images: int) -> Dict[str, Any]:
    """Write the files `name` and the picture to a folder, and return the entries for the manifest."""
    exported = export_segmentor(cfg, checkpoint, out, name)
    result = dict(exported_config=str(exported.config), checkpoint=str(exported.checkpoint),
                  sha256=file_digest(str(exported.checkpoint)), inputs={'student': file_digest(checkpoint)},
                  summary=f'{exported.config}, {exported.checkpoint}')
    if cfg.get('val_dataloader'):
        model = build_original(cfg, load_checkpoint(checkpoint))
        with torch.inference_mode():
            picture = draw_predictions({'validation': DATASETS.build(cfg.val_dataloader.dataset)}, {name: model},
                                       num_images)
        save_picture(osp.join(out, 'predictions.png'), picture)
    return result
