"""Corpora: real ones where they are at hand, else a tiny tree in the documented layout."""

import contextlib
import pickle
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drumline.charts.corpora import CORPORA, corpora_in
from drumline.charts.corpus import CorpusItem, Read
from drumline.charts.general_midi import write_performance
from drumline.charts.slakh import KITS
from drumline.core.errors import ChartError
from drumline.core.hits import Hit

BEAT = write_performance([Hit(0.5, "kick"), Hit(1.0, "snare_rim"), Hit(1.5, "hihat_open")])


def reader(tree: Mapping[str, bytes]) -> Read:
    def read(path: str) -> bytes:
        try:
            return tree[path]
        except KeyError as error:
            raise FileNotFoundError(path) from error

    return read


def items_of(name: str, tree: Mapping[str, bytes]) -> list[CorpusItem]:
    found = list(CORPORA[name].items(tree, reader(tree)))
    assert [item.key for item in found] == sorted({item.key for item in found})
    assert pickle.loads(pickle.dumps(found)) == found
    return found


GROOVE_TABLE = (
    b"drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"
    b"drummer2,drummer2/session1,drummer2/session1/7,jazz/swing,120,beat,4-4,d/7.mid,d/7.wav,2,validation\n"
    b"drummer1,drummer1/session1,drummer1/session1/1,rock,100,beat,4-4,drummer1/1.mid,drummer1/1.wav,2,train\n"
    b"drummer1,drummer1/session1,drummer1/session1/9,rock,100,beat,4-4,drummer1/absent.mid,,2,test\n"
)
GROOVE_TREE = {"g/info.csv": GROOVE_TABLE, "g/drummer1/1.mid": BEAT, "g/d/7.mid": BEAT, "g/d/7.wav": b""}


def test_groove_table() -> None:
    assert [corpus.name for corpus in corpora_in(GROOVE_TREE)] == ["groove"]
    second, first = items_of("groove", GROOVE_TREE)
    assert (first.key, first.annotation, first.audio) == ("drummer1/1", "g/drummer1/1.mid", {})
    assert second.audio == {"stem": ("g/d/7.wav",)}
    song = CORPORA["groove"].read(second, reader(GROOVE_TREE))
    assert (song.official_split, song.metadata.charter, song.metadata.genre) == ("validation", "drummer2", "jazz")
    assert song.group == "groove:drummer2/session1/7"


def test_kits_of_one_performance_share_a_group() -> None:
    header = (
        "drummer,session,id,style,bpm,beat_type,time_signature,duration,split,midi_filename,audio_filename,kit_name\n"
    )
    rows = "".join(
        f"drummer1,s,drummer1/s/1,rock,100,beat,4-4,2,train,drummer1/1_{kit}.midi,drummer1/1_{kit}.wav,Kit {kit}\n"
        for kit in (1, 2)
    )
    files = {f"drummer1/1_{kit}.{kind}": BEAT for kit in (1, 2) for kind in ("midi", "wav")}
    tree = {"e-gmd-v1.0.0.csv": (header + rows).encode(), **files}
    assert [corpus.name for corpus in corpora_in(tree)] == ["egmd"]
    songs = [CORPORA["egmd"].read(item, reader(tree)) for item in items_of("egmd", tree)]
    assert [song.group for song in songs] == ["groove:drummer1/s/1"] * 2


def test_groove_as_published(corpus: Path) -> None:
    with zipfile.ZipFile(corpus / "groove_trainval.zip") as archive:
        files = archive.namelist()
        assert [corpus.name for corpus in corpora_in(files)] == ["groove"]
        items = list(CORPORA["groove"].items(files, archive.read))
        songs = [CORPORA["groove"].read(item, archive.read) for item in items]
    assert len(songs) == sum(name.endswith(".mid") for name in files) == 1021
    assert Counter(song.official_split for song in songs) == {"train": 897, "validation": 124}
    sources = Counter(hit.source_name for song in songs for hit in song.hits)
    assert sources.total() == 402_417
    assert sources["hi-hat closed edge"] == 30_290
    assert not any(hit.label == "other" for song in songs for hit in song.hits)


def test_mdb_as_it_stands_in_the_corpus(corpus: Path) -> None:
    def read(path: str) -> bytes:
        return (corpus / path).read_bytes()

    files = [str(path.relative_to(corpus)) for path in (corpus / "mdb").iterdir()]
    assert [found.name for found in corpora_in(files)] == ["mdb"]
    items = list(CORPORA["mdb"].items(files, read))
    songs = {item.key: CORPORA["mdb"].read(item, read) for item in items}
    assert len(songs) == 7
    assert sum(len(song.hits) for song in songs.values()) == 994
    assert {song.official_split for song in songs.values()} == {"test"}
    assert not any(song.repairs for song in songs.values())
    reggae = songs["MusicDelta_Reggae"]
    assert (reggae.metadata.title, reggae.metadata.genre) == ("Reggae", "Rock")
    assert reggae.tempo is not None
    assert reggae.tempo.mean_tempo_bpm(reggae.tempo.tempos[-1][0]) == pytest.approx(109.6, abs=0.5)
    mixes = {item.key: item.audio["mix"][0].split(".")[1] for item in items}
    assert mixes["MusicDelta_Reggae"] == mixes["MusicDelta_Rock"] == "mastered"
    assert Counter(mixes.values()) == {"rebuilt": 5, "mastered": 2}
    # The coarse annotation is the same onsets, read only by name; its "other" holds side sticks and tambourines.
    coarse = [CORPORA["mdb_class"].read(item, read) for item in CORPORA["mdb_class"].items(files, read)]
    counts = Counter(hit.label for song in coarse for hit in song.hits)
    fine = Counter(hit.label for song in songs.values() for hit in song.hits)
    assert counts["other"] == fine["snare_rim"] + fine["other"]
    assert counts["kick"] == fine["kick"]
    assert counts.keys() == {"kick", "snare", "tom", "hihat", "cymbal", "other"}
    assert [song.group for song in coarse] == [song.group for song in songs.values()]


def test_mdb_as_published() -> None:
    tree = {
        "MDB Drums/annotations/subclass/MusicDelta_Gospel_subclass.txt": b"0.5 \t SDG \n1.25 \t XXX \n0.5 \t SST \n",
        "MDB Drums/annotations/beats/MusicDelta_Gospel_MIX.beats": b"0.5 \t 1\n1.0 \t 2\n",
        "MDB Drums/audio/drum_only/MusicDelta_Gospel_Drum.wav": b"",
        "MDB Drums/audio/full_mix/MusicDelta_Gospel_MIX.wav": b"",
    }
    (item,) = items_of("mdb", tree)
    assert {domain: len(paths) for domain, paths in item.audio.items()} == {"stem": 1, "mix": 1}
    song = CORPORA["mdb"].read(item, reader(tree))
    assert [(hit.label, hit.flags) for hit in song.hits] == [
        ("snare_head", ("ghost",)),
        ("snare_rim", ()),
        ("other", ()),
    ]
    assert (song.metadata.title, len(song.repairs)) == ("Gospel", 1)
    assert song.tempo is not None
    assert not CORPORA["mdb"].may_train


def test_enst() -> None:
    name = "036_phrase_disco_simple_slow_sticks"
    tree = {
        f"ENST/drummer_1/annotation/{name}.txt": b"0.1 bd\n0.2 rc3\n0.3 cr2\n0.4 lft\n0.5 rs\n0.6 zzz\n",
        f"ENST/drummer_1/audio/wet_mix/{name}.wav": b"",
        f"ENST/drummer_1/audio/accompaniment/{name}.wav": b"",
    }
    (item,) = items_of("enst", tree)
    assert item.audio["mix"] == (*item.audio["stem"], f"ENST/drummer_1/audio/accompaniment/{name}.wav")
    song = CORPORA["enst"].read(item, reader(tree))
    assert [hit.label for hit in song.hits] == ["kick", "ride", "crash", "tom_floor", "snare_rim", "other"]
    assert (song.metadata.genre, song.metadata.charter, len(song.repairs)) == ("disco", "ENST drummer_1", 1)


def slakh_tree(plugin: str = "session_kit_full.nkm", split: str = "train/", drums: int = 1) -> dict[str, bytes]:
    root = f"slakh2100/{split}Track00007"
    stems = {f"S{i:02d}": {"is_drum": True, "inst_class": "Drums", "audio_rendered": True, "plugin_name": plugin}
             for i in range(1, drums + 1)}  # fmt: skip
    stems["S00"] = {"is_drum": False, "inst_class": "Bass", "audio_rendered": True, "plugin_name": "bass.nkm"}
    stems["S09"] = {"is_drum": True, "inst_class": "Drums", "audio_rendered": False, "plugin_name": plugin}
    tree = {f"{root}/metadata.yaml": yaml.safe_dump({"UUID": "abc", "stems": stems}).encode(), f"{root}/mix.flac": b""}
    for i in range(1, drums + 1):
        tree |= {f"{root}/stems/S{i:02d}.flac": b"", f"{root}/MIDI/S{i:02d}.mid": BEAT}
    return tree


def test_slakh_reads_a_pitch_as_its_kit_does() -> None:
    tree = slakh_tree()
    (item,) = items_of("slakh", tree)
    assert set(item.audio) == {"stem", "mix"}
    song = CORPORA["slakh"].read(item, reader(tree))
    assert [hit.source_name for hit in song.hits] == ["kick", "snare sidestick", "hi-hat open"]
    assert (song.official_split, song.group, song.repairs) == ("train", "slakh:abc", ())


def test_slakh_sums_several_drum_stems_and_tells_unknown_kits() -> None:
    tree = slakh_tree(plugin="new.nkm", split="", drums=2)
    (item,) = items_of("slakh", tree)
    assert len(item.audio["stems"]) == 2
    song = CORPORA["slakh"].read(item, reader(tree))
    assert (len(song.hits), song.official_split, len(song.repairs)) == (6, "", 2)


def test_slakh_leaves_out_duplicates_and_keeps_damaged_tracks_to_be_told() -> None:
    assert items_of("slakh", slakh_tree(split="omitted/")) == []
    tree = slakh_tree() | {"slakh2100/train/Track00007/metadata.yaml": b"stems: [1"}
    (item,) = items_of("slakh", tree)
    assert item.audio == {}
    with pytest.raises(ChartError, match="not YAML"):
        CORPORA["slakh"].read(item, reader(tree))


def test_slakh_kits_agree_on_what_a_kick_is() -> None:
    assert {kit[36][0] for kit in KITS.values()} == {"kick"}
    assert {kit[42][0] for kit in KITS.values()} == {"hihat_closed"}


def test_every_corpus_states_its_terms() -> None:
    for name, corpus in CORPORA.items():
        assert corpus.name == name
        assert corpus.title
        assert corpus.licence
        assert corpus.citation
        assert corpus.url.startswith("http")
        assert not corpus.matches(["song/notes.chart", "song/song.ogg"])


LAYOUTS = ("g/info.csv", "MusicDelta_X_subclass.txt", "drummer_1/annotation/a.txt", "Track00001/metadata.yaml")


@given(st.sampled_from(LAYOUTS), st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_damaged_annotations_give_chart_errors_only(path: str, data: bytes) -> None:
    tree = {"g/drummer1/1.mid": b"MThd", path: data}
    for corpus in corpora_in(tree):
        with contextlib.suppress(ChartError):
            for item in corpus.items(tree, reader(tree)):
                corpus.read(item, reader(tree))
