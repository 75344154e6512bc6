"""Who is let in: keys by their hashes, and without keys this machine alone."""

from pathlib import Path

import pytest
from serve.errors import Problem
from serve.keys import ANONYMOUS, VARIABLE, authenticate, hash_key, is_loopback, new_key, read_keys

from drumline.core.errors import ConfigError

LOCAL = ("127.0.0.1", 8000)


def test_keys_come_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    one, two = new_key(), new_key()
    (tmp_path / "keys").write_text(f"# the app\napp:{hash_key(one)}  # since May\n\n")
    keys = read_keys(str(tmp_path / "keys"), {VARIABLE: f"cli:{hash_key(two).upper()},"})
    assert keys == {"app": hash_key(one), "cli": hash_key(two)}
    assert one not in repr(keys)
    assert authenticate(keys, {"authorization": f"Bearer {one}"}, None) == "app"
    assert authenticate(keys, {"x-api-key": two}, ("203.0.113.9", 80)) == "cli"
    with pytest.raises(ConfigError, match="name:sha256"):
        read_keys("", {VARIABLE: f"app:{one}"})  # the key itself
    with pytest.raises(ConfigError, match="cannot be read"):
        read_keys(str(tmp_path / "absent"), {})


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer "}, {"authorization": "x"}, {"x-api-key": "ü" * 999}]
)
def test_a_wrong_key_is_no_key(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as told:
        authenticate({"app": hash_key(new_key())}, headers, LOCAL)
    assert (told.value.kind, told.value.status) == ("key_required", 401)
    assert told.value.headers == {"WWW-Authenticate": "Bearer"}


def test_without_keys_only_this_machine_is_answered() -> None:
    assert authenticate({}, {"host": "localhost:8000"}, LOCAL) == ANONYMOUS
    assert authenticate({}, {"host": "[::1]:8000"}, ("::1", 8000)) == ANONYMOUS
    with pytest.raises(Problem, match="key_required"):
        authenticate({}, {"host": "localhost"}, ("192.0.2.2", 8000))
    with pytest.raises(Problem, match="key_required"):
        authenticate({}, {"host": "localhost"}, None)
    with pytest.raises(Problem, match="forbidden_host"):  # a name of somebody's that points here
        authenticate({}, {"host": "evil.example:8000"}, LOCAL)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True), ("LOCALHOST:80", True), ("127.0.0.1", True), ("127.9.9.9:1", True), ("::1", True),
        ("[::1]:80", True), ("0.0.0.0", False), ("::", False), ("192.0.2.2", False), ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
