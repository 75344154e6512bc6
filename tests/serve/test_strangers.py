"""What strangers send to an endpoint without keys, by accident or on purpose."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from serve.errors import Problem
from serve.origins import check_origin
from starlette.testclient import TestClient
from tests.export.tiny import write_package
from tests.serve.local import local_client, local_gateway, recording

SONG = recording()
AUDIO = {"Content-Type": "audio/flac"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32")


@pytest.fixture(scope="module")
def client(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    gateway = local_gateway(package, tmp_path_factory.mktemp("jobs"), cors_origins=("https://app.example",))
    with local_client(gateway) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", "Content-Type": ""},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Referer": "https://evil.example/page"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://[broken"},
    ],
)
def test_a_page_of_another_site_can_neither_send_a_job_nor_delete_one(
    client: TestClient, headers: dict[str, str]
) -> None:
    for sent in ({"content": SONG, "headers": {**AUDIO, **headers}}, {"files": {"file": ("a.flac", SONG)}, "headers": {
        name: value for name, value in headers.items() if name != "Content-Type"
    }}):  # fmt: skip
        answer = client.post("/v1/transcriptions", **sent)
        assert (answer.status_code, answer.json()["kind"]) == (403, "forbidden_origin")
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert client.delete("/v1/transcriptions/" + "a" * 22, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"},
        {"Referer": "http://localhost/"},
    ],
)
def test_the_page_itself_programs_and_named_sites_are_answered(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/v1/transcriptions?format=csv", content=SONG, headers={**AUDIO, **headers})
    assert answer.status_code == 200, answer.text
    assert client.delete(answer.headers["Location"], headers=headers).status_code == 204


def test_a_proxy_may_end_tls_and_change_ports() -> None:
    check_origin("POST", {"origin": "https://drums.example", "host": "drums.example"}, ())
    check_origin("POST", {"origin": "http://[::1]:8000", "host": "[::1]:8000"}, ())
    check_origin(
        "POST", {"origin": "https://drums.example", "host": "inside:8000", "sec-fetch-site": "same-origin"}, ()
    )
    with pytest.raises(Problem, match="forbidden_origin"):
        check_origin("POST", {"origin": "https://drums.example:8443", "host": "drums.example"}, ())


def form(disposition: bytes, *, content_type: str = "multipart/form-data; boundary=x") -> dict[str, object]:
    head = b"--x\r\nContent-Disposition: form-data; " + disposition + b"\r\nContent-Type: audio/flac\r\n\r\n"
    return {"content": head + SONG + b"\r\n--x--\r\n", "headers": {"Content-Type": content_type}}


@pytest.mark.parametrize(
    "charset",
    ["undefined", "idna", "punycode", "zip", "rot13", "utf-7", "no-such", '"utf-8"', "", "unicode_escape", "\x00"],
)
def test_any_charset_of_a_form_is_answered(client: TestClient, charset: str) -> None:
    for content_type in (
        f"multipart/form-data; boundary=x; charset={charset}",
        f"multipart/form-data; charset={charset}; boundary=x",
    ):
        answer = client.post(
            "/v1/transcriptions", **form('name="file"; filename="größe.flac"'.encode(), content_type=content_type)
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["audio"]["name"] == "größe.flac"


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (b"name=\"file\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.flac", "Größe.flac"),
        (b'name="file"; filename="plain.flac"; filename*=utf-8\'de\'Gr%C3%B6%C3%9Fe.flac', "Größe.flac"),
        (b"name=\"file\"; filename*=iso-8859-1''Gr%F6%DFe.flac", "Größe.flac"),
        (b"name=\"file\"; filename*=undefined''song.flac", "song.flac"),
        (b"filename*=UTF-8''..%2F..%5Cetc%2Fsong.flac; name=\"file\"", "song.flac"),
        (b'name="file"; filename="plain.flac"', "plain.flac"),
    ],
)
def test_the_extended_name_of_a_file_is_read(client: TestClient, disposition: bytes, expected: str) -> None:
    answer = client.post("/v1/transcriptions", **form(disposition))
    assert answer.status_code == 200, answer.text
    assert answer.json()["audio"]["name"] == expected
