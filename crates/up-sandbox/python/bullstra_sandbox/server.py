"""The WSGI application: who asks, may they, is it well-formed, and then hooks and moto."""

from __future__ import annotations

import io
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from http.client import responses
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app

from . import control, credentials, faults, garble, hooks, pages, policy, speed, stale, throttling
from . import unread, validate, wire, world
from .call import Call, Refusal
from .fault_actions import Cut
from .record import is_mutating, record, resources_of

log = logging.getLogger(__name__)

StartResponse = Callable[..., Any]

_dispatch = speed.Dispatcher(create_backend_app)


def moto_answers(call: Call) -> wire.Answer:
    """What moto says to a call."""
    unread.reached_moto(call.body)
    try:
        given = ask_moto(call.environ, call.body)
    except NotImplementedError as error:
        raise not_implemented(call) from error
    # An operation whose path moto does not know ends at werkzeug's own page.
    if given[0] in (404, 405) and given[2].startswith(b"<!doctype html>"):
        raise not_implemented(call)
    return given


def not_implemented(call: Call) -> Refusal:
    """What the sandbox answers to an operation that neither moto nor a hook has."""
    return Refusal("NotImplemented", f"the sandbox has no {call.operation} of {call.service}", 501)


def ask_moto(environ: dict[str, Any], body: bytes) -> wire.Answer:
    """Passes a request to moto's own application."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
        started.extend((int(status.split(" ", 1)[0]), headers))
        return lambda _: None

    environ = {**environ, "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO()}
    chunks = _dispatch(environ, start_response)
    try:
        answered = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    return started[0], dict(started[1]), answered


class Sandbox:
    """The application a WSGI server runs."""

    def __init__(self) -> None:
        speed.remember()
        unread.watch_moto()
        hooks.use(moto_answers)
        hooks.load_services()
        self.last_request = world.clock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        self.last_request = world.clock()
        body = read_body(environ)
        # moto matches percent-encoded paths, and looks for them where werkzeug's own server puts them.
        environ["RAW_URI"] = environ.get("REQUEST_URI") or environ.get("PATH_INFO", "/")
        if environ.get("PATH_INFO", "").startswith("/_sandbox/"):
            status, headers, answered = control.answer(environ, body)
        else:
            status, headers, answered = self.serve(environ, body)
        claimed = headers.pop(garble.CLAIMED_LENGTH, str(len(answered)))
        headers["Content-Length"] = headers.get("Content-Length") if is_head(environ) else claimed
        listed = [(name, str(value)) for name, value in headers.items() if value is not None]
        start_response(f"{status} {responses.get(status, 'Unknown')}", listed)
        return [b"" if is_head(environ) else answered]

    def serve(self, environ: dict[str, Any], body: bytes) -> wire.Answer:
        """Answers one call of AWS and records it."""
        began = time.perf_counter()
        call: Call | None = None
        refusal: Refusal | None = None
        try:
            call = wire.parse(environ, body)
            given = self.answer(call) if call else self.pass_through(environ, body)
        except Cut:
            assert call is not None, "only calls meet faults"
            note(call, (0, {}, b""), Refusal("ConnectionCut", "there was no answer"), since(began))
            raise
        except Refusal as refused:
            call, refusal = call or getattr(refused, "call", None), refused
            given = wire.answer(call, refused) if call else plain(refused)
        if call:
            given = wire.with_request_id(given, call)
            note(call, given, refusal, since(began))
        return given

    def answer(self, call: Call) -> wire.Answer:
        """Answers a parsed call, through the faults it meets; raises the refusal there is to make, or `Cut`."""
        try:
            return faults.run(call, self.decide)
        except (Refusal, Cut):
            raise
        except Exception as error:
            log.exception("%s %s failed: %s", call.service, call.operation, call.params)
            # No error of AWS's and no status an SDK would try again: this is a defect of the sandbox.
            raise Refusal("SandboxFailure", f"{call.operation}: {type(error).__name__}: {error}", 501) from error

    def decide(self, call: Call) -> wire.Answer:
        """What AWS decides on a call, were it not for faults."""
        credentials.check(call)
        throttling.take(call)
        world.visited.add((call.account, call.region, call.service))
        policy.check(call)
        validate.check(call)
        if len(call.access_key) == 12:
            call.environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
        with hooks.lock:
            stale.keep(call, faults.stale_seconds)
            with unread.following(call) as reading:
                given = hooks.run(call)
                reading.succeeded = given[0] < 400
        call.trace.done = call.trace.done or given[0] < 400
        return given

    def pass_through(self, environ: dict[str, Any], body: bytes) -> wire.Answer:
        """What botocore knows no operation for, such as fetching a presigned object or moto's own pages."""
        try:
            with hooks.lock:
                return ask_moto(environ, body)
        except Exception as error:
            log.exception("%s failed", environ.get("PATH_INFO"))
            raise Refusal("SandboxFailure", f"{type(error).__name__}: {error}", 501) from error


def since(began: float) -> float:
    """The milliseconds since a time of the performance counter."""
    return (time.perf_counter() - began) * 1000


def note(call: Call, given: wire.Answer, refusal: Refusal | None, milliseconds: float) -> None:
    """Records a call."""
    status = given[0]
    if refusal is None and status >= 400:
        try:
            wire.result(call, given)
        except Refusal as refused:
            refusal = refused
    record.add(
        time=world.clock(),
        service=call.service,
        operation=call.operation,
        mutating=is_mutating(call),
        follows=pages.follows(call),
        region=call.region,
        resources=resources_of(call),
        actions=policy.actions(call),
        status=status,
        error=refusal.code if refusal else None,
        message=refusal.message if refusal else None,
        request_id=call.request_id,
        access_key=call.access_key,
        account=call.account,
        caller=call.caller,
        milliseconds=round(milliseconds, 2),
        faults=call.trace.faults,
        done=call.trace.done,
    )


def plain(refusal: Refusal) -> wire.Answer:
    """A refusal of something that is no operation of any service."""
    text = f"{refusal.code}: {refusal.message}".encode()
    return refusal.status or 400, {"Content-Type": "text/plain", "x-amzn-RequestId": str(uuid.uuid4())}, text


def read_body(environ: dict[str, Any]) -> bytes:
    """All of a request's body; the server has already undone a chunked transfer."""
    source = environ.get("wsgi.input")
    length = environ.get("CONTENT_LENGTH")
    return source.read(int(length)) if source and length else b""


def is_head(environ: dict[str, Any]) -> bool:
    """Whether only headers are wanted."""
    return environ.get("REQUEST_METHOD") == "HEAD"
