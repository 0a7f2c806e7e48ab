"""The stage that trains the network whose classifiers disagree about uncertain pixels."""
from typing import Any, ClassVar, Dict, Tuple

from ..stage import STAGE_KINDS
from .student import Student


@STAGE_KINDS.register_module(name='selector')
class Selector(Student):
    """Trains the pixel selector of LabOR on the pseudo-labels of the round; see `PixelSelector`.

    Settings: those of `Student`. `init` is 'teacher' by default: backbone and first classifier start with the weights
    of the network that made the labels.
    """
    part: ClassVar[str] = 'selector'
    defaults: ClassVar[Dict[str, Any]] = {**Student.defaults, 'init': 'teacher'}
    gives: ClassVar[Tuple[str, ...]] = ('selector',)

    @property
    def what(self) -> str:
        """A short description of the stage."""
        return f'trains the pixel selector of {self.config} from {self.settings["init"]}'

    @property
    def segmentor(self) -> str:
        """Empty: it is no result of the round."""
        return ''
