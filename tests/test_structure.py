"""Files and functions stay short enough to be read at once."""
import ast
from pathlib import Path
from typing import Dict, Iterator, Set, Union

ROOT = Path(__file__).parents[1]
MAX_FILE, MAX_FUNCTION = 300, 50
LONGER: Set[str] = set()  # what may be longer; keep it empty
QUICK = {'cv2', 'gc', 'importlib', 'numpy', 'os', 'pathlib', 'pytest', 'shutil', 'typing'}  # to import

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


def python_files() -> Iterator[Path]:
    for folder in ('udas_mmseg', 'tools'):
        yield from sorted((ROOT / folder).rglob('*.py'))


def long_functions(name: str, source: str) -> Dict[str, int]:
    """`<file>:<line> <function>` -> its lines, from `def` to the end."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef,
                                                                                  ast.AsyncFunctionDef))]
    counts = {f'{name}:{function.lineno} {function.name}': (function.end_lineno or 0) + 1 - function.lineno
              for function in functions}
    return {where: count for where, count in counts.items() if count >= MAX_FUNCTION}


def test_functions_have_fewer_than_50_lines() -> None:
    long = {where: count for path in python_files()
            for where, count in long_functions(str(path.relative_to(ROOT)), path.read_text()).items()}
    assert {where for where in long if where.split(':')[0] not in LONGER} == set(), long


def test_files_have_fewer_than_300_lines() -> None:
    counts = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files()}
    long = {name: count for name, count in counts.items() if count >= MAX_FILE}
    assert set(long) == LONGER, long


def test_a_long_function_is_found() -> None:
    source = 'def f():\n' + '    x = 1\n' * 48
    assert long_functions('a.py', source) == {} and long_functions('a.py', source + '    x = 1\n') == {'a.py:1 f': 50}


def test_what_every_process_of_pytest_reads_imports_nothing_that_takes_seconds() -> None:
    for path in (ROOT / 'tests').rglob('conftest.py'):
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [
                node.module] if isinstance(node, ast.ImportFrom) else []
            found = {name.partition('.')[0] for name in names} - QUICK
            assert not found, f'{path}: import {found} within a fixture'
