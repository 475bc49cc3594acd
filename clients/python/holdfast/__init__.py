"""A client of the Holdfast server: leases with fencing tokens, queues, workflows, features and search.

The main path: Client. Its operations, such as client.queues.add("images", data=...), are made from those of the server.
"""

from collections.abc import Callable

from ._operations import Operations
from ._transport import Event, ProblemError, Transport, UnreachableError

__all__ = ["Client", "Event", "ProblemError", "UnreachableError"]


class Client(Operations):
    """A client of the server at `url`. It may be used by many threads: each has a connection of its own.

    key: "hf_...", or a function that returns it for each request. timeout: how long the server may take to answer, in
    seconds; longer than requests wait there.
    """

    def __init__(self, url: str, key: str | Callable[[], str] | None = None, *, timeout: float = 40.0) -> None:
        super().__init__(Transport(url, key, timeout).call)
