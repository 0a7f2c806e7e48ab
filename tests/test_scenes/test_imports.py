"""The generator needs NumPy and OpenCV only, whatever the rest of the package needs."""

import ast
import sys
from pathlib import Path

import pytest

import udas_mmseg.scenes

MODULES = sorted(Path(udas_mmseg.scenes.__file__).parent.glob('*.py'))


@pytest.mark.parametrize('path', MODULES, ids=lambda path: path.stem)
def test_imports_numpy_opencv_and_the_standard_library_only(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, 'it reaches into the rest of the package'
            if node.level == 0:
                imported.add(node.module.split('.')[0])
    if sys.version_info >= (3, 10):
        imported -= sys.stdlib_module_names
    else:
        pytest.skip('the standard library is not listed before Python 3.10')
    assert imported <= {'numpy', 'cv2'}
