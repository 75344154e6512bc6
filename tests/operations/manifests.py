"""What the Kubernetes manifests say, and whether Kubernetes and KubeRay would take it.

Pod templates are held to the official Kubernetes client's models, KubeRay's own fields to the names and types of its
API reference (1.6.2). The whole of KubeRay's definitions is a megabyte that is not kept here: `python -m
tests.operations.manifests` fetches the definitions and holds every manifest to them.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes.client
import pooch
import yaml

ROOT: Final = Path(__file__).parents[2]
FILES: Final = sorted((ROOT / "configs" / "cluster" / "kuberay").glob("*.yaml"))
RELEASE: Final = "v1.6.2"
DEFINITIONS: Final = ROOT / "out" / "kuberay" / RELEASE
_PLACE: Final = (
    "https://raw.githubusercontent.com/ray-project/kuberay/{release}/helm-chart/kuberay-operator/crds/{name}"
)
_FIELDS: Final = {
    "RayJob": {
        "activeDeadlineSeconds": "int", "backoffLimit": "int", "clusterSelector": "dict(str, str)",
        "deletionStrategy": "object", "entrypoint": "str", "entrypointNumCpus": "float", "entrypointNumGpus": "float",
        "entrypointResources": "str", "jobId": "str", "managedBy": "str", "metadata": "dict(str, str)",
        "rayClusterSpec": "RayCluster", "runtimeEnvYAML": "str", "shutdownAfterJobFinishes": "bool",
        "submissionMode": "str", "submitterConfig": "Submitter", "submitterPodTemplate": "V1PodTemplateSpec",
        "suspend": "bool", "ttlSecondsAfterFinished": "int",
    },
    "Submitter": {"backoffLimit": "int"},
    "RayService": {
        "rayClusterConfig": "RayCluster", "serveConfigV2": "str", "serveService": "V1Service",
        "upgradeStrategy": "Upgrade",
    },
    "Upgrade": {"type": "str", "clusterUpgradeOptions": "object"},
    "RayCluster": {
        "authOptions": "Auth", "autoscalerOptions": "Autoscaler", "enableInTreeAutoscaling": "bool",
        "gcsFaultToleranceOptions": "object", "headGroupSpec": "Head", "headServiceAnnotations": "dict(str, str)",
        "managedBy": "str", "rayVersion": "str", "suspend": "bool", "workerGroupSpecs": "list[Workers]",
    },
    "Auth": {"mode": "disabled|token"},
    "Autoscaler": {
        "env": "list[V1EnvVar]", "envFrom": "list[V1EnvFromSource]", "idleTimeoutSeconds": "int", "image": "str",
        "imagePullPolicy": "str", "resources": "V1ResourceRequirements", "securityContext": "V1SecurityContext",
        "upscalingMode": "Aggressive|Conservative|Default", "version": "v1|v2",
        "volumeMounts": "list[V1VolumeMount]",
    },
    "Head": {
        "enableIngress": "bool", "headService": "V1Service", "rayStartParams": "dict(str, str)", "serviceType": "str",
        "template": "V1PodTemplateSpec",
    },
    "Workers": {
        "groupName": "str", "idleTimeoutSeconds": "int", "maxReplicas": "int", "minReplicas": "int",
        "numOfHosts": "int", "rayStartParams": "dict(str, str)", "replicas": "int", "scaleStrategy": "object",
        "suspend": "bool", "template": "V1PodTemplateSpec",
    },
}  # fmt: skip
_PLAIN: Final = {"str": str, "int": int, "float": (int, float), "bool": bool}
_REQUIRED: Final = {
    "RayCluster": {"headGroupSpec"},
    "Head": {"template"},
    "Workers": {"groupName", "minReplicas", "maxReplicas", "template"},
}


def cluster_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The specification of its Ray cluster."""
    spec = manifest["spec"]
    return dict(spec["rayClusterSpec"] if manifest["kind"] == "RayJob" else spec["rayClusterConfig"])


def groups_of(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The head's group and the workers'."""
    cluster = cluster_of(manifest)
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """Fields that do not exist, are missing or have another type, by the Kubernetes client and KubeRay's reference."""
    return list(_typed("spec", manifest["spec"], manifest["kind"]))


def _typed(location: str, value: Any, kind: str) -> Iterator[str]:
    """What is wrong with a value of a type: one of `_FIELDS`, or as the Kubernetes client names types,
    ``list[V1Container]``, ``str``, or the words that may stand there: ``v1|v2``."""
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            yield f"{location}: {value!r} is no list"
            return
        for number, item in enumerate(value):
            yield from _typed(f"{location}[{number}]", item, inner[1])
    elif inner := re.fullmatch(r"dict[(\[]str, (.*)[)\]]", kind):
        for name, item in value.items():
            yield from _typed(f"{location}.{name}", item, inner[1])
    elif fields := _FIELDS.get(kind):
        yield from (f"{location}.{name}: no such field" for name in value.keys() - fields.keys())
        yield from (f"{location}.{name}: is missing" for name in _REQUIRED.get(kind, set()) - value.keys())
        for name in value.keys() & fields.keys():
            yield from _typed(f"{location}.{name}", value[name], fields[name])
    elif model := getattr(kubernetes.client, kind, None):
        fields = {outer: name for name, outer in model.attribute_map.items()}
        yield from (f"{location}.{name}: no such field" for name in value.keys() - fields.keys())
        known = {fields[name]: item for name, item in value.items() if name in fields}
        try:
            model(**known)  # says what is required
        except ValueError as error:
            yield f"{location}: {error}"
        for name, item in known.items():
            yield from _typed(f"{location}.{model.attribute_map[name]}", item, model.openapi_types[name])
    elif "|" in kind:
        if value not in kind.split("|"):
            yield f"{location}: {value!r} is none of {kind}"
    elif not isinstance(value, _PLAIN.get(kind, object)) or (kind == "int" and isinstance(value, bool)):
        yield f"{location}: {value!r} is no {kind}"


def by_definition(manifest: Mapping[str, Any], folder: Path) -> list[str]:
    """What KubeRay's own definition (a CRD in a folder) says against a manifest; unknown fields count."""
    name = f"ray.io_{manifest['kind'].lower()}s.yaml"
    definition = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    (version,) = (each for each in definition["spec"]["versions"] if each["name"] == "v1")
    validator = jsonschema.Draft202012Validator(_strict(version["schema"]["openAPIV3Schema"]))
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(manifest)]


def _strict(schema: Any) -> Any:
    """A schema that refuses what it does not know, as ``kubectl --validate=strict`` does."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _strict(value) for name, value in schema.items()}
    open_ended = made.get("additionalProperties") or made.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(made.get("properties"), dict) and "type" in made and not open_ended:
        made["additionalProperties"] = False
    return made


def fetch(folder: Path) -> None:
    """KubeRay's definitions of one release, from its repository."""
    for kind in ("rayjobs", "rayservices"):
        name = f"ray.io_{kind}.yaml"
        url = _PLACE.format(release=RELEASE, name=name)
        pooch.retrieve(url, known_hash=None, fname=name, path=folder, progressbar=True)


def main() -> int:
    """Fetch the definitions and hold every manifest to them; 1 where one does not fit."""
    fetch(DEFINITIONS)
    found = [
        f"{path.name}: {problem}"
        for path in FILES
        for problem in by_definition(yaml.safe_load(path.read_text(encoding="utf-8")), DEFINITIONS)
    ]
    print("\n".join(found) or f"{len(FILES)} manifests fit KubeRay {RELEASE}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
