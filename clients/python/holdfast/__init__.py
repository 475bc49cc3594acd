"""A client of the Holdfast server: leases with fencing tokens, queues, workflows, features and search.

The main path: Client. Its operations, such as client.queues.add("images", data=...), are made from those of the server.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from ._operations import Operations
from ._lease import Lease, acquire
from ._transport import Event, ProblemError, Transport, UnreachableError
from ._validity import LeaseLostError
from ._worker import Delivery, NonRetryableError, Worker

__all__ = [
    "Client",
    "Delivery",
    "Event",
    "Lease",
    "LeaseLostError",
    "NonRetryableError",
    "ProblemError",
    "UnreachableError",
]


class Client(Operations):
    """A client of the server at `url`. It may be used by many threads: each has a connection of its own.

    key: "hf_...", or a function that returns it for each request. timeout: how long the server may take to answer, in
    seconds; longer than requests wait there.
    """

    def __init__(self, url: str, key: str | Callable[[], str] | None = None, *, timeout: float = 40.0) -> None:
        self._transport = Transport(url, key, timeout)
        super().__init__(self._transport.call)

    def close(self) -> None:
        """Closes the connection of the calling thread; a later call opens another."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lease(
        self,
        name: str,
        *,
        ttl: float = 10.0,
        wait: float = 0.0,
        above: int | None = None,
        others: list[str] | None = None,
        shared: bool | None = None,
        permits: int | None = None,
    ) -> Lease:
        """Takes the lease on a resource, and keeps it until it is given back: `with client.lease("account:42") as lease`.

        ttl: how long the lease outlives this process, in seconds. wait: how long to wait for it, in seconds; math.inf for a
        candidate of an election. above: the token must be above this. others: more resources, all or none. shared: whether others
        may hold it shared at the same time. permits: take one of so many permits of the semaphore of this name. Raises ProblemError, of 409 where somebody else holds it; UnreachableError.
        """
        return acquire(self, name, ttl, wait, above=above, others=others, shared=shared, permits=permits)

    def work(
        self,
        queue: str,
        handler: Callable[[Delivery], Any],
        *,
        worker: str = "remote",
        concurrency: int = 1,
        kinds: Sequence[str] | None = None,
        lease: float = 30.0,
        stop: threading.Event | None = None,
    ) -> None:
        """Takes tasks of a queue, and gives each to `handler` in a thread.

        What the handler returns is the task's result; a task whose handler raises is tried again after its backoff. It returns
        when `stop` is set and all that was under way has ended, which takes up to 25 s while a claim waits. kinds: those that the
        handler handles; tasks of others, and of none, are left to other workers. lease: how long a
        task is kept for this worker if it falls silent, in seconds, 1 to 600. Raises ProblemError if the key lacks the right
        queues:work.
        """
        Worker(self, queue, handler, worker=worker, kinds=kinds, lease=lease, stop=stop).run(concurrency)
