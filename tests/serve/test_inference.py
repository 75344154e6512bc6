"""Windows of many recordings in shared batches give what each gives alone, on onnxruntime and on torch."""

import asyncio
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from serve.inference import (
    InferenceTask,
    JobCancelled,
    NetworkOutput,
    TimeLimitExceeded,
    infer_recording,
    infer_windows,
)
from serve.settings import Limits
from tests.export.tiny import noise, write_package

from drumline.audio.recording import Recording
from drumline.core.errors import AudioError
from drumline.decoding.cache import RecordingActivations
from drumline.decoding.chunked_inference import Network
from drumline.transcription.engine import open_engine

LENGTHS_S = (45.0, 65.0, 45.0, 4.0, 4.0)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32", "int8")


class PlainBatcher:
    """`serve.batch` without Serve: windows that arrive within 0.2 s share a call."""

    def __init__(self, network: Network) -> None:
        self.sizes: Counter[int] = Counter()
        self._network = network
        self._waiting: list[tuple[np.ndarray, asyncio.Future[NetworkOutput]]] = []

    async def infer(self, window: np.ndarray) -> NetworkOutput:
        output: asyncio.Future[NetworkOutput] = asyncio.get_running_loop().create_future()
        self._waiting.append((window, output))
        await asyncio.sleep(0.2)
        if not output.done():
            waiting, self._waiting = self._waiting, []
            self.sizes[len(waiting)] += 1
            outputs = infer_windows(self._network, [window for window, _ in waiting])
            for (_, future), result in zip(waiting, outputs, strict=True):
                future.set_result(result)
        return await output


def flac(samples: np.ndarray, rate_hz: int = 22_050) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, format="FLAC")
    return buffer.getvalue()


def a_task(data: bytes, on_progress: object = lambda processed_s, duration_s: None) -> InferenceTask:
    return InferenceTask(io.BytesIO(data), "song.flac", 600.0, on_progress)  # type: ignore[arg-type]


@pytest.mark.parametrize(("runtime", "precision"), [("onnx", "float32"), ("torch", "")])
def test_batched_as_alone(package: Path, runtime: str, precision: str) -> None:
    engine = open_engine(str(package), precision=precision, runtime=runtime, threads=1)  # type: ignore[arg-type]
    songs = [flac(noise(seconds, seed=number)) for number, seconds in enumerate(LENGTHS_S)]

    async def infer_all() -> list[RecordingActivations]:
        tasks = (
            infer_recording(a_task(song), engine.network, batcher.infer, batch_size=4, limits=Limits())
            for song in songs
        )
        return await asyncio.gather(*tasks)

    batcher = PlainBatcher(engine.network)
    found = asyncio.run(infer_all())
    assert max(batcher.sizes) > 4  # those of several recordings
    for song, inferred in zip(songs, found, strict=True):
        with Recording.of_file(io.BytesIO(song), name="song.flac") as recording:
            assert inferred.num_samples == recording.num_samples
            pieces = list(engine.infer(recording))
        for name in ("probability", "onset", "offset", "velocity"):
            alone = np.concatenate([getattr(piece, name) for piece in pieces])
            np.testing.assert_array_equal(getattr(inferred.activations, name), alone)


def inferred(package: Path, task: InferenceTask, limits: Limits) -> RecordingActivations:
    network = open_engine(str(package)).network
    return asyncio.run(infer_recording(task, network, PlainBatcher(network).infer, batch_size=1, limits=limits))


def test_the_progress_callback_may_cancel_a_job(package: Path) -> None:
    reports: list[tuple[float, float]] = []

    def follow(processed_s: float, duration_s: float) -> None:
        reports.append((processed_s, duration_s))
        if len(reports) == 2:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        inferred(package, a_task(flac(np.tile(noise(12.0), 30)), follow), Limits())
    assert reports == [(pytest.approx(processed_s), pytest.approx(360.0)) for processed_s, _ in sorted(reports)]
    assert reports[-1][0] < 360


def test_what_costs_too_much_is_refused(package: Path) -> None:
    wide = io.BytesIO()
    soundfile.write(wide, np.zeros((22_050, 9)), 22_050, format="WAV")
    with pytest.raises(AudioError, match="9 channels, limit 8"):
        inferred(package, a_task(wide.getvalue()), Limits())
    with pytest.raises(TimeLimitExceeded, match=r"not finished after 0\.01 s"):
        inferred(package, a_task(flac(np.tile(noise(12.0), 10))), Limits(work_timeout_s=0.01))
