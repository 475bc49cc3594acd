"""Requests to a Holdfast server.

A call is sent once. It returns what was answered, or raises ProblemError where the server refused, and UnreachableError
where it is not known whether the server did what was asked.
"""

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

# The place of an argument that was not given, as opposed to None, which is sent as null.
ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()

# A connection that has been idle for longer, in seconds, may be closed by the server at any moment, so it is not used
# again: a request on it could be lost without a trace.
_IDLE = 30.0

Call = Callable[..., Any]


class ProblemError(Exception):
    """An answer of the server that is no success: application/problem+json (RFC 9457)."""

    def __init__(self, status: int, problem: dict) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or f"the server answered {status}")
        self.status = status
        #: All that was answered.
        self.problem = problem
        #: As in docs/ERRORS.md, such as "HOLDFAST_UNAVAILABLE"; None where a proxy has answered.
        self.code: str | None = problem.get("code")
        #: In how many seconds it is worth asking again; None if the server does not say.
        self.retry_after: float | None = problem["retryAfter"] / 1000 if "retryAfter" in problem else None
        #: The fields of the request that are wrong: dicts of "field" and "message".
        self.errors: list[dict] = problem.get("errors", [])


class UnreachableError(Exception):
    """The server could not be reached, or its answer broke off: it is not known whether it did what was asked."""


@dataclass(frozen=True)
class Event:
    """One event of a stream."""

    #: What the stream goes on after.
    id: str | None
    event: str
    data: Any


class Transport:
    """Requests over one connection for each thread."""

    def __init__(self, url: str, key: str | Callable[[], str] | None, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url is such as https://holdfast.internal:7400; got {url!r}")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._base = parts.path.rstrip("/")
        self._key = key
        self._timeout = timeout
        self._local = threading.local()

    def call(
        self,
        method: str,
        path: str,
        *,
        params: dict | None = None,
        query: dict | None = None,
        body: Any = None,
        stream: bool = False,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
        handle: str | None = None,
    ) -> Any:
        """Makes one request. Raises ProblemError, UnreachableError."""
        target = self._target(path, params or {}, query or {})
        content = None if method == "GET" or body is None else json.dumps(_given(body)).encode()
        sent = self._headers(method, idempotency_key, handle)
        seconds = self._timeout if http_timeout is None else http_timeout
        if stream:
            return self._stream(target, sent, seconds)
        try:
            connection = self._connection(seconds)
            connection.request(method, target, content, sent)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            raise UnreachableError(f"{self._host} could not be reached, or its answer broke off: {error}") from error
        self._local.used = time.monotonic()
        return _result(response, data)

    def close(self) -> None:
        """Closes the connection of this thread; the next call opens another."""
        self._drop()

    def _target(self, path: str, params: dict, query: dict) -> str:
        for name, value in params.items():
            path = path.replace("{" + name + "}", quote(str(value), safe=""))
        given = {name: _text(value) for name, value in query.items() if value is not ABSENT and value is not None}
        return self._base + path + ("?" + urlencode(given) if given else "")

    def _headers(self, method: str, idempotency_key: str | None, handle: str | None) -> dict:
        key = self._key() if callable(self._key) else self._key
        headers = {"Accept": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if method != "GET":
            headers["Content-Type"] = "application/json"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if handle is not None:
            headers["Holdfast-Lease"] = handle
        return headers

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        known = getattr(self._local, "connection", None)
        if known is not None and time.monotonic() - self._local.used > _IDLE:
            self._drop()
            known = None
        if known is None:
            known = self._open(seconds)
            self._local.connection = known
            self._local.used = time.monotonic()
        known.timeout = seconds
        if known.sock is not None:
            known.sock.settimeout(seconds)
        return known

    def _open(self, seconds: float) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=seconds)

    def _drop(self) -> None:
        known = getattr(self._local, "connection", None)
        self._local.connection = None
        if known is not None:
            known.close()

    def _stream(self, target: str, headers: dict, seconds: float) -> Iterator[Event]:
        """The events of a stream, which goes on after the last one when its connection breaks."""
        last = None
        pause = 2.0
        has_begun = False
        while True:
            connection = self._open(seconds)
            try:
                more = {"Accept": "text/event-stream", **({} if last is None else {"Last-Event-ID": last})}
                connection.request("GET", target, None, {**headers, **more})
                response = connection.getresponse()
                if response.status == 204:
                    return
                if response.status >= 300:
                    _result(response, response.read())
                has_begun = True
                for name, value in _fields(response):
                    if name == "retry":
                        pause = value
                        continue
                    last = value.id or last
                    if value.event == "end":
                        return
                    if value.event == "problem":
                        raise ProblemError(value.data.get("status", 500), value.data)
                    yield value
            except ProblemError as error:
                if not has_begun or (error.status != 429 and error.status < 500):
                    raise
            except (OSError, http.client.HTTPException) as error:
                if not has_begun:
                    raise UnreachableError(f"{self._host} could not be reached: {error}") from error
            finally:
                connection.close()
            time.sleep(pause)


def _fields(response: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    fields: dict[str, list[str]] = {}
    for raw in response:
        line = raw.decode().rstrip("\r\n")
        if line:
            name, _, value = line.partition(":")
            if name:
                fields.setdefault(name, []).append(value.removeprefix(" "))
            continue
        if "retry" in fields:
            yield "retry", int(fields["retry"][-1]) / 1000
        if "data" in fields:
            event = Event(
                id=fields.get("id", [None])[-1],
                event=fields.get("event", ["message"])[-1],
                data=_value("\n".join(fields["data"])),
            )
            yield "event", event
        fields = {}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _given(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if value is not ABSENT}


def _result(response: http.client.HTTPResponse, data: bytes) -> Any:
    is_json = "json" in (response.getheader("Content-Type") or "")
    if response.status < 300:
        if not data:
            return None
        return json.loads(data) if is_json else data.decode()
    problem: dict = {}
    if is_json:
        found = _value(data.decode())
        problem = found if isinstance(found, dict) else {}
    after = response.getheader("Retry-After")
    if after is not None and after.isdigit():
        problem.setdefault("retryAfter", int(after) * 1000)
    raise ProblemError(response.status, problem)
