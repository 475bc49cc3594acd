"""A lease that this process holds over HTTP, and keeps until it gives it back.

While lease.lost is not set, nobody else holds the resource, by the clock of this process: the validity counts from when a request
was sent, so a slow answer only shortens it. When the server does not answer, renewals are repeated until the validity ends.
"""

import contextlib
import threading
import time
import uuid
from typing import Any

from ._transport import ABSENT, ProblemError, UnreachableError
from ._validity import LeaseLostError, Validity

# The longest that one request waits, in ms: below the 60 s of common proxies.
_LONGEST_WAIT = 25_000
# Before a call is repeated, in seconds.
_AGAIN = 0.5


class Lease:
    """A lease; `with client.lease(...)` gives it back at the end."""

    def __init__(self, client: Any, answer: dict, ttl: float, validity: Validity) -> None:
        self.resource: str = answer["resource"]
        #: The fencing token: show it to what you write to.
        self.token: int = answer["token"]
        self.issuer: str = answer["issuer"]
        #: Of several: the others, as {"resource": ..., "token": ...}, in their order.
        self.others: list[dict] = answer.get("others", [])
        self._client = client
        self._handle: str = answer["lease"]
        self._ttl = ttl
        self._validity = validity
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)
        self._renewing.start()

    @property
    def holder(self) -> dict:
        """What queues.add and add_many take as holder: nothing is added once a higher token was used. Of several resources
        it names the first; {**lease.holder, "resource": ...} names another. It is a secret, as a key is."""
        return {"lease": self._handle}

    @property
    def left(self) -> float:
        """For how long it is certainly valid, in seconds; 0 when it is over."""
        return self._validity.left

    @property
    def lost(self) -> bool:
        """Whether it is over. Stop the work then."""
        return self.left == 0.0

    def check(self) -> None:
        """Raises LeaseLostError if the lease is over."""
        if self.lost:
            raise LeaseLostError(f'the lease on "{self.resource}" {self._validity.why}')

    def release(self) -> None:
        """Gives it back. It returns also where that cannot be told to the server: the lease then ends with its TTL."""
        is_over = self.lost
        self._ended.set()
        self._renewing.join()
        self._validity.end("was given back")
        if not is_over:
            with contextlib.suppress(ProblemError, UnreachableError):
                self._client.leases.release(self._handle, http_timeout=max(1.0, self._ttl))

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: Any) -> None:
        self.release()

    def _renew(self) -> None:
        try:
            self._extend()
        finally:
            self._client.close()

    def _extend(self) -> None:
        while not self._ended.wait(min(self._ttl, self.left) / 3) and self.left > 0:
            sent = time.monotonic()
            try:
                # A connection that hangs is given up while there is time to ask again.
                answer = self._client.leases.extend(self._handle, http_timeout=max(0.5, self.left / 2))
                self._validity.renew(sent, answer)
            except ProblemError as error:
                if error.status == 410:
                    self._validity.end("is over")
            except UnreachableError:
                pass  # the server may be back before the validity ends


def acquire(client: Any, name: str, ttl: float, wait: float, **more: Any) -> Lease:
    """Raises ProblemError, of 409 where somebody else holds it; UnreachableError."""
    deadline = time.monotonic() + wait
    key = str(uuid.uuid4())
    ticket: Any = ABSENT
    while True:
        sent = time.monotonic()
        left = max(0.0, min((deadline - sent) * 1000, _LONGEST_WAIT))
        try:
            answer = client.leases.acquire(
                name,
                ttl=int(ttl * 1000),
                wait=int(left),
                **{field: value for field, value in more.items() if value is not None},
                ticket=ticket,
                idempotency_key=key,
            )
            return Lease(client, answer, ttl, Validity(sent, answer))
        except (ProblemError, UnreachableError) as error:
            status = getattr(error, "status", 503)
            if time.monotonic() >= deadline or not (status in (409, 429) or status >= 500):
                raise
            ticket = error.problem.get("ticket", ABSENT) if isinstance(error, ProblemError) else ABSENT
            if status != 409:
                time.sleep(_AGAIN)
