"""`collect add`: one stroke of a recording."""

from pydantic import Field

from drumline.core.errors import DrumlineError
from drumline.quality.collect.collection import Clip, open_collection
from drumline.quality.collect.cutting import CutConfig, cut, read_recording
from drumline.quality.collect.outcome import AddingConfig, finish
from drumline.quality.outcome import Outcome
from drumline.quality.report import Input


class AddConfig(AddingConfig):
    """One stroke."""

    audio: str
    """The recording."""
    onset_s: float = Field(ge=0)
    """Where the stroke begins [s]."""
    components: tuple[str, ...] = Field(min_length=1)
    """Everything that begins there: [kick, crash]."""
    velocity: float | None = Field(default=None, ge=0, le=1)
    """How hard, where it is known: of all components."""
    session_id: str = ""
    """What the recording belongs to; its file name if empty."""
    cut: CutConfig = CutConfig()


def check(config: AddConfig) -> Outcome:
    """Add it. Raises DrumlineError where the recording cannot be used or does not reach so far."""
    collection = open_collection(config.collection, must_exist=False)
    recording = read_recording(config.audio)
    data = cut(recording, config.onset_s, config.cut)
    if data is None:
        length_s = len(recording.samples) / recording.rate_hz
        raise DrumlineError(
            f"onset_s: {config.audio}: nothing sounds at {config.onset_s:g} s (it lasts {length_s:g} s)"
        )
    clip = Clip(
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
