"""The documentation names files, sections and options that exist."""
import re
from pathlib import Path
from typing import Iterator, Set

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('docs/*.md')),
         *sorted(ROOT.glob('configs/**/README.md'))]  # yapf: disable
# what the reader writes, and files of MMSegmentation and of DAFormer
OTHERS = ('configs/my_pair/', 'tools/TOOL.py', 'tools/dataset_converters/', 'tools/convert_datasets/',
          'configs/daformer/gta2cs_uda_')


def without_code(text: str) -> str:
    return re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> Set[str]:
    """The names of sections, as the repository's page makes them of headings."""
    headings = re.findall(r'^#+ (.*)', without_code(path.read_text()), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def commands(text: str) -> Iterator[str]:
    """The commands that call tools, each in one line."""
    for line in text.replace('\\\n', ' ').splitlines():
        found = re.search(r'(?:python tools/|udas |tools/(?=dist_))(\w+(?:/\w+)?)(?:\.py|\.sh)? .*', line)
        if found and (ROOT / f'tools/{found[1]}.py').exists():
            yield found[0]


def test_links_lead_to_files_and_sections() -> None:
    broken = []
    for page in PAGES:
        for link, anchor in re.findall(r'\]\(([^)\s#]*)(?:#([^)\s]*))?\)', without_code(page.read_text())):
            target = (page.parent / link).resolve() if link else page
            if '://' in link:
                continue
            if not target.exists() or anchor and target.suffix == '.md' and anchor not in anchors(target):
                broken.append(f'{page.relative_to(ROOT)}: {link}#{anchor}')
    assert not broken


def test_configs_and_tools_exist() -> None:
    missing = []
    for page in PAGES:
        for name in re.findall(r'(?<![\w/.{}])((?:configs|tools)/[\w./-]+\.(?:py|sh))\b', page.read_text()):
            if not (ROOT / name).is_file() and not name.startswith(OTHERS):
                missing.append(f'{page.relative_to(ROOT)}: {name}')
    assert not missing


def test_tools_have_the_options_of_the_commands() -> None:
    unknown = []
    for page in PAGES:
        for command in commands(page.read_text()):
            tool = re.match(r'(?:python tools/|udas )?([\w/]+)', command)
            assert tool is not None
            source = (ROOT / f'tools/{tool[1]}.py').read_text()
            options = re.findall(r'(?<![\w-])--[a-z][a-z-]+', command.split('#')[0].split('`')[0])
            unknown += [f'{page.relative_to(ROOT)}: {tool[1]} {option}' for option in options
                        if f"'{option}'" not in source]
    assert not unknown


def test_scores_of_choosing_a_method_are_measured() -> None:
    scores = re.findall(r'\d+\.\d ± \d+\.\d', (ROOT / 'docs/choosing.md').read_text())
    results = (ROOT / 'docs/results.md').read_text()
    assert len(scores) > 20 and not [score for score in scores if score not in results]


def test_the_citation_has_the_version_of_the_package() -> None:
    version = re.search("__version__ = '(.*)'", (ROOT / 'udas_mmseg/version.py').read_text())
    assert version is not None and f'\nversion: {version[1]}\n' in (ROOT / 'CITATION.cff').read_text()


def test_the_checks_find_something() -> None:
    assert list(commands('x `python tools/train.py CONFIG --amp` y\nudas model_converters/daformer A \\\n  B')) == [
        'python tools/train.py CONFIG --amp` y', 'udas model_converters/daformer A    B']
    assert 'as-a-package-without-a-checkout' in anchors(ROOT / 'docs/install.md')
