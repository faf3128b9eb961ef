"""One POST, on real sockets: what every kind of answer and failure becomes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from loopsim.webhooks.attempt import MAX_ANSWER, Sender, retry_after
from loopsim.webhooks.reply import Reply
from loopsim.webhooks.targets import Target, target_of
from tests.webhooks.conftest import PATIENCE, Answer, Receiver, Request, answering

HEADERS = {"Content-Type": "application/json", "User-Agent": "loopsim/test"}


async def to(receiver: Receiver, sender: Sender, *, url: str | None = None, timeout_ms: int = 5_000) -> Reply:
    url = url or receiver.url
    target = target_of(url)
    assert target is not None
    async with asyncio.timeout(PATIENCE):
        return await sender.post(url, target, b'{"a":1}', HEADERS, timeout_ms)


def sent(answer: Answer, post: Callable[[Receiver, Sender], Awaitable[Reply]] = to) -> tuple[Reply, Receiver]:
    """What a receiver's answer becomes."""

    async def story() -> tuple[Reply, Receiver]:
        receiver, sender = Receiver(answer), Sender()
        await receiver.start()
        try:
            return await post(receiver, sender), receiver
        finally:
            await sender.close()
            await receiver.stop()

    return asyncio.run(story())


def raw(data: bytes | None) -> Answer:
    async def answer(_request: Request) -> bytes | None:
        return data

    return answer


async def never(_request: Request) -> bytes | None:
    await asyncio.Event().wait()
    return None


def test_a_receiver_sees_one_plain_post() -> None:
    _, receiver = sent(answering())
    (request,) = receiver.requests
    assert request.line == "POST /webhooks HTTP/1.1"
    assert request.body == b'{"a":1}'
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "content-type": "application/json",
        "user-agent": "loopsim/test",
        "content-length": "7",
    }


def test_the_answer_is_kept_with_status_headers_and_body() -> None:
    reply, _ = sent(answering(202, "gewiß".encode(), X_Seen="yes"))
    assert (reply.status, reply.body, reply.error) == (202, "gewiß", None)
    assert reply.headers["X-Seen"] == "yes"
    assert reply.duration_ms > 0


def test_headers_that_are_no_text_are_kept_as_text() -> None:
    reply, _ = sent(raw(b"HTTP/1.1 200 OK\r\nX-Seen: a\xff\r\nRetry-After: \xff\r\nContent-Length: 0\r\n\r\n"))
    assert (reply.headers["X-Seen"], reply.retry_after) == ("a\ufffd", None)
    assert msgspec.json.encode(reply)


def test_a_redirect_is_not_followed() -> None:
    reply, receiver = sent(answering(307, b"", Location="/elsewhere"))
    assert reply.status == 307
    assert len(receiver.requests) == 1


def test_a_cookie_is_not_sent_back() -> None:
    async def twice(receiver: Receiver, sender: Sender) -> Reply:
        await to(receiver, sender)
        return await to(receiver, sender)

    _, receiver = sent(answering(Set_Cookie="a=b; Path=/"), twice)
    assert "cookie" not in receiver.requests[1].headers


def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    reply, _ = sent(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n" + b"x" * (MAX_ANSWER + 5)))
    assert (reply.status, len(reply.body)) == (200, MAX_ANSWER)


def test_after_a_long_answer_the_next_post_is_answered_as_well() -> None:
    async def twice(receiver: Receiver, sender: Sender) -> Reply:
        await to(receiver, sender)
        return await to(receiver, sender)

    reply, _ = sent(answering(200, b"x" * MAX_ANSWER * 3), twice)
    assert (reply.status, len(reply.body)) == (200, MAX_ANSWER)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (raw(None), "reset"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), "timeout"),
        (raw(b"SMTP ready\r\n\r\n"), "malformed"),
        (never, "timeout"),
    ],
    ids=["hung up", "body never comes", "no HTTP", "silence"],
)
def test_a_failure_is_a_reply_with_a_name(answer: Answer, error: str) -> None:
    async def briefly(receiver: Receiver, sender: Sender) -> Reply:
        return await to(receiver, sender, timeout_ms=5_000 if error != "timeout" else 100)

    reply, _ = sent(answer, briefly)
    assert (reply.status, reply.error) == (None, error)


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    async def answer(request: Request) -> bytes | None:
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhal" if len(request.body) else None

    async def broken(receiver: Receiver, sender: Sender) -> Reply:
        posting = asyncio.create_task(to(receiver, sender))
        await receiver.got(1)
        await receiver.stop()
        return await posting

    reply, _ = sent(answer, broken)
    assert (reply.status, reply.error) == (None, "reset")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "wms.localhost"])
def test_nobody_there_is_refused(host: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        async def nobody(receiver: Receiver, sender: Sender) -> Reply:
            return await to(receiver, sender, url=f"http://{host}:{port}/")

        reply, _ = sent(answering(), nobody)
    assert (reply.status, reply.error) == (None, "refused")


@pytest.mark.parametrize("host", ["localhost", "wms.localhost", "LOCALHOST."])
def test_names_of_loopback_need_no_resolver(host: str) -> None:
    async def named(receiver: Receiver, sender: Sender) -> Reply:
        return await to(receiver, sender, url=f"http://{host}:{receiver.port}/webhooks")

    reply, _ = sent(answering(), named)
    assert reply.status == 200


def test_nothing_is_posted_where_the_url_leads_elsewhere_than_was_allowed() -> None:
    async def misled(receiver: Receiver, sender: Sender) -> Reply:
        return await sender.post(receiver.url, Target("localhost", receiver.port, True), b"{}", HEADERS, 5_000)

    reply, receiver = sent(answering(), misled)
    assert (reply.error, receiver.requests) == ("url", [])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("9" * 400, 1e9),
        ("Sat, 01 Jan 2000 00:01:00 GMT", 60.0),
        ("Fri, 31 Dec 1999 23:00:00 GMT", 0.0),
        ("31 Dec 1000000000000 23:59:59 GMT", None),
        ("Sat, 01 Jan 2000 00:01:00 +99999999999999", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(value: str, seconds: float | None) -> None:
    assert retry_after(value, 946_684_800.0) == seconds


def test_each_post_has_a_limit_of_its_own() -> None:
    ended: list[int] = []

    async def posts(receiver: Receiver, sender: Sender) -> Reply:
        async def one(timeout_ms: int) -> Reply:
            reply = await to(receiver, sender, timeout_ms=timeout_ms)
            ended.append(timeout_ms)
            return reply

        replies = await asyncio.gather(*(one(timeout_ms) for timeout_ms in (200, 50, 350, 120)))
        assert {reply.error for reply in replies} == {"timeout"}
        assert all(reply.duration_ms >= limit - 2 for reply, limit in zip(replies, (200, 50, 350, 120), strict=True))
        return replies[0]

    sent(never, posts)
    assert ended == [50, 120, 200, 350]


def test_a_post_that_is_broken_off_is_no_timeout() -> None:
    async def post(receiver: Receiver, sender: Sender) -> Reply:
        late = asyncio.create_task(to(receiver, sender, timeout_ms=50))
        task = asyncio.create_task(to(receiver, sender, timeout_ms=5_000))
        reply = await late
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return reply

    reply, _ = sent(never, post)
    assert reply.error == "timeout"


@pytest.mark.parametrize("size", [1, 32 * 1024, 32 * 1024 + 1, 1_000_000])
def test_a_body_of_any_size_arrives_whole(size: int) -> None:
    async def post(receiver: Receiver, sender: Sender) -> Reply:
        target = target_of(receiver.url)
        assert target is not None
        return await sender.post(receiver.url, target, b"x" * size, HEADERS, 5_000)

    reply, receiver = sent(answering(), post)
    assert (reply.status, [len(request.body) for request in receiver.requests]) == (200, [size])
