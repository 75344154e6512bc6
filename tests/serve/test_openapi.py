"""The API's own description is enough: a client that is generated from it transcribes, and understands refusals."""

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest
import requests
from serve.app import HttpGateway
from serve.errors import KINDS, MEDIA_TYPE
from serve.keys import VARIABLE, hash_key, new_key
from serve.result_formats import ALL
from tests.export.tiny import write_package
from tests.serve.local import local_gateway, recording, served

KEY = new_key()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> HttpGateway:
    package = write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(VARIABLE, f"alice:{hash_key(KEY)}")
        return local_gateway(package, tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def url(gateway: HttpGateway) -> Iterator[str]:
    with served(gateway) as url:
        yield url


@pytest.fixture(scope="module")
def generated(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(requests.get(f"{url}/openapi.json", timeout=10).text)
    program = Path(sys.executable).with_name("openapi-python-client")
    command = [program, "generate", "--path", "openapi.json", "--output-path", "drumline_api", "--meta", "none"]
    (folder / "config.yaml").write_text("post_hooks: []\n")
    run = subprocess.run([*command, "--config", "config.yaml"], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    with pytest.MonkeyPatch.context() as paths:
        paths.syspath_prepend(str(folder))
        yield importlib.import_module("drumline_api")


def test_a_generated_client_transcribes_and_understands_refusals(generated: ModuleType, url: str) -> None:
    api = {
        name: importlib.import_module(f"drumline_api.api.transcriptions.{name}")
        for name in ("transcribe", "get_transcription", "get_result", "delete_transcription")
    }
    models = importlib.import_module("drumline_api.models")
    types = importlib.import_module("drumline_api.types")
    with generated.AuthenticatedClient(url, KEY) as client:
        (model,) = importlib.import_module("drumline_api.api.about.get_models").sync(client=client).models
        assert model.name == "tiny"
        song = types.File(payload=BytesIO(recording()), file_name="song.flac")
        form = models.TranscribeFilesRecordingForm(file=song)
        job = api["transcribe"].sync(client=client, body=form, async_=True)
        assert job.links.self_ == f"/v1/transcriptions/{job.id}"
        deadline_s = time.monotonic() + 30
        while job.status != models.TranscriptionStateStatus.DONE and time.monotonic() < deadline_s:
            time.sleep(0.1)
            job = api["get_transcription"].sync(job.id, client=client)
        assert (job.status, job.name) == (models.TranscriptionStateStatus.DONE, "song.flac")
        result = api["get_result"].sync(job.id, client=client, sensitivity=2.0)
        assert result.to_dict()["audio"]["name"] == "song.flac"
        whole = types.File(payload=BytesIO(recording()))
        assert api["transcribe"].sync(client=client, body=whole, name="body.flac").to_dict()["hits"]
        refusal = api["transcribe"].sync(client=client, body=types.File(payload=BytesIO(b"text" * 9)))
        assert (refusal.kind, refusal.status) == ("not_audio", 415)
        assert api["delete_transcription"].sync_detailed(job.id, client=client).status_code == 204
        assert api["get_transcription"].sync(job.id, client=client).kind == "not_found"
    with generated.AuthenticatedClient(url, "wrong") as stranger:
        assert api["get_transcription"].sync(job.id, client=stranger).kind == "key_required"


def test_it_describes_problems_results_and_keys(url: str) -> None:
    tree = requests.get(f"{url}/openapi.json", timeout=10).json()
    assert tree["components"]["securitySchemes"].keys() == {"bearer", "header"}
    described = {}
    for path, operations in tree["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == (path not in ("/healthz", "/readyz")), path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == [MEDIA_TYPE]
                    described[int(status)] = response["content"][MEDIA_TYPE]["schema"]["$ref"]
    assert set(described.values()) == {"#/components/schemas/ProblemDetails"}
    assert described.keys() == {status for status, _ in KINDS.values()} - {405}
    result = tree["paths"]["/v1/transcriptions/{job_id}/result"]["get"]["responses"]["200"]
    assert result["content"].keys() == {each.media_type for each in ALL}
    assert "HTTPValidationError" not in str(tree)
