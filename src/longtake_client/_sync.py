# SPDX-License-Identifier: Apache-2.0
"""The client for ordinary code: carries out the flows' steps with httpx2, one after the other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar, Unpack

from longtake_client import _flows as flows
from longtake_client._answers import Json
from longtake_client._bodies import CreateWishes, ExtendWishes, RemixWishes
from longtake_client._calls import Call, Close, Flow, Open, Read, Sleep, Step, Tell, Work
from longtake_client._download import VIDEO, PipeSink, downloading, finished, saving
from longtake_client._errors import ClientError
from longtake_client._flows import PATIENCE_S, Bytes, Progress
from longtake_client._form import FileSource, Form
from longtake_client._http import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT_S,
    LOCAL_URL,
    Options,
    changed,
    failure,
    is_own_machine,
    lower_headers,
    no_certificates,
    options_of,
    timeouts,
)
from longtake_client._task import Model, Page, Task, Upload, read_models

if TYPE_CHECKING:
    import httpx2

Result = TypeVar("Result")


class _Stream:
    """An httpx2 answer whose body is still to come."""

    def __init__(self, response: httpx2.Response, call: Call) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = lower_headers(response.headers)
        self.response = response
        self.call = call
        self.chunks = response.iter_bytes()  # as they come: what has arrived is not lost with the connection


class _Transport:
    """Carries out steps. One for this machine's servers, which need no certificates, and one for all others."""

    def __init__(self, transport: httpx2.BaseTransport | None, http_client: httpx2.Client | None) -> None:
        self._given = transport
        self._lock = threading.Lock()
        self._clients: dict[bool, httpx2.Client] = {}
        self._borrowed = http_client

    def run(self, flow: Flow[Result], options: Options) -> Result:
        """Carry out a flow to its end; what it returns."""
        result: object = None
        error: BaseException | None = None
        while True:
            try:
                step = flow.send(result) if error is None else flow.throw(error)
            except StopIteration as end:
                value: Result = end.value
                return value
            result = error = None
            try:
                result = self._carry_out(step, options)
            except BaseException as raised:  # noqa: BLE001  (the flow decides; what it does not catch comes out above)
                error = raised

    def close(self) -> None:
        """Close the connections that are this client's own."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _carry_out(self, step: Step, options: Options) -> object:
        match step:
            case Open():
                return self._open(step.call, options)
            case Read(stream):
                assert isinstance(stream, _Stream)
                return self._read(stream)
            case Close(stream):
                assert isinstance(stream, _Stream)
                return stream.response.close()
            case Sleep():
                return time.sleep(step.seconds)
            case Work():
                return step.function()
            case Tell():
                return step.callback()

    def _open(self, call: Call, options: Options) -> _Stream:
        import httpx2  # noqa: PLC0415

        content = call.body.chunks() if isinstance(call.body, Form) else call.body
        client = self._client(call)
        try:
            request = client.build_request(
                call.method, call.url, headers=call.all_headers(), content=content, timeout=timeouts(call, options)
            )
            response = client.send(request, stream=True, follow_redirects=False)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            raise failure(error, call) from error
        return _Stream(response, call)

    def _read(self, stream: _Stream) -> bytes:
        import httpx2  # noqa: PLC0415

        try:
            return next(stream.chunks, b"")
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise failure(error, stream.call) from error

    def _client(self, call: Call) -> httpx2.Client:
        import httpx2  # noqa: PLC0415

        if self._borrowed is not None:
            return self._borrowed
        own = self._given is None and is_own_machine(call)
        with self._lock:  # several threads may share a client
            if own not in self._clients:
                if self._given is not None:
                    self._clients[own] = httpx2.Client(transport=self._given, trust_env=False)
                elif own:
                    self._clients[own] = httpx2.Client(trust_env=False, verify=no_certificates())
                else:
                    self._clients[own] = httpx2.Client()
            return self._clients[own]


class Client:
    """Talks to a longtake server, or to another one of the same API.

    Args:
        url: The server's address; else LONGTAKE_URL, else http://127.0.0.1:8420.
        api_key: A key of that server; else LONGTAKE_API_KEY. It is sent to that server only.
        timeout_s: Seconds that the server may be silent.
        max_retries: How often a request is tried again where that may help. A try that makes a task carries the same
            Idempotency-Key as the one before; for a server that does not know this header, 0 is the careful choice.
        headers: More headers for that server, and no other.
        transport: An httpx2 transport to use for everything.
        http_client: An httpx2 client to use for everything; it stays open when this one is closed.

    Raises InvalidUse for an address or key that cannot be used. All calls raise APIError and its kin.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        max_retries: int = DEFAULT_MAX_RETRIES,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        http_client: httpx2.Client | None = None,
    ) -> None:
        self._options = options_of(url, api_key, timeout_s, max_retries, headers)
        self._transport = _Transport(transport, http_client)

    @classmethod
    def local(cls, home: str | os.PathLike[str] | None = None) -> Self:
        """A client of a server inside this process: no server, no key, no socket. Needs longtake itself.

        `home` is its data folder, which no other process may have at the time; without one a temporary folder vanishes
        with it. The server starts with the first request and ends with `close`.
        """
        from longtake_client._local import LocalTransport, new_key  # noqa: PLC0415

        key = new_key()
        transport = LocalTransport(None if home is None else Path(home), key)
        return cls(url=LOCAL_URL, api_key=key, transport=transport)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._options.server.url

    def with_options(
        self,
        *,
        timeout_s: float | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Client:
        """A client that differs in these and shares the connections."""
        copy = Client.__new__(Client)
        copy._options = changed(self._options, timeout_s, max_retries, headers)  # noqa: SLF001
        copy._transport = self._transport  # noqa: SLF001
        return copy

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create(self, **wishes: Unpack[CreateWishes]) -> TaskHandle:
        """Make a video from words, or from pictures."""
        return self._handle(flows.submitting(self._options.manner, "create", wishes, None))

    def extend(self, *, on_upload: Bytes | None = None, **wishes: Unpack[ExtendWishes]) -> TaskHandle:
        """Continue a video from any second. `on_upload` is told how many bytes of a `video` have gone, of how many."""
        return self._handle(flows.submitting(self._options.manner, "extend", wishes, on_upload))

    def remix(self, **wishes: Unpack[RemixWishes]) -> TaskHandle:
        """Make a finished video anew by another prompt."""
        return self._handle(flows.submitting(self._options.manner, "remix", wishes, None))

    def task(self, task_id: str) -> TaskHandle:
        """A handle of a task that was made before, from its id. Nothing is asked yet."""
        return TaskHandle(self, task_id)

    def query(self, task_id: str) -> Task:
        """How a task stands."""
        return self._run(flows.querying(self._options.manner, task_id))

    def record(self, task_id: str) -> Task:
        """How a task stands, with longtake's own words beside (`step`, `operation`, `sequence`) where there are any."""
        return self._run(flows.querying(self._options.manner, task_id, exact=True))

    def wait(
        self,
        task_id: str,
        *,
        timeout_s: float | None = None,
        on_progress: Progress | None = None,
        cancel_on_interrupt: bool = False,
        poll_s: float | None = None,
        patience_s: float = PATIENCE_S,
        exact: bool = False,
    ) -> Task:
        """A task at its end, good or bad.

        Args:
            task_id: Which one.
            timeout_s: Raise WaitTimeout after this time.
            on_progress: Told of the task at every change.
            cancel_on_interrupt: Whether Ctrl-C cancels it. Without it the task goes on; either way a note of the
                KeyboardInterrupt says its id.
            poll_s: Seconds between two looks; without it, as the server says.
            patience_s: How long the server may be away, once it has answered.
            exact: Look as `record` does.
        """
        try:
            return self._run(
                flows.waiting(
                    self._options.manner,
                    task_id,
                    timeout_s=timeout_s,
                    on_progress=on_progress,
                    poll_s=poll_s,
                    patience_s=patience_s,
                    exact=exact,
                )
            )
        except KeyboardInterrupt as interrupt:
            if cancel_on_interrupt:
                with suppress(ClientError):
                    self.cancel(task_id)
            interrupt.add_note(flows.interrupted_words(task_id, cancel=cancel_on_interrupt))
            raise

    def cancel(self, task_id: str) -> Task:
        """Cancel a task (longtake); one that has ended stays as it is."""
        return self._run(flows.cancelling(self._options.manner, task_id))

    def delete(self, task_id: str) -> None:
        """Delete an ended task, or an upload, with its files (longtake)."""
        self._run(flows.deleting(self._options.manner, task_id))

    def save(
        self,
        task: Task | str,
        target: str | os.PathLike[str],
        *,
        variant: str = VIDEO,
        on_bytes: Bytes | None = None,
    ) -> Path:
        """Write a finished task's video to a file, whole or not at all; its path.

        A download that breaks off is taken up again, by the next call too. `variant` may be `thumbnail`,
        `spritesheet` or `new_part` (longtake). Raises TaskNotFinished, TaskFailed, and OSError for the file.
        """
        flow = saving(self._options.manner, task, target, variant=variant, on_bytes=on_bytes)
        return self._run(flow)

    def write(self, task: Task | str, file: BinaryIO, *, variant: str = VIDEO, on_bytes: Bytes | None = None) -> int:
        """Write a finished task's video to an open file or pipe; its size in bytes."""
        flow = downloading(self._options.manner, task, PipeSink(file), variant=variant, on_bytes=on_bytes)
        return self._run(flow)

    def upload(self, file: FileSource, *, filename: str | None = None, on_upload: Bytes | None = None) -> Upload:
        """Store a video or picture. `on_upload` is told how many bytes have gone, of how many."""
        return self._run(flows.uploading(self._options.manner, file, filename, on_upload))

    def page(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        order: str | None = None,
        status: str | None = None,
        operation: str | None = None,
    ) -> Page:
        """One page of tasks, newest first (longtake)."""
        query = {"limit": limit, "after": after, "order": order, "status": status, "operation": operation}
        return self._run(flows.listing(self._options.manner, query))

    def tasks(
        self,
        *,
        limit: int | None = None,
        order: str | None = None,
        status: str | None = None,
        operation: str | None = None,
    ) -> Iterator[Task]:
        """All tasks, newest first (longtake); pages of `limit` are asked for as they are needed."""
        after: str | None = None
        while True:
            page = self.page(limit=limit, after=after, order=order, status=status, operation=operation)
            yield from page.tasks
            if not page.has_more or not page.tasks:
                return
            after = page.tasks[-1].id

    def models(self) -> list[Model]:
        """The models that the server offers."""
        return read_models(self.request("GET", "/v1/models"))

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Json:
        """Send any request of the server's API; the JSON object that it answers."""
        found, _ = self._run(flows.requesting(self._options.manner, method, path, query=query, body=body))
        return found

    def _run(self, flow: Flow[Result]) -> Result:
        return self._transport.run(flow, self._options)

    def _handle(self, flow: Flow[Task]) -> TaskHandle:
        task = self._run(flow)
        return TaskHandle(self, task.id, task)


class TaskHandle:
    """A task on a server, by its id."""

    def __init__(self, client: Client, task_id: str, submitted: Task | None = None) -> None:
        self._client = client
        self.id = task_id
        self.submitted = submitted
        """What the server answered when it was made; None for a handle made from an id."""

    def __repr__(self) -> str:
        return f"TaskHandle({self.id!r})"

    def status(self) -> Task:
        """How it stands."""
        return self._client.query(self.id)

    def wait(
        self,
        *,
        timeout_s: float | None = None,
        on_progress: Progress | None = None,
        cancel_on_interrupt: bool = False,
        poll_s: float | None = None,
    ) -> Task:
        """The finished task, as `Client.wait`. Raises TaskFailed where it ends without a video."""
        task = self._client.wait(
            self.id,
            timeout_s=timeout_s,
            on_progress=on_progress,
            cancel_on_interrupt=cancel_on_interrupt,
            poll_s=poll_s,
        )
        return finished(task)

    def result(self) -> Task:
        """The finished task, without waiting. Raises TaskNotFinished while it works, TaskFailed at a bad end."""
        return finished(self.status())

    def cancel(self) -> Task:
        """Cancel it; a task that has ended stays as it is."""
        return self._client.cancel(self.id)

    def delete(self) -> None:
        """Delete it, once it has ended, with its files."""
        self._client.delete(self.id)

    def save(self, target: str | os.PathLike[str], *, variant: str = VIDEO, on_bytes: Bytes | None = None) -> Path:
        """Write its video to a file, as `Client.save`."""
        return self._client.save(self.id, target, variant=variant, on_bytes=on_bytes)
