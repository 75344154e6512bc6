"""The configuration of a rendered corpus: `configs/render_corpus/*.yaml`."""

import re
from collections.abc import Iterator
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from drumline.core.config import Config, fingerprint
from drumline.rendering.accompaniment.accompany import Accompaniment
from drumline.rendering.accompaniment.percussion import PercussionConfig
from drumline.rendering.performances.sources import PerformanceRoot
from drumline.rendering.performances.vary import VaryConfig
from drumline.rendering.production.config import ProductionConfig
from drumline.runtime.config import RayConfig

RENDER_VERSION = 4
"""Version of the renderer, raised when the same configuration gives other audio; songs are then rendered again."""
SYNTHESISED: Final = re.compile(r"(synth|modal)#(\d+)")
"""Address of a synthesised or procedural kit, by its seed."""
_SEEDED: Final = re.compile(r"(synth|modal|.+\.kit\.ya?ml)#(\d+)")


class KitConfig(Config):
    """A drum kit for rendering: location, licence, number of random variants."""

    uri: str
    """Location of the kit: an ``.sfz`` file, a folder with ``drumkit.xml``, a drum kit of a SoundFont (``font.sf2#8``),
    a folder of one-shots (``pack.kit.yaml``, or ``pack.kit.yaml#3`` for a random selection with seed 3), ``synth#0``,
    ``synth#1`` ... for a synthesised kit, or ``modal#0`` ... for a procedural one (`kits.modal`)."""
    licence: str = ""
    """Licence of its samples, if its own files state none or a wrong one."""
    count: int = Field(default=1, ge=1)
    """Number of kits with consecutive seeds: ``modal#8`` with count 3 gives seeds 8, 9 and 10."""

    def variants(self) -> Iterator["KitConfig"]:
        """Kits of this entry, one per seed."""
        seeded = _SEEDED.fullmatch(self.uri)
        if self.count > 1 and not seeded:
            raise ValueError(f"{self.uri}: count={self.count} needs a seed: synth#N, modal#N or NAME.kit.yaml#N")
        for number in range(self.count):
            uri = f"{seeded[1]}#{int(seeded[2]) + number}" if seeded else self.uri
            yield self.model_copy(update={"uri": uri, "count": 1})


class KitsConfig(Config):
    """Variation of kits: mixed pieces, tuning, altered sounds."""

    mixed: float = Field(default=0.25, ge=0, le=1)
    """Share of songs with pieces of different kits."""
    sources: int = Field(default=2, ge=2, le=8)
    """Number of kits that are mixed in such a song."""
    tuned: float = Field(default=0.5, ge=0, le=1)
    """Share of songs with randomly tuned pieces."""
    tuning_semitones: float = Field(default=2.0, ge=0, le=12)
    """Maximum tuning of a piece up or down [semitones]."""
    tunings: int = Field(default=3, ge=1)
    """Number of tunings of a kit in the corpus; a worker loads the kit once for each."""
    altered: float = Field(default=0.0, ge=0, le=1)
    """Share of songs with altered kits (`kits.altered`): damped decays, changed attacks, layers of a second kit."""


class RenderRunConfig(Config):
    """Retries, time limit and cluster of a rendering run; they change no sample."""

    max_attempts: int = Field(default=3, ge=1)
    """Maximum number of attempts at a song whose worker dies."""
    song_timeout_s: float = Field(default=300.0, gt=0)
    """Time limit of a song [s]."""
    ray: RayConfig = RayConfig()


class CorpusConfig(Config):
    """Performances, kits, production and run of a rendered corpus."""

    name: str
    """Name of the corpus, a part of each song's key."""
    output: str
    """Output folder or ``s3://bucket/prefix``."""
    performances: tuple[PerformanceRoot, ...] = ()
    """Folders or archives of MIDI performances; if empty, only etudes of generated passages are rendered."""
    performance_splits: tuple[Literal["train", "validation", "test"], ...] = ()
    """Official splits whose performances are rendered; if empty, all."""
    performers: tuple[str, ...] = ()
    """Performers whose performances are rendered, if the corpus names them; if empty, all."""
    without_performers: tuple[str, ...] = ()
    """Performers whose performances are excluded, for example a drummer held out from training."""
    split: Literal["", "train", "validation", "test"] = ""
    """Official split of the songs; if empty, that of their performance."""
    kits: tuple[KitConfig, ...] = Field(min_length=1)
    """Drum kits, all used equally often."""
    kit_use: KitsConfig = KitsConfig()
    """Variation of kits."""
    hours: float = Field(default=1.0, gt=0)
    """Approximate duration of the corpus [h]."""
    seed: int = 0
    """Random seed of the corpus."""
    etudes: float = Field(default=0.15, ge=0, le=1)
    """Share of songs made of generated passages: rolls, blast beats, fills and others that performances lack."""
    torture_takes: int = Field(default=0, ge=0)
    """Number of takes of each torture passage on every kit; above 0, only these test passages are rendered, without
    variation, to show where a system fails."""
    mixes: float = Field(default=1.0, ge=0, le=1)
    """Share of songs with a backing track beside the drums."""
    rate_hz: int = Field(default=44_100, ge=8_000, le=192_000)
    """Sample rate [Hz]. A dataset keeps 22050."""
    tail_s: float = Field(default=3.0, ge=0.5)
    """Audio after the last hit, for decaying cymbals [s]."""
    vary: VaryConfig = VaryConfig()
    production: ProductionConfig = ProductionConfig()
    accompaniment: Accompaniment = Accompaniment()
    percussion: PercussionConfig = PercussionConfig()
    run: RenderRunConfig = RenderRunConfig()

    @field_validator("kits")
    @classmethod
    def _expand_counts(cls, kits: tuple[KitConfig, ...]) -> tuple[KitConfig, ...]:
        return tuple(variant for kit in kits for variant in kit.variants())

    @property
    def recipe(self) -> dict[str, Any]:
        """Configuration keys that determine the audio of a song, besides its own specification."""
        return self.model_dump(
            mode="json", include={"rate_hz", "tail_s", "vary", "production", "accompaniment", "percussion"}
        )

    @property
    def recipe_fingerprint(self) -> str:
        """Fingerprint of the recipe and the renderer's version."""
        return fingerprint(str(RENDER_VERSION), self.recipe)

    @model_validator(mode="after")
    def _check_percussion(self) -> Self:
        if self.percussion.probability > 0 and self.percussion.drawn < 1 and not self.accompaniment.soundfonts:
            raise ValueError("percussion.probability: percussion needs accompaniment.soundfonts, or drawn=1")
        return self
