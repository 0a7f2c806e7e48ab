"""Files and functions stay short enough to be read at once."""
import ast
from pathlib import Path
from typing import Dict, Iterator, Set, Union

ROOT = Path(__file__).parents[1]
MAX_FILE, MAX_FUNCTION = 300, 50
LONGER: Set[str] = set()  # what may be longer; keep it empty

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


def python_files() -> Iterator[Path]:
    for folder in ('udas_mmseg', 'tools'):
        yield from sorted((ROOT / folder).rglob('*.py'))


def code_lines(function: Function, source: str) -> int:
    """Lines from `def` to the end, without docstrings, comments and blank lines."""
    lines = source.splitlines()
    code = {number for number in range(function.lineno, (function.end_lineno or 0) + 1)
            if lines[number - 1].strip() and not lines[number - 1].lstrip().startswith('#')}
    for node in ast.walk(function):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            docstring = node.body[0]
            code -= {*range(docstring.lineno, (docstring.end_lineno or 0) + 1)}
    return len(code)


def long_functions(name: str, source: str) -> Dict[str, int]:
    """`<file>:<line> <function>` -> its lines of code."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef,
                                                                                  ast.AsyncFunctionDef))]
    counts = {f'{name}:{function.lineno} {function.name}': code_lines(function, source) for function in functions}
    return {where: count for where, count in counts.items() if count > MAX_FUNCTION}


def test_functions_have_at_most_50_lines_of_code() -> None:
    long = {where: count for path in python_files()
            for where, count in long_functions(str(path.relative_to(ROOT)), path.read_text()).items()}
    assert {where for where in long if where.split(':')[0] not in LONGER} == set(), long


def test_files_have_fewer_than_300_lines() -> None:
    counts = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files()}
    long = {name: count for name, count in counts.items() if count >= MAX_FILE}
    assert set(long) == LONGER, long


def test_docstrings_comments_and_blank_lines_do_not_count() -> None:
    source = 'def f():\n    """One.\n\n    Two.\n    """\n    # why\n\n    return [\n        1,\n    ]\n'
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef) and code_lines(function, source) == 4
    long = source.replace('    return', '    x = 1\n' * 47 + '    return')
    assert long_functions('a.py', long) == {'a.py:1 f': 51} and long_functions('a.py', source) == {}
