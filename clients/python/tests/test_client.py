"""The client against a real server, whose address and key are in HOLDFAST_URL and HOLDFAST_KEY."""

import contextlib
import io
import math
import os
import pathlib
import re
import threading
import time
import unittest

from holdfast import Client, Delivery, LeaseLostError, NonRetryableError, ProblemError, UnreachableError

URL = os.environ["HOLDFAST_URL"]


class TestClient(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client(URL, os.environ["HOLDFAST_KEY"])
        self.addCleanup(self.client.close)

    def test_tasks(self) -> None:
        client = self.client
        self.assertEqual(client.queues.add("python", data={"n": 1}, id="a/b"), {"id": "a/b", "added": True})
        self.assertEqual(client.queues.get("python", "a/b")["data"], {"n": 1})
        page = client.queues.tasks("python", state="waiting", limit=5)
        self.assertEqual([task["id"] for task in page["tasks"]], ["a/b"])
        self.assertIsNone(client.queues.remove("python", "a/b"))

    def test_work(self) -> None:
        stop = threading.Event()

        def handle(delivery: Delivery) -> object:
            if delivery.data == "last":
                stop.set()
            if delivery.data == "wrong":
                raise NonRetryableError("it is wrong")
            if delivery.data == "cancelled":
                client.queues.cancel("python-worked", "c", reason="enough")
                while not delivery.lost:
                    time.sleep(0.01)
                return "too late"
            delivery.progress(0.5)
            delivery.check()
            return {"token": delivery.token}

        client = self.client
        client.queues.add_many("python-worked", tasks=[{"data": data, "id": id, "kind": kind} for data, id, kind in [("other", "d", "other"), ("wrong", "b", "mine"), ("cancelled", "c", "mine"), ("last", "a", "mine")]])
        client.work("python-worked", handle, kinds=["mine"], lease=3.0, stop=stop)
        self.assertIn(client.queues.get("python-worked", "d")["state"], ["delayed", "waiting"])
        done = client.queues.get("python-worked", "a")
        self.assertEqual(done["state"], "completed")
        self.assertGreater(done["result"]["token"], 0)
        self.assertEqual(client.queues.get("python-worked", "b")["state"], "dead")
        self.assertEqual(client.queues.get("python-worked", "c")["state"], "cancelled")

    def test_lease(self) -> None:
        with self.client.lease("python:1", ttl=6) as first:
            with self.assertRaises(ProblemError) as raised:
                self.client.lease("python:1")
            self.assertEqual(raised.exception.status, 409)
            first.check()
        self.assertTrue(first.lost)
        with self.client.lease("python:1", wait=5) as second:
            self.assertGreater(second.token, first.token)
            self.assertGreater(second.left, 0)
        with self.assertRaises(LeaseLostError):
            second.check()

    def test_tasks_under_a_lease(self) -> None:
        queues = self.client.queues
        with self.client.lease("python:4") as first:
            queues.add("held", data=1, holder=first.holder)
        with self.client.lease("python:4", wait=5) as second:
            queues.add_many("held", tasks=[{"data": 2}], holder=second.holder)
            with self.assertRaises(ProblemError) as raised:
                queues.add("held", data=3, holder=first.holder)
        self.assertEqual((raised.exception.status, raised.exception.code), (412, "HOLDFAST_STALE_TOKEN"))

    def test_kinds_of_lease(self) -> None:
        with self.client.lease("python:2", others=["python:3"]) as several:
            self.assertEqual([other["resource"] for other in several.others], ["python:3"])
        with self.client.lease("python:2", shared=True) as one, self.client.lease("python:2", shared=True) as other:
            self.assertEqual(one.token, other.token)
        with self.client.lease("python:workers", permits=2) as permit:
            self.assertIn(permit.resource, ["python:workers#1", "python:workers#2"])
        with self.client.lease("python:2", wait=math.inf) as leader:
            self.assertEqual(self.client.elections.leader("python:2")["leader"]["token"], leader.token)

    def test_stream(self) -> None:
        client = self.client
        client.queues.add("python-streamed", data=1, id="a")
        first = client.queues.events("python-streamed")
        stop = threading.Event()

        def cancel() -> None:  # until the stream has begun, which shows what happens from then on
            with Client(URL, os.environ["HOLDFAST_KEY"]) as other:
                while not stop.wait(0.05):
                    other.queues.cancel("python-streamed", other.queues.add("python-streamed", data=1)["id"])

        cancelling = threading.Thread(target=cancel)
        cancelling.start()
        event = next(first)
        stop.set()
        cancelling.join()
        first.close()
        self.assertEqual(event.event, "cancelled")
        client.queues.add("python-streamed", data=2, id="b")
        client.queues.cancel("python-streamed", "b")
        seen = []
        for later in client.queues.events("python-streamed", after=event.id):
            seen.append(later.data["id"])
            if seen[-1] == "b":
                break
        self.assertNotIn(event.data["id"], seen)
        with self.assertRaises(ProblemError):
            next(client.queues.events("python-streamed", after="nonsense"))
        with self.assertRaises(ProblemError):
            next(self.client.queues.events("nowhere"))
        with self.assertRaises(UnreachableError):
            next(Client("http://127.0.0.1:1").queues.events("nowhere"))

    def test_readme(self) -> None:
        readme = pathlib.Path(__file__).parents[1].joinpath("README.md").read_text()
        sample = re.search(r"```python\n(.*?)```", readme, re.S).group(1)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(sample, {"url": URL, "key": os.environ["HOLDFAST_KEY"]})
        self.assertEqual(said.getvalue(), "waiting\n400 body.priority\n")

    def test_problems(self) -> None:
        with self.assertRaises(ProblemError) as raised:
            self.client.queues.add("python", data=1, priority=99)
        self.assertEqual(raised.exception.status, 400)
        self.assertEqual(raised.exception.code, "HOLDFAST_MISUSE")
        self.assertEqual(raised.exception.errors[0]["field"], "body.priority")
        with self.assertRaises(ProblemError) as raised:
            Client(URL).queues.list()
        self.assertEqual(raised.exception.status, 401)
        with self.assertRaises(UnreachableError):
            Client("http://127.0.0.1:1").queues.list()
        with self.assertRaises(ValueError):
            Client("holdfast.internal:7400")


if __name__ == "__main__":
    unittest.main()
