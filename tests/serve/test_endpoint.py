"""The endpoint as it is: one real Serve, many clients, good and bad, and replicas that die."""

import hashlib
import json
import signal
import socket
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
import requests
import soundfile
from tests.export.tiny import noise
from tests.pages import Page
from tests.serve.conftest import KEY, OTHER_KEY, Endpoint, on_the_command_line
from tests.serve.hostile import many_channels, silence, slow_upload, truncated_ogg, without_length

from drumline.audio.recording import Recording
from drumline.client import EndpointError
from drumline.decoding.activations import Activations
from drumline.decoding.cache import ActivationsCache, RecordingActivations
from drumline.transcription.engine import open_engine
from drumline.transcription.formats.registry import FORMATS

pytestmark = pytest.mark.ray

PROBLEM = "application/problem+json"


def forget(endpoint: Endpoint, answer: requests.Response) -> None:
    requests.delete(endpoint.url + answer.headers["Location"], headers=endpoint.headers, timeout=30)


def test_an_answer_is_what_the_command_line_writes_and_a_repeated_song_is_not_heard_again(
    endpoint: Endpoint, songs: list[Path]
) -> None:
    for song in songs:
        expected = on_the_command_line(song, endpoint.package)
        first, again = (endpoint.post(song.read_bytes(), name=song.name) for _ in range(2))
        assert first.status_code == again.status_code == 200, first.text
        assert (first.headers["X-Drumline-Cache"], again.headers["X-Drumline-Cache"]) == ("miss", "hit")
        assert first.content == again.content == expected
        forget(endpoint, first)
        forget(endpoint, again)


def test_real_recordings_are_answered_as_on_the_command_line(endpoint: Endpoint, corpus: Path) -> None:
    recordings = sorted((corpus / "mdb").glob("*.flac"))
    assert recordings
    for recording in recordings:
        answer = endpoint.post(recording.read_bytes(), name=recording.name)
        assert answer.content == on_the_command_line(recording, endpoint.package), recording.name
        forget(endpoint, answer)


def test_a_cut_recording_is_transcribed_as_far_as_it_goes_and_says_so(endpoint: Endpoint, tmp_path: Path) -> None:
    cut = tmp_path / "cut.ogg"
    cut.write_bytes(truncated_ogg(tmp_path / "whole.ogg"))
    first, again = (endpoint.post(cut.read_bytes(), name=cut.name) for _ in range(2))
    assert first.json()["audio"]["truncated"] is True
    assert first.content == again.content == on_the_command_line(cut, endpoint.package)
    assert (first.headers["X-Drumline-Cache"], again.headers["X-Drumline-Cache"]) == ("miss", "hit")
    forget(endpoint, first)
    forget(endpoint, again)


def test_a_job_is_followed_decoded_again_and_forgotten(endpoint: Endpoint, songs: list[Path]) -> None:
    progress: list[float] = []
    done = endpoint.client().transcribe(songs[4], on_progress=progress.append, parameters={"preset": "aggressive"})
    assert progress[-1] == 1.0
    assert done.duration_s == pytest.approx(45.0)
    told = json.loads(done.result())
    assert told["transcriber"]["preset"] == "aggressive"  # as it was sent
    few, many = (json.loads(done.result("json", {"sensitivity": value}))["hits"] for value in (-3.0, 3.0))
    assert len(few) < len(told["hits"]) < len(many), [len(each) for each in (few, told["hits"], many)]
    grid = json.loads(done.result("json", {"quantise": 8, "tempo_bpm": 60.0}))["hits"]
    assert {round(hit["time_s"] * 2, 4) % 1 for hit in grid[:50]} >= {0.0}
    for each in FORMATS:
        assert done.result(each.name)
    by_accept = requests.get(
        f"{endpoint.url}/v1/transcriptions/{done.id}/result",
        headers={**endpoint.headers, "Accept": "text/csv;q=0.5, audio/midi"},
        timeout=30,
    )
    assert by_accept.content[:4] == b"MThd"
    assert "song%204.mid" in by_accept.headers["Content-Disposition"]
    with zipfile.ZipFile(BytesIO(done.result("folder"))) as folder:
        assert sorted(Path(name).name for name in folder.namelist()) == ["notes.chart", "song.ini", "song.ogg"]
        assert folder.testzip() is None
    stranger = requests.get(f"{endpoint.url}/v1/transcriptions/{done.id}", headers={"X-API-Key": OTHER_KEY}, timeout=30)
    assert stranger.status_code == 404  # even with its id
    done.delete()
    with pytest.raises(EndpointError, match="not_found"):
        done.result()


def test_dense_passages_are_read_again_as_on_the_command_line(endpoint: Endpoint, songs: list[Path]) -> None:
    (model,) = endpoint.get("/v1/models").json()["models"]
    assert model["presets"] == ["default", "conservative", "aggressive", "micro"]
    expected = on_the_command_line(songs[2], endpoint.package, preset="micro")
    assert expected != on_the_command_line(songs[2], endpoint.package)
    answer = endpoint.post(songs[2].read_bytes(), name=songs[2].name, preset="micro")
    assert answer.content == expected
    again = endpoint.get(answer.headers["Location"] + "/result", preset="default")
    assert again.content == on_the_command_line(songs[2], endpoint.package, preset="default")
    forget(endpoint, answer)


def test_a_recording_is_decoded_by_the_model_that_heard_it(endpoint: Endpoint, songs: list[Path]) -> None:
    """While a model is rolled out, a replica of the one may have heard what a replica of the other answers for."""
    answer = endpoint.post(songs[1].read_bytes(), name=songs[1].name)
    location = answer.headers["Location"]
    (outcome,) = endpoint.folder.rglob(f"{location.rpartition('/')[2]}.outcome.json")
    assert json.loads(outcome.read_text())["model"] == str(endpoint.package)
    other = endpoint.package.parent / "fine-1.0"
    engine = open_engine(str(other), precision="float32")
    with Recording.of_file(BytesIO(songs[1].read_bytes()), name=songs[1].name) as recording:
        pieces = [*engine.infer(recording)]
        heard = RecordingActivations.of(Activations.joined(pieces), recording)
    sha256 = hashlib.sha256(songs[1].read_bytes()).hexdigest()
    ActivationsCache(str(outcome.parent / "cache"), 10**8).put(engine.key(sha256), heard)

    def answered(model: Path) -> requests.Response:
        outcome.write_text(json.dumps({**json.loads(outcome.read_text()), "model": str(model)}))
        return endpoint.get(f"{location}/result")

    assert answered(other).content == on_the_command_line(songs[1], other) != answer.content
    assert answered(endpoint.package).content == answer.content
    away = answered(Path("/nowhere-1.0"))
    assert (away.status_code, away.json()["kind"]) == (503, "not_ready")
    assert int(away.headers["Retry-After"]) >= 1
    assert "nowhere" not in away.text
    forget(endpoint, answer)


def test_what_is_asked_for_wrongly_is_told(endpoint: Endpoint, songs: list[Path]) -> None:
    data = songs[0].read_bytes()
    asked = {
        "format": "wav",
        "preset": "loud",
        "sensitivity": "nan",
        "quantise": "3",
        "tempo_bpm": "9000",
        "volume": "11",
    }
    for name, value in asked.items():
        answer = endpoint.post(data, **{name: value})
        assert answer.status_code in (406, 422), name
        assert answer.headers["Content-Type"] == PROBLEM
        assert name in answer.json()["detail"] or value in answer.json()["detail"]
    for path, status in {
        "/v1/transcriptions/../../etc/passwd": 404,
        "/v1/transcriptions/x": 404,
        "/page/main.py": 404,
    }.items():
        answer = endpoint.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    for headers in ({}, {"Authorization": "Bearer x"}, {"X-API-Key": "é"}, {"Authorization": f"Basic {KEY}"}):
        sent = {name: value.encode() for name, value in headers.items()}
        answer = requests.get(f"{endpoint.url}/v1/models", headers=sent, timeout=30)
        assert (answer.status_code, answer.json()["kind"]) == (401, "key_required")


def test_only_sites_that_are_named_may_call_from_a_browser(endpoint: Endpoint) -> None:
    def allowed(origin: str) -> str | None:
        answer = requests.get(f"{endpoint.url}/v1/models", headers={**endpoint.headers, "Origin": origin}, timeout=30)
        return answer.headers.get("Access-Control-Allow-Origin")

    assert allowed("https://app.example") == "https://app.example"
    assert allowed("https://elsewhere.example") is None


def test_it_tells_of_itself_and_needs_nothing_from_elsewhere(endpoint: Endpoint) -> None:
    models = endpoint.get("/v1/models").json()
    assert [(model["name"], model["precision"]) for model in models["models"]] == [("tiny", "float32")]
    assert requests.get(f"{endpoint.url}/healthz", timeout=30).json() == {"status": "ok"}
    operations = endpoint.get("/openapi.json").json()["paths"]
    assert {"/v1/transcriptions", "/v1/transcriptions/{job_id}/result", "/metrics"} <= operations.keys()
    for path in ("/", "/docs"):
        answer = requests.get(endpoint.url + path, timeout=30)
        page = Page()
        page.feed(answer.text)
        assert not page.open
        assert all(location.startswith("/") for location in page.outside)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_fifty_clients_good_and_hostile_at_once(endpoint: Endpoint, songs: list[Path], tmp_path: Path) -> None:
    ten_hours = silence(tmp_path / "silence.flac", hours=10).read_bytes()
    bomb = without_length(silence(tmp_path / "bomb.flac", hours=1).read_bytes())
    song = songs[0].read_bytes()
    soundfile.write(tmp_path / "long.flac", np.tile(noise(10.0), 8), 22_050)

    def sent(data: bytes, **query: str) -> Callable[[], requests.Response]:
        return lambda: endpoint.post(data, **query)

    def typed(data: bytes, content_type: str) -> Callable[[], requests.Response]:
        headers = {**endpoint.headers, "Content-Type": content_type}
        location = f"{endpoint.url}/v1/transcriptions"
        return lambda: requests.post(location, data=data, headers=headers, timeout=60)

    def form(field: str) -> Callable[[], requests.Response]:
        location, files = f"{endpoint.url}/v1/transcriptions", {field: ("a.wav", song)}
        return lambda: requests.post(location, files=files, headers=endpoint.headers, timeout=60)

    def endless() -> requests.Response:
        headers = {**endpoint.headers, "Content-Type": "audio/wav"}
        parts = (song[:44] if number == 0 else bytes(1 << 16) for number in range(200))
        return requests.post(f"{endpoint.url}/v1/transcriptions", data=parts, headers=headers, timeout=60)

    bad = {
        "nothing": (sent(b""), "not_audio"),
        "text": (sent(b"Twinkle, twinkle, little star\n" * 20), "not_audio"),
        "text that claims to be audio": (typed(b"how I wonder\n" * 20, "audio/wav"), "not_audio"),
        "audio that claims to be a picture": (typed(song, "image/png"), "not_audio"),
        "a form without a file": (form("song"), "bad_request"),
        "a form that breaks off": (
            typed(b"--x\r\nContent-Disposition: form", "multipart/form-data; boundary=x"),
            "bad_request",
        ),
        "a head alone": (sent(song[:44]), "audio_undecodable"),
        "ten hours of silence": (sent(ten_hours, **{"async": "false"}), "audio_too_long"),
        "a bomb that does not say how long it is": (sent(bomb), "audio_too_long"),
        "64 channels": (sent(many_channels(tmp_path / "wide.wav")), "audio_undecodable"),
        "too long to wait": (sent((tmp_path / "long.flac").read_bytes()), "too_long_to_wait"),
        "too large, and says so": (sent(bytes(9_000_000)), "upload_too_large"),
        "too large, and does not say so": (endless, "upload_too_large"),
    }
    good = {song: on_the_command_line(song, endpoint.package) for song in songs}

    def transcribed(song: Path) -> bool:
        done = endpoint.client().transcribe(song)
        result = done.result()
        done.delete()
        return result == good[song]

    def refused(name: str) -> str:
        ask, kind = bad[name]
        answer = ask()
        while answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            answer = ask()
        problem = answer.json()
        assert answer.headers["Content-Type"] == PROBLEM, name
        assert 400 <= answer.status_code == problem["status"] < 500, name
        assert str(endpoint.folder) not in answer.text, name
        assert "Traceback" not in answer.text, name
        if kind == "audio_too_long" and problem["kind"] == "too_long_to_wait":
            return "audio_too_long"  # the limit of answers that are waited for came first
        return str(problem["kind"])

    def attack() -> None:
        with ThreadPoolExecutor(50) as clients:
            slow = [clients.submit(slow_upload, endpoint.url, KEY, pause_s=pause_s) for pause_s in (0.5, 6.0)]
            hostile = {name: clients.submit(refused, name) for name in bad}
            friendly = [clients.submit(transcribed, each) for each in [*songs] * 6]
            assert {name: found.result() for name, found in hostile.items()} == {
                name: kind for name, (_, kind) in bad.items()
            }
            assert [found.result() for found in slow] == [408, 408]
            assert all(found.result() for found in friendly)

    attack()
    before_mb = {name: _memory_mb(endpoint, name) for name in ("Gateway", "Worker")}
    attack()
    for name, mb in before_mb.items():
        assert _memory_mb(endpoint, name) - mb < 40, name
    assert not endpoint.stored()


def _memory_mb(endpoint: Endpoint, name: str) -> float:
    return max(process.memory_full_info().uss / 1e6 for process in endpoint.replicas(name))


@pytest.mark.parametrize("name", ["Worker", "Gateway"])
def test_a_replica_that_is_killed_loses_no_accepted_job(endpoint: Endpoint, tmp_path: Path, name: str) -> None:
    client = endpoint.client()
    songs = [tmp_path / f"{name} {number}.flac" for number in range(12)]
    for number, song in enumerate(songs):
        soundfile.write(song, np.tile(noise(11.0, seed=100 + number), 10) * len(name) / 10, 22_050)
    with ThreadPoolExecutor(len(songs)) as clients:
        jobs = dict(zip(clients.map(lambda song: endpoint.client().send(song), songs), songs, strict=True))
    (replica,) = endpoint.replicas(name)
    assert any(client.state(job)["status"] != "done" for job in jobs)
    replica.send_signal(signal.SIGKILL)
    psutil.wait_procs([replica], timeout=10)
    ended: dict[str, str] = {}
    deadline_s = time.monotonic() + 90
    while len(ended) < len(jobs) and time.monotonic() < deadline_s:
        ended |= {job: status for job in jobs if (status := client.state(job)["status"]) in ("done", "failed")}
        time.sleep(0.5)
    assert set(ended.values()) == {"done"}
    assert len(ended) == len(jobs)
    job, song = next(iter(jobs.items()))
    answer = endpoint.get(f"/v1/transcriptions/{job}/result")
    assert answer.content == on_the_command_line(song, endpoint.package)
    for each in jobs:
        client.delete(each)


def test_who_waits_for_a_front_that_is_killed_is_answered_with_a_problem(endpoint: Endpoint, tmp_path: Path) -> None:
    song = tmp_path / "song.flac"
    soundfile.write(song, np.tile(noise(11.0, seed=21), 5), 22_050)
    (gateway,) = endpoint.replicas("Gateway")
    (worker,) = endpoint.replicas("Worker")
    with ThreadPoolExecutor(1) as clients:
        worker.suspend()
        try:
            waiting = clients.submit(endpoint.post, song.read_bytes())
            while not any(name.endswith(".job.json") for name in endpoint.stored()):
                time.sleep(0.05)
            gateway.send_signal(signal.SIGKILL)
            answer = waiting.result(timeout=60)
        finally:
            worker.resume()
    assert (answer.status_code, answer.json()["kind"]) == (503, "replica_lost")
    assert answer.headers["Content-Type"] == PROBLEM
    deadline_s = time.monotonic() + 60
    while endpoint.stored() and time.monotonic() < deadline_s:  # nobody knows its id: the job ends
        time.sleep(0.2)
    assert not endpoint.stored()


def test_half_a_head_is_not_waited_for(endpoint: Endpoint) -> None:
    location = urlsplit(endpoint.url)
    with socket.create_connection((location.hostname or "", location.port or 80), timeout=20) as connection:
        connection.sendall(b"POST /v1/transcriptions HTTP/1.1\r\nHost: ")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")


def test_nothing_of_it_listens_beyond_this_machine(endpoint: Endpoint) -> None:
    addresses = set()
    for process in (endpoint.process, *endpoint.process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            addresses |= {each.laddr.ip for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
    assert "127.0.0.1" in addresses
    assert addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_who_hangs_up_is_not_worked_for(endpoint: Endpoint, tmp_path: Path) -> None:
    song = tmp_path / "song.flac"
    soundfile.write(song, np.tile(noise(11.0, seed=9), 5), 22_050)
    headers = {"Content-Type": "audio/flac", **endpoint.headers}
    location = f"{endpoint.url}/v1/transcriptions"
    for number in range(40):
        data = song.read_bytes() + bytes([number])  # a tail that no decoder minds
        timeout_s = (0.005, 0.01, 0.02, 0.05)[number % 4]  # while it is taken in, and while it is heard
        with pytest.raises(requests.ReadTimeout):
            requests.post(location, data=data, headers=headers, timeout=timeout_s)
    deadline_s = time.monotonic() + 10
    while endpoint.stored() and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert not endpoint.stored()


def test_more_than_can_wait_is_sent_away_and_a_cancelled_job_stops(endpoint: Endpoint, tmp_path: Path) -> None:
    song = tmp_path / "song.flac"
    soundfile.write(song, np.tile(noise(11.0, seed=7), 10), 22_050)
    songs = [song.read_bytes() + bytes([number]) for number in range(48)]  # a tail that no decoder minds
    with ThreadPoolExecutor(48) as clients:
        answers = list(clients.map(lambda data: endpoint.post(data, **{"async": "true"}), songs))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {202, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.json()["kind"] == "busy"
    accepted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    for job in accepted:
        endpoint.client().delete(job)
    deadline_s = time.monotonic() + 20
    while endpoint.stored() and time.monotonic() < deadline_s:
        time.sleep(0.2)
    assert not endpoint.stored()


def test_prometheus_reads_its_metrics(endpoint: Endpoint) -> None:
    deadline_s = time.monotonic() + 30  # they come by way of Ray, every few seconds
    while "ray_drumline_audio_seconds" not in (told := endpoint.get("/metrics").text) and time.monotonic() < deadline_s:
        time.sleep(0.5)
    assert "ray_drumline_transcriptions" in told
    assert "ray_serve_num_http_requests" in told
    # Windows of different requests were heard together.
    batches, windows = (_total(told, f"ray_serve_actual_batch_size_{what}") for what in ("count", "sum"))
    assert windows > 1.2 * batches > 0
    assert requests.get(f"{endpoint.url}/metrics", timeout=30).status_code == 401


def _total(told: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in told.splitlines() if line.startswith(f"{name}{{"))
