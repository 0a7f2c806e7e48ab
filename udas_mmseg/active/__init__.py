"""Active labelling: choosing the pixels that a person labels, and storing the answers."""
from .answer_log import Answer
from .answer_store import AnswerStore, Stored
from .selection_set import SelectedImage, Selection, Unit

__all__ = ['Answer', 'AnswerStore', 'SelectedImage', 'Selection', 'Stored', 'Unit']
