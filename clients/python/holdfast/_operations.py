"""The operations of the server.

Made by `npm run clients` from the operations of the server; changes belong there.
"""

from typing import Any

from ._transport import ABSENT, Call


class Claims:
    """The operations on claims."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def claim(
        self,
        queue: str,
        *,
        worker: str = ABSENT,
        max: int = ABSENT,
        wait: int = ABSENT,
        kinds: list = ABSENT,
        lease: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Take tasks to work on, and wait for the first. Repeat it with the same Idempotency-Key if
        its answer was lost: the same tasks are told again. A worker extends the lease, or the tasks
        are given to others.

        worker: A name by which people recognize the worker.
        max: How many tasks. Default 1.
        wait: How long to wait for the first, in ms. Default 0.
        kinds: The kinds that the worker handles: tasks of others, and of none, are left to
            other workers. Default: all tasks.
        lease: How long the tasks are kept for the worker, in ms. Default 30000.
        """
        return self._call(
            "POST",
            "/v1/queues/{queue}/claims",
            params={"queue": queue},
            query={},
            body={
                "worker": worker,
                "max": max,
                "wait": wait,
                "kinds": kinds,
                "lease": lease,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def complete(
        self,
        handle: str,
        *,
        result: Any = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Complete a task. It may be repeated.

        result: Whoever waits for the task gets it.
        """
        return self._call(
            "POST",
            "/v1/claims:complete",
            params={},
            query={},
            body={"result": result},
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def extend(
        self,
        handle: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Extend the lease of a claim, and with it that of all its tasks."""
        return self._call(
            "POST",
            "/v1/claims:extend",
            params={},
            query={},
            body={},
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def fail(
        self,
        handle: str,
        *,
        message: str,
        stack: str = ABSENT,
        retry: bool = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """End an attempt that has failed. The task is tried again after its backoff, or becomes a dead
        letter. It may be repeated.

        retry: False if trying again cannot help.
        """
        return self._call(
            "POST",
            "/v1/claims:fail",
            params={},
            query={},
            body={"message": message, "stack": stack, "retry": retry},
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def log(
        self,
        handle: str,
        *,
        line: str,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Add a line to the log of a task."""
        return self._call(
            "POST",
            "/v1/claims:log",
            params={},
            query={},
            body={"line": line},
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def progress(
        self,
        handle: str,
        *,
        progress: Any,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Tell how far a task is.

        progress: At most 16,000 bytes of JSON.
        """
        return self._call(
            "POST",
            "/v1/claims:progress",
            params={},
            query={},
            body={"progress": progress},
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Elections:
    """The operations on elections."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def campaign(
        self,
        name: str,
        *,
        ttl: int = ABSENT,
        wait: int = ABSENT,
        ticket: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Stand for leadership, and wait to be elected. After 409, ask again with the ticket to keep
        the place in line. Leadership is a lease: extend it, and end it to resign.

        ttl: How long others wait for a leader that has died, in ms. Default 10000.
        wait: How long to wait, in ms. Default 0.
        ticket: That of the answer before.
        """
        return self._call(
            "POST",
            "/v1/elections/{name}/candidates",
            params={"name": name},
            query={},
            body={"ttl": ttl, "wait": wait, "ticket": ticket},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def leader(
        self,
        name: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Tell who leads."""
        return self._call(
            "GET",
            "/v1/elections/{name}",
            params={"name": name},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def watch(
        self,
        name: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> Any:
        """Follow who leads: server-sent events, one for each leader, and for each time without one.
        The first event is the present state. The data of an event "leader" is as elections.leader
        answers. A leader that came and went within a second may not be seen.
        """
        return self._call(
            "GET",
            "/v1/elections/{name}/leaders",
            params={"name": name},
            query={},
            body=None,
            stream=True,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Features:
    """The operations on features."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def describe(
        self,
        store: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the views and services of a feature store."""
        return self._call(
            "GET",
            "/v1/features/{store}",
            params={"store": store},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def drift(
        self,
        store: str,
        view: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Measure the drift of the rows that a view serves from its baseline. It looks at up to 5000
        rows, for which the server's user needs the right +scan. The answer is at most 5 s old. A
        view of flags has none (400).
        """
        return self._call(
            "GET",
            "/v1/features/{store}/views/{view}/drift",
            params={"store": store, "view": view},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def keep_baseline(
        self,
        store: str,
        view: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Take a baseline of the rows that a view serves now, in place of the earlier one. Call it
        when a model is trained: drift is measured against it from then on. It reads up to 10000
        rows.
        """
        return self._call(
            "PUT",
            "/v1/features/{store}/views/{view}/baseline",
            params={"store": store, "view": view},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def land(
        self,
        handle: str,
        store: str,
        view: str,
        *,
        rows: list,
        lane: str = ABSENT,
        rank: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Write rows of a view, in a lane, under the token of a lease. The lane takes nothing of a
        lower token from then on; 412 says that a higher one has it. Have one lease for a lane of a
        view, and one lane for each source of rows. Rows may be landed again.

        lane: Default "batch".
        rank: Which lane wins where times are equal; lanes other than stream, batch and backfill
            name theirs.
        """
        return self._call(
            "POST",
            "/v1/features/{store}/views/{view}/rows",
            params={"store": store, "view": view},
            query={},
            body={"rows": rows, "lane": lane, "rank": rank},
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def lanes(
        self,
        store: str,
        view: str,
        *,
        generation: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the lanes of a view: who writes it, under which tokens, and how far.

        generation: Its id. Default: the one that is read.
        """
        return self._call(
            "GET",
            "/v1/features/{store}/views/{view}/lanes",
            params={"store": store, "view": view},
            query={"generation": generation},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def rows(
        self,
        store: str,
        view: str,
        *,
        ids: list,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read rows of a view.

        ids: Text; of a composite entity an object; null of "global".
        """
        return self._call(
            "POST",
            "/v1/features/{store}/views/{view}:read",
            params={"store": store, "view": view},
            query={},
            body={"ids": ids},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def serve(
        self,
        store: str,
        service: str,
        *,
        ids: list,
        request: Any = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read what a service serves."""
        return self._call(
            "POST",
            "/v1/features/{store}/services/{service}:read",
            params={"store": store, "service": service},
            query={},
            body={"ids": ids, "request": request},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def stats(
        self,
        store: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Look at a feature store: how fresh its views are, what was refused, and what is wrong."""
        return self._call(
            "GET",
            "/v1/features/{store}/stats",
            params={"store": store},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def stores(
        self,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the feature stores that the key may read. It looks through all keys, for which the
        server's user needs the right +scan. The answer is at most 5 s old.
        """
        return self._call(
            "GET",
            "/v1/features",
            params={},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Fences:
    """The operations on fences."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def seal(
        self,
        handle: str,
        *,
        resource: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Show the token of a lease to the fence of its resource, which refuses lower ones from then
        on. Do so before reading what is then changed. 412 says that the token is stale: stop the
        work. Programs that guard data on the same Redis, with @holdfast/fence/redis, share the
        fence.

        resource: Of a lease on several: which one. Default: the first.
        """
        return self._call(
            "POST",
            "/v1/fences:seal",
            params={},
            query={},
            body={"resource": resource},
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def show(
        self,
        name: str,
        *,
        slot: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read the fence of a resource: the highest token that was shown to it.

        slot: Of a semaphore: the number of the permit.
        """
        return self._call(
            "GET",
            "/v1/fences/{name}",
            params={"name": name},
            query={"slot": slot},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Leases:
    """The operations on leases."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def acquire(
        self,
        name: str,
        *,
        ttl: int = ABSENT,
        wait: int = ABSENT,
        ticket: str = ABSENT,
        above: int = ABSENT,
        others: list = ABSENT,
        shared: bool = ABSENT,
        permits: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Take the lease on a resource, and wait for it. A request that is repeated with its
        Idempotency-Key ends the lease that the earlier one was granted, and takes another: have one
        of them under way at a time. After 409, ask again with the ticket to keep the place in line.

        ttl: How long the lease outlives its last extension, in ms. Default 10000.
        wait: How long to wait for it, in ms. Default 0.
        ticket: That of the answer before.
        above: The token must be above this.
        others: More resources, all or none. The right is asked for of each.
        shared: Whether others may hold it shared at the same time.
        permits: Take one of so many permits of the semaphore of this name; all callers give the
            same number.
        """
        return self._call(
            "POST",
            "/v1/locks/{name}/leases",
            params={"name": name},
            query={},
            body={
                "ttl": ttl,
                "wait": wait,
                "ticket": ticket,
                "above": above,
                "others": others,
                "shared": shared,
                "permits": permits,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def extend(
        self,
        handle: str,
        *,
        ttl: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Extend a lease, under its token. On 401, 429 and 5xx, try again until the validity ends. 410
        says that the lease is over: stop the work.

        ttl: Default: that of the lease.
        """
        return self._call(
            "PATCH",
            "/v1/leases",
            params={},
            query={},
            body={"ttl": ttl},
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def release(
        self,
        handle: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """End a lease for good. It may be repeated. A shared lease that was ended can be extended
        again until somebody is granted the exclusive one.
        """
        return self._call(
            "DELETE",
            "/v1/leases",
            params={},
            query={},
            body=None,
            handle=handle,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Locks:
    """The operations on locks."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def break_(
        self,
        name: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """End the lease of whoever holds a resource, for good. The holder learns of it with its next
        extension; what it still writes is refused where its token is checked.
        """
        return self._call(
            "DELETE",
            "/v1/locks/{name}/holder",
            params={"name": name},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def history(
        self,
        name: str,
        *,
        limit: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read what has happened to a resource: its leases, and the tokens that were refused."""
        return self._call(
            "GET",
            "/v1/locks/{name}/history",
            params={"name": name},
            query={"limit": limit},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def inspect(
        self,
        name: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Look who holds a resource, and what each node says."""
        return self._call(
            "GET",
            "/v1/locks/{name}",
            params={"name": name},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def list(
        self,
        *,
        prefix: str = ABSENT,
        limit: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the leases that are held, in the order of their names. It looks through the keys of the
        nodes, for which the server's user needs the right +scan there.

        prefix: How their names begin. Default: any name.
        """
        return self._call(
            "GET",
            "/v1/locks",
            params={},
            query={"prefix": prefix, "limit": limit},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def refusals(
        self,
        *,
        limit: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read which tokens were refused, of all resources."""
        return self._call(
            "GET",
            "/v1/refusals",
            params={},
            query={"limit": limit},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Product:
    """The operations on product."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def doctor(
        self,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Examine the lock nodes: what is wrong with them, or will be, and what to do. The answer is
        at most 5 s old.
        """
        return self._call(
            "GET",
            "/v1/doctor",
            params={},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def live(
        self,
        *,
        topics: Any,
        once: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> Any:
        """Follow what operations that read answer: server-sent events, one for each change. The data
        of an event "read" is `{ topic, value }`, or `{ topic, problem }` where the operation
        refused.

        topics: Paths of operations of method GET, each percent-encoded, with commas between.
        once: Whether the stream ends after the first answers.
        """
        return self._call(
            "GET",
            "/v1/live",
            params={},
            query={"topics": topics, "once": once},
            body=None,
            stream=True,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def session(
        self,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Tell whose key it is, and what it may do."""
        return self._call(
            "GET",
            "/v1/session",
            params={},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def sign_in(
        self,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Sign a browser in: a cookie stands for the key of this request, for 12 hours."""
        return self._call(
            "POST",
            "/v1/session",
            params={},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def sign_out(
        self,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Sign a browser out."""
        return self._call(
            "DELETE",
            "/v1/session",
            params={},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Queues:
    """The operations on queues."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def add(
        self,
        queue: str,
        *,
        data: Any,
        id: str = ABSENT,
        delay: int = ABSENT,
        priority: int = ABSENT,
        attempts: int = ABSENT,
        backoff: dict = ABSENT,
        timeout: int = ABSENT,
        key: str = ABSENT,
        tenant: str = ABSENT,
        kind: str = ABSENT,
        deduplicate: Any = ABSENT,
        retain: dict = ABSENT,
        expires: int = ABSENT,
        holder: dict = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Add a task. A queue exists from its first task on. With an Idempotency-Key it may be
        repeated for a day: the task is added once; 422 says that the key was used for other data.
        With a `holder`, 412 says that a higher token was used for its resource: stop its work. What
        is repeated may then have been added by the first call.

        data: What the worker is given.
        id: While a task of this id lives, adding it again adds nothing.
        delay: In how many ms it may begin. Default 0.
        priority: Higher goes first. Default 0.
        attempts: How often it is tried at most. Default 3.
        backoff: How long it waits after a failed attempt.
        timeout: How long an attempt may take, in ms. Default: no limit.
        key: Tasks of one key go in order.
        tenant: For whom it is: those of several tenants begin in turns.
        kind: By which a worker chooses its handler.
        deduplicate: Tasks with the same key here count as one: for `within` ms, or until the
            first has begun or ended.
        retain: For how many ms its result, or its dead letter, is kept. Default: as the queue
            says.
        expires: In how many ms it is too late to begin.
        holder: Whose token it is added under: once a higher one was used, nothing is added
            under it.
        """
        return self._call(
            "POST",
            "/v1/queues/{queue}/tasks",
            params={"queue": queue},
            query={},
            body={
                "data": data,
                "id": id,
                "delay": delay,
                "priority": priority,
                "attempts": attempts,
                "backoff": backoff,
                "timeout": timeout,
                "key": key,
                "tenant": tenant,
                "kind": kind,
                "deduplicate": deduplicate,
                "retain": retain,
                "expires": expires,
                "holder": holder,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def add_many(
        self,
        queue: str,
        *,
        tasks: list,
        holder: dict = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> Any:
        """Add up to 1000 tasks. Each is added or refused by itself: the answer has an outcome for
        each, in their order, and 207 says that some were refused. Where a quota of the key has no
        room for all, none is added.

        holder: Of the tasks that have none of their own.
        """
        return self._call(
            "POST",
            "/v1/queues/{queue}/tasks:batch",
            params={"queue": queue},
            query={},
            body={"tasks": tasks, "holder": holder},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def cancel(
        self,
        queue: str,
        id: str,
        *,
        reason: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """End a task without a result, whether it waits or a worker has it.

        reason: Whoever waits for the task is told.
        """
        return self._call(
            "POST",
            "/v1/queues/{queue}/tasks/{id}:cancel",
            params={"queue": queue, "id": id},
            query={},
            body={"reason": reason},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def counts(
        self,
        queue: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Count the tasks of a queue by their states."""
        return self._call(
            "GET",
            "/v1/queues/{queue}",
            params={"queue": queue},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def delete_schedule(
        self,
        queue: str,
        schedule: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Remove a schedule; tasks that it has added stay."""
        return self._call(
            "DELETE",
            "/v1/queues/{queue}/schedules/{schedule}",
            params={"queue": queue, "schedule": schedule},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def demand(
        self,
        queue: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Tell an autoscaler how many tasks wait or are worked on."""
        return self._call(
            "GET",
            "/v1/scale/queues/{queue}",
            params={"queue": queue},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def events(
        self,
        queue: str,
        *,
        after: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> Any:
        """Follow what happens to the tasks of a queue, as server-sent events. The id of an event is
        its cursor: with the header Last-Event-ID, or `after`, the stream goes on after it, as far
        as events are kept. Results and progress are shown with the right queues:data.
        """
        return self._call(
            "GET",
            "/v1/queues/{queue}/events",
            params={"queue": queue},
            query={"after": after},
            body=None,
            stream=True,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def get(
        self,
        queue: str,
        id: str,
        *,
        wait: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Look up a task, or wait for its end.

        wait: How long to wait for its end, in ms: up to 30000. Default 0.
        """
        return self._call(
            "GET",
            "/v1/queues/{queue}/tasks/{id}",
            params={"queue": queue, "id": id},
            query={"wait": wait},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def limits(
        self,
        queue: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read the limits that are kept with a queue."""
        return self._call(
            "GET",
            "/v1/queues/{queue}/limits",
            params={"queue": queue},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def list(
        self,
        *,
        counts: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the queues that the key may read.

        counts: Whether to count their tasks, too.
        """
        return self._call(
            "GET",
            "/v1/queues",
            params={},
            query={"counts": counts},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def log(
        self,
        queue: str,
        id: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read what the handlers of a task have logged, and how far the tasks are that it waits for."""
        return self._call(
            "GET",
            "/v1/queues/{queue}/tasks/{id}/log",
            params={"queue": queue, "id": id},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def pause(
        self,
        queue: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Let no worker begin a task until the queue is resumed."""
        return self._call(
            "POST",
            "/v1/queues/{queue}:pause",
            params={"queue": queue},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def purge(
        self,
        queue: str,
        *,
        state: str,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Remove all tasks in one state; those that a worker has stay."""
        return self._call(
            "POST",
            "/v1/queues/{queue}:purge",
            params={"queue": queue},
            query={},
            body={"state": state},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def remove(
        self,
        queue: str,
        id: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Remove a task that nobody works on, or a dead letter."""
        return self._call(
            "DELETE",
            "/v1/queues/{queue}/tasks/{id}",
            params={"queue": queue, "id": id},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def requeue(
        self,
        queue: str,
        id: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Let a dead letter be tried again, from its first attempt."""
        return self._call(
            "POST",
            "/v1/queues/{queue}/tasks/{id}:requeue",
            params={"queue": queue, "id": id},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def requeue_all(
        self,
        queue: str,
        *,
        error: str = ABSENT,
        key: str = ABSENT,
        limit: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Let dead letters be tried again, the oldest first: all, or those of a kind.

        error: Only those whose last error has this text in its message.
        key: Only those of tasks with this key.
        limit: At most so many. Default 1000.
        """
        return self._call(
            "POST",
            "/v1/queues/{queue}:requeue",
            params={"queue": queue},
            query={},
            body={"error": error, "key": key, "limit": limit},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def resume(
        self,
        queue: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """End the pause of a queue."""
        return self._call(
            "POST",
            "/v1/queues/{queue}:resume",
            params={"queue": queue},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def run_schedule(
        self,
        queue: str,
        schedule: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Add a task of a schedule now, beside its ticks."""
        return self._call(
            "POST",
            "/v1/queues/{queue}/schedules/{schedule}:run",
            params={"queue": queue, "schedule": schedule},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def schedules(
        self,
        queue: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the schedules of a queue, that first whose next tick is first."""
        return self._call(
            "GET",
            "/v1/queues/{queue}/schedules",
            params={"queue": queue},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def set_limits(
        self,
        queue: str,
        *,
        waiting: int = ABSENT,
        concurrency: int = ABSENT,
        rate: dict = ABSENT,
        keys: dict = ABSENT,
        breaker: dict = ABSENT,
        retain: dict = ABSENT,
        version: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Replace the limits of a queue, for all its workers at once. What is not named is not limited
        any more. Workers that declare a lower version leave these; a worker that declares a higher
        one replaces them.

        waiting: The most tasks that may wait, delayed ones too; an add to a full queue is 429.
        concurrency: The most tasks that may be handled at a time, by all workers together.
        rate: The most tasks that may begin within a time.
        keys: The same for the tasks of each key.
        breaker: After so many failures within a time, no task begins for a while, and then one
            that is tried.
        retain: How many results, events and dead letters are kept, and for how long.
        version: Above that of the limits that were read: refused if they have changed since.
            Default: the next.
        """
        return self._call(
            "PUT",
            "/v1/queues/{queue}/limits",
            params={"queue": queue},
            query={},
            body={
                "waiting": waiting,
                "concurrency": concurrency,
                "rate": rate,
                "keys": keys,
                "breaker": breaker,
                "retain": retain,
                "version": version,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def set_schedule(
        self,
        queue: str,
        schedule: str,
        *,
        data: Any,
        cron: str = ABSENT,
        every: int = ABSENT,
        timezone: str = ABSENT,
        missed: str = ABSENT,
        start: int = ABSENT,
        end: int = ABSENT,
        count: int = ABSENT,
        overlap: str = ABSENT,
        priority: int = ABSENT,
        attempts: int = ABSENT,
        backoff: dict = ABSENT,
        timeout: int = ABSENT,
        key: str = ABSENT,
        tenant: str = ABSENT,
        kind: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Set a schedule: a task at every tick.

        data: What the worker is given.
        cron: Such as "0 9 * * MON-FRI"; or `every`.
        every: In ms.
        timezone: Of the expression, such as "Europe/Berlin". Default UTC.
        missed: What becomes of ticks while no worker was there. Default "once".
        start: No tick is before this, in ms since the epoch.
        end: No tick is after this, in ms since the epoch.
        count: It is over after so many tasks.
        overlap: "skip": no task while the last one has not ended. Default "allow".
        priority: Higher goes first. Default 0.
        attempts: How often it is tried at most. Default 3.
        backoff: How long it waits after a failed attempt.
        timeout: How long an attempt may take, in ms. Default: no limit.
        key: Tasks of one key go in order.
        tenant: For whom it is: those of several tenants begin in turns.
        kind: By which a worker chooses its handler.
        """
        return self._call(
            "PUT",
            "/v1/queues/{queue}/schedules/{schedule}",
            params={"queue": queue, "schedule": schedule},
            query={},
            body={
                "data": data,
                "cron": cron,
                "every": every,
                "timezone": timezone,
                "missed": missed,
                "start": start,
                "end": end,
                "count": count,
                "overlap": overlap,
                "priority": priority,
                "attempts": attempts,
                "backoff": backoff,
                "timeout": timeout,
                "key": key,
                "tenant": tenant,
                "kind": kind,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def tasks(
        self,
        queue: str,
        *,
        state: str = ABSENT,
        cursor: str = ABSENT,
        limit: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the tasks of a queue in one state. Those that are next come first; of dead letters, the
        oldest; of completed tasks, the latest.

        cursor: The `next` of the page before.
        """
        return self._call(
            "GET",
            "/v1/queues/{queue}/tasks",
            params={"queue": queue},
            query={"state": state, "cursor": cursor, "limit": limit},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Quotas:
    """The operations on quotas."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def show(
        self,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Tell what the quotas of the key are, and how much of each is used. Counted over all
        replicas, and over all keys of the same subject. What is over is looked up before, so that
        it is not counted; of more than 2,000 things some may be counted still.
        """
        return self._call(
            "GET",
            "/v1/quotas",
            params={},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Vectors:
    """The operations on vectors."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def delete(
        self,
        index: str,
        id: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Delete a document, unless a later event is there."""
        return self._call(
            "DELETE",
            "/v1/indexes/{index}/documents/{id}",
            params={"index": index, "id": id},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def describe(
        self,
        index: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Look what an index has: its size, its model and its generations."""
        return self._call(
            "GET",
            "/v1/indexes/{index}",
            params={"index": index},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def health(
        self,
        index: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Look what is wrong with an index, as this server has it, and at its generations."""
        return self._call(
            "GET",
            "/v1/indexes/{index}/health",
            params={"index": index},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def list(
        self,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the indexes of vectors that the key may read. It looks through all keys, for which the
        server's user needs the right +scan. The answer is at most 5 s old.
        """
        return self._call(
            "GET",
            "/v1/indexes",
            params={},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def put(
        self,
        index: str,
        id: str,
        *,
        vector: Any = ABSENT,
        vectors: Any = ABSENT,
        text: Any = ABSENT,
        terms: dict = ABSENT,
        attributes: dict = ABSENT,
        time: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Write a document, in place of the one of its id, unless a later event is there.

        vector: Numbers, or their 32-bit floats, little-endian, as base64.
        vectors: One for each chunk; or by name.
        text: What it says, by which it is found: a text, or those of its fields.
        terms: Weights by term, as a sparse model gives them, by which it is found.
        time: When it was so, in ms since the epoch. Default: now.
        """
        return self._call(
            "PUT",
            "/v1/indexes/{index}/documents/{id}",
            params={"index": index, "id": id},
            query={},
            body={
                "vector": vector,
                "vectors": vectors,
                "text": text,
                "terms": terms,
                "attributes": attributes,
                "time": time,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def search(
        self,
        index: str,
        *,
        vector: Any = ABSENT,
        vectors: dict = ABSENT,
        like: str = ABSENT,
        name: str = ABSENT,
        text: str = ABSENT,
        prefix: bool = ABSENT,
        typos: bool = ABSENT,
        terms: dict = ABSENT,
        filter: dict = ABSENT,
        facets: list = ABSENT,
        min_score: float = ABSENT,
        texts: bool = ABSENT,
        limit: int = ABSENT,
        offset: int = ABSENT,
        after: str = ABSENT,
        wait: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Find the documents that are nearest to a vector, or to a text or weights of terms, of those
        that match a filter.

        vector: Numbers, or their 32-bit floats, little-endian, as base64.
        vectors: Of an index with named vectors: by name.
        like: A document that is to be near, in place of a vector; it is left out. Of named
            vectors: `name`.
        name: Whose vector of `like`. Default: the first.
        text: Searched by its words and its meaning, as far as a program has defined the index
            for that.
        prefix: Whether the last word of `text` may be a beginning, as somebody types it.
        typos: Whether a word of `text` that no document has may have one typing error.
        terms: Weights by term, as a sparse model gives them, if a program has defined the index
            for that: what has the highest inner product with them is found.
        filter: Conditions by attribute: a value, `{in}`, `{not}`, `{gt, gte, lt, lte}`, `and`,
            `or`, `not`.
        facets: Attributes whose values are counted.
        min_score: Leaves out what vectors find with a lower score.
        texts: Whether each hit has its text.
        after: A search `after` this place sees the write.
        wait: How long to wait for that place, in ms.
        """
        return self._call(
            "POST",
            "/v1/indexes/{index}/search",
            params={"index": index},
            query={},
            body={
                "vector": vector,
                "vectors": vectors,
                "like": like,
                "name": name,
                "text": text,
                "prefix": prefix,
                "typos": typos,
                "terms": terms,
                "filter": filter,
                "facets": facets,
                "minScore": min_score,
                "texts": texts,
                "limit": limit,
                "offset": offset,
                "after": after,
                "wait": wait,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Webhooks:
    """The operations on webhooks."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def delete(
        self,
        webhook: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Delete a webhook; what was not sent yet is not sent any more."""
        return self._call(
            "DELETE",
            "/v1/webhooks/{webhook}",
            params={"webhook": webhook},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def list(
        self,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the webhooks that the key may read."""
        return self._call(
            "GET",
            "/v1/webhooks",
            params={},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def put(
        self,
        webhook: str,
        *,
        url: str,
        queue: str = ABSENT,
        workflow: str = ABSENT,
        kinds: list = ABSENT,
        data: bool = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Tell a receiver what tasks of a queue, or runs of a workflow, become. From now on, or where
        it follows the same already, from where it is. The URL has an origin of the file of
        receivers. Messages are signed as Standard Webhooks has it, and sent until they are answered
        with 2xx, for three days.

        queue: 1 to 64 letters, digits, "_" and "-"; or "<queue>@<group>" for a group of a
            queue.
        workflow: 1 to 64 letters, digits, "_" and "-".
        kinds: Of which events. Default: all.
        data: Whether results, progress and reasons are told, too: with the right `data`.
        """
        return self._call(
            "PUT",
            "/v1/webhooks/{webhook}",
            params={"webhook": webhook},
            query={},
            body={
                "url": url,
                "queue": queue,
                "workflow": workflow,
                "kinds": kinds,
                "data": data,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Workflows:
    """The operations on workflows."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def approvals(
        self,
        workflow: str,
        id: str,
        *,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List what a run waits for people to approve.

        key: That with which the run was started, if any.
        """
        return self._call(
            "GET",
            "/v1/workflows/{workflow}/runs/{id}/approvals",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def approve(
        self,
        workflow: str,
        id: str,
        *,
        approval: Any,
        answer: Any,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Answer what a run waits for people to approve; the run is told the subject of the key.

        approval: As it was listed; or its name.
        key: That with which the run was started, if any.
        """
        return self._call(
            "POST",
            "/v1/workflows/{workflow}/runs/{id}:approve",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body={"approval": approval, "answer": answer},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def cancel(
        self,
        workflow: str,
        id: str,
        *,
        reason: str = ABSENT,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Ask a run to end.

        key: That with which the run was started, if any.
        """
        return self._call(
            "POST",
            "/v1/workflows/{workflow}/runs/{id}:cancel",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body={"reason": reason},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def counts(
        self,
        workflow: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Count the runs of a workflow by their states."""
        return self._call(
            "GET",
            "/v1/workflows/{workflow}",
            params={"workflow": workflow},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def delete_schedule(
        self,
        workflow: str,
        schedule: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Remove a schedule; runs that it has started go on."""
        return self._call(
            "DELETE",
            "/v1/workflows/{workflow}/schedules/{schedule}",
            params={"workflow": workflow, "schedule": schedule},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def demand(
        self,
        workflow: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Tell an autoscaler how many runs wait for a worker or have one."""
        return self._call(
            "GET",
            "/v1/scale/workflows/{workflow}",
            params={"workflow": workflow},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def events(
        self,
        workflow: str,
        *,
        after: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> Any:
        """Follow what happens to the runs of a workflow: server-sent events. The id of an event is its
        cursor: with the header Last-Event-ID, or `after`, the stream goes on after it. An event
        "gap" says that events were dropped before they were read.

        after: A cursor, or "oldest". Default: from now on.
        """
        return self._call(
            "GET",
            "/v1/workflows/{workflow}/events",
            params={"workflow": workflow},
            query={"after": after},
            body=None,
            stream=True,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def fork(
        self,
        workflow: str,
        id: str,
        body: Any,
        *,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Start another run over the journal of this one, which does a step and all that follows anew.
        With an id it may be repeated. The run that is forked is not changed.

        key: That with which the run was started, if any.
        """
        return self._call(
            "POST",
            "/v1/workflows/{workflow}/runs/{id}:fork",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body=body,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def get(
        self,
        workflow: str,
        id: str,
        *,
        key: str = ABSENT,
        wait: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Look at a run, or wait for its end.

        key: That with which the run was started, if any.
        wait: How long to wait for its end, in ms: up to 30000. Default 0.
        """
        return self._call(
            "GET",
            "/v1/workflows/{workflow}/runs/{id}",
            params={"workflow": workflow, "id": id},
            query={"key": key, "wait": wait},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def history(
        self,
        workflow: str,
        id: str,
        *,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read the journal of a run.

        key: That with which the run was started, if any.
        """
        return self._call(
            "GET",
            "/v1/workflows/{workflow}/runs/{id}/history",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def list(
        self,
        *,
        counts: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the workflows of the app that the key may read.

        counts: Whether to count their runs, too.
        """
        return self._call(
            "GET",
            "/v1/workflows",
            params={},
            query={"counts": counts},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def many(
        self,
        workflow: str,
        *,
        verb: str,
        state: str = ABSENT,
        from_: int = ABSENT,
        to: int = ABSENT,
        reason: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Cancel, retry, terminate or erase all runs that a filter gives.

        state: Only those in this state.
        from_: Only those that came to their state then or later, in ms since the epoch.
        to: Only those that came to it before then.
        reason: With which they are cancelled or terminated.
        """
        return self._call(
            "POST",
            "/v1/workflows/{workflow}:many",
            params={"workflow": workflow},
            query={},
            body={
                "verb": verb,
                "state": state,
                "from": from_,
                "to": to,
                "reason": reason,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def pause(
        self,
        workflow: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Let no worker have a run of a workflow until it is resumed."""
        return self._call(
            "POST",
            "/v1/workflows/{workflow}:pause",
            params={"workflow": workflow},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def purge(
        self,
        workflow: str,
        id: str,
        *,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Erase all that is kept of a run that is over.

        key: That with which the run was started, if any.
        """
        return self._call(
            "DELETE",
            "/v1/workflows/{workflow}/runs/{id}",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def resume(
        self,
        workflow: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """End the pause of a workflow."""
        return self._call(
            "POST",
            "/v1/workflows/{workflow}:resume",
            params={"workflow": workflow},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def retry(
        self,
        workflow: str,
        id: str,
        *,
        from_: str = ABSENT,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Let a run go on that is stuck, has failed or was cancelled.

        from_: A step, by its id or name.
        key: That with which the run was started, if any.
        """
        return self._call(
            "POST",
            "/v1/workflows/{workflow}/runs/{id}:retry",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body={"from": from_},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def runs(
        self,
        workflow: str,
        *,
        state: str = ABSENT,
        from_: int = ABSENT,
        to: int = ABSENT,
        cursor: str = ABSENT,
        limit: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List runs of a workflow, in no order.

        from_: Those that came to their state then or later, in ms since the epoch.
        to: Those that came to it before then.
        cursor: The `next` of the page before.
        limit: A page has a few more where Redis keeps more than that in one place.
        """
        return self._call(
            "GET",
            "/v1/workflows/{workflow}/runs",
            params={"workflow": workflow},
            query={
                "state": state,
                "from": from_,
                "to": to,
                "cursor": cursor,
                "limit": limit,
            },
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def schedules(
        self,
        workflow: str,
        *,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """List the schedules of a workflow, that first whose next tick is first."""
        return self._call(
            "GET",
            "/v1/workflows/{workflow}/schedules",
            params={"workflow": workflow},
            query={},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def send(
        self,
        workflow: str,
        id: str,
        message: str,
        *,
        payload: Any = ABSENT,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Send a message to a run: its next "receive" of that name takes it. With an Idempotency-Key
        it may be repeated: the run takes it once.

        key: That with which the run was started, if any.
        """
        return self._call(
            "POST",
            "/v1/workflows/{workflow}/runs/{id}/messages/{message}",
            params={"workflow": workflow, "id": id, "message": message},
            query={"key": key},
            body={"payload": payload},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def set_schedule(
        self,
        workflow: str,
        schedule: str,
        *,
        input: Any,
        cron: str = ABSENT,
        every: int = ABSENT,
        timezone: str = ABSENT,
        missed: str = ABSENT,
        priority: int = ABSENT,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> None:
        """Set a schedule: a run at every tick. Names of schedules are those of the app: another
        workflow may not have one of this name.

        input: What the function is given.
        cron: Such as "0 9 * * MON-FRI"; or `every`.
        every: In ms.
        timezone: Of the expression, such as "Europe/Berlin". Default UTC.
        missed: What becomes of ticks while no worker was there. Default "once".
        key: What the runs work on: of one key, one run goes on at a time.
        """
        return self._call(
            "PUT",
            "/v1/workflows/{workflow}/schedules/{schedule}",
            params={"workflow": workflow, "schedule": schedule},
            query={},
            body={
                "input": input,
                "cron": cron,
                "every": every,
                "timezone": timezone,
                "missed": missed,
                "priority": priority,
                "key": key,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def start(
        self,
        workflow: str,
        *,
        input: Any,
        id: str = ABSENT,
        key: str = ABSENT,
        priority: int = ABSENT,
        delay: int = ABSENT,
        expires: int = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Start a run. With an id, or an Idempotency-Key, it may be repeated: there is one run of it.
        The input is checked by the worker, which has the schema.

        input: What the function is given.
        id: Default: one that the server makes.
        key: What the run works on: of one key, one run goes on at a time.
        priority: Higher goes first. Default 0.
        delay: In how many ms it begins. Default 0.
        expires: By when it has to begin, in ms since the epoch.
        """
        return self._call(
            "POST",
            "/v1/workflows/{workflow}/runs",
            params={"workflow": workflow},
            query={},
            body={
                "input": input,
                "id": id,
                "key": key,
                "priority": priority,
                "delay": delay,
                "expires": expires,
            },
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def steps(
        self,
        workflow: str,
        id: str,
        *,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """Read the steps of a run: a row for each attempt, with its token and its time.

        key: That with which the run was started, if any.
        """
        return self._call(
            "GET",
            "/v1/workflows/{workflow}/runs/{id}/steps",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body=None,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def stream(
        self,
        workflow: str,
        id: str,
        stream: str,
        *,
        key: str = ABSENT,
        from_: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> Any:
        """Follow what the steps of a run write to a stream, as server-sent events, until the run is
        over. The id of an event is its place: with the header Last-Event-ID, or `from`, the stream
        goes on after it. An event "restart" says that what came of its step before is void; "end"
        is the last one.

        key: That with which the run was started, if any.
        """
        return self._call(
            "GET",
            "/v1/workflows/{workflow}/runs/{id}/streams/{stream}",
            params={"workflow": workflow, "id": id, "stream": stream},
            query={"key": key, "from": from_},
            body=None,
            stream=True,
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )

    def terminate(
        self,
        workflow: str,
        id: str,
        *,
        reason: str = ABSENT,
        key: str = ABSENT,
        idempotency_key: str | None = None,
        http_timeout: float | None = None,
    ) -> dict:
        """End a run at once; its function does not hear of that.

        key: That with which the run was started, if any.
        """
        return self._call(
            "POST",
            "/v1/workflows/{workflow}/runs/{id}:terminate",
            params={"workflow": workflow, "id": id},
            query={"key": key},
            body={"reason": reason},
            idempotency_key=idempotency_key,
            http_timeout=http_timeout,
        )


class Operations:
    """All systems of the server."""

    def __init__(self, call: Call) -> None:
        self.claims = Claims(call)
        self.elections = Elections(call)
        self.features = Features(call)
        self.fences = Fences(call)
        self.leases = Leases(call)
        self.locks = Locks(call)
        self.product = Product(call)
        self.queues = Queues(call)
        self.quotas = Quotas(call)
        self.vectors = Vectors(call)
        self.webhooks = Webhooks(call)
        self.workflows = Workflows(call)
