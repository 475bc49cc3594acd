"""A worker that takes tasks of a queue over HTTP.

While a handler runs and delivery.lost is not set, nobody else has the task, by the clock of this process. What a handler
returned is told again until the server has answered, or the lease is over: then somebody else has the task, and the token of
this delivery is refused wherever tokens are checked.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from ._operations import Operations
from ._transport import ABSENT, ProblemError, UnreachableError
from ._validity import LeaseLostError, Validity

_log = logging.getLogger("holdfast")

# How long a claim waits at the server, in ms: below the 60 s of common proxies.
_WAIT = 25_000
# Before the next try where the server is away, in seconds.
_AWAY = 1.0


class NonRetryableError(Exception):
    """A handler that raises it has its task not tried again."""


class Delivery:
    """A task in the hands of this worker, under a lease."""

    def __init__(self, client: Operations, task: dict, validity: Validity) -> None:
        self._claims = client.claims
        self._handle = task["claim"]
        self._validity = validity
        self.id: str = task["id"]
        self.data: Any = task["data"]
        #: From 1.
        self.attempt: int = task["attempt"]
        #: The fencing token: show it to what the task writes to.
        self.token: int = task["token"]
        self.issuer: str = task["issuer"]
        self.resource: str = task["resource"]
        self.key: str | None = task.get("key")
        #: The name of its kind, if it was added with one.
        self.kind: str | None = task.get("kind")

    @property
    def holder(self) -> dict:
        """What queues.add and add_many take as holder: nothing is added once the task was given to another worker, which added
        something. It is a secret, as a key is."""
        return {"claim": self._handle}

    @property
    def lost(self) -> bool:
        """Whether the task is no longer this worker's: it was cancelled, or its lease is over. Stop the work then."""
        return self._validity.left == 0.0

    def check(self) -> None:
        """Raises LeaseLostError if the task is lost."""
        if self.lost:
            raise LeaseLostError(f'task "{self.id}" {self._validity.why}')

    def progress(self, value: Any) -> None:
        """Tells how far it is: up to 16,000 bytes of JSON."""
        self._claims.progress(self._handle, progress=value)

    def log(self, line: str) -> None:
        """Adds a line to the task's log: up to 1,000 characters."""
        self._claims.log(self._handle, line=line)


class Worker:
    """Threads that take tasks and handle them."""

    def __init__(self, client: Any, queue: str, handler: Callable[[Delivery], Any], **options: Any) -> None:
        self._client = client
        self._queue = queue
        self._handler = handler
        self._name: str = options["worker"]
        self._kinds: list[str] | None = options["kinds"] and list(options["kinds"])
        self._lease: float = options["lease"]
        self._stop: threading.Event = options["stop"] or threading.Event()
        self._failure: BaseException | None = None

    def run(self, concurrency: int) -> None:
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # so that Ctrl-C is noticed
                thread.join(0.2)
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            self._work_on()
        finally:
            self._client.close()

    def _work_on(self) -> None:
        while not self._stop.is_set():
            try:
                self._claim_and_handle()
            except (ProblemError, UnreachableError) as error:
                if _is_for_good(error) or getattr(error, "status", None) == 401:
                    self._failure = error
                    self._stop.set()
                    return
                _log.warning("no tasks of %s: %s", self._queue, error)
                self._stop.wait(getattr(error, "retry_after", None) or _AWAY)

    def _claim_and_handle(self) -> None:
        sent = time.monotonic()
        # Without an Idempotency-Key: where this process has gone by then, the server gives the task to others at once.
        answer = self._client.claims.claim(
            self._queue,
            worker=self._name,
            lease=int(self._lease * 1000),
            max=1,
            wait=_WAIT,
            **({} if self._kinds is None else {"kinds": self._kinds}),
        )
        for task in answer["tasks"]:
            self._handle(task, Validity(sent, answer))

    def _handle(self, task: dict, validity: Validity) -> None:
        handle = task["claim"]
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(handle, validity, ended), daemon=True)
        renewing.start()
        try:
            result = self._handler(Delivery(self._client, task, validity))
            self._tell(task, validity, lambda: self._client.claims.complete(handle, result=ABSENT if result is None else result))
        except Exception as error:  # whatever a handler raises
            failure = {
                "message": (str(error) or type(error).__name__)[:2_000],
                "stack": traceback.format_exc()[:20_000],
                "retry": not isinstance(error, NonRetryableError),
            }
            self._tell(task, validity, lambda: self._client.claims.fail(handle, **failure))
        finally:
            ended.set()
            renewing.join()
            if validity.cancelled:
                self._let_go(task)

    def _let_go(self, task: dict) -> None:
        """Ends a task that was cancelled while its handler ran: until then it is active, though nobody works on it."""
        try:
            self._client.claims.complete(task["claim"], result=ABSENT)
        except (ProblemError, UnreachableError) as error:
            if getattr(error, "status", None) != 410:
                # It ends when its lease has run out, and a worker asks for tasks.
                _log.warning('task "%s": %s', task["id"], error)

    def _renew(self, handle: str, validity: Validity, ended: threading.Event) -> None:
        try:
            self._extend(handle, validity, ended)
        finally:
            self._client.close()

    def _extend(self, handle: str, validity: Validity, ended: threading.Event) -> None:
        while not ended.wait(min(self._lease, validity.left) / 3) and validity.left > 0:
            sent = time.monotonic()
            try:
                # A connection that hangs is given up while there is time to ask again.
                answer = self._client.claims.extend(handle, http_timeout=max(0.5, validity.left / 2))
                if "cancelled" in answer:
                    validity.cancelled = True
                    return validity.end(f"was cancelled: {answer['cancelled']}")
                validity.renew(sent, answer)
            except ProblemError as error:
                if error.status == 410:
                    return validity.end("was given to another worker")
                _log.warning("%s", error)
            except UnreachableError as error:
                _log.warning("%s", error)

    def _tell(self, task: dict, validity: Validity, tell: Callable[[], Any]) -> None:
        """Tells what came of a task, again and again until that is known or the lease is over."""
        while validity.left > 0:
            try:
                tell()
                return
            except (ProblemError, UnreachableError) as error:
                if getattr(error, "status", None) == 410:
                    validity.end("was given to another worker")
                elif _is_for_good(error):
                    _log.error('task "%s": %s', task["id"], error)
                    return
                else:
                    time.sleep(min(getattr(error, "retry_after", None) or _AWAY, _AWAY))
        _log.warning('task "%s" %s', task["id"], validity.why)


def _is_for_good(error: ProblemError | UnreachableError) -> bool:
    """What trying again does not change."""
    return isinstance(error, ProblemError) and error.status in (400, 403, 404, 422)
