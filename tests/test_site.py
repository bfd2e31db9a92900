import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bounces.reference import code, every
from bounces.reference.compare import compare
from bounces.reference.page import of_code, of_comparison
from bounces.reference.site import html, pairs, write

AXE = Path("/var/cache/bounces/axe/node_modules/axe-core/axe.min.js")  # where .ci/run puts it
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
browsing = pytest.mark.skipif(
    not (CHROMIUM and DRIVER and AXE.exists()),
    reason=f"it takes Debian's chromium and chromium-driver, and axe-core from npm in {AXE.parent.parent.parent}, where .ci/run puts it",
)
SIZES = [(1280, 900), (390, 844)]
VOID = {"meta", "link", "input", "br", "hr", "img"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Write the whole reference."""
    folder = tmp_path_factory.mktemp("site")
    write(folder, ["en", "fr"])
    return folder


@pytest.fixture(scope="module")
def browser():
    """Start a headless Chromium that asks nobody outside this machine for anything."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    quiet = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync"
    for word in quiet.split():
        options.add_argument(f"--{word}")
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


class Checker(HTMLParser):
    """Notes tags that are not closed as they were opened, ids that stand twice, and links."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.open += [tag] if tag not in VOID else []
        told = dict(attributes)
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told[name] for name in ("href", "src") if name in told]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def checked(text):
    """Parse a page."""
    checker = Checker()
    checker.feed(text)
    return checker


def test_there_is_a_page_for_each_code_and_pair_in_each_language(site):
    """And an index each, and one to choose the language."""
    names = {f"{one}.html" for one in every()} | {f"{first}-{second}.html" for first, second in pairs()} | {"index.html"}
    assert len(names) > 240
    for lang in ("en", "fr"):
        assert {path.name for path in (site / lang).glob("*.html")} == names
    assert (site / "index.html").exists()


def test_pages_are_well_formed_and_every_link_leads_somewhere(site):
    """Tags close as they open, ids are unique, and no link leaves the folder or leads nowhere."""
    pages = list(site.rglob("*.html"))
    assert pages
    for path in pages:
        found = checked(path.read_text(encoding="utf-8"))
        assert (found.open, found.wrong) == ([], []), path
        assert len(found.ids) == len(set(found.ids)), path
        assert found.links
        for link in found.links:
            assert link == "#main" or (path.parent / link).resolve().is_relative_to(site.resolve()), (path, link)
            assert link == "#main" or (path.parent / link).exists(), (path, link)


def test_a_page_says_its_language_and_has_a_twin(site):
    """Screen readers speak it right, and the switch leads to the same code."""
    for lang, other in (("en", "fr"), ("fr", "en")):
        text = (site / lang / "552.html").read_text(encoding="utf-8")
        assert f'<html lang="{lang}">' in text
        assert f'href="../{other}/552.html" lang="{other}" hreflang="{other}"' in text


def test_one_language_alone_has_no_switch(tmp_path):
    """What --lang leaves out is not linked."""
    write(tmp_path, ["fr"])
    assert not (tmp_path / "en").exists()
    assert "hreflang" not in (tmp_path / "fr" / "552.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [of_code(code("552", lang="fr")), of_comparison(compare("220", "552"))], ids=["code", "pair"])
def test_a_page_alone_needs_nothing_beside_it(page):
    """Its style is inside, and it links to nothing that isn't there."""
    text = html(page)
    assert checked(text).links == ["#main"]
    assert "<style>" in text


def test_texts_are_escaped():
    """Replies hold angle brackets."""
    text = html(of_code(code("5.1.1")))
    assert "<jane@example.com>" not in text
    assert "&lt;jane@example.com&gt;" in text


@browsing
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["en/552.html", "fr/452-552.html", "en/index.html", "fr/5.2.2.html", "index.html"])
def test_axe_finds_nothing(site, browser, name, size, scheme):
    """Landmarks, languages, names, order of headings, contrast in both schemes: axe-core has no complaint, and nothing overflows the screen."""
    browser.set_window_size(*size)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.get((site / name).as_uri())
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script("const done = arguments[0]; axe.run().then(found => done(found), error => done(String(error)))")
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]] == []
    assert len(found["passes"]) > 10
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


@browsing
def test_the_search_finds_by_number_by_word_and_without_accents(site, browser):
    """It hides what does not fit, says how much is left, and Enter opens the first."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    def left():
        return [item.get_attribute("data-code") for item in browser.find_elements(By.CSS_SELECTOR, "[data-code]") if item.is_displayed()]

    browser.set_window_size(1280, 900)
    browser.get((site / "fr" / "index.html").as_uri())
    everything = left()
    field = browser.find_element(By.ID, "query")
    field.send_keys("5.2.2")
    assert "5.2.2" in left()
    assert len(left()) < len(everything)
    field.clear()
    field.send_keys("boite pleine")
    assert {"5.2.2", "552"} <= set(left())
    assert re.search(r"\d+", browser.find_element(By.ID, "count").text)
    field.clear()
    field.send_keys("zzzz")
    assert left() == []
    assert browser.find_element(By.ID, "count").text
    field.clear()
    field.send_keys("552", Keys.ENTER)
    assert browser.current_url.endswith("/fr/552.html")


@browsing
def test_the_keyboard_reaches_the_content_first(site, browser):
    """The first stop of Tab leads past the header, and is seen when it has the focus."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get((site / "en" / "552.html").as_uri())
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.get_attribute("href").endswith("#main")
    assert focused.rect["x"] >= 0
