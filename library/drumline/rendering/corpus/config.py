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
"""Raised whenever the same configuration gives other audio: rendered songs are then rendered again."""
SYNTHESISED: Final = re.compile(r"(synth|modal)#(\d+)")
"""The address of a synthesised kit, by its seed: for trying things out without any material, and for more kits."""
_SEEDED: Final = re.compile(r"(synth|modal|.+\.kit\.ya?ml)#(\d+)")


class KitConfig(Config):
    """One kit to play on."""

    uri: str
    """An ``.sfz`` file, a folder with ``drumkit.xml``, a SoundFont's drum kit (``font.sf2#8``), a folder of one-shots
    (``pack.kit.yaml``, or ``pack.kit.yaml#3`` for a draw of them), or ``synth#0``, ``synth#1`` ... for a synthesised
    one; ``modal#0`` ... for a wild one (`kits.modal`)."""
    licence: str = ""
    """Of its samples, where its own files do not tell it rightly."""
    count: int = Field(default=1, ge=1)
    """How many kits, by the seeds from that of ``uri`` on: ``modal#8`` and 3 are 8, 9 and 10."""

    def each(self) -> Iterator["KitConfig"]:
        """The kits that it stands for."""
        seeded = _SEEDED.fullmatch(self.uri)
        if self.count > 1 and not seeded:
            raise ValueError(
                f"{self.uri}: count={self.count}, and only synth#N, modal#N and NAME.kit.yaml#N can be counted on"
            )
        for number in range(self.count):
            uri = f"{seeded[1]}#{int(seeded[2]) + number}" if seeded else self.uri
            yield self.model_copy(update={"uri": uri, "count": 1})


class KitsConfig(Config):
    """How kits are used."""

    mixed: float = Field(default=0.25, ge=0, le=1)
    """Share of the songs whose pieces come from different kits."""
    sources: int = Field(default=2, ge=2, le=8)
    """Kits that the pieces of such a song come from."""
    tuned: float = Field(default=0.5, ge=0, le=1)
    """Share of the songs whose pieces are tuned up or down."""
    tuning_semitones: float = Field(default=2.0, ge=0, le=12)
    """The furthest that a piece is tuned [semitones]."""
    tunings: int = Field(default=3, ge=1)
    """Different tunings of a kit in the corpus: each costs a worker the time to load the kit once."""
    altered: float = Field(default=0.0, ge=0, le=1)
    """Share of the songs whose pieces are damped, struck otherwise, and laid over those of a second kit
    (`kits.altered`)."""


class RenderRunConfig(Config):
    """How to run. Nothing here changes a sample."""

    max_attempts: int = Field(default=3, ge=1)
    """Workers that one song may cost before it is given up."""
    song_timeout_s: float = Field(default=300.0, gt=0)
    """The longest that one song may take [s]."""
    ray: RayConfig = RayConfig()


class CorpusConfig(Config):
    """Everything that decides a rendered corpus, and how to run."""

    name: str
    """What it is called; stands in each song's key."""
    output: str
    """Where it goes: a local folder or ``s3://bucket/prefix``."""
    performances: tuple[PerformanceRoot, ...] = ()
    """Where performances are. None: only etudes of generated passages."""
    performance_splits: tuple[Literal["train", "validation", "test"], ...] = ()
    """Of a corpus with official splits, those to play; all if empty."""
    performers: tuple[str, ...] = ()
    """Of a corpus that names them, whose performances to play; everybody's if empty."""
    without_performers: tuple[str, ...] = ()
    """Whose performances to leave out: a drummer held out from training, say."""
    split: Literal["", "train", "validation", "test"] = ""
    """The official split that the songs bear; that of their performance if empty."""
    kits: tuple[KitConfig, ...] = Field(min_length=1)
    """What is played on. Each is used as often as any other."""
    kit_use: KitsConfig = KitsConfig()
    hours: float = Field(default=1.0, gt=0)
    """Audio to render, about [h]."""
    seed: int = 0
    """Of every draw."""
    etudes: float = Field(default=0.15, ge=0, le=1)
    """Share of the songs made of generated passages: rolls, blast beats, fills and all that recordings lack."""
    torture_takes: int = Field(default=0, ge=0)
    """Above 0 the corpus is something else: the torture sets, so many takes of each passage on every kit, played as
    they are. For judging: one table says where a system fails."""
    mixes: float = Field(default=1.0, ge=0, le=1)
    """Share of the songs that get a backing track beside the drums."""
    rate_hz: int = Field(default=44_100, ge=8_000, le=192_000)
    """Sampling rate [Hz]. 22050 is all that a dataset keeps."""
    tail_s: float = Field(default=3.0, ge=0.5)
    """Audio after the last stroke [s]: cymbals ring on."""
    vary: VaryConfig = VaryConfig()
    production: ProductionConfig = ProductionConfig()
    accompaniment: Accompaniment = Accompaniment()
    percussion: PercussionConfig = PercussionConfig()
    run: RenderRunConfig = RenderRunConfig()

    @field_validator("kits")
    @classmethod
    def _one_by_one(cls, kits: tuple[KitConfig, ...]) -> tuple[KitConfig, ...]:
        return tuple(each for kit in kits for each in kit.each())

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides a song besides its own draw."""
        return self.model_dump(
            mode="json", include={"rate_hz", "tail_s", "vary", "production", "accompaniment", "percussion"}
        )

    @property
    def recipe_fingerprint(self) -> str:
        return fingerprint(str(RENDER_VERSION), self.recipe)

    @model_validator(mode="after")
    def _can_be_played(self) -> Self:
        if self.percussion.probability > 0 and self.percussion.drawn < 1 and not self.accompaniment.soundfonts:
            raise ValueError("percussion.probability: percussion needs accompaniment.soundfonts, or drawn=1")
        return self
