"""The Kubernetes manifests: accepted, complete, of one version with the image, and without secrets."""

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema
from serve.settings import Settings
from tests.operations.commands import check_job
from tests.operations.manifests import DEFINITIONS, FILES, ROOT, by_definition, cluster_of, groups_of, problems

from drumline.core.config import parse_config

DOCKERFILE = ROOT / "configs" / "cluster" / "Dockerfile"


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def manifest(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(yaml.safe_load(request.param.read_text(encoding="utf-8")))


def test_kubernetes_and_kuberay_know_every_field(manifest: dict[str, Any]) -> None:
    assert manifest["apiVersion"] == "ray.io/v1"
    assert problems(manifest) == []
    container = cluster_of(manifest)["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]
    container |= {"resource": {}, "command": "python"}
    manifest["spec"]["entrypont"] = "python"
    cluster_of(manifest)["workerGroupSpecs"][0]["maxReplicas"] = "8"
    cluster_of(manifest)["authOptions"]["mode"] = "password"
    assert len(problems(manifest)) == 5  # the check itself sees what is wrong


def test_kuberays_own_definitions_take_it(manifest: dict[str, Any]) -> None:
    folder = Path(os.environ.get("KUBERAY_CRDS", DEFINITIONS))
    if not folder.is_dir():
        pytest.skip(f"no definitions of KubeRay in {folder}: `python -m tests.operations.manifests` fetches them")
    assert by_definition(manifest, folder) == []


def test_its_version_of_ray_is_the_one_that_the_image_installs(manifest: dict[str, Any]) -> None:
    constraints = (ROOT / "configs" / "constraints.txt").read_text()
    assert f"ray=={cluster_of(manifest)['rayVersion']}\n" in constraints
    assert "configs/constraints.txt" in DOCKERFILE.read_text()


def test_it_holds_no_secret_and_asks_for_a_token(manifest: dict[str, Any]) -> None:
    assert cluster_of(manifest)["authOptions"] == {"mode": "token"}
    for group in groups_of(manifest):
        (container,) = group["template"]["spec"]["containers"]
        assert all("value" not in variable for variable in container.get("env", []))
        assert container["envFrom"] == [{"secretRef": {"name": "drumline", "optional": True}}]


def test_every_pod_has_a_place_and_room(manifest: dict[str, Any]) -> None:
    head, *workers = groups_of(manifest)
    assert head["rayStartParams"]["num-cpus"] == "0"
    assert head["template"]["spec"]["nodeSelector"] == {"drumline.io/pool": "cpu"}
    for group in (head, *workers):
        spec = group["template"]["spec"]
        (container,) = spec["containers"]
        assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}
        tolerated = {toleration["key"] for toleration in spec.get("tolerations", [])}
        pool = spec["nodeSelector"]["drumline.io/pool"]
        assert ("drumline.io/spot" in tolerated) == ("spot" in pool)
        gpus = container["resources"]["limits"].get("nvidia.com/gpu")
        assert (gpus == "1") == ("nvidia.com/gpu" in tolerated) == pool.startswith("gpu")
        store = int(group["rayStartParams"].get("object-store-memory", 0))
        assert store < _bytes(spec["volumes"][0]["emptyDir"]["sizeLimit"]) < _bytes(
            container["resources"]["limits"]["memory"]
        )  # fmt: skip


def _bytes(quantity: str) -> int:
    return int(quantity.removesuffix("Gi")) * 2**30


def test_a_job_runs_a_file_that_exists_on_a_configuration_that_parses(manifest: dict[str, Any]) -> None:
    if manifest["kind"] != "RayJob":
        return
    spec = manifest["spec"]
    assert spec["shutdownAfterJobFinishes"]
    assert spec["backoffLimit"] >= 1
    check_job(shlex.split(spec["entrypoint"]))
    assert not re.search(r"(?<![:/\w])/\w", spec["entrypoint"])  # no path of one machine


def test_the_endpoint_is_what_serve_and_we_accept() -> None:
    (path,) = (path for path in FILES if path.stem == "endpoint")
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
    config = ServeDeploySchema.model_validate(yaml.safe_load(spec["serveConfigV2"]))
    (deployed,) = config.applications
    settings = parse_config(Settings, deployed.args, "serveConfigV2")
    assert all(uri.startswith("s3://") for uri in (settings.jobs.store, settings.cache))
    cpus = sum(replicas.min_replicas * replicas.num_cpus for replicas in (settings.gateway, settings.workers))
    (workers,) = spec["rayClusterConfig"]["workerGroupSpecs"]
    requested = workers["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"]
    assert cpus <= workers["minReplicas"] * int(requested)


def test_the_image_holds_what_the_manifests_run() -> None:
    recipe = DOCKERFILE.read_text(encoding="utf-8")
    copied = {word for line in re.findall(r"^COPY .*", recipe, re.MULTILINE) for word in line.split()[1:-1]}
    wanted = {"configs", "jobs", "library", "serve", "pyproject.toml", "README.md", "LICENSE"}
    assert wanted <= copied
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert {f"!{name}" for name in wanted} <= set(ignored.splitlines())
    assert re.search(r"^USER \d+$", recipe, re.MULTILINE)
    extras = set(re.findall(r"\.\[([\w,]+)\]", recipe))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(re.search(rf"^{extra} = ", project, re.MULTILINE) for each in extras for extra in each.split(","))
