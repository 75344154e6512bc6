"""`collect add`: add one hit of a recording to a collection of one-shot samples."""

from pydantic import Field

from drumline.core.errors import DrumlineError
from drumline.quality.collect.collection import OneShot, open_collection
from drumline.quality.collect.cutting import CutConfig, cut, read_recording
from drumline.quality.collect.outcome import AddSamplesConfig, finish
from drumline.quality.outcome import CheckResult
from drumline.quality.report import Input


class AddConfig(AddSamplesConfig):
    """One hit to cut out of a recording and add to a collection."""

    audio: str
    """Recording: path or URI."""
    onset_s: float = Field(ge=0)
    """Onset time of the hit [s]."""
    components: tuple[str, ...] = Field(min_length=1)
    """Labels of everything that sounds at this onset, such as [kick, crash]."""
    velocity: float | None = Field(default=None, ge=0, le=1)
    """Velocity of all components, 0 to 1, if known."""
    session_id: str = ""
    """Session that the recording belongs to; its file name if empty."""
    cut: CutConfig = CutConfig()


def run(config: AddConfig) -> CheckResult:
    """Cut one hit and add it. Raises DrumlineError if the recording cannot be read or is silent at the onset."""
    collection = open_collection(config.collection, must_exist=False)
    recording = read_recording(config.audio)
    data = cut(recording, config.onset_s, config.cut)
    if data is None:
        length_s = len(recording.samples) / recording.rate_hz
        raise DrumlineError(
            f"onset_s: {config.audio}: no sound at {config.onset_s:g} s (the recording lasts {length_s:g} s)"
        )
    clip = OneShot(
        data=data,
        ending=".wav",
        onset_s=config.cut.pre_ms / 1000,
        components=tuple((name, config.velocity) for name in config.components),
        cut_from={"audio": config.audio, "onset_time": config.onset_s, "sha256": recording.sha256},
        session_id=config.session_id or config.audio.rsplit("/", 1)[-1],
        source_set=config.source_set,
    )
    collection.add(clip, dry_run=config.dry_run)
    source = Input(role="audio", path=config.audio, records=1, sha256=recording.sha256)
    return finish("collect-add", collection, config, inputs=[source])
