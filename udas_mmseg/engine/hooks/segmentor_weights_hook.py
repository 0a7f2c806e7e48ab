"""Loading the segmentor of a larger model into a segmentor alone."""
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...models.trained import segmentor_weights, state_dict_of


@HOOKS.register_module()
class SegmentorWeightsHook(Hook):
    """Lets a segmentor load the checkpoint of a model that has a segmentor, such as `AdversarialSegmentor`.

    The names of the weights lose the prefix `segmentor.`, and other parts of the model are left out. The checkpoint of
    a segmentor alone is not changed. `tools/train.py` and `tools/test.py` add this hook where it is needed.
    """

    priority = 'VERY_HIGH'  # before hooks that use the weights, such as MMEngine's EMAHook

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Rename the weights, in place."""
        checkpoint['state_dict'] = segmentor_weights(state_dict_of(checkpoint), '')
