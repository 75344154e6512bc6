"""Who may ask: API keys, kept as their SHA-256, and what an endpoint without any answers.

    python -m serve.keys NAME     # a new key, and the line that the server keeps of it

A key is 32 random bytes (`new_key`), so its hash needs neither salt nor stretching. Without keys only this very machine
is answered: the connection's own end must be a loopback address, and the host that was asked for a loopback name, so
that a web page elsewhere cannot reach it by a name that it points here (DNS rebinding).
"""

import hmac
import ipaddress
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from drumline.core.artifacts import STORAGE_ERRORS, read_bytes
from drumline.core.errors import ConfigError
from serve.problems import Problem

VARIABLE: Final = "DRUMLINE_API_KEYS"
"""Lines as in a file of keys, with newlines or commas between."""

ANYONE: Final = ""
"""Who asks where there are no keys."""

_LINE: Final = re.compile(r"(?P<name>[\w.@-]+):(?P<digest>[0-9a-fA-F]{64})")


def new_key() -> str:
    """A key, for one user."""
    return secrets.token_urlsafe(32)


def hashed(key: str) -> str:
    """What is kept of a key."""
    return sha256(key.encode()).hexdigest()


def read_keys(path: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Name -> hash, of a file (if one is named) and of `VARIABLE`.

    Raises ConfigError for a file that cannot be read and for lines that are no key.
    """
    lines = environment.get(VARIABLE, "").replace(",", "\n").splitlines()
    if path:
        try:
            lines += read_bytes(path).decode().splitlines()
        except (*STORAGE_ERRORS, ImportError, ValueError) as error:
            raise ConfigError(f"{path}: cannot be read ({error or type(error).__name__})") from error
    keys: dict[str, str] = {}
    for line in lines:
        if not (text := line.partition("#")[0].strip()):
            continue
        if not (found := _LINE.fullmatch(text)):
            raise ConfigError("an API key is a line `name:sha256`, 64 hexadecimal digits; python -m serve.keys NAME")
        keys[found["name"]] = found["digest"].lower()
    return keys


def is_loopback(host: str) -> bool:
    """Whether a host's name or address (a port may follow) is this machine's own."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.rsplit(":", 1)[0] if ":" in host else host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host if host.count(":") > 1 and not host.startswith("[") else name).is_loopback
    except ValueError:
        return False


def who(keys: Mapping[str, str], headers: Mapping[str, str], server: Sequence[object] | None) -> str:
    """The name of the key that a request shows, in ``Authorization: Bearer`` or ``X-API-Key``.

    ``server`` is the address that it came in at. Raises Problem: no key, a wrong one, or none set up.
    """
    if not keys:
        if server is None or not is_loopback(str(server[0])):
            raise Problem("key_required", "no keys are set up here, so only this machine itself is answered")
        if not is_loopback(headers.get("host", "localhost")):
            raise Problem("forbidden_host", "without keys, ask for localhost")
        return ANYONE
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    shown = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    digest = hashed(shown)
    # All are compared, so that the time taken tells nothing of the right ones.
    names = [name for name, own in keys.items() if hmac.compare_digest(own, digest)]
    if not names:
        detail = "the key is not known here" if shown else "send Authorization: Bearer <key>"
        raise Problem("key_required", detail, {"WWW-Authenticate": "Bearer"})
    return names[0]


if __name__ == "__main__":
    made = new_key()
    print(f"{made}\n{sys.argv[1] if len(sys.argv) > 1 else 'user'}:{hashed(made)}")
