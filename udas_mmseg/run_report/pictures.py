"""The parts of a report on predictions: the browser of validation images, and the confusion matrices."""
import base64
import html
import json
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from .elements import choice, matrix_table, paragraph
from .evidence import Evidence, Shown

_PANELS = ('image', 'truth', 'prediction', 'confidence')


def image_browser(evidence: Evidence, models: Sequence[str], first: str = '') -> str:
    """Format validation images with a slider between the predictions of the models.

    Args:
        evidence (Evidence): The predictions.
        models (Sequence[str]): Names of the models, in the order of the slider.
        first (str): The model that is shown first. Defaults to '': the last one that predicts.
    """
    predicting = [name for name in models if any(name in shown.predictions for shown in evidence.shown)]
    if not predicting:
        return ''
    place = predicting.index(first) if first in predicting else len(predicting) - 1
    data = dict(models=predicting, images=[_content(shown) for shown in evidence.shown])
    options = ''.join(f'<option>{html.escape(shown.name)}</option>' for shown in evidence.shown)
    panels = '\n'.join(f'<figure data-panel="{name}"><img alt="{name}"><figcaption></figcaption></figure>'
                       for name in _PANELS)
    colors = ''.join(f'<li><i style="background:rgb({red},{green},{blue})"></i>{html.escape(name)}</li>'
                     for name, (red, green, blue) in zip(evidence.classes, evidence.palette))
    # "</script>" in a name must not end the script
    text = json.dumps(data, separators=(',', ':')).replace('</', '<\\/')
    return f'''<div class="images">
<div class="controls"><span><label for="image-model">model</label><output for="image-model"></output>
<input type="range" id="image-model" min="0" max="{len(predicting) - 1}" value="{place}" step="1"></span>
<span><label for="image-name">image</label><select id="image-name">{options}</select>
<button type="button" data-step="-1">previous</button> <button type="button" data-step="1">next</button></span></div>
<div class="panels">
{panels}
</div>
<ul class="legend">{colors}</ul>
<script type="application/json">{text}</script>
<noscript><p>The images need JavaScript.</p></noscript>
</div>'''


def confusion_matrices(evidence: Evidence, first: str = '') -> str:
    """Format the confusion matrix of each model; a list chooses one, at first that of `first` or else the last."""
    parts = {name: matrix_table(f'Confusion matrix of {name}', evidence.classes, _shares(counts))
             for name, counts in evidence.confusions.items()}
    if not parts:
        return ''
    note = (f'Percent of the pixels of each true class (row) by predicted class (column), in {evidence.count} of '
            f'{evidence.total} validation images, evenly spaced.')
    shown = first if first in parts else list(parts)[-1]
    return '\n'.join((paragraph(note), choice('confusion', 'model', parts, shown)))


def confusion_figures(evidence: Optional[Evidence]) -> Optional[Dict[str, Any]]:
    """Return the confusion matrices for `report.json`: numbers of pixels, by true and predicted class."""
    if evidence is None:
        return None
    return dict(classes=list(evidence.classes), images=evidence.count, of=evidence.total,
                models={name: counts.tolist() for name, counts in evidence.confusions.items()})


def _shares(counts: np.ndarray) -> List[List[Optional[float]]]:
    """Return the percentages of each row of a confusion matrix; None for a class that does not occur."""
    return [[100 * count / sum(row) for count in row] if sum(row) else [None] * len(row) for row in counts.tolist()]


def _content(shown: Shown) -> Dict[str, Any]:
    predictions = {name: (_encode(label), _encode(confidence), accuracy)
                   for name, (label, confidence, accuracy) in shown.predictions.items()}
    return dict(name=shown.name, image=_encode(shown.image),
                truth=None if shown.truth is None else _encode(shown.truth), predictions=predictions)


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()
