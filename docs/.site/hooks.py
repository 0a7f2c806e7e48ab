"""MkDocs hooks: pages outside of docs/, links as on the repository's own page, and the API reference.

The files in docs/ are written for the repository's page, where a link such as `../configs/udas/README.md` works. On the
site, files outside of docs/ keep their path in the repository: README files are pages, and sources are shown.
"""
import posixpath
import re
from pathlib import Path
from typing import Any, Iterator

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r'(?<=\]\()([^)\s#]+)(?=[)#])')
PACKAGES = ('apis', 'models', 'datasets', 'engine', 'evaluation', 'pseudo_labels', 'self_training', 'translation',
            'active', 'label_formats', 'new_pair', 'run_report', 'experiments', 'visualization', 'scenes')


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not in docs/."""
    pages = [ROOT / 'CHANGELOG.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('configs/**/README.md'))]
    for path in pages:
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    sources = {target for path in [*pages, *ROOT.glob('docs/*.md')] for target in sources_in(path)}
    for name in sorted(sources):
        text = f'# {name}\n\n````{Path(name).suffix[1:]}\n{(ROOT / name).read_text(encoding="utf-8")}\n````\n'
        files.append(File.generated(config, f'{name}.md', content=text))
    for package in PACKAGES:
        text = f'# udas_mmseg.{package}\n\n::: udas_mmseg.{package}\n'
        files.append(File.generated(config, f'api/{package}.md', content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to the pages of the site."""
    uri = page.file.src_uri
    return LINK.sub(lambda link: site_link(link[1], uri), markdown)


def sources_in(path: Path) -> Iterator[str]:
    """Iterate over the source files outside of docs/ to which a page has links, as paths in the repository."""
    for link in LINK.findall(path.read_text(encoding='utf-8')):
        target = (path.parent / link).resolve()
        if '://' not in link and target.suffix == '.py' and target.is_relative_to(ROOT):
            yield target.relative_to(ROOT).as_posix()


def site_link(link: str, uri: str) -> str:
    """Return a relative link of the repository as it is on the site.

    Args:
        link (str): The link, without an anchor.
        uri (str): Path of the page that has it: below docs/, or in the repository.
    """
    if '://' in link or link.startswith('mailto:') or uri.startswith('api/'):
        return link
    here = uri if (ROOT / uri).is_file() else f'docs/{uri}'
    target = posixpath.normpath(posixpath.join(posixpath.dirname(here), link))
    if target == 'README.md':
        target = 'docs/index.md'
    elif (ROOT / target / 'README.md').is_file():
        target = f'{target}/README.md'
    elif target.endswith('.py'):
        target = f'{target}.md'
    target = target[len('docs/'):] if target.startswith('docs/') else target
    return posixpath.relpath(target, posixpath.dirname(uri) or '.')
