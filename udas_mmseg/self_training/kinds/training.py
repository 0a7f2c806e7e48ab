"""Stages that are trainings."""
import copy
import gc
import os
import os.path as osp
from typing import Any, ClassVar, Dict, List, Optional

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner, find_latest_checkpoint

from ...datasets.preflight import check_config
from ...engine.batch_checks import check_batches
from ...engine.initial_weights import prepare_load_from
from ...engine.launch import build_runner, has_checkpoint, init_distributed, mend_last_checkpoint, prepare_resume
from ...engine.trial_validation import try_validation
from ...evaluation.validation import validate
from ...models.trained import build_original, load_checkpoint
from ...utils.console import is_quiet
from ...utils.digests import file_digest
from ...utils.processes import together
from ..stage import RunContext, Stage
from ..stage_config import CONFIG, FILLED_IN, product_digest, training_config, without_products


class Training(Stage):
    """An ordinary run of a config, which resumes from its last checkpoint; the base class of kinds that train."""
    reads: ClassVar[str] = 'data of its config'
    trains: ClassVar[bool] = True
    has_budget: ClassVar[bool] = True

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return f'trains {self.config}'

    @property
    def segmentor(self) -> str:
        """The name of the trained segmentor in tables; '' if the stage trains none."""
        return ''

    def build_config(self, context: RunContext) -> Optional[Config]:
        """Build the config from its file and options, with the folders of earlier stages."""
        return training_config(self, context)

    def initial_weights(self, context: RunContext) -> str:
        """Return the path of the initial checkpoint; '' for the weights that the config loads."""
        return ''

    def check(self, context: RunContext) -> List[str]:
        """Check the config against the data, once for all rounds with the same settings, and try its validation."""
        before = context.stages[:context.stages.index(self)]
        if any((other.kind, other.settings, other.options) == (self.kind, self.settings, self.options)
               for other in before):
            return []
        cfg = context.configs[self.name]
        lines = check_config(without_products(self, cfg), context.num_scanned)
        if not osp.exists(osp.join(cfg.work_dir, 'last_checkpoint')):  # else it resumes, without `load_from`
            lines += prepare_load_from(copy.deepcopy(cfg), context.allow_partial)
            lines += [*try_validation(cfg), *check_batches(cfg)]
        return [f'{self.name}: {line}' for line in lines]

    def run(self, context: RunContext) -> Dict[str, Any]:
        """Train with a Runner of MMEngine."""
        cfg = copy.deepcopy(context.configs[self.name])
        cfg.load_from = together(lambda: self.initial_weights(context)) or cfg.get('load_from')
        together(lambda: _write_config(cfg) if is_main_process() else None)
        prepare_resume(cfg, has_checkpoint(cfg.work_dir))
        lines = together(lambda: prepare_load_from(cfg, context.allow_partial))
        if lines and is_main_process():
            print('\n'.join(lines), flush=True)
        init_distributed(cfg, context.launcher)
        runner = build_runner(cfg)
        runner.train()
        metrics = {key[len('val/'):]: buffer.current() for key, buffer in runner.message_hub.log_scalars.items()
                   if key.startswith('val/') and not key.endswith(('/time', '/data_time'))}
        _release(runner)
        del runner
        gc.collect()  # free its model before the next stage builds its own
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        checkpoint = together(lambda: find_latest_checkpoint(cfg.work_dir))
        test = _score_test_images(cfg, checkpoint)
        if not is_main_process():  # only the main process writes the manifest
            return {}
        inputs = {role: product_digest(role, context.folder(self.links[role]))
                  for role in FILLED_IN if role in self.links}
        result = dict(checkpoint=checkpoint, sha256=file_digest(checkpoint), metrics=metrics, inputs=inputs)
        if test:
            result['test'] = test
        return dict(result, segmentor=self.segmentor) if self.segmentor else result

    def command(self, context: RunContext) -> str:
        """Return the command that runs the stage alone."""
        folder = context.folder(self.name)
        return f'python tools/train.py {osp.join(folder, CONFIG)} --work-dir {folder}_by_hand'


def _write_config(cfg: Config) -> None:
    """Check a config against the data, and write it, so that the stage can be run alone."""
    lines = check_config(cfg)
    if not is_quiet():  # `prepare` has printed almost the same
        print('\n'.join(lines), flush=True)
    os.makedirs(cfg.work_dir, exist_ok=True)
    mend_last_checkpoint(cfg.work_dir)  # by one process, before all of them read it
    cfg.dump(osp.join(cfg.work_dir, CONFIG))


def _score_test_images(cfg: Config, checkpoint: str) -> Dict[str, float]:
    """Score a trained segmentor on the test images if they are not the validation images; else empty.

    Nothing is chosen by these scores.
    """
    loader, evaluator = cfg.get('test_dataloader'), cfg.get('test_evaluator')
    if not loader or not evaluator or (loader, evaluator) == (cfg.get('val_dataloader'), cfg.get('val_evaluator')):
        return {}
    return validate(together(lambda: build_original(cfg, load_checkpoint(checkpoint))), loader, evaluator)


def _release(runner: Runner) -> None:
    """Stop the data loader workers. If the garbage collector did this, each would first wait for 5 seconds."""
    for loop in (runner.train_loop, runner.val_loop):
        if loop is not None:
            del loop.dataloader
