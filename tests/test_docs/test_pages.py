"""The documentation names files and sections that exist; test_commands.py looks at its commands."""
import re
from pathlib import Path
from typing import Set

from page_commands import PAGES, ROOT

# what the reader writes, and files of MMSegmentation and of DAFormer
OTHERS = ('configs/my_pair/', 'tools/TOOL.py', 'tools/dataset_converters/', 'tools/convert_datasets/',
          'configs/daformer/gta2cs_uda_')


def without_code(text: str) -> str:
    return re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> Set[str]:
    """The names of sections, as the repository's page makes them of headings."""
    headings = re.findall(r'^#+ (.*)', without_code(path.read_text()), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


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


def test_scores_of_choosing_a_method_are_measured() -> None:
    scores = re.findall(r'\d+\.\d ± \d+\.\d', (ROOT / 'docs/choosing.md').read_text())
    results = (ROOT / 'docs/results.md').read_text()
    assert len(scores) > 20 and not [score for score in scores if score not in results]


def test_the_citation_has_the_version_of_the_package() -> None:
    version = re.search("__version__ = '(.*)'", (ROOT / 'udas_mmseg/version.py').read_text())
    assert version is not None and f'\nversion: {version[1]}\n' in (ROOT / 'CITATION.cff').read_text()


def test_the_checks_find_something() -> None:
    assert 'as-a-package-without-a-checkout' in anchors(ROOT / 'docs/install.md')
