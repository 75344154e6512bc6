"""What Serve's proxies answer themselves becomes a problem: a replica that died, and one that is not there yet."""

import json

import pytest
from serve.errors import KINDS
from serve.proxy import ProblemMiddleware
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """As a proxy whose replica was killed: no answer at all."""


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    raise ConnectionError("the replica is gone")


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    start = {"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"text/plain")]}
    await send(start)
    for _ in range(3):
        await send({"type": "http.response.body", "body": b"Internal Server Error", "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.mark.parametrize("app", [silent, raising, streaming, PlainTextResponse("Unavailable", 503)])
def test_a_replica_that_is_lost_gives_a_problem(app: object) -> None:
    answer = TestClient(ProblemMiddleware(app), raise_server_exceptions=False).post("/v1/transcriptions")  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["kind"]) == (KINDS["replica_lost"][0], "replica_lost")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1


def test_problems_of_our_own_and_all_other_answers_pass() -> None:
    problem = json.dumps({"kind": "storage_unavailable"})
    for status, media_type in ((200, "text/plain"), (404, "text/plain"), (503, "application/problem+json")):
        app = PlainTextResponse(problem, status, media_type=media_type)
        answer = TestClient(ProblemMiddleware(app)).get("/")
        assert (answer.status_code, answer.text) == (status, problem)
