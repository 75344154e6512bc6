"""Song folders: encoded once, a few at a time, while somebody waits, and safe to unpack anywhere."""

import asyncio
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import requests
import soundfile
from serve.app import HttpGateway
from serve.downloads import decode_job
from serve.errors import Problem
from serve.parameters import DecodeParameters
from serve.settings import Limits
from serve.song_folders import SongFolders
from tests.export.tiny import noise, write_package
from tests.serve.local import local_gateway, recording, served

LONG_S = 300.0


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> HttpGateway:
    package = write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32")
    return local_gateway(package, tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def url(gateway: HttpGateway) -> Iterator[str]:
    with served(gateway) as url:
        yield url


@pytest.fixture(scope="module")
def long_song() -> bytes:
    buffer = BytesIO()
    soundfile.write(buffer, np.tile(noise(10.0, seed=3), round(LONG_S / 10)), 22_050, format="FLAC")
    return buffer.getvalue()


def sent(url: str, data: bytes, name: str) -> str:
    """The path of a finished transcription."""
    answer = requests.post(
        f"{url}/v1/transcriptions", params={"name": name}, data=data, headers={"Content-Type": "audio/flac"}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["Location"]


def test_a_long_song_is_encoded_once_for_a_few_who_wait(url: str, gateway: HttpGateway, long_song: bytes) -> None:
    location = sent(url, long_song, "long.flac")
    stored = Path(gateway.store.uri) / f"{location.rpartition('/')[2]}.song"

    def download(_: int) -> requests.Response:
        return requests.get(f"{url}{location}/result", params={"format": "folder"}, timeout=120)

    with ThreadPoolExecutor(9) as clients:
        downloads = [clients.submit(download, number) for number in range(8)]
        while not all(each.done() for each in downloads):
            started_s = time.monotonic()
            assert requests.get(f"{url}{location}", timeout=10).json()["status"] == "done"
            assert time.monotonic() - started_s < 2.0
            time.sleep(0.1)
        answers = [each.result() for each in downloads]
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) >= 2
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {(each.status_code, each.json()["kind"]) for each in refused} == {(429, "busy")}
    assert all(int(each.headers["Retry-After"]) >= 1 for each in refused)
    encoded = stored.stat().st_mtime_ns
    again = download(0)
    assert stored.stat().st_mtime_ns == encoded
    assert int(again.headers["Content-Length"]) == len(again.content)
    with zipfile.ZipFile(BytesIO(again.content)) as folder:
        assert folder.testzip() is None
        assert sorted(folder.namelist()) == ["long/notes.chart", "long/song.ini", "long/song.ogg"]
        assert soundfile.info(BytesIO(folder.read("long/song.ogg"))).duration == pytest.approx(LONG_S, abs=0.01)
    assert requests.delete(url + location, timeout=10).status_code == 204
    assert not stored.exists()


def test_encoding_ends_with_its_time_and_with_whoever_waits(url: str, gateway: HttpGateway, long_song: bytes) -> None:
    location = sent(url, long_song + b"tail", "other.flac")
    state = gateway.store.state(location.rpartition("/")[2])
    assert state is not None

    async def run() -> None:
        transcription = await decode_job(gateway, state, DecodeParameters())
        hurried = SongFolders(gateway.store, gateway.incoming, Limits(work_timeout_s=0.01))
        with pytest.raises(Problem, match="audio_too_costly"):
            await hurried.zip_folder(state.job, transcription)
        patient = SongFolders(gateway.store, gateway.incoming, Limits())
        waiting = [asyncio.create_task(patient.zip_folder(state.job, transcription)) for _ in range(2)]
        await asyncio.sleep(0.3)
        (encoding,) = (each for each, _, _ in patient._encodings.values())
        waiting[0].cancel()
        await asyncio.sleep(0.1)
        assert not encoding.done()  # the other still waits
        waiting[1].cancel()
        await asyncio.wait({encoding}, timeout=5)
        assert encoding.done()
        with pytest.raises(FileNotFoundError):
            gateway.store.open_song(state.job.id)
        gateway.store.remove_recording(state.job.id)
        with pytest.raises(Problem, match="no longer kept"):
            await patient.zip_folder(state.job, transcription)

    asyncio.run(run())
    assert not [path for path in gateway.incoming.rglob("*") if path.suffix in (".ogg", ".chart")]


@pytest.mark.parametrize(("name", "folder"), [("CON.wav", "_CON"), ('a:b?"c".wav', "a_b__c_"), ("..\\..\\x .wav", "x")])
def test_names_in_a_zip_are_safe_on_windows(url: str, name: str, folder: str) -> None:
    location = sent(url, recording(kind="WAV"), name)
    answer = requests.get(f"{url}{location}/result", params={"format": "folder"}, timeout=60)
    with zipfile.ZipFile(BytesIO(answer.content)) as packed:
        assert {Path(each).parent.as_posix() for each in packed.namelist()} == {folder}
