"""Editing in a real browser: by keys alone and by pointer, saved at every change, downloaded as edited."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import symusic
from playwright.sync_api import Browser, Page
from tests.serve.conftest import Endpoint
from tests.serve.test_page import browser, opened, song, transcribed

from drumline.charts.provenance import is_marked
from drumline.transcription.formats import json as our_json

__all__ = ["browser", "song"]  # fixtures
pytestmark = pytest.mark.ray


@pytest.fixture(autouse=True)
def nothing_left(endpoint: Endpoint) -> Iterator[None]:
    """Edited songs are kept for a month; other tests expect an empty store."""
    yield
    for name in endpoint.stored():
        if name.endswith(".job.json"):
            job = name.rpartition("/")[2].partition(".")[0]
            requests.delete(f"{endpoint.url}/v1/transcriptions/{job}", headers=endpoint.headers, timeout=30)
    assert not endpoint.stored()


def job_of(page: Page) -> str:
    found = page.evaluate("location.hash.slice(1)")
    assert len(found) == 22
    return str(found)


def saved(page: Page) -> None:
    """Wait until the server has everything."""
    page.wait_for_function("() => document.getElementById('saved').textContent.startsWith('Saved')")


def edit_of(endpoint: Endpoint, page: Page) -> dict[str, Any]:
    found = endpoint.get(f"/v1/transcriptions/{job_of(page)}/edit")
    assert found.status_code == 200, found.text
    return dict(found.json())


def result_of(endpoint: Endpoint, page: Page, **query: str) -> bytes:
    found = endpoint.get(f"/v1/transcriptions/{job_of(page)}/result", **query)
    assert found.status_code == 200, found.text
    return found.content


def times_of(hits: list[dict[str, Any]], label: str) -> list[float]:
    return [hit["time_s"] for hit in hits if hit["class"] == label]


def put(endpoint: Endpoint, job: str, content: object) -> requests.Response:
    return requests.put(
        f"{endpoint.url}/v1/transcriptions/{job}/edit", json=content, headers=endpoint.headers, timeout=30
    )


def test_a_song_is_edited_with_keys_alone_and_undone_to_the_first_byte(
    browser: Browser, endpoint: Endpoint, song: Path
) -> None:
    page, noticed = opened(browser, endpoint)
    transcribed(page, song)
    before = result_of(endpoint, page, format="json")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")  # from nothing
    for key in ("End", "1", "Home", "2", "ArrowRight", "ArrowRight", "1", "]", "Alt+ArrowUp", "Control+d", "g"):
        page.keyboard.press(key)
    saved(page)
    edit = edit_of(endpoint, page)
    assert times_of(edit["hits"], "kick") == [pytest.approx(14.0, abs=0.2)]
    assert times_of(edit["hits"], "snare_head")[0] == 0.0
    edited = our_json.read(result_of(endpoint, page, format="json", edited="true"), "edited")
    assert [(hit.time_s, hit.label) for hit in edited.hits] == [(hit["time_s"], hit["class"]) for hit in edit["hits"]]
    assert result_of(endpoint, page, format="json") == before  # what the model said stays

    while page.locator("#undo").is_enabled():
        page.keyboard.press("Control+z")
    saved(page)
    again = our_json.read(result_of(endpoint, page, format="json", edited="true"), "undone")
    first = our_json.read(before, "first")
    assert [(hit.time_s, hit.label, hit.velocity) for hit in again.hits] == [
        (hit.time_s, hit.label, hit.velocity) for hit in first.hits
    ]
    assert not noticed
    page.context.close()


def test_a_hit_lies_where_the_pointer_put_it_and_moves_with_it(
    browser: Browser, endpoint: Endpoint, song: Path
) -> None:
    page, noticed = opened(browser, endpoint)
    transcribed(page, song)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.locator("#note").select_option("0")  # off the grid
    page.locator("#position").evaluate("e => { e.value = 5; e.dispatchEvent(new Event('input')); }")
    page.locator("#title").focus()
    for _ in range(12):
        page.keyboard.press("+")  # as near as it gets
    page.wait_for_function("() => document.getElementById('clock').textContent === '0:05.000'")
    box = page.locator("#picture").bounding_box()
    assert box is not None
    left = 92
    inner = box["width"] - left
    y = box["height"] - 20 - 12  # the kick's lane is the lowest
    page.mouse.dblclick(box["x"] + left + inner / 3, box["y"] + y, delay=20)
    page.wait_for_function("() => document.getElementById('summary').textContent.startsWith('1 hits')")
    saved(page)
    (hit,) = edit_of(endpoint, page)["hits"]
    assert hit["class"] == "kick"
    assert hit["time_s"] == pytest.approx(5.0, abs=0.001)  # the cursor stands a third from the left
    page.mouse.move(box["x"] + left + inner / 3, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + left + inner / 3, box["y"] + y - 2 * (box["height"] - 232) / 12, steps=4)
    page.mouse.up()
    deadline = time.monotonic() + 20
    while (moved := edit_of(endpoint, page)["hits"][0])["class"] == "kick":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (moved["class"], moved["time_s"]) == ("snare_rim", hit["time_s"])
    assert not noticed
    page.context.close()


def test_nothing_is_lost_when_the_page_is_closed_between_a_change_and_its_saving(
    browser: Browser, endpoint: Endpoint, song: Path
) -> None:
    page, noticed = opened(browser, endpoint)
    transcribed(page, song)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    saved(page)
    page.keyboard.press("1")
    url = page.url
    page.goto(f"{endpoint.url}/docs")  # at once
    page.goto(url)
    page.wait_for_selector("#result:not([hidden])")
    assert page.locator("#title").inner_text() == "my song.flac"
    page.wait_for_function("() => document.getElementById('summary').textContent.startsWith('1 hits')")
    deadline = time.monotonic() + 20
    while len(edit_of(endpoint, page)["hits"]) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    page.reload()  # the recording comes back from the server
    page.wait_for_selector("#result:not([hidden])")
    assert page.locator("#play").is_enabled()
    assert not noticed
    page.context.close()


def test_two_people_do_not_overwrite_each_other(browser: Browser, endpoint: Endpoint, song: Path) -> None:
    page, noticed = opened(browser, endpoint)
    transcribed(page, song)
    theirs = {"base": 0, "hits": [{"time_s": 1.0, "class": "crash"}], "author": "somebody else"}
    assert put(endpoint, job_of(page), theirs).status_code == 200
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.wait_for_selector("#conflict:not([hidden])")
    assert edit_of(endpoint, page)["author"] == "somebody else"
    page.locator("#keep-mine").click()
    saved(page)
    versions = endpoint.get(f"/v1/transcriptions/{job_of(page)}/edits").json()
    assert [(each["version"], each["num_hits"]) for each in versions] == [(2, 0), (1, 1)]
    page.locator("#history").focus()
    page.wait_for_function("() => document.getElementById('history').options.length === 3")
    page.locator("#history").select_option("1")
    page.wait_for_function("() => document.getElementById('summary').textContent.startsWith('1 hits')")
    assert not noticed
    page.context.close()


def test_beats_are_moved_and_every_format_follows(browser: Browser, endpoint: Endpoint, song: Path) -> None:
    page, noticed = opened(browser, endpoint)
    transcribed(page, song)
    beats = [{"time_s": 0.1 + 0.6 * index, "position": 1 + index % 3} for index in range(22)]
    hits = [{"time_s": 0.1 + 0.3 * index, "class": "snare_head", "velocity": 0.5} for index in range(40)]
    assert put(endpoint, job_of(page), {"base": 0, "hits": hits, "beats": beats}).status_code == 200
    page.reload()
    page.wait_for_selector("#result:not([hidden])")
    page.locator("#keys summary").click()
    page.get_by_role("button", name="Twice the tempo").click()
    saved(page)
    edit = edit_of(endpoint, page)
    assert len(edit["beats"]) == 43
    assert edit["beats"][1]["time_s"] == pytest.approx(0.4)
    score = symusic.Score.from_midi(result_of(endpoint, page, format="midi", edited="true"))
    assert score.tempos[-1].qpm == pytest.approx(200, abs=0.1)
    notes = score.tracks[0].notes
    assert len(notes) == 40
    for format_ in ("midi", "json", "csv", "jams", "labels", "chart", "mid", "musicxml", "bsm"):
        assert is_marked(result_of(endpoint, page, format=format_))
        assert not is_marked(result_of(endpoint, page, format=format_, edited="true")), format_  # a person's word
    assert not noticed
    page.context.close()


def test_the_grid_snaps_steps_and_is_changed(browser: Browser, endpoint: Endpoint) -> None:
    page, noticed = opened(browser, endpoint)
    found = page.evaluate(
        """async () => {
          const grid = await import("/page/grid.js");
          const beats = Array.from({ length: 9 }, (_, index) => ({ time_s: index / 2, position: (index % 4) + 1 }));
          const times = (all) => all.map((beat) => beat.time_s);
          return {
            snapped: [grid.snap(beats, 16, 1.06), grid.snap(beats, 12, 1.06), grid.snap(beats, 0, 1.06)],
            steps: [
              grid.step(beats, 16, 1, 1),
              grid.step(beats, 16, 1, -1),
              grid.step(beats, 16, 0.9, 1, { bars: true }),
            ],
            moved: times(grid.beatMoved(beats, 2, 1.2)),
            halved: [times(grid.halved(beats)), grid.halved(beats).map((beat) => beat.position)],
            doubled: grid.doubled(beats).length,
            bar: grid.barAt(beats, 1.4).map((beat) => beat.position),
            tapped: grid.tapped([1, 1.5, 2.01, 2.5], 5, 4).slice(0, 3),
          };
        }"""
    )
    assert found["snapped"] == [1.0, 1.0, 1.06]
    assert found["steps"] == [1.125, 0.875, 2.0]
    assert found["moved"] == pytest.approx([0, 0.6, 1.2, 1.6, 2, 2.5, 3, 3.5, 4])  # bar lines stay
    assert found["halved"] == [[0, 1, 2, 3, 4], [1, 2, 3, 4, 1]]
    assert found["doubled"] == 17
    assert found["bar"] == [2, 3, 4, 1, 2, 3, 4, 1, 2]
    assert [beat["position"] for beat in found["tapped"]] == [3, 4, 1]
    assert not noticed
    page.context.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["hits"][0].update({"class": "gong"}), "'gong' is not one of"),
        (lambda content: content["hits"][0].update({"time_s": -1}), "greater than or equal to 0"),
        (lambda content: content["hits"][0].update({"velocity": 2}), "less than or equal to 1"),
        (lambda content: content["beats"].reverse(), "beats must be in order"),
        (lambda content: content.pop("hits"), "hits: Field required"),
    ],
)
def test_what_is_no_edit_is_refused(
    endpoint: Endpoint, song: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    posted = endpoint.post(song.read_bytes(), name="x.flac", **{"async": "true"})
    job = posted.json()["id"]
    while endpoint.get(f"/v1/transcriptions/{job}").json()["status"] != "done":
        time.sleep(0.1)
    content: dict[str, Any] = {
        "base": 0,
        "hits": [{"time_s": 1.0, "class": "kick"}],
        "beats": [{"time_s": 0.0, "position": 1}, {"time_s": 0.5, "position": 2}],
    }
    change(content)
    refused = put(endpoint, job, content)
    assert (refused.status_code, refused.json()["kind"]) == (422, "bad_parameter")
    assert message in refused.json()["detail"]
    assert endpoint.get(f"/v1/transcriptions/{job}/edit").status_code == 404


def test_an_edited_song_is_kept_and_deleted_with_its_edits(endpoint: Endpoint, song: Path) -> None:
    job = endpoint.post(song.read_bytes(), name="x.flac", **{"async": "true"}).json()
    path = job["links"]["self"]
    while endpoint.get(path).json()["status"] != "done":
        time.sleep(0.1)
    assert put(endpoint, job["id"], {"base": 0, "hits": []}).status_code == 200
    assert endpoint.get(path).json()["expires"] > job["expires"]
    assert put(endpoint, job["id"], {"base": 0, "hits": []}).json()["kind"] == "edit_conflict"
    assert endpoint.get(f"{path}/audio").content == song.read_bytes()
    assert [name for name in endpoint.stored() if f"edits/{job['id']}/000001.json" in name]
    assert requests.delete(f"{endpoint.url}{path}", headers=endpoint.headers, timeout=30).status_code == 204
    assert not [name for name in endpoint.stored() if job["id"] in name]
    assert endpoint.get(f"{path}/edit").status_code == 404
    large = json.dumps({"base": 0, "hits": [{"time_s": 1.0, "class": "kick"}] * 500_000})
    other = endpoint.post(song.read_bytes(), name="y.flac", **{"async": "true"}).json()
    while endpoint.get(other["links"]["self"]).json()["status"] != "done":
        time.sleep(0.1)
    refused = requests.put(
        f"{endpoint.url}{other['links']['self']}/edit", data=large, headers=endpoint.headers, timeout=60
    )
    assert refused.json()["kind"] == "upload_too_large"
