"""A case from beginning to end, and what came of it."""

import re
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import serving
from tests.chaos.cases import Case
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.scene import Job, Skipped
from tests.chaos.stages import STAGES, Stage

from drumline.core.artifacts import filesystem


@dataclass(frozen=True)
class Outcome:
    """What a case showed."""

    case: str
    promise: str
    broken: str
    """Why the promise was not kept; empty where it was."""
    skipped: str
    """What this machine lacks for it; empty where it was run."""
    finished: int
    """Pieces of work that were finished when the fault struck: songs, steps, accepted recordings."""
    lost: int
    """Of those, what was done again, or is gone."""
    twice: int
    """What stands in the result more than once."""
    wall_s: float
    message: str
    """What drumline said, without the folder of the test."""


class Bench:
    """Material and undisturbed results, made once a stage and kept in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._undisturbed: dict[str, Mapping[str, bytes]] = {}

    def inputs(self, stage: Stage) -> Path:
        location = self.folder / stage.name / "inputs"
        if not location.exists():
            stage.write_inputs(location)
        return location

    def undisturbed(self, stage: Stage) -> Mapping[str, bytes]:
        """The result of a run that nothing happens to."""
        if stage.name not in self._undisturbed:
            folder = self.folder / stage.name / "undisturbed"
            folder.mkdir(parents=True, exist_ok=True)
            with ExitStack() as stack:
                job = Job.of(stage, folder, self.inputs(stage), stack)
                job.start_cluster()
                job.start()
                assert job.wait() == 0, f"undisturbed, it ended badly: {_end(job)}"
                self._undisturbed[stage.name] = stage.result(job.output)
        return self._undisturbed[stage.name]

    def run(self, case: Case) -> Outcome:
        """Run a case; a promise that is broken is an outcome, not an error."""
        started_s = time.monotonic()
        finished, lost, twice, broken, skipped, message = 0, 0, 0, "", "", ""
        folder = self.folder / case.name.replace("/", "-")
        folder.mkdir(parents=True)
        try:
            if case.stage == "serve":
                finished, lost, message = serving.disturbed(case, folder)
            else:
                finished, lost, twice, message = self._disturbed(case, folder)
        except Skipped as reason:
            skipped = str(reason)
        except (
            Exception
        ) as error:  # a promise that was not kept, or a case that could not be played: the matrix goes on
            broken = f"{type(error).__name__}: {error}"
        if lost > case.redone:
            broken = broken or f"{lost} of {finished} finished are lost or done again, promised {case.redone}"
        if twice:
            broken = broken or f"{twice} stand in the result twice"
        wall_s = round(time.monotonic() - started_s, 1)
        message = message.replace(str(folder), "...")
        if not broken:
            shutil.rmtree(folder)
        return Outcome(case.name, case.promise, broken, skipped, finished, lost, twice, wall_s, message)

    def _disturbed(self, case: Case, folder: Path) -> tuple[int, int, int, str]:
        stage, fault = STAGES[case.stage], FAULTS[case.fault]()
        expected = self.undisturbed(stage)
        with ExitStack() as stack:
            scene = Job.of(stage, folder, self.inputs(stage), stack)
            fault.prepare(scene)
            scene.start_cluster()
            scene.start()
            scene.until_under_way(late=case.moment == "late")
            before = stage.finished(scene.output)
            fault.strike(scene)
            message = self._kept(case, scene, fault)
            after = stage.finished(scene.output)
            lost = sum(after.get(name) != stamp for name, stamp in before.items())
            result = stage.result(scene.output)
            different = sorted(name for name in {*expected, *result} if expected.get(name) != result.get(name))
            assert not different, f"not the undisturbed result: {different[:5]}"
            fs, path = filesystem(scene.output)
            fs.invalidate_cache()
            left = [name for name in fs.find(path) if name.endswith(".part")]
            assert not left, f"half-written files are left: {left[:5]}"
            return len(before), lost, stage.twice(scene.output), message

    def _kept(self, case: Case, scene: Job, fault: Fault) -> str:
        """See a promise through; gives the message, where there is one."""
        code = scene.wait()
        if case.promise == "finished" or (case.promise == "either" and code == 0):
            fault.mend(scene)
            assert code == 0, f"it ended with {code}: {_end(scene)}"
            return ""
        assert code != 0, "it was to end, and did not"
        if case.promise == "told":
            scene.start()
            code = scene.wait()
            assert code == 2, f"it was to be told, exit code {code}: {_end(scene)}"
        message = scene.message()
        assert re.search(case.message, message), f"said {message!r}, promised {case.message!r}: {_end(scene)}"
        fault.mend(scene)
        scene.start()
        code = scene.wait()
        assert code == 0, f"run again, it ended with {code}: {_end(scene)}"
        return message


def _end(scene: Job) -> str:
    return scene.log.read_text(errors="replace")[-3000:]
