"""The page in a real browser: upload, hits on lanes, playback, re-decoding, download; by mouse, touch and keyboard."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Page, Request, sync_playwright
from tests.export.tiny import noise
from tests.serve.conftest import KEY, Endpoint

pytestmark = pytest.mark.ray

CHROMIUM = Path("/usr/bin/chromium")
PICTURE = "() => { const c = document.getElementById('picture'); return c.toDataURL(); }"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no Chromium here ({CHROMIUM}); apt-get install chromium")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "my song.flac"
    soundfile.write(path, noise(14.0, seed=50), 22_050)
    return path


def opened(browser: Browser, endpoint: Endpoint, *, width: int = 1280, dark: bool = False) -> tuple[Page, list[str]]:
    """The page, which knows the key, and what it asked of whom or complained about."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", accept_downloads=True
    )
    page, noticed = context.new_page(), list[str]()
    page.set_default_timeout(30_000)

    def asked(request: Request) -> None:
        if not request.url.startswith((endpoint.url, "blob:", "data:")):
            noticed.append(request.url)

    page.on("request", asked)
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.add_init_script(f"sessionStorage.setItem('drumline-key', {json.dumps(KEY)})")
    page.goto(endpoint.url)
    return page, noticed


def transcribed(page: Page, song: Path) -> None:
    page.set_input_files("#file", str(song))
    page.wait_for_selector("#result:not([hidden])")


def test_a_song_is_transcribed_heard_decoded_again_and_saved(
    browser: Browser, endpoint: Endpoint, song: Path, tmp_path: Path
) -> None:
    page, noticed = opened(browser, endpoint)
    transcribed(page, song)
    presets = page.locator("#preset option").all_inner_texts()
    assert presets == ["default of the model", "default", "conservative", "aggressive", "micro"]
    summary = page.locator("#summary")
    assert "hits in 0:14" in summary.inner_text()
    assert "tiny 1.0" in summary.inner_text()

    before, drawn = summary.inner_text(), page.evaluate(PICTURE)
    page.locator("#sensitivity").evaluate("e => { e.value = 3; e.dispatchEvent(new Event('input')); }")
    page.wait_for_function(
        "before => document.getElementById('summary').textContent.split(' ')[0] !== before", arg=before.split()[0]
    )
    page.wait_for_function(f"before => ({PICTURE})() !== before", arg=drawn)

    page.locator("#speed").evaluate("e => { e.value = 0.5; e.dispatchEvent(new Event('input')); }")
    page.locator("#play").click()
    page.wait_for_function("() => Number(document.getElementById('position').value) > 0.3")
    assert page.locator("#play").inner_text() == "Pause"
    page.locator("#play").click()

    with page.expect_download() as midi:
        page.get_by_text("MIDI", exact=True).click()
    assert midi.value.suggested_filename == "my song.mid"
    assert midi.value.path().read_bytes()[:4] == b"MThd"
    with page.expect_download() as folder:
        page.get_by_text("Playable song").click()
    with zipfile.ZipFile(folder.value.path()) as archive:
        assert {Path(name).name for name in archive.namelist()} == {"notes.chart", "song.ini", "song.ogg"}
    assert not noticed
    page.context.close()


def test_it_is_used_with_keys_alone(browser: Browser, endpoint: Endpoint, song: Path) -> None:
    page, noticed = opened(browser, endpoint)
    page.keyboard.press("Tab")  # the link to the API
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    transcribed(page, song)
    assert page.evaluate("document.activeElement.id") == "title"  # who listens to the page is told of the result
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => Number(document.getElementById('position').value) > 0")
    page.keyboard.press("End")
    page.wait_for_function("() => document.getElementById('clock').textContent === '0:14.0'")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.getElementById('play').textContent === 'Pause'")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.getElementById('play').textContent === 'Play'")
    page.locator("#sensitivity").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#sensitivity-value").inner_text() == "+0.1"
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('input, select, button, canvas')].filter(e =>"
        " !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map(e => e.id)"
    )
    assert unnamed == []
    assert not noticed
    page.context.close()


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_in_the_light_and_in_the_dark(
    browser: Browser, endpoint: Endpoint, song: Path, dark: bool
) -> None:
    page, noticed = opened(browser, endpoint, width=360, dark=dark)
    transcribed(page, song)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = page.evaluate(
        "() => [...document.querySelectorAll('button, .button, select')].filter(e => e.offsetParent)"
        ".filter(e => e.getBoundingClientRect().height < 40).map(e => e.id || e.textContent)"
    )
    assert small == []  # for a finger
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
    assert not noticed
    page.context.close()


def test_what_goes_wrong_is_told(browser: Browser, endpoint: Endpoint, tmp_path: Path) -> None:
    page, noticed = opened(browser, endpoint)
    text = tmp_path / "song.mp3"
    text.write_text("no song at all, but long enough to be looked at")
    page.set_input_files("#file", str(text))
    page.wait_for_selector("#problem:not([hidden])")
    assert "Unsupported audio format" in page.locator("#problem").inner_text()
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.evaluate("sessionStorage.clear()")
    page.set_input_files("#file", str(text))
    page.wait_for_selector("#key-field:not([hidden])")
    assert "An API key is required" in page.locator("#problem").inner_text()
    assert not noticed
    page.context.close()
