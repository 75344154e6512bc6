"""What happens to a run. A fault may prepare the place, strikes when work is under way, and is mended afterwards."""

import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import ClassVar

import psutil
from tests.chaos.cluster import FOR_ALL, at_work, processes
from tests.chaos.scene import Job, Scene, Skipped
from tests.jobs.conftest import stop

_AWAY_S = 20.0


class Fault:
    """Nothing at all."""

    name: ClassVar[str] = "none"

    def prepare(self, scene: Scene) -> None:
        """Before the cluster starts."""

    def strike(self, scene: Scene) -> None:
        """While the job runs."""

    def mend(self, scene: Scene) -> None:
        """Once it has ended."""


class WorkerKilled(Fault):
    """A process at work ends as by the system's memory guard: SIGKILL."""

    name = "worker"

    def strike(self, scene: Scene) -> None:
        found = at_work(scene.cluster, scene.worker)
        while found is None:  # between two tasks
            found = at_work(scene.cluster, scene.worker)
        found[1].send_signal(signal.SIGKILL)


class NodeKilled(Fault):
    """All processes of a node that works: SIGKILL. It does not come back."""

    name = "node"

    def strike(self, scene: Scene) -> None:
        found = at_work(scene.cluster, scene.worker)
        node = found[0] if found else next(iter(scene.cluster.worker_nodes))
        scene.cluster.remove_node(node, allow_graceful=False)


class DriverKilled(Fault):
    """The job's own process: SIGKILL."""

    name = "driver"

    def strike(self, scene: Scene) -> None:
        stop(scene.driver)


class StorageGone(Fault):
    """The object store that holds the output is killed, and is back with all it held after 20 s."""

    name = "storage"

    def prepare(self, scene: Scene) -> None:
        scene.use_storage()

    def strike(self, scene: Scene) -> None:
        assert scene.server is not None
        scene.server.kill()
        back_s = time.monotonic() + _AWAY_S
        scene.look_while_away()
        time.sleep(max(0.0, back_s - time.monotonic()))
        scene.server.start()


class SourceGone(StorageGone):
    """The object store that holds the recordings is killed while they are decoded, and is back after 20 s."""

    name = "source"

    def prepare(self, scene: Scene) -> None:
        assert isinstance(scene, Job)
        output = scene.output
        super().prepare(scene)
        scene.output = output
        scene.use_storage_for_inputs()


class DiskFull(Fault):
    """The output's disk has no byte left; later it has."""

    name = "disk"

    def prepare(self, scene: Scene) -> None:
        disk = scene.folder / "disk"
        disk.mkdir()
        mount = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "chaos", str(disk)], capture_output=True, text=True, check=False
        )
        if mount.returncode:
            raise Skipped(f"a small disk may not be mounted here ({mount.stderr.strip()})")
        scene.stack.callback(subprocess.run, ["umount", "-l", str(disk)], check=True)
        self.filler = disk / "filler"
        scene.output = str(disk / "output")

    def strike(self, scene: Scene) -> None:
        with self.filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):  # by megabytes, then by pages
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def mend(self, scene: Scene) -> None:
        self.filler.unlink()


class FileDamaged(Fault):
    """The job is killed; then one bit is flipped in the middle of a finished file that it reads when it goes on."""

    name = "damage"

    def strike(self, scene: Job) -> None:
        stop(scene.driver)
        self.file = scene.stage.to_damage(scene.inputs, scene.output)
        self.whole = self.file.read_bytes()
        flipped = bytearray(self.whole)
        flipped[len(flipped) // 2] ^= 1
        self.file.write_bytes(flipped)

    def mend(self, scene: Job) -> None:
        scene.stage.mend(self.file, self.whole)


class CheckpointTruncated(Fault):
    """The job is killed; then its newest checkpoint is cut in half."""

    name = "checkpoint"

    def strike(self, scene: Scene) -> None:
        stop(scene.driver)
        newest = max(Path(scene.output, "checkpoints").glob("resume-*.pt"))
        newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])


class NodeSlowed(Fault):
    """Everything on a node that works is stopped for nine tenths of the time, until the end."""

    name = "slow"

    def strike(self, scene: Scene) -> None:
        found = at_work(scene.cluster, scene.worker)
        self.node = found[0] if found else next(iter(scene.cluster.worker_nodes))
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._slow_down, daemon=True)
        self.thread.start()
        scene.stack.callback(self.mend, scene)

    def mend(self, scene: Scene) -> None:
        self.over.set()
        self.thread.join()

    def _slow_down(self) -> None:
        while not self.over.wait(0.05):
            stopped = processes(self.node)
            _signal(stopped, signal.SIGSTOP)
            self.over.wait(0.45)
            _signal(stopped, signal.SIGCONT)


class ClockSkewed(Fault):
    """One node's wall clock is an hour ahead, for all its Python processes: ``time.time``, which is what drumline
    compares. Monotonic clocks, the times of files and Ray's daemon keep to the others'."""

    name = "clock"

    def prepare(self, scene: Scene) -> None:
        scene.clock = {"PYTHONPATH": f"{Path(__file__).parent / 'hour_ahead'}:{FOR_ALL['PYTHONPATH']}"}


def _signal(targets: list[psutil.Process], number: signal.Signals) -> None:
    for process in targets:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


FAULTS: dict[str, type[Fault]] = {fault.name: fault for fault in (*Fault.__subclasses__(), SourceGone)}
