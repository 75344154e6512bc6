"""Windows of many recordings, heard together, say what each says alone; on onnxruntime, and on torch."""

import asyncio
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from serve.listening import Answer, Stopped, Task, TooCostly, answers, listen
from serve.settings import Limits
from tests.export.tiny import noise, write_package

from drumline.audio.recording import Recording
from drumline.core.errors import AudioError
from drumline.decoding.cache import Hearing
from drumline.decoding.listening import Network
from drumline.transcription.engine import open_engine

LENGTHS_S = (45.0, 65.0, 45.0, 4.0, 4.0)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32", "int8")


class Together:
    """What `serve.batch` does, as plainly as can be: whatever came within a fifth of a second is answered at once."""

    def __init__(self, network: Network) -> None:
        self.sizes: Counter[int] = Counter()
        self._network = network
        self._waiting: list[tuple[np.ndarray, asyncio.Future[Answer]]] = []

    async def hear(self, window: np.ndarray) -> Answer:
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((window, told))
        await asyncio.sleep(0.2)
        if not told.done():
            waiting, self._waiting = self._waiting, []
            self.sizes[len(waiting)] += 1
            found = answers(self._network, [window for window, _ in waiting])
            for (_, each), answer in zip(waiting, found, strict=True):
                each.set_result(answer)
        return await told


def flac(samples: np.ndarray, rate_hz: int = 22_050) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, format="FLAC")
    return buffer.getvalue()


def a_task(data: bytes, told: object = lambda heard_s, duration_s: None) -> Task:
    return Task(io.BytesIO(data), "song.flac", 600.0, told)  # type: ignore[arg-type]


@pytest.mark.parametrize(("runtime", "precision"), [("onnx", "float32"), ("torch", "")])
def test_together_as_alone(package: Path, runtime: str, precision: str) -> None:
    engine = open_engine(str(package), precision=precision, runtime=runtime, threads=1)  # type: ignore[arg-type]
    songs = [flac(noise(seconds, seed=number)) for number, seconds in enumerate(LENGTHS_S)]

    async def hear_all() -> list[Hearing]:
        tasks = (listen(a_task(song), engine.network, together.hear, together=4, limits=Limits()) for song in songs)
        return await asyncio.gather(*tasks)

    together = Together(engine.network)
    found = asyncio.run(hear_all())
    assert max(together.sizes) > 4  # those of several recordings
    for song, hearing in zip(songs, found, strict=True):
        with Recording.of_file(io.BytesIO(song), name="song.flac") as recording:
            assert hearing.num_samples == recording.num_samples
            pieces = list(engine.listen(recording))
        for name in ("probability", "onset", "offset", "velocity"):
            alone = np.concatenate([getattr(piece, name) for piece in pieces])
            np.testing.assert_array_equal(getattr(hearing.activations, name), alone)


def heard(package: Path, task: Task, limits: Limits) -> Hearing:
    network = open_engine(str(package)).network
    return asyncio.run(listen(task, network, Together(network).hear, together=1, limits=limits))


def test_who_follows_the_work_may_stop_it(package: Path) -> None:
    told: list[tuple[float, float]] = []

    def follow(heard_s: float, duration_s: float) -> None:
        told.append((heard_s, duration_s))
        if len(told) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        heard(package, a_task(flac(np.tile(noise(12.0), 30)), follow), Limits())
    assert told == [(pytest.approx(heard_s), pytest.approx(360.0)) for heard_s, _ in sorted(told)]
    assert told[-1][0] < 360


def test_what_costs_too_much_is_refused(package: Path) -> None:
    wide = io.BytesIO()
    soundfile.write(wide, np.zeros((22_050, 9)), 22_050, format="WAV")
    with pytest.raises(AudioError, match="9 channels, limit 8"):
        heard(package, a_task(wide.getvalue()), Limits())
    with pytest.raises(TooCostly, match=r"not finished after 0\.01 s"):
        heard(package, a_task(flac(np.tile(noise(12.0), 10))), Limits(work_timeout_s=0.01))
