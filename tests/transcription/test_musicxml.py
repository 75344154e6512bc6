"""Sheet music, as music21 reads it: bars are full, and every hit stands where it was played."""

import warnings
from collections import Counter
from fractions import Fraction

import music21
import pytest

from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.transcription.formats import musicxml
from drumline.transcription.formats.registry import named
from drumline.transcription.result import SourceAudio, Transcriber, Transcription

PLACES = {
    "kick": "F4", "snare_head": "C5", "tom_high": "E5", "tom_mid": "D5", "tom_floor": "A4", "hihat_pedal": "D4",
    "hihat_closed": "G5", "hihat_open": "G5", "ride_body": "F5", "crash": "A5",
}  # fmt: skip


def transcription(hits: list[tuple[float, str]], tempo: TempoMap | None, velocity: float = 0.7) -> Transcription:
    events = Events.of([time_s for time_s, _ in hits], [label for _, label in hits], velocity=[velocity] * len(hits))
    found = Transcription.of(events, SourceAudio("song.wav", 60.0), Transcriber("test"))
    return found if tempo is None else found.with_tempo(tempo, "given")


def parsed(made: Transcription) -> music21.stream.Score:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = music21.converter.parseData(named("musicxml").write(made).decode(), format="musicxml")
    assert isinstance(score, music21.stream.Score)
    return score


def notes_of(score: music21.stream.Score) -> Counter[tuple[Fraction, str]]:
    """(quarter note from the start, place on the staff) of every note."""
    found: Counter[tuple[Fraction, str]] = Counter()
    for note in score.flatten().notes:
        at = Fraction(note.offset).limit_denominator(48)
        for each in note.notes if isinstance(note, music21.percussion.PercussionChord) else [note]:
            found[at, f"{each.displayStep}{each.displayOctave}"] += 1
    return found


@pytest.mark.parametrize(
    ("meter", "quarters"),
    [((4, 4), 4), ((3, 4), 3), ((7, 8), 3.5), ((6, 8), 3), ((5, 4), 5)],
    ids=lambda value: str(value),
)
def test_bars_are_full_and_hits_stand_where_they_were_played(meter: tuple[int, int], quarters: float) -> None:
    tempo = TempoMap(480, ((0, 90.0),), ((0, *meter),))
    places = [(at, label) for at in (0, 0.25, 1, 1.5, 2.75, 3, 5, 6.25, 9.75, 10) for label in ("kick", "hihat_closed")]
    places += [(3.0, "crash"), (0.5, "snare_head"), (12.25, "hihat_pedal")]
    jitter_s = 0.01
    hits = [(float(tempo.seconds(480 * at)) + jitter_s, label) for at, label in places]
    score = parsed(transcription(hits, tempo))
    measures = score.parts[0].getElementsByClass("Measure")
    for measure in measures:
        assert measure.barDuration.quarterLength == quarters
        for voice in measure.voices or [measure]:
            assert voice.duration.quarterLength in (0, quarters)
    assert notes_of(score) == Counter((Fraction(at).limit_denominator(48), PLACES[label]) for at, label in places)


def test_a_beat_in_three_is_a_triplet_and_its_neighbour_is_not() -> None:
    tempo = TempoMap(480, ((0, 120.0),))
    places = [Fraction(0), Fraction(1, 3), Fraction(2, 3), Fraction(1), Fraction(3, 2), Fraction(8, 3)]
    score = parsed(transcription([(float(at) / 2, "snare_head") for at in places], tempo))
    assert notes_of(score) == Counter((at, "C5") for at in places)
    tuplets = [bool(note.duration.tuplets) for note in score.flatten().notes]
    assert tuplets == [True, True, True, False, False, True]


def test_tempo_and_meter_change_where_the_map_does() -> None:
    tempo = TempoMap(480, ((0, 120.0), (1920, 90.0)), ((0, 4, 4), (1920, 3, 4)))
    hits = [(float(tempo.seconds(tick)), "kick") for tick in range(0, 6000, 480)]
    score = parsed(transcription(hits, tempo))
    assert [(each.offset, round(each.number)) for each in score.flatten().getElementsByClass("MetronomeMark")] == [
        (0, 120), (4, 90)
    ]  # fmt: skip
    assert [each.ratioString for each in score.flatten().getElementsByClass("TimeSignature")] == ["4/4", "3/4"]


def test_dynamics_names_and_songs_without_hits_or_tempo() -> None:
    loud = parsed(transcription([(0.0, "kick")], None, velocity=1.0))
    (note,) = loud.flatten().notes
    assert [type(each).__name__ for each in note.articulations] == ["Accent"]
    soft = musicxml.write(transcription([(0.0, "snare_head")], None, velocity=0.1)).decode()
    assert 'parentheses="yes"' in soft
    silent = parsed(transcription([], None))
    assert not silent.flatten().notes
    assert silent.metadata.title == "song"
