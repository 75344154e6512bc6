"""A recording at another rate, its channels mixed to one or two: what decoding and transcription have in common."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from drumline.audio.block import Block, Samples
from drumline.audio.downmix import MEAN, Power, mono, stereo
from drumline.audio.stream import AudioStream, opened, resampled

T = TypeVar("T")

OnBlock = Callable[[AudioStream, Block], None]
"""Called with each block of the source; may raise."""


@dataclass(frozen=True)
class SourceFacts:
    """Facts about a recording that are known once it has been read."""

    rate_hz: int
    num_channels: int
    num_samples: int
    """Samples a channel, at the source's rate."""
    truncated: str = ""
    """Where it breaks off, for people; empty where it is whole."""
    downmix: str = MEAN
    """Name of the mix of its channels that was used (`audio.downmix`)."""


def read_audio(
    source: BinaryIO,
    take: Callable[[Iterator[Samples]], T],
    *,
    name: str,
    max_duration_s: float,
    rate_hz: int | None,
    num_channels: int = 1,
    on_block: OnBlock | None = None,
    release: Callable[[T], None] | None = None,
) -> tuple[T, SourceFacts]:
    """Decode a recording, mix its channels to one or two, and resample.

    Where its channels cancel in their mean, the recording is read again with another mix, so that ``take`` is called
    twice.

    Parameters
    ----------
    source : BinaryIO
        Encoded, seekable; stays open.
    take : callable
        Given the pieces [num_samples, num_channels] in order; makes the result of them.
    name : str
        For messages.
    max_duration_s : float
    rate_hz : int or None
        Of the pieces; None for the rate at which the recording begins.
    num_channels : {1, 2}
        Of the pieces.
    on_block : callable, optional
    release : callable, optional
        Called with a result that is not returned.

    Raises
    ------
    AudioError
        ``audio_undecodable`` or ``audio_too_long``; truncation is no error here.
    Exception
        What the storage, ``take`` or ``on_block`` raises.
    """
    mix = mono if num_channels == 1 else stereo
    power = Power()

    def mixed(stream: AudioStream, downmix: str | None) -> Iterator[Block]:
        for block in stream.blocks():
            if on_block is not None:
                on_block(stream, block)
            samples = mix(block.samples, downmix or MEAN)
            if downmix is None:
                power.add(block.samples, samples if mix is mono else mono(block.samples))
            yield Block(samples, block.rate_hz)

    def once(downmix: str | None) -> tuple[T, SourceFacts]:
        with opened(source, name, max_duration_s) as stream:
            result = take(resampled(mixed(stream, downmix), rate_hz or stream.rate_hz, num_channels=num_channels))
            found = SourceFacts(
                stream.rate_hz, stream.num_channels, stream.num_samples, stream.truncated, downmix or power.downmix
            )
        return result, found

    result, found = once(None)
    if found.downmix == MEAN:
        return result, found
    if release is not None:
        release(result)
    return once(found.downmix)
