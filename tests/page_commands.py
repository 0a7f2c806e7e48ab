"""The commands in the documentation, as a reader types them."""
import ast
import itertools
import re
import shlex
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('docs/**/*.md')),
         *sorted(ROOT.glob('configs/**/README.md'))]  # yapf: disable
DOCSTRINGS = [*sorted(ROOT.glob('tools/**/*.py')), *sorted(ROOT.glob('benchmarks/*.py')),
              *sorted(ROOT.glob('configs/**/*.py')), ROOT / 'udas_command.py']  # yapf: disable
ASSIGNMENT = re.compile(r'[A-Za-z_]\w*=')
# what a command begins with, after assignments of variables
PROGRAM = re.compile(r'(?:[A-Z]\w*=\S* +)*(?:(?:python|udas|make|pip|torchrun|srun|tensorboard|export|git|mkdocs|cd|\.)'
                     r'(?= )|tools/\w+\.sh\b|\.?\w+/bin/\w|[A-Z]\w*=\S*$)')
IN_A_SENTENCE = re.compile(r'(?:python|udas|make|pip|torchrun) [\w./-]|tools/[\w/]+\.(?:py|sh)\b|--cfg-options .*=')
Lines = List[Tuple[int, str]]


class Command(NamedTuple):
    """A command, with its continued lines joined and without its comment."""
    page: str  # path in the repository
    line: int
    text: str
    variables: Dict[str, str]  # set earlier in the same block
    whole: bool = True  # False for a part of a command, in a sentence
    block: int = 0  # number of the block of the page; -1 in a sentence

    def __str__(self) -> str:
        return f'{self.page}:{self.line}: {self.text}'

    def words(self) -> List[str]:
        """The words that a shell makes of it; those of `export` and of assignments, too."""
        text = re.sub(r'\$(\w+)', lambda name: self.variables.get(name[1], name[0]), self.text)
        return list(itertools.chain.from_iterable(map(expand_braces, shlex.split(text))))


def expand_braces(word: str) -> List[str]:
    """A shell's `a/{b,c}.py`: a word for each alternative."""
    found = re.search(r'{([^{}]*,[^{}]*)}', word)
    if found is None or ASSIGNMENT.match(word) and ': ' in word:  # a dict
        return [word]
    return [more for part in found[1].split(',')
            for more in expand_braces(word[:found.start()] + part + word[found.end():])]


def commands_of(path: Path) -> List[Command]:
    """All commands of a page or of the docstring of a Python file."""
    page = str(path.relative_to(ROOT))
    if path.suffix == '.py':
        docstring = ast.get_docstring(ast.parse(path.read_text())) or ''
        lines = [line for line in joined(list(enumerate(docstring.splitlines(), 1)))
                 if re.match(r'\s*(?:python tools|tools|udas|python benchmarks)[/ ]', line[1])]
        return commands_in(page, lines)
    blocks, sentences = split(path.read_text())
    found = [command._replace(block=number) for number, block in enumerate(blocks)
             if any(PROGRAM.match(text.strip()) for _, text in block) for command in commands_in(page, block)]
    return sorted([*found, *parts_in(page, sentences)], key=lambda command: command.line)


def commands_in(page: str, block: Lines) -> List[Command]:
    """The commands of a block, one after another."""
    found: List[Command] = []
    variables: Dict[str, str] = {}
    for number, line in block:
        for part in without_comment(line).split(' && '):
            if not part.strip():
                continue
            found.append(Command(page, number, part.strip(), dict(variables)))
            if ASSIGNMENT.match(part) and ' ' not in part:
                variables.update([part.split('=', 1)])
    return found


def parts_in(page: str, sentences: Lines) -> Iterator[Command]:
    """Commands and parts of commands in sentences."""
    for number, paragraph in sentences:
        for span in re.finditer(r'(?<!`)`([^`]+)`(?!`)', paragraph):
            text = re.sub(r'\s+', ' ', span[1])
            if IN_A_SENTENCE.match(text) and not re.search(r'\bTOOL\b|"\w*:', text):
                whole = ' ' in re.sub(r'^(?:python|udas) ', '', text) and not text.startswith(('tools/', '--'))
                yield Command(page, number + paragraph[:span.start()].count('\n'), text, {}, whole, -1)


def without_comment(line: str) -> str:
    """The line up to a comment; `#` in a word or in quotes is none."""
    quoted = re.match(r'''((?:[^'"#]|'[^']*'|"[^"]*"|(?<=\S)#)*)''', line)
    assert quoted is not None
    return quoted[1].rstrip()


def joined(lines: Lines) -> Lines:
    """Lines that end with a backslash, with the next one."""
    found: Lines = []
    for number, line in lines:
        if found and found[-1][1].endswith('\\'):
            found[-1] = found[-1][0], found[-1][1][:-1].rstrip() + ' ' + line.strip()
        else:
            found.append((number, line.strip()))
    return found


def split(text: str) -> Tuple[List[Lines], Lines]:
    """Split Markdown into blocks of code without a language, with joined lines, and paragraphs."""
    blocks: List[Lines] = []
    paragraphs: Lines = []
    language, indented, blank = None, False, True
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r'\s*```(\w*)', line)
        if fence:
            language = (fence[1] or 'shell') if language is None else None
            blocks.append([])
        elif language is not None:
            if language in ('shell', 'bash', 'sh'):
                blocks[-1].append((number, line))
        elif line.startswith('    ') and (indented or blank and not re.match(r' *(?:[-*|]|\d\.) ', line)):
            blocks += [] if indented else [[]]
            blocks[-1].append((number, line))
            indented = True
        else:
            indented = indented and not line.strip()
            if blank or line.lstrip().startswith('|') or not paragraphs:
                paragraphs.append((number, line))
            else:
                paragraphs[-1] = paragraphs[-1][0], f'{paragraphs[-1][1]}\n{line}'
        blank = not line.strip() or bool(fence)
    return [joined(block) for block in blocks if block], paragraphs
