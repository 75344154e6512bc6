"""One rendered song: performance, kit, production and backing to a folder that a dataset build reads like any other.

::

    drums.flac   the drum stem
    song.flac    what plays with it, where the song has a backing: the mix is the sum of both
    hits.json    the labels, exact by construction (`charts.hits_json`); written last, so that what has one is whole
    made.json    how it was made: kit, changes, production, backing
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumline.audio.loudness import encode_flac
from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.groove import GROOVE
from drumline.charts.hits_json import write_hits_json
from drumline.core.artifacts import STORAGE_ERRORS, join, write_bytes
from drumline.core.errors import ChartError, Rejected, SongError
from drumline.core.hits import Hit, sorted_hits
from drumline.rendering.accompaniment.accompany import accompany
from drumline.rendering.accompaniment.files import own_backing
from drumline.rendering.accompaniment.percussion import Percussion, percussion
from drumline.rendering.audibility import covered
from drumline.rendering.corpus.config import SYNTHESISED, CorpusConfig
from drumline.rendering.corpus.plan import Setup, SongSpec, torture_songs
from drumline.rendering.kit import PIECES, Kit
from drumline.rendering.kits.altered import altered_kit
from drumline.rendering.kits.mixed import mixed_kit
from drumline.rendering.kits.modal import modal_kit
from drumline.rendering.kits.open_kit import open_kit
from drumline.rendering.kits.sampled import KitFacts
from drumline.rendering.performances.medleys import read_medley
from drumline.rendering.performances.passages import etude
from drumline.rendering.performances.sources import PerformanceSource, read_backing
from drumline.rendering.performances.vary import Varied, vary
from drumline.rendering.play import flagged, play, playable, summed
from drumline.rendering.production.draw import draw
from drumline.rendering.production.mixing import beside, mastered, mix_with, with_backing_bleed
from drumline.rendering.production.produce import produce
from drumline.rendering.production.production import to_json
from drumline.rendering.synth_kit import synth_kit

Samples = NDArray[np.float32]

_KITS_IN_MEMORY: Final = 12  # some 40 MiB each; songs of kits put together open several
_PERFORMANCE_LICENCES: Final[Mapping[str, str]] = MappingProxyType({"groove": GROOVE.licence, "egmd": GROOVE.licence})


@dataclass(frozen=True)
class RenderedSong:
    """A song in memory."""

    drums: Samples
    """[channels, N]"""
    backing: Samples | None
    song: AnnotatedSong
    """Labels and words."""
    made: Mapping[str, Any]
    """How it was made, as plain values."""


def render_song(spec: SongSpec, config: CorpusConfig) -> RenderedSong | Rejected:
    """Render a song of the plan, or say why its performance or backing cannot be read. Equal specs give equal samples.

    Raises ConfigError where a kit or the backing's material is missing.
    """
    seeds = [int(seed) for seed in np.random.SeedSequence(spec.seed).generate_state(6)]
    kit = _kit(spec, config, seeds[0])
    varied = _performed(spec, config, seeds[1])
    if isinstance(varied, Rejected):
        return varied
    hits = playable(varied.song.hits, kit)
    if not hits:
        return Rejected("chart_without_drums", f"{varied.song.metadata.title}: no stroke that {kit.name} can play")
    duration_s = hits[-1].time_s + config.tail_s
    played = play(hits, kit=kit, duration_s=duration_s, seed=seeds[2])
    hits = played.hits
    production = draw(config.production, seed=seeds[3])
    drums = produce(played.pieces, production, rate_hz=config.rate_hz)
    beside_it = _percussion(varied.song, config, duration_s=duration_s, seed=seeds[5])
    if beside_it is not None:
        level_db = float(np.random.default_rng(seeds[5]).uniform(*config.percussion.level_db))
        drums = beside(drums, beside_it.samples, level_db=level_db, rate_hz=config.rate_hz)
    backing, description = None, ""
    if spec.has_backing:
        try:
            backing, description = _accompaniment(spec, varied, config, duration_s=duration_s, seed=seeds[4])
        except (ChartError, SongError, *STORAGE_ERRORS) as error:
            return Rejected("source_unreadable", f"backing: {error}")
        drums = with_backing_bleed(drums, backing, production, rate_hz=config.rate_hz)
        drums, backing = mix_with(drums, backing, production, rate_hz=config.rate_hz)
        unheard = covered(
            list(played.attacks.values()),
            summed(played.pieces),
            drums=drums.mean(axis=0),
            backing=backing.mean(axis=0),
            rate_hz=config.rate_hz,
        )
        hits = flagged(hits, "covered", played.attacks, unheard)
        drums, backing = mastered(drums, backing, production, rate_hz=config.rate_hz)
    if beside_it is not None:
        hits = sorted_hits([*hits, *beside_it.hits])
    song = _labelled(replace(varied.song, hits=hits), spec, config, kit)
    made = {
        "spec": json.loads(spec.to_json()),
        "duration_s": duration_s,
        "labels": _counted(hits),
        **{flag: _counted(hit for hit in hits if flag in hit.flags) for flag in ("faint", "covered")},
        "kits": [_terms(setup, config) for setup in spec.setups],
        "changes": [asdict(change) for change in varied.changes],
        "production": json.loads(to_json(production)),
        "backing": description,
        "percussion": beside_it.description if beside_it else "",
    }
    return RenderedSong(drums, backing, song, made)


def save_song(rendered: RenderedSong, folder: str, *, rate_hz: int) -> None:
    """Write the song's files, the labels last."""
    write_bytes(join(folder, "drums.flac"), encode_flac(rendered.drums.T, rate_hz))
    if rendered.backing is not None:
        write_bytes(join(folder, "song.flac"), encode_flac(rendered.backing.T, rate_hz))
    write_bytes(join(folder, "made.json"), json.dumps(rendered.made, indent=1).encode())
    write_bytes(join(folder, "hits.json"), write_hits_json(rendered.song))


@lru_cache(maxsize=_KITS_IN_MEMORY)
def opened(setup: Setup, rate_hz: int) -> tuple[Kit, KitFacts]:
    """The kit of a set-up and what is known of it, kept for the songs that follow."""
    if number := SYNTHESISED.fullmatch(setup.uri):
        kit = (synth_kit if number[1] == "synth" else modal_kit)(int(number[2]), rate_hz=rate_hz)
        return kit, KitFacts(kit.name, setup.uri, licence="CC0")
    sampled = open_kit(setup.uri, rate_hz=rate_hz, tuning=dict(setup.tuning))
    return sampled, sampled.facts


def _percussion(song: AnnotatedSong, config: CorpusConfig, *, duration_s: float, seed: int) -> Percussion | None:
    """Percussion of a song, if it was sampled to have any."""
    random = np.random.default_rng((seed, 1))
    if random.random() >= config.percussion.probability:
        return None
    return percussion(
        song,
        instruments=config.percussion.instruments,
        soundfont=str(random.choice(fonts)) if (fonts := config.accompaniment.soundfonts) else None,
        drawn=config.percussion.drawn,
        duration_s=duration_s,
        rate_hz=config.rate_hz,
        channels=config.production.channels,
        max_synthesis_rate_hz=config.accompaniment.max_synthesis_rate_hz,
        seed=int(random.integers(1 << 31)),
    )


def _accompaniment(
    spec: SongSpec, varied: Varied, config: CorpusConfig, *, duration_s: float, seed: int
) -> tuple[Samples, str]:
    """The performance's own accompaniment if it has one, else a sampled one, and its description."""
    rate_hz, channels = config.rate_hz, config.production.channels
    if (source := _with_backing(spec)) is None:
        return accompany(
            varied.song, config.accompaniment, duration_s=duration_s, rate_hz=rate_hz, channels=channels, seed=seed
        )
    samples = own_backing(
        read_backing(source),
        name=source.backing,
        start_s=varied.start_s,
        stretch=varied.stretch,
        duration_s=duration_s,
        rate_hz=rate_hz,
        channels=channels,
    )
    return samples, f"own: {source.backing} from {varied.start_s:.1f} s"


def _with_backing(spec: SongSpec) -> PerformanceSource | None:
    """The performance of a song if it has an accompaniment of its own."""
    return next((source for source in spec.medley if source.backing), None)


def _counted(hits: Iterable[Hit]) -> dict[str, int]:
    """How many of each label."""
    return dict(sorted(Counter(hit.label for hit in hits).items()))


def _performed(spec: SongSpec, config: CorpusConfig, seed: int) -> Varied | Rejected:
    """Performance of a song: a torture song as it is, or a varied medley or etude."""
    if spec.torture is not None:
        return Varied(torture_songs(config)[spec.torture], ())
    read = read_medley(spec.medley) if spec.medley else etude(duration_s=config.vary.duration_s[1], seed=seed)
    one_clock = _with_backing(spec) is not None
    return read if isinstance(read, Rejected) else vary(read, config.vary, seed=seed, one_clock=one_clock)


def _kit(spec: SongSpec, config: CorpusConfig, seed: int) -> Kit:
    """The song's kit; of several, each piece from one of them."""
    kits = [opened(setup, config.rate_hz)[0] for setup in spec.setups]
    kit = kits[0]
    if len(kits) > 1:
        random = np.random.default_rng(seed)
        pieces = {piece: kits[random.integers(len(kits))] for piece in PIECES}
        kit = mixed_kit(" + ".join(kit.name for kit in kits), pieces, fill=kits)
    return altered_kit(kit, under=kits[-1], seed=seed) if spec.altered else kit


def _labelled(song: AnnotatedSong, spec: SongSpec, config: CorpusConfig, kit: Kit) -> AnnotatedSong:
    played = {_terms(setup, config)["licence"] or "not stated" for setup in spec.setups}
    performed = {_PERFORMANCE_LICENCES.get(source.corpus, "not stated") for source in spec.medley}
    licences = [f"kit {name}" for name in sorted(played)] + [f"performance {name}" for name in sorted(performed)]
    title = f"{song.metadata.title or song.group}, {kit.name}, no. {spec.number}"
    return replace(
        song,
        format="rendered",
        metadata=replace(song.metadata, title=title, album=config.name),
        offset_s=0.0,
        official_split=config.split or song.official_split,
        licence="; ".join(licences),
        note_signature=b"",
    )


def _terms(setup: Setup, config: CorpusConfig) -> dict[str, str]:
    """Whose sounds these are, and on what terms."""
    _, facts = opened(setup, config.rate_hz)
    licence = setup.licence or facts.licence
    return {"uri": setup.uri, "name": facts.name, "licence": licence, "attribution": facts.attribution}
