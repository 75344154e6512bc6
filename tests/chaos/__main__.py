"""Run the matrix, or some of it: ``python -m tests.chaos [build] [train/disk] [--output out/chaos]``."""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.chaos.cases import CASES
from tests.chaos.run import Bench, Outcome


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("wanted", nargs="*", help="stages, or cases as stage/fault; all if none is named")
    parser.add_argument("--output", type=Path, default=Path("out/chaos"), help="one JSON file a case, and the table")
    options = parser.parse_args()
    wanted = [case for case in CASES if not options.wanted or {case.stage, case.name} & {*options.wanted}]
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="drumline-chaos-") as folder:
        bench = Bench(Path(folder))
        for number, case in enumerate(wanted, 1):
            print(f"[{number}/{len(wanted)}] {case.name}: {case.promise} ... ", end="", flush=True)
            outcome = bench.run(case)
            print(f"{_verdict(outcome)} ({outcome.wall_s:.0f} s)", flush=True)
            file = options.output / f"{case.name.replace('/', '-')}.json"
            file.write_text(json.dumps(asdict(outcome), indent=1) + "\n")
    outcomes = [Outcome(**json.loads(file.read_text())) for file in _files(options.output)]
    table = markdown(outcomes)
    (options.output / "faults.md").write_text(table)
    print(f"\n{table}")
    return 1 if any(outcome.broken for outcome in outcomes) else 0


def markdown(outcomes: list[Outcome]) -> str:
    """The table for docs/studies.md, with its totals."""
    run = [outcome for outcome in outcomes if not outcome.skipped]
    lines = ["| case | promised | kept | finished when it struck | lost | twice | s |"]
    lines += ["| --- | --- | --- | ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {each.case} | {each.promise} | {'no' if each.broken else 'yes'} | {each.finished} | {each.lost} | "
        f"{each.twice} | {each.wall_s:.0f} |"
        for each in run
    ]
    finished, lost, twice, wall_s = (
        sum(getattr(each, name) for each in run) for name in ("finished", "lost", "twice", "wall_s")
    )
    kept = sum(not each.broken for each in run)
    lines.append(f"| {len(run)} faults | | {kept} | {finished} | {lost} | {twice} | {wall_s:.0f} |")
    lines += [f"\nNot run here: {each.case} ({each.skipped})." for each in outcomes if each.skipped]
    return "\n".join(lines) + "\n"


def _verdict(outcome: Outcome) -> str:
    if outcome.skipped:
        return f"skipped: {outcome.skipped}"
    return f"BROKEN: {outcome.broken}" if outcome.broken else "kept"


def _files(folder: Path) -> list[Path]:
    """In the order of the matrix."""
    files = [folder / f"{case.name.replace('/', '-')}.json" for case in CASES]
    return [file for file in files if file.exists()]


if __name__ == "__main__":
    sys.exit(main())
