# SPDX-License-Identifier: Apache-2.0
"""The client for asynchronous code: carries out the flows' steps with httpx2 and anyio."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Mapping
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

_CANCEL_LIMIT_S = 10.0


async def _chunks(form: Form) -> AsyncIterator[bytes]:
    """A form's body, read without stopping the loop."""
    import anyio.to_thread  # noqa: PLC0415

    chunks = form.chunks()
    while chunk := await anyio.to_thread.run_sync(next, chunks, b""):
        yield chunk


class _Stream:
    """An httpx2 answer whose body is still to come."""

    def __init__(self, response: httpx2.Response, call: Call) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = lower_headers(response.headers)
        self.response = response
        self.call = call
        self.chunks = response.aiter_bytes()  # as they come: what has arrived is not lost with the connection


class _Transport:
    """Carries out steps. One for this machine's servers, which need no certificates, and one for all others."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None, http_client: httpx2.AsyncClient | None) -> None:
        self._given = transport
        self._clients: dict[bool, httpx2.AsyncClient] = {}
        self._borrowed = http_client

    async def run(self, flow: Flow[Result], options: Options) -> Result:
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
                result = await self._carry_out(step, options)
            except BaseException as raised:  # noqa: BLE001  (the flow decides; what it does not catch comes out above)
                error = raised

    async def close(self) -> None:
        """Close the connections that are this client's own."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def _carry_out(self, step: Step, options: Options) -> object:
        import anyio  # noqa: PLC0415
        import anyio.to_thread  # noqa: PLC0415

        match step:
            case Open():
                return await self._open(step.call, options)
            case Read(stream):
                assert isinstance(stream, _Stream)
                return await self._read(stream)
            case Close(stream):
                assert isinstance(stream, _Stream)
                return await stream.response.aclose()
            case Sleep():
                return await anyio.sleep(step.seconds)
            case Work():
                with anyio.CancelScope(shield=True):  # what is to be tidied up on the way out is
                    return await anyio.to_thread.run_sync(step.function)
            case Tell():
                told = step.callback()
                return await told if inspect.isawaitable(told) else None

    async def _open(self, call: Call, options: Options) -> _Stream:
        import httpx2  # noqa: PLC0415

        content = _chunks(call.body) if isinstance(call.body, Form) else call.body
        client = self._client(call)
        try:
            request = client.build_request(
                call.method, call.url, headers=call.all_headers(), content=content, timeout=timeouts(call, options)
            )
            response = await client.send(request, stream=True, follow_redirects=False)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            raise failure(error, call) from error
        return _Stream(response, call)

    async def _read(self, stream: _Stream) -> bytes:
        import httpx2  # noqa: PLC0415

        try:
            return await anext(stream.chunks, b"")
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise failure(error, stream.call) from error

    def _client(self, call: Call) -> httpx2.AsyncClient:
        import httpx2  # noqa: PLC0415

        if self._borrowed is not None:
            return self._borrowed
        own = self._given is None and is_own_machine(call)
        if own not in self._clients:
            if self._given is not None:
                self._clients[own] = httpx2.AsyncClient(transport=self._given, trust_env=False)
            elif own:
                self._clients[own] = httpx2.AsyncClient(trust_env=False, verify=no_certificates())
            else:
                self._clients[own] = httpx2.AsyncClient()
        return self._clients[own]


class AsyncClient:
    """Talks to a longtake server, or to another one of the same API, without stopping the event loop.

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
        transport: httpx2.AsyncBaseTransport | None = None,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._options = options_of(url, api_key, timeout_s, max_retries, headers)
        self._transport = _Transport(transport, http_client)

    @classmethod
    def local(cls, home: str | os.PathLike[str] | None = None) -> Self:
        """A client of a server inside this process: no server, no key, no socket. Needs longtake itself.

        `home` is its data folder, which no other process may have at the time; without one a temporary folder vanishes
        with it. The server starts with the first request and ends with `close`. For event loops of asyncio.
        """
        from longtake_client._local import AsyncLocalTransport, new_key  # noqa: PLC0415

        key = new_key()
        transport = AsyncLocalTransport(None if home is None else Path(home), key)
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
    ) -> AsyncClient:
        """A client that differs in these and shares the connections."""
        copy = AsyncClient.__new__(AsyncClient)
        copy._options = changed(self._options, timeout_s, max_retries, headers)  # noqa: SLF001
        copy._transport = self._transport  # noqa: SLF001
        return copy

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def create(self, **wishes: Unpack[CreateWishes]) -> AsyncTaskHandle:
        """Make a video from words, or from pictures."""
        return await self._handle(flows.submitting(self._options.manner, "create", wishes, None))

    async def extend(self, *, on_upload: Bytes | None = None, **wishes: Unpack[ExtendWishes]) -> AsyncTaskHandle:
        """Continue a video from any second. `on_upload` is told how many bytes of a `video` have gone, of how many."""
        return await self._handle(flows.submitting(self._options.manner, "extend", wishes, on_upload))

    async def remix(self, **wishes: Unpack[RemixWishes]) -> AsyncTaskHandle:
        """Make a finished video anew by another prompt."""
        return await self._handle(flows.submitting(self._options.manner, "remix", wishes, None))

    def task(self, task_id: str) -> AsyncTaskHandle:
        """A handle of a task that was made before, from its id. Nothing is asked yet."""
        return AsyncTaskHandle(self, task_id)

    async def query(self, task_id: str) -> Task:
        """How a task stands."""
        return await self._run(flows.querying(self._options.manner, task_id))

    async def record(self, task_id: str) -> Task:
        """How a task stands, with longtake's own words beside (`step`, `operation`, `sequence`) where there are any."""
        return await self._run(flows.querying(self._options.manner, task_id, exact=True))

    async def wait(
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
            on_progress: Told of the task at every change; may be a coroutine function.
            cancel_on_interrupt: Whether the task is cancelled when this call is. Without it the task goes on; either
                way a note of the exception says its id.
            poll_s: Seconds between two looks; without it, as the server says.
            patience_s: How long the server may be away, once it has answered.
            exact: Look as `record` does.
        """
        try:
            return await self._run(
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
        except BaseException as error:
            import anyio  # noqa: PLC0415

            if isinstance(error, anyio.get_cancelled_exc_class()):
                with anyio.move_on_after(_CANCEL_LIMIT_S, shield=True), suppress(ClientError):
                    if cancel_on_interrupt:
                        await self.cancel(task_id)
                error.add_note(flows.interrupted_words(task_id, cancel=cancel_on_interrupt))
            raise

    async def cancel(self, task_id: str) -> Task:
        """Cancel a task (longtake); one that has ended stays as it is."""
        return await self._run(flows.cancelling(self._options.manner, task_id))

    async def delete(self, task_id: str) -> None:
        """Delete an ended task, or an upload, with its files (longtake)."""
        await self._run(flows.deleting(self._options.manner, task_id))

    async def save(
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
        return await self._run(flow)

    async def write(
        self, task: Task | str, file: BinaryIO, *, variant: str = VIDEO, on_bytes: Bytes | None = None
    ) -> int:
        """Write a finished task's video to an open file or pipe; its size in bytes."""
        flow = downloading(self._options.manner, task, PipeSink(file), variant=variant, on_bytes=on_bytes)
        return await self._run(flow)

    async def upload(self, file: FileSource, *, filename: str | None = None, on_upload: Bytes | None = None) -> Upload:
        """Store a video or picture. `on_upload` is told how many bytes have gone, of how many."""
        return await self._run(flows.uploading(self._options.manner, file, filename, on_upload))

    async def page(
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
        return await self._run(flows.listing(self._options.manner, query))

    async def tasks(
        self,
        *,
        limit: int | None = None,
        order: str | None = None,
        status: str | None = None,
        operation: str | None = None,
    ) -> AsyncIterator[Task]:
        """All tasks, newest first (longtake); pages of `limit` are asked for as they are needed."""
        after: str | None = None
        while True:
            page = await self.page(limit=limit, after=after, order=order, status=status, operation=operation)
            for task in page.tasks:
                yield task
            if not page.has_more or not page.tasks:
                return
            after = page.tasks[-1].id

    async def models(self) -> list[Model]:
        """The models that the server offers."""
        return read_models(await self.request("GET", "/v1/models"))

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Json:
        """Send any request of the server's API; the JSON object that it answers."""
        found, _ = await self._run(flows.requesting(self._options.manner, method, path, query=query, body=body))
        return found

    async def _run(self, flow: Flow[Result]) -> Result:
        return await self._transport.run(flow, self._options)

    async def _handle(self, flow: Flow[Task]) -> AsyncTaskHandle:
        task = await self._run(flow)
        return AsyncTaskHandle(self, task.id, task)


class AsyncTaskHandle:
    """A task on a server, by its id."""

    def __init__(self, client: AsyncClient, task_id: str, submitted: Task | None = None) -> None:
        self._client = client
        self.id = task_id
        self.submitted = submitted
        """What the server answered when it was made; None for a handle made from an id."""

    def __repr__(self) -> str:
        return f"AsyncTaskHandle({self.id!r})"

    async def status(self) -> Task:
        """How it stands."""
        return await self._client.query(self.id)

    async def wait(
        self,
        *,
        timeout_s: float | None = None,
        on_progress: Progress | None = None,
        cancel_on_interrupt: bool = False,
        poll_s: float | None = None,
    ) -> Task:
        """The finished task, as `AsyncClient.wait`. Raises TaskFailed where it ends without a video."""
        task = await self._client.wait(
            self.id,
            timeout_s=timeout_s,
            on_progress=on_progress,
            cancel_on_interrupt=cancel_on_interrupt,
            poll_s=poll_s,
        )
        return finished(task)

    async def result(self) -> Task:
        """The finished task, without waiting. Raises TaskNotFinished while it works, TaskFailed at a bad end."""
        return finished(await self.status())

    async def cancel(self) -> Task:
        """Cancel it; a task that has ended stays as it is."""
        return await self._client.cancel(self.id)

    async def delete(self) -> None:
        """Delete it, once it has ended, with its files."""
        await self._client.delete(self.id)

    async def save(
        self, target: str | os.PathLike[str], *, variant: str = VIDEO, on_bytes: Bytes | None = None
    ) -> Path:
        """Write its video to a file, as `AsyncClient.save`."""
        return await self._client.save(self.id, target, variant=variant, on_bytes=on_bytes)
