"""A client of the HTTP endpoint, on plain requests: neither torch nor Ray is imported.

    from drumline.client import Client

    client = Client("http://127.0.0.1:8000")
    done = client.transcribe("song.ogg", on_progress=lambda progress: print(f"{progress:.0%}"))
    print(done.result("json").decode())
    Path("song.mid").write_bytes(done.result("midi", {"sensitivity": 1.0}))   # decoded again

Recordings go as jobs, so that any length works. What is worth trying again (a busy server, a replica that went) is
tried again with patience; a job that was accepted is asked after, and not sent again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import requests

from drumline.core.errors import DrumlineError

OnProgress = Callable[[float], None]
"""Told the progress, 0 to 1."""
Parameters = Mapping[str, str | float | bool]
"""Parameters of the API by name: preset, sensitivity, tempo_bpm, quantise ..."""

_NOTHING: Final[Parameters] = MappingProxyType({})

_AGAIN: Final = (429, 502, 503, 504)
_LONGEST_WAIT_S: Final = 30.0


class EndpointError(DrumlineError):
    """Error response of the endpoint."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.status, self.kind, self.detail = status, kind, detail

    def __reduce__(self) -> tuple[type["EndpointError"], tuple[int, str, str]]:
        return type(self), (self.status, self.kind, self.detail)


@dataclass(frozen=True)
class Done:
    """A finished transcription, kept by the endpoint until it expires."""

    client: "Client"
    id: str
    duration_s: float
    from_cache: bool
    """Whether the endpoint had heard this recording before."""

    def result(self, format: str = "json", parameters: Parameters = _NOTHING) -> bytes:
        """A file in any format, decoded as is asked; where nothing is, as the recording was sent."""
        return bytes(self.client.get(f"/v1/transcriptions/{self.id}/result", {"format": format, **parameters}).content)

    def delete(self) -> None:
        """Have the recording and its result forgotten."""
        self.client.delete(self.id)


class Client:
    """An endpoint."""

    def __init__(self, url: str, *, key: str = "", patience_s: float = 120.0, timeout_s: float = 60.0) -> None:
        """``patience_s`` is how long a server may be busy or away, ``timeout_s`` how long one answer may take."""
        self._url, self._patience_s, self._timeout_s = url.rstrip("/"), patience_s, timeout_s
        self._session = requests.Session()
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def transcribe(
        self, path: str | Path, *, parameters: Parameters = _NOTHING, on_progress: OnProgress = lambda progress: None
    ) -> Done:
        """Send a recording and wait until it is transcribed.

        Raises EndpointError where the endpoint refuses it, OSError where there is no file or no endpoint.
        """
        job_id = self.send(path, parameters=parameters)
        while True:
            state = self.state(job_id)
            on_progress(state["progress"])
            if state["status"] == "done":
                return Done(self, job_id, state["duration_s"], state["cache"] == "hit")
            if state["status"] == "failed":
                problem = state["problem"]
                raise EndpointError(problem["status"], problem["kind"], problem["detail"])
            time.sleep(0.3)

    def send(self, path: str | Path, *, parameters: Parameters = _NOTHING) -> str:
        """Send a recording as a job; gives its id."""
        source = Path(path)
        query = {"async": "true", "name": source.name, **parameters}
        with source.open("rb") as file:

            def post() -> requests.Response:
                file.seek(0)
                headers = {"Content-Type": "application/octet-stream"}
                return self._session.post(
                    f"{self._url}/v1/transcriptions", params=query, data=file, headers=headers, timeout=self._timeout_s
                )

            return str(self._patiently(post).json()["id"])

    def state(self, job_id: str) -> dict[str, Any]:
        """How a job stands."""
        state: dict[str, Any] = self.get(f"/v1/transcriptions/{job_id}", {}).json()
        return state

    def delete(self, job_id: str) -> None:
        """Cancel a job, or have a finished one forgotten."""
        url = f"{self._url}/v1/transcriptions/{job_id}"
        self._patiently(lambda: self._session.delete(url, timeout=self._timeout_s))

    def get(self, path: str, query: Parameters) -> requests.Response:
        """Any other answer. Raises EndpointError."""
        return self._patiently(lambda: self._session.get(self._url + path, params=dict(query), timeout=self._timeout_s))

    def _patiently(self, ask: Callable[[], requests.Response]) -> requests.Response:
        """Ask, and again while the server is busy or away."""
        deadline_s = time.monotonic() + self._patience_s
        wait_s = 0.5
        while True:
            try:
                answer = ask()
            except requests.ConnectionError:
                if time.monotonic() + wait_s > deadline_s:
                    raise
            else:
                if answer.ok:
                    return answer
                if not _worth_again(answer) or time.monotonic() + wait_s > deadline_s:
                    raise _error(answer)
                wait_s = max(wait_s, float(answer.headers.get("Retry-After", 0)))
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _worth_again(answer: requests.Response) -> bool:
    """A server error that is no problem of the endpoint's own comes from before it: a replica went."""
    own = answer.headers.get("Content-Type", "").startswith("application/problem+json")
    return answer.status_code in _AGAIN or (answer.status_code >= 500 and not own)


def _error(answer: requests.Response) -> EndpointError:
    try:
        problem = answer.json()
        return EndpointError(answer.status_code, problem["kind"], problem["detail"])
    except (ValueError, KeyError, TypeError):
        return EndpointError(answer.status_code, "unexpected_error", answer.text[:200])
