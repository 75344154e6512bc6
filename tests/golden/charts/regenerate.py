"""Make the synthetic charts of this folder, and ask scan-chart how it reads them.

    cp package.json oracle.js SOMEWHERE/ && cd SOMEWHERE && npm install --ignore-scripts
    python tests/golden/charts/regenerate.py SOMEWHERE          # writes the cases and oracle.jsonl here
    python tests/golden/charts/regenerate.py SOMEWHERE 1000 OUT # many more cases, elsewhere, to look for differences

Charts are random and untidy on purpose: doubled, overlapping and unsorted gems, markers without gems, spans that touch,
five lanes beside pro markers. Left out is what scan-chart is known to read otherwise (docs/formats.md): quoted mix
events, tabs, dynamics switched on after the first gem.
"""

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import mido

HERE = Path(__file__).parent
DIFFICULTIES = ("Easy", "Medium", "Hard", "Expert")
NUM_CASES = 12


def main(oracle: Path, num_cases: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in range(num_cases):
        rng = random.Random(seed)
        make, suffix = (dot_chart, "chart") if seed % 2 else (notes_mid, "mid")
        path = folder / f"case_{seed:02d}.{suffix}"
        path.write_bytes(make(rng))
        path.with_name(path.name + ".ini.json").write_text(json.dumps(ini(rng)))
        paths.append(path)
    lines = []
    for start in range(0, len(paths), 200):
        command = ["node", "oracle.js", *(str(path.resolve()) for path in paths[start : start + 200])]
        lines.append(subprocess.run(command, cwd=oracle, check=True, capture_output=True, text=True).stdout)
    (folder / "oracle.jsonl").write_text("".join(lines))
    for path in paths:
        path.with_name(path.name + ".ini.json").unlink()


def ini(rng: random.Random) -> dict[str, bool | int]:
    choices = [{}, {}, {"pro_drums": True}, {"five_lane_drums": True}, {"chord_snap_threshold": 30}]
    return rng.choice([*choices, {"sustain_cutoff_threshold": 40}])


def ticks(rng: random.Random, count: int, end: int) -> list[int]:
    step = rng.choice([24, 40, 120])
    return [rng.randrange(0, end, step) + rng.choice([0, 0, 0, 0, 10]) for _ in range(count)]


def dot_chart(rng: random.Random) -> bytes:
    end = 2400
    sync = ["0 = TS 4", "0 = B 120000", *(f"{480 * i} = B {rng.randrange(40_000, 300_000)}" for i in range(1, 6))]
    sync += [f"{480 * rng.randrange(1, 8)} = TS {rng.randrange(1, 9)} {rng.randrange(1, 4)}"]
    sections = [("Song", [f"Resolution = {rng.choice([192, 480])}", "Offset = 0"]), ("SyncTrack", sync)]
    pads = rng.choice([[0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 32]])
    modifiers = rng.choice([[], [66, 67, 68], [66, 67, 68, *range(34, 39), *range(40, 45)], [34, 41, 43]])
    for number, difficulty in enumerate(DIFFICULTIES):
        lines = []
        for tick in ticks(rng, 40, end):
            length = rng.choice([0, 0, 0, 0, 30, 100, 300])
            lines.append((tick, f"N {rng.choice(pads)} {length}"))
            if modifiers and rng.random() < 0.6:
                lines.append((tick, f"N {rng.choice(modifiers)} 0"))
        for tick in ticks(rng, 4, end):
            lines.append((tick, f"E mix_{number}_drums{rng.randrange(6)}{rng.choice(['', 'd', 'd', 'dnoflip'])}"))
        lines.append((0, "E [mix 9 nonsense]"))
        if rng.random() < 0.8:
            lines.sort(key=lambda line: line[0])
        sections.append((f"{difficulty}Drums", [f"{tick} = {text}" for tick, text in lines]))
    newline = rng.choice(["\n", "\r\n"])
    text = "".join(
        newline.join([f"[{name}]", "{", *(f"  {line}" for line in lines), "}", ""]) for name, lines in sections
    )
    return rng.choice([b"", b"\xef\xbb\xbf"]) + text.encode()


def notes_mid(rng: random.Random) -> bytes:
    end = 2400
    conductor = [(480 * i, mido.MetaMessage("set_tempo", tempo=rng.randrange(200_000, 1_500_000))) for i in range(6)]
    drums: list[tuple[int, mido.MetaMessage | mido.Message]] = []
    if rng.random() < 0.5:
        drums.append(
            (0, mido.MetaMessage("text", text=rng.choice(["[ENABLE_CHART_DYNAMICS]", "ENABLE_CHART_DYNAMICS"])))
        )
    has_fifth, has_toms = rng.random() < 0.4, rng.random() < 0.6

    def add(tick: int, length: int, pitch: int, velocity: int) -> None:
        channel = rng.choice([0, 0, 0, 3])
        drums.append((tick, mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)))
        if rng.random() < 0.97:
            kind = rng.choice(["note_on", "note_off"])
            drums.append((tick + length, mido.Message(kind, note=pitch, velocity=0, channel=channel)))

    for number, kick in enumerate((60, 72, 84, 96)):
        for tick in ticks(rng, 40, end):
            pad = rng.choice([-1, 0, 0, 1, 2, 3, 4, 5 if has_fifth else 4])
            add(tick, rng.choice([0, 1, 10, 60, 160, 161, 240]), kick + pad, rng.choice([1, 64, 100, 127]))
        for tick in ticks(rng, 4, end):
            flag = rng.choice(["", "d", "d", "dnoflip"])
            drums.append((tick, mido.MetaMessage("text", text=f"[mix {number} drums{rng.randrange(6)}{flag}]")))
    markers = [109, 103, 116, 126, 127, 120, *([110, 111, 112] * 4 if has_toms else [])]
    for pitch in markers:
        for tick in ticks(rng, 3, end):
            add(tick, rng.choice([0, 1, 120, 240, 960]), pitch, rng.choice([25, 35, 45, 100]))
    file = mido.MidiFile(type=1, ticks_per_beat=rng.choice([192, 480]))
    for name, events in (("", conductor), ("EVENTS", []), ("PART DRUMS", drums)):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        now = 0
        for tick, message in sorted(events, key=lambda event: event[0]):
            track.append(message.copy(time=tick - now))
            now = tick
        file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else NUM_CASES
    main(Path(sys.argv[1]), count, Path(sys.argv[3]) if len(sys.argv) > 3 else HERE)
