"""For how long something is certainly ours, by our own clock.

It ends when the validity that was told last is over, however slowly answers come.
"""

import threading
import time

# Our clock and the server's run apart by less.
_DRIFT = 0.99


class LeaseLostError(Exception):
    """What was ours is no longer, or may not be."""


class Validity:
    """For how long something is certainly ours, counted from the moment at which a request was sent."""

    def __init__(self, sent: float, answer: dict) -> None:
        self._until = 0.0
        self._lost = threading.Event()
        self.why = "was not renewed in time"
        self.cancelled = False
        self.renew(sent, answer)

    @property
    def left(self) -> float:
        """In seconds; 0 when it is over."""
        return 0.0 if self._lost.is_set() else max(0.0, self._until - time.monotonic())

    def renew(self, sent: float, answer: dict) -> None:
        """What has ended stays so."""
        self._until = max(self._until, sent + (answer["waited"] * _DRIFT + answer["validFor"]) / 1000)

    def end(self, why: str) -> None:
        if not self._lost.is_set():
            self.why = why
            self._lost.set()
