"""The report on runs in a browser: `make test-browser`."""
import base64
import os
from pathlib import Path
from typing import Iterator, List

import pytest

from browser import NAMES, Browser, find_browser
from run_folders import evidence, write_training, write_two_seeds
from udas_mmseg.apis.report import read_runs
from udas_mmseg.run_report import report, write_run_report

AXE = Path(__file__).parents[2] / 'build/browser/node_modules/axe-core/axe.min.js'
WIDTHS = (1280, 390)

pytestmark = [pytest.mark.browser, pytest.mark.skipif(
    find_browser() is None, reason=f'no browser: none of {", ".join(NAMES)} is on the path, and CHROMIUM is not set')]


@pytest.fixture(scope='module')
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('runs')
    write_training(root / 'a_training_whose_folder_has_a_long_name_without_any_space/mine')
    write_two_seeds(root / 'ssl')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, 'collect_evidence', evidence)
        write_run_report(str(root / 'report'), read_runs([str(root)]), 2, 2)
    return root / 'report/report.html'


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    with Browser(find_browser()) as found:
        yield found


@pytest.fixture(params=WIDTHS)
def opened(request: pytest.FixtureRequest, browser: Browser, page: Path) -> Iterator[Browser]:
    """The page in a window of each width, with all parts open; at the end there must have been no error."""
    browser.open(page, request.param)
    browser.evaluate('document.querySelectorAll("details").forEach(part => { part.open = true })')
    yield browser
    assert browser.errors == []
    assert {url for url in browser.requests if not url.startswith('file:')} == set()


def column(browser: Browser, number: int) -> List[str]:
    return browser.evaluate('[...document.querySelectorAll("#models tbody tr")].map(row => '
                            f'row.cells[{number}].dataset.value)')


def test_a_table_is_sorted_by_a_click(opened: Browser) -> None:
    adapted, round_1 = (f'{model} (kept in 1 of 2 runs)' for model in ('adapted', 'round 1'))
    assert column(opened, 0) == ['mine', adapted, round_1]
    title = '#models th:nth-child(2) button'
    opened.click(title)
    assert column(opened, 0) == [round_1, adapted, 'mine']
    assert opened.evaluate('document.querySelector("#models th:nth-child(2)").ariaSort') == 'descending'
    opened.click(title)
    assert column(opened, 0) == ['mine', adapted, round_1]
    opened.click('#models th:nth-child(5) button')  # a score that one of them does not have
    assert column(opened, 4)[-1] == ''
    opened.click('#models th:nth-child(5) button')
    assert column(opened, 4)[-1] == ''


def test_the_slider_changes_the_prediction(opened: Browser) -> None:
    def shown() -> List[int]:
        sources = opened.evaluate('[...document.querySelectorAll(".images img")].map(image => image.src)')
        return [int.from_bytes(base64.b64decode(source.split(',')[1])[-40:], 'big') for source in sources]

    caption = 'document.querySelector("[data-panel=prediction] figcaption").textContent'
    assert opened.evaluate(caption) == 'prediction of round 1: 72.0 % of the pixels are right'
    before = shown()
    opened.press('.images input', 'ArrowLeft', 37)
    assert opened.evaluate(caption) == 'prediction of adapted: 71.0 % of the pixels are right'
    assert opened.evaluate('document.querySelector(".images output").textContent') == 'adapted'
    assert [one == other for one, other in zip(before, shown())] == [True, True, False, False]
    opened.click('[data-step="1"]')
    assert 'street_1</script>.png' in opened.evaluate('document.querySelector("[data-panel=image]").textContent')
    assert shown()[0] != before[0]


def test_a_list_chooses_the_matrix(opened: Browser) -> None:
    visible = '[...document.querySelectorAll("[data-part-of=confusion]")].map(part => !part.hidden)'
    assert opened.evaluate(visible) == [False, False, True]
    opened.evaluate('(() => { const list = document.querySelector("#choose-confusion"); list.selectedIndex = 0; '
                    'list.dispatchEvent(new Event("change")) })()')
    assert opened.evaluate(visible) == [True, False, False]


def test_nothing_is_wider_than_the_window(opened: Browser) -> None:
    assert opened.evaluate('document.documentElement.scrollWidth <= window.innerWidth')
    assert opened.evaluate('[...document.querySelectorAll(".images img")].every(image => image.naturalWidth > 0)')


@pytest.mark.skipif(not AXE.is_file(), reason=f'{AXE} is missing: npm install --prefix build/browser axe-core')
def test_it_is_accessible(opened: Browser) -> None:
    opened.evaluate(f'{AXE.read_text()};0')
    found = opened.evaluate('axe.run().then(result => result.violations.map(one => '
                            '[one.impact, one.id, one.nodes[0].html, one.nodes[0].failureSummary]))')
    assert [one for one in found if one[0] in ('serious', 'critical')] == []


def test_screenshots_for_people(opened: Browser, tmp_path: Path) -> None:
    folder = Path(os.environ.get('SCREENSHOTS', tmp_path))
    width = opened.evaluate('window.innerWidth')
    opened.screenshot(folder / f'report_{width}.png')
    assert (folder / f'report_{width}.png').stat().st_size > 10000
