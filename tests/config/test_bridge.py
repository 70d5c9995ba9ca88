"""Nobody who is slow holds a thread, and WSGI applications notice nothing of it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from wsgiref.validate import validator

import pytest

from config.bridge import PIECE, Bridge, Limits

SOON = 5.0  # seconds after which a test has waited in vain
NEVER = None


class Visitor:
    """Sends `pieces` of a body, where NEVER means that nothing comes any more; takes so many pieces of the answer."""

    def __init__(self, method="GET", path=b"/", query=b"", headers=(), pieces=(b"",), takes=1_000):
        self.scope = {
            "type": "http",
            "method": method,
            "http_version": "1.1",
            "scheme": "http",
            "path": "not asked for",
            "raw_path": path,
            "query_string": query,
            "headers": list(headers),
            "server": ("10.0.0.1", "8000"),
            "client": ("203.0.113.9", "50000"),
        }
        self.pieces, self.takes = list(pieces), takes
        self.sent = []

    async def receive(self):
        piece = self.pieces.pop(0) if self.pieces else NEVER
        if piece is NEVER:
            await asyncio.Event().wait()
        if piece == "leaves":
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message):
        if message["type"] == "http.response.body" and len(self.sent) > self.takes:
            await asyncio.Event().wait()
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return self.sent[0]["headers"]

    @property
    def body(self):
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def is_answered(self):
        return len(self.sent) > 1 and not self.sent[-1].get("more_body")


class App:
    """Answers with `body`, and remembers what it was asked and that its answers were closed."""

    def __init__(self, *body):
        self.body = body or (b"Hello",)
        self.asked, self.read, self.made, self.closed = [], [], 0, 0

    def __call__(self, environ, start_response):
        self.asked.append(environ)
        self.read.append(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        start_response(
            "200 Quite OK", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        )
        return self

    def __iter__(self):
        for piece in self.body:
            if isinstance(piece, Exception):
                raise piece
            self.made += 1
            yield piece

    def close(self):
        self.closed += 1


def visit(app, *visitors, threads=1, **limits):
    """In a thread of its own: the test's may have an event loop already, a browser's."""

    async def all_at_once():
        bridge = Bridge(app, threads=threads, limits=Limits(**limits))
        calls = [bridge(each.scope, each.receive, each.send) for each in visitors]
        await asyncio.wait_for(asyncio.gather(*calls), SOON)

    with ThreadPoolExecutor(1) as own:
        own.submit(lambda: asyncio.run(all_at_once())).result()
    return visitors[0]


def post(*pieces, headers=(), **more):
    return Visitor("POST", pieces=pieces, headers=headers, **more)


# What the application is told


def test_application_is_asked_and_answers_as_pep_3333_says():
    app = App(b"Hello, ", b"world")
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"4")]
    visitor = visit(validator(app), post(b"body", headers=headers, path=b"/a", query=b"b=c"))
    assert (visitor.status, visitor.body, app.closed) == (200, b"Hello, world", 1)
    assert visitor.headers == [
        (b"content-type", b"text/plain"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
    told = app.asked[0]
    assert (told["REQUEST_METHOD"], told["PATH_INFO"], told["QUERY_STRING"]) == ("POST", "/a", "b=c")
    assert (told["CONTENT_TYPE"], told["CONTENT_LENGTH"]) == ("text/plain", "4")
    assert (told["REMOTE_ADDR"], told["SERVER_NAME"], told["SERVER_PORT"]) == (
        "203.0.113.9",
        "10.0.0.1",
        "8000",
    )
    assert (told["wsgi.url_scheme"], told["SERVER_PROTOCOL"]) == ("http", "HTTP/1.1")


def test_path_is_decoded_once_and_byte_by_byte():
    app = App()
    visit(app, Visitor(path=b"/caf%C3%A9/%FF/100%2525", query=b"q=%C3%A9"))
    path = app.asked[0]["PATH_INFO"]
    assert path.encode("latin-1") == "/café/".encode() + b"\xff/100%25"
    assert app.asked[0]["QUERY_STRING"] == "q=%C3%A9"


def test_headers_that_come_twice_are_joined_and_those_with_underscores_dropped():
    app = App()
    headers = [
        *((b"cookie", b"a=1"), (b"cookie", b"b=2")),
        *(
            (b"x-forwarded-for", b"1.1.1.1"),
            (b"x-forwarded-for", b"2.2.2.2"),
            (b"x_forwarded_for", b"6.6.6.6"),
        ),
        (b"x-name", "Zoë".encode()),
    ]
    visit(app, Visitor(headers=headers))
    told = app.asked[0]
    assert told["HTTP_COOKIE"] == "a=1; b=2"
    assert told["HTTP_X_FORWARDED_FOR"] == "1.1.1.1,2.2.2.2"
    assert told["HTTP_X_NAME"].encode("latin-1") == "Zoë".encode()


def test_body_in_pieces_is_one_and_its_length_is_what_came():
    app, whole = App(), b"x" * (PIECE + 10)
    visit(app, post(whole[:5], whole[5:-1], whole[-1:], headers=[(b"transfer-encoding", b"chunked")]))
    assert app.read == [whole]
    assert app.asked[0]["CONTENT_LENGTH"] == str(len(whole))


def test_head_is_answered_without_making_the_body():
    app = App(b"Hello")
    visitor = visit(app, Visitor("HEAD"))
    assert (visitor.status, visitor.body, app.made, app.closed) == (200, b"", 0, 1)


# Slow and greedy visitors


def test_bodies_that_never_come_hold_no_thread():
    app = App()
    stalled = [post(b"begun", NEVER) for _ in range(20)]
    other = Visitor()
    visit(app, *stalled, other, threads=1, silent_seconds=0.3)
    assert (other.status, len(app.asked)) == (200, 1)
    assert [each.status for each in stalled] == [408] * 20
    assert (b"connection", b"close") in stalled[0].headers
    assert b"try again" in stalled[0].body


def test_body_that_drips_is_given_up_when_its_time_is_over():
    class Dripping(Visitor):
        async def receive(self):
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b"x", "more_body": True}

    app = App()
    assert visit(app, Dripping("POST"), body_seconds=0.2, silent_seconds=SOON).status == 408
    assert app.asked == []


def test_body_that_is_too_large_is_read_to_its_end_and_refused():
    app = App()
    visitor = visit(app, post(b"x" * 6, b"x" * 6, b"x"), body_bytes=10, drained_bytes=100)
    assert (visitor.status, visitor.pieces, app.asked) == (413, [], [])
    assert visit(app, post(b"x" * 10), body_bytes=10).status == 200


def test_body_that_never_ends_is_refused():
    app = App()
    visitor = visit(app, post(*[b"x" * 10] * 50), body_bytes=10, drained_bytes=100)
    assert (visitor.status, app.asked) == (413, [])
    assert visitor.pieces


@pytest.mark.parametrize("length", [b"101", b"9" * 30])
def test_body_that_is_announced_as_far_too_large_is_not_read(length):
    visitor = visit(
        App(), post(b"x", headers=[(b"content-length", length)]), body_bytes=10, drained_bytes=100
    )
    assert (visitor.status, visitor.pieces) == (413, [b"x"])


@pytest.mark.parametrize("pieces", [["leaves"], [b"begun", "leaves"]])
def test_visitor_who_leaves_before_the_body_is_there_costs_no_thread(pieces):
    app = App()
    visitor = visit(app, post(*pieces))
    assert (visitor.sent, app.asked) == ([], [])


def test_slow_readers_hold_no_thread_and_little_memory():
    app = App(*[b"x" * PIECE] * 100)
    slow = [Visitor(takes=2) for _ in range(20)]
    other = Visitor("HEAD")
    visit(app, *slow, other, threads=1, silent_seconds=0.3)
    assert other.is_answered
    assert not any(each.is_answered for each in slow)
    assert app.made <= 20 * 4
    assert app.closed == 21


def test_reader_who_takes_everything_gets_everything():
    app = App(*[b"x" * PIECE] * 5, b"the end")
    visitor = visit(app, Visitor())
    assert visitor.body == b"x" * 5 * PIECE + b"the end"
    assert (visitor.is_answered, app.closed) == (True, 1)


def test_answer_is_not_made_to_its_end_for_a_reader_who_leaves():
    app = App(*[b"x" * PIECE] * 100)
    visit(app, Visitor(pieces=[b"", "leaves"]))
    assert app.made < 10
    assert app.closed == 1


# Trouble of our own


@pytest.mark.parametrize("body", [[ValueError("broken")], [b"x" * PIECE, ValueError("broken")]])
def test_answer_that_breaks_is_closed_and_the_server_hears_of_it(body):
    app = App(*body)
    with pytest.raises(ValueError, match="broken"):
        visit(app, Visitor())
    assert app.closed == 1


def test_only_so_many_requests_are_worked_on_at_once():
    busy, most, lock = 0, 0, threading.Lock()

    def app(environ, start_response):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        threading.Event().wait(0.02)
        with lock:
            busy -= 1
        start_response("200 OK", [])
        return [b""]

    visitors = [Visitor() for _ in range(12)]
    visit(app, *visitors, threads=3)
    assert most == 3
    assert all(each.is_answered for each in visitors)
