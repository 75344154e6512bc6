"""Render a corpus on a cluster: planned once, song by song, resumable.

A song's folder bears a fingerprint of all that decides it and gets its labels last, so one that has labels is finished
and right: a run that was killed goes on where it was. Below the output::

    songs/<number>-<fingerprint>/   `rendering.corpus.song`
    corpus.json                     what it is made of: configuration, kits and licences, counts; written last
    _runs/<run>.json                one report a run
"""

import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from tqdm import tqdm

from drumline.core.artifacts import exists, filesystem, join, read_bytes, write_bytes
from drumline.core.config import canonical_json, fingerprint
from drumline.core.errors import ConfigError, DrumlineError, Rejected
from drumline.rendering.accompaniment.accompany import check_accompaniment
from drumline.rendering.corpus.config import SYNTHESISED, CorpusConfig
from drumline.rendering.corpus.plan import SongSpec, plan
from drumline.rendering.corpus.song import render_song, save_song
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_rows
from drumline.runtime.report import RunReport, peak_mb
from drumline.runtime.session import session

SONGS: Final = "songs"
MANIFEST: Final = "corpus.json"
_FOLDER: Final = re.compile(r"\d{6}-[0-9a-f]{16}")

OUTCOME: Final = pa.schema(
    [
        pa.field("folder", pa.string(), nullable=False),
        pa.field("reused", pa.bool_(), nullable=False),
        pa.field("cpu_s", pa.float64(), nullable=False),
        pa.field("peak_mb", pa.float64(), nullable=False),
        pa.field("duration_s", pa.float64(), nullable=False),
        pa.field("labels", pa.string(), nullable=False),
        pa.field("kits", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)
"""Result of a song for the driver. ``labels`` is JSON (label -> hits), and ``kits``, as ``made.json`` has them."""
_NOTHING: Final = {"duration_s": 0.0, "labels": "{}", "kits": "[]"}


@dataclass(frozen=True)
class RenderResult:
    """Summary of a rendered corpus."""

    output: str
    songs: int
    hours: float
    labels: dict[str, int]
    """Label -> strokes."""
    rejected: dict[str, str]
    """Folder -> why there is nothing in it."""
    report: str


@dataclass(frozen=True)
class RenderStep:
    """One `SongSpec` (JSON) to its folder."""

    config: CorpusConfig
    ledger: Ledger

    def __call__(self, row: str) -> Sequence[dict[str, Any]]:
        spec = SongSpec.from_json(row)
        name = spec.folder(self.config.recipe_fingerprint)
        folder = join(self.config.output, SONGS, name)
        started_s = time.process_time()
        outcome = {"folder": name, "reused": True, "cpu_s": 0.0, "peak_mb": 0.0, "reason": "", "detail": ""}
        if exists(join(folder, "hits.json")):
            return [outcome | _facts(json.loads(read_bytes(join(folder, "made.json"))))]
        outcome["reused"] = False
        if end := self.ledger.given_up(name):
            detail = f"{self.ledger.max_attempts} attempts, each {end.replace('_', ' ')}"
            return [outcome | _NOTHING | {"reason": "worker_crashed", "detail": detail}]
        with self.ledger.attempt(name, name):
            rendered = render_song(spec, self.config)
            if isinstance(rendered, Rejected):
                facts = _NOTHING | {"reason": rendered.reason, "detail": rendered.detail}
            else:
                save_song(rendered, folder, rate_hz=self.config.rate_hz)
                facts = _facts(rendered.made)
        return [outcome | facts | {"cpu_s": time.process_time() - started_s, "peak_mb": peak_mb()}]


def _facts(made: Any) -> dict[str, Any]:
    return {"duration_s": made["duration_s"]} | {name: json.dumps(made[name]) for name in ("labels", "kits")}


def render(config: CorpusConfig) -> RenderResult:
    """Render the corpus of a configuration, going on from whatever is finished.

    Raises ConfigError before any work where material is missing, DrumlineError where a run as a whole fails.
    """
    report = RunReport("render")
    specs = plan(config)
    for kit in config.kits:
        if not SYNTHESISED.fullmatch(kit.uri) and not exists(kit.uri.partition("#")[0]):
            raise ConfigError(f"kits: {kit.uri}: there is no such file or folder")
    check_accompaniment(config.accompaniment)
    ledger = Ledger(join(config.output, "_attempts", report.run_id), config.run.song_timeout_s, config.run.max_attempts)
    with report.saved(config.output), session(config.run.ray) as about, report.stage("songs"):
        report.about = dict(about)
        outcomes = _outcomes(specs, RenderStep(config, ledger), report)
    songs = [outcome for outcome in outcomes if not outcome["reason"]]
    rejected = {each["folder"]: f"{each['reason']}: {each['detail']}" for each in outcomes if each["reason"]}
    labels: Counter[str] = sum((Counter(json.loads(song["labels"])) for song in songs), Counter())
    kits = {kit["uri"]: kit for song in songs for kit in json.loads(song["kits"])}
    manifest = {
        "name": config.name,
        "fingerprint": fingerprint(config.recipe_fingerprint, [spec.to_json() for spec in specs]),
        "songs": len(songs),
        "hours": round(report.audio_hours, 3),
        "strokes": dict(sorted(labels.items())),
        "rejected": dict(sorted(rejected.items())),
        "kits": [kits[uri] for uri in sorted(kits)],
        "recipe": config.recipe,
    }
    write_bytes(join(config.output, MANIFEST), canonical_json(manifest, indent=1).encode())
    _clean_up(config.output, keep={outcome["folder"] for outcome in outcomes})
    return RenderResult(
        config.output, len(songs), report.audio_hours, dict(labels), rejected, report.uri(config.output)
    )


def _outcomes(specs: Sequence[SongSpec], step: RenderStep, report: RunReport) -> list[dict[str, Any]]:
    """Results of all songs, counted in the report."""
    rows = [spec.to_json() for spec in specs]
    outcomes = []
    report.meter.planned(len(rows))
    with tqdm(total=len(rows), unit="song", desc="rendering", mininterval=1.0) as bar:
        for outcome in map_rows(rows, step, schema=OUTCOME, ledger=step.ledger):
            outcomes.append(outcome)
            report.song(
                reused=outcome["reused"],
                hours=outcome["duration_s"] / 3600,
                cpu_s=outcome["cpu_s"],
                peak_mb=outcome["peak_mb"],
                reason=outcome["reason"],
            )
            bar.set_postfix_str(f"{report.audio_hours:.1f} h audio", refresh=False)
            bar.update()
    if len(outcomes) != len(specs):
        raise DrumlineError(f"{len(specs) - len(outcomes)} songs never came back: run again to resume")
    return outcomes


def _clean_up(output: str, *, keep: set[str]) -> None:
    """Remove songs of an earlier configuration, and the ledger."""
    fs, path = filesystem(join(output, SONGS))
    fs.invalidate_cache()
    for folder in fs.ls(path, detail=False) if fs.exists(path) else []:
        if (name := folder.rstrip("/").rpartition("/")[2]) not in keep and _FOLDER.fullmatch(name):
            fs.rm(folder, recursive=True)
    if exists(attempts := join(output, "_attempts")):
        fs, path = filesystem(attempts)
        fs.rm(path, recursive=True)
