"""What `import udas_mmseg` costs on top of MMSegmentation."""
import subprocess
import sys
from typing import List

from measuring import Row, compared, costs

# what this package uses of MMSegmentation, after the same workarounds
MMSEG = ('import importlib.util, sys; s = importlib.util.find_spec("udas_mmseg"); '
         'm = importlib.util.spec_from_file_location("compat", s.submodule_search_locations[0] + "/compat.py"); '
         'c = importlib.util.module_from_spec(m); m.loader.exec_module(c); c.apply(); '
         'import mmengine.runner, mmseg.datasets, mmseg.engine, mmseg.evaluation, mmseg.models, mmseg.visualization')


def run() -> List[Row]:
    """Seconds of a fresh process."""

    def python(code: str) -> None:
        subprocess.run([sys.executable, '-c', code], check=True)

    stock, ours = costs([lambda: python(MMSEG), lambda: python('import udas_mmseg')], rounds=5)
    return [compared('import udas_mmseg, s', stock, ours, "MMSegmentation's modules alone", 'ratio <= 1.3', share=True)]
