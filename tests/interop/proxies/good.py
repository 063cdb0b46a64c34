"""What every configuration that is right does: messages, headers, streams, polls, heartbeat, resume."""
import asyncio
import concurrent.futures
import http.client
import json
import os
import signal
import socket
import struct
import threading
import time

import websockets
import wire
from agent_kit import Session
from agent_lib import PATH, TERMINAL, Server
from cases import case
from client import Lines, Peer, ask, begin, message
from proxy import SOON, wait_for

def echoes(port):
    """Text, binary and 1 MiB each way; a ping is answered; Close with code and reason."""
    with Peer(port, "/echo") as peer:
        assert peer.status() == 101, peer.head
        assert peer.field("Wick-Server"), peer.head
        peer.echo(wire.TEXT, "t\u00f6k\U0001f642".encode())
        peer.echo(wire.BINARY, bytes(range(256)))
        peer.echo(wire.BINARY, os.urandom(1 << 20))
        peer.send(wire.frame(wire.PING, b"beat"))
        peer.expect(wire.PONG, b"beat")
        peer.send(wire.frame(wire.CLOSE, wire.close_body(4321, b"enough")))
        assert peer.read_close()[0] == 4321


def passes_headers(port, server):
    """Subprotocol, Authorization, cookies, Origin: as the client sent them. The server needs the token s3cret."""
    for headers in ({"Authorization": "Bearer s3cret"}, {"Cookie": "theme=dark; session_token=s3cret"}):
        with Peer(port, headers={"Sec-WebSocket-Protocol": "agent-events.v1, other", **headers}) as peer:
            assert peer.status() == 101, (headers, peer.head, peer.body)
            assert peer.field("Sec-WebSocket-Protocol") == "agent-events.v1", peer.head
    with Peer(port) as peer:
        assert peer.status() == 401 and peer.problem()["code"] == "AUTH_REQUIRED", (peer.head, peer.body)
        assert peer.field("WWW-Authenticate") == "Bearer" and peer.field("Wick-Server"), peer.head
    with Peer(port, headers={"Origin": "http://evil.example", "Authorization": "Bearer s3cret"}) as peer:
        assert peer.status() == 403 and peer.problem()["code"] == "ORIGIN_NOT_ALLOWED", (peer.head, peer.body)
        assert peer.field("Wick-Server"), "our own refusal has our stamp"
    with Peer(port, "/nowhere", headers={"Authorization": "Bearer s3cret"}) as peer:
        assert peer.status() == 404 and peer.problem()["code"] == "ROUTE_NOT_FOUND", (peer.head, peer.body)
    assert "ORIGIN_NOT_ALLOWED" in server.log() and "AUTH_REQUIRED" in server.log(), server.log()


def delay_of(lines, start="data: "):
    """The longest time that an event of a run was on its way, in ms: the server writes into each when it was made. A busy server
    merges tokens, so their number is not told."""
    longest, count = 0, 0
    while count == 0 or event["type"] not in TERMINAL:
        event = lines.event(start)
        assert event, "the stream ended"
        longest = max(longest, time.time() * 1000 - event["ts"])
        count += 1
    assert count > 4, count
    return longest


def streams_at_once(port, limit=100):
    """SSE and NDJSON, by GET and by POST: no event is held back. A busy machine gets three tries."""
    ways = [("GET", "data: ", "text/event-stream"), ("POST", "data: ", "text/event-stream"),
            ("POST", "", "application/x-ndjson")]
    for method, start, accept in ways:
        for left in (2, 1, 0):
            if method == "GET":
                query, _ = begin(port, "tick ", tokens=12, rate=15)
                lines = Lines(port, f"/api/events?{query}", Accept=accept)
            else:
                lines = Lines(port, PATH, "POST", message("tick ", tokens=12, rate=15), Accept=accept,
                              Content_Type="application/json")
            with lines:
                longest = delay_of(lines, start)
            if longest < limit:
                break
            assert left, f"{method} {accept}: an event came {longest:.0f} ms after it was made"


def streams_late(kind, text, repaired, extra=""):
    """Events are held back by this configuration, and are not when it is repaired."""
    server = Server()
    try:
        with kind(text, server.port, extra) as proxy:
            body = message("tick ", tokens=6, rate=8)
            with Lines(proxy.port, PATH, "POST", body, Accept="text/event-stream", Content_Type="application/json") as lines:
                longest = delay_of(lines)
            assert longest > 120, f"nothing is late: {longest:.0f} ms"
            proxy.change(repaired)
            streams_at_once(proxy.port)
    finally:
        server.stop()


def streams_in_time(kind, text, extra=""):
    server = Server()
    try:
        with kind(text, server.port, extra) as proxy:
            streams_at_once(proxy.port)
    finally:
        server.stop()


def post_chunked(port, path, document):
    """A body without a length: some proxies pass it on as it comes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    text = json.dumps(document).encode()
    connection.request("POST", path, iter([text[:20], text[20:]]), {"Content-Type": "application/json"}, encode_chunked=True)
    status = connection.getresponse().status
    connection.close()
    return status


def long_polls(port):
    """An answer comes when there is an event, not before and not at the end of the time; POST feeds the session."""
    query, _ = begin(port, "first")
    cursor, events = None, []
    while not events or events[-1]["type"] != "agent.completed":
        after = f"&after={cursor}" if cursor else ""
        status, _, body = ask(port, "GET", f"/api/events?{query}{after}&wait_ms=5000", Accept="application/json")
        assert status == 200, body
        answer = json.loads(body)
        events += answer["events"]
        cursor = answer["next"]

    def feed():
        time.sleep(0.3)
        assert post_chunked(port, f"/api/events?{query}", {**message("second"), "id": "2"}) == 202
    thread = threading.Thread(target=feed)
    before = time.monotonic()
    thread.start()
    status, _, body = ask(port, "GET", f"/api/events?{query}&after={cursor}&wait_ms=10000", Accept="application/json")
    took = time.monotonic() - before
    thread.join()
    assert status == 200 and json.loads(body)["events"][0]["type"] == "agent.started", body
    assert 0.25 < took < 4, took


def holds_while_idle(port, seconds, headers=None):
    """A WebSocket and a stream on which nothing happens but the heartbeat stay open; both still work afterwards."""
    query, answer = begin(port, "x")
    with Peer(port, "/ws", headers) as peer, Lines(port, f"/api/events?{query}", Last_Event_ID=f"{answer['cursor'].split(':')[0]}:3",
                                          Accept="text/event-stream", timeout=SOON) as lines:
        end = time.monotonic() + seconds
        pings = comments = 0

        def read_comments():
            nonlocal comments
            while time.monotonic() < end:
                line = lines.line()
                assert line, "the stream of events was cut"
                comments += line.startswith(":")
        failed = []

        def reader():
            try:
                read_comments()
            except Exception as error:
                failed.append(error)
        thread = threading.Thread(target=reader)
        thread.start()
        while time.monotonic() < end:
            opcode, _, payload = peer.read_frame()
            assert opcode == wire.PING, (opcode, payload)
            pings += 1
            peer.send(wire.frame(wire.PONG, payload))
        thread.join(SOON)
        assert not failed, failed[0]
        assert pings >= 2 and comments >= 2, (pings, comments)
        peer.send(wire.frame(wire.TEXT, b'{"type":"ping"}'))
        while (got := peer.read_frame())[0] == wire.PING:
            peer.send(wire.frame(wire.PONG, got[2]))
        assert got[2] == b'{"type":"pong"}', got


def is_cut(port, least, most, path="/ws"):
    """Without a heartbeat the proxy ends the connection: FIN, no Close frame, after its timeout."""
    with Peer(port, path, timeout=most + 1) as peer:
        assert peer.status() == 101, peer.head
        before = time.monotonic()
        assert peer.read_all() == b"", "a proxy writes no Close frame"
        took = time.monotonic() - before
        assert least <= took <= most, f"cut after {took:.2f} s"


async def resume(proxy, disturb, cuts):
    """A run is read to its end while disturb() works on the proxy in a thread: nothing lost, nothing twice."""
    client = Session(proxy.url)
    await client.open()
    await client.ask("t\u00f6k ", {"surface": "experience_pillar", "tokens": 1500, "rate": 500})
    await client.until("agent.token")
    work = asyncio.get_running_loop().run_in_executor(None, disturb)
    opened = 0
    while not any(event["type"] in TERMINAL for event in client.events):
        if work.done():
            work.result()
        try:
            if client.ws is None:
                assert (await client.open())["recovered"]
                opened += 1
            await client.hear()
        except (websockets.ConnectionClosed, websockets.InvalidHandshake, EOFError, OSError):
            client.ws = None
            await asyncio.sleep(0.05)
    await work
    assert client.text() == "t\u00f6k " * 1500 and client.last == 1502 and not client.resets, client.last
    assert client.events[-1]["type"] == "agent.completed"
    assert opened >= cuts, f"{opened} times opened again, {cuts} cuts"
    await client.ws.close()


def disturb(proxy):
    """Two reloads and a kill -9."""
    time.sleep(0.3)
    proxy.reload()
    time.sleep(0.6)
    proxy.kill()
    proxy.start()
    time.sleep(0.3)
    proxy.reload()


def resumes(proxy, cuts):
    """On a WebSocket, in the middle of a run; cuts: how many connections it takes at least."""
    asyncio.run(asyncio.wait_for(resume(proxy, lambda: disturb(proxy), cuts), 60))


def read_stream(proxy, query, cursor, take):
    """Events from a cursor to wherever the stream ends."""
    try:
        with Lines(proxy.port, f"/api/events?{query}", Last_Event_ID=cursor, Accept="text/event-stream") as lines:
            while (event := lines.event()) is not None and not take(event):
                pass
    except (OSError, http.client.HTTPException):
        time.sleep(0.05)  # refused, cut off in the middle, or a 502


def resumes_events(proxy):
    """The same on server-sent events, with Last-Event-ID. Not every reload cuts them, the kill does."""
    query, answer = begin(proxy.port, "t\u00f6k ", tokens=1500, rate=500)
    epoch = answer["cursor"].split(":")[0]
    events, opened, last = [], 0, 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        work = pool.submit(disturb, proxy)

        def take(event):
            nonlocal last
            assert event.get("first_seq", event["seq"]) == last + 1, f"{event} after {last}"
            last = event["seq"]
            events.append(event)
            return event["type"] in TERMINAL
        end = time.monotonic() + 60
        while not events or events[-1]["type"] not in TERMINAL:
            assert time.monotonic() < end, f"no end of the run behind {last}"
            read_stream(proxy, query, f"{epoch}:{last}", take)
            opened += 1
        work.result()
    assert last == 1502 and opened > 1, (last, opened)
    assert "".join(e["payload"]["text"] for e in events if e["type"] == "agent.token") == "t\u00f6k " * 1500


def says_goodbye(port, server):
    """The server goes: Close 1001 comes through, a stream ends with its last event and in order."""
    with Peer(port, "/ws") as peer, Lines(port, PATH, "POST", message("tick ", tokens=1000, rate=20),
                                          Accept="text/event-stream", Content_Type="application/json") as lines:
        lines.event()
        server.process.send_signal(signal.SIGTERM)
        assert peer.read_close()[0] == 1001
        peer.send(wire.frame(wire.CLOSE, wire.close_body(1001)))
        events = []
        while (event := lines.event()) is not None:
            events.append(event)
        assert events[-1]["type"] == "agent.failed" and events[-1]["payload"]["error"]["code"] == "DRAINING", events[-1:]


def is_noticed_to_go(port, server):
    """A client that goes without a word, by FIN or RST, on a WebSocket or in the middle of a stream: its session is detached."""
    query, _ = begin(port, "tick ", tokens=10000, rate=20)
    for reset in (0, 1):
        with Peer(port, PATH) as peer, Lines(port, f"/api/events?{query}", Accept="text/event-stream") as lines:
            peer.send(wire.frame(wire.TEXT, json.dumps(message("tick ", tokens=10000, rate=20)).encode()))
            peer.read_frame()
            lines.event()
            assert server.health()["detached"] < 2, server.health()
            for s in (peer.socket, lines.response.fp.raw._sock):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))
        wait_for(lambda: server.health()["connections"] == 0 and server.health()["detached"] == 2 + reset,
                 f"the server knows: {server.health()}", 5)


def good(kind, text, short, seconds=2, extra="", cuts=3, prefix=""):
    """The cases of a configuration that is right. short: the same with an idle timeout of that many seconds, with extra; None if
    the proxy has no such timeout. cuts: how many connections end by a reload, kill -9 and another reload."""
    def with_server(*options, text=text, extra="", program="agent_server"):
        def wrap(function):
            def wrapped():
                server = Server(*options, program=program)
                try:
                    with kind(text, server.port, extra) as proxy:
                        function(proxy, server)
                    status = server.stop()
                    assert status == 0, f"exit status {status} {server.log()}"
                finally:
                    server.stop(signal.SIGKILL)
            wrapped.__name__ = prefix + "good_" + function.__name__
            return case(wrapped)
        return wrap

    beat = ("--ping-interval", "500", "--comment-interval", "500")

    @with_server(*beat, text=short or text, extra=extra)
    def heartbeat(proxy, server):
        holds_while_idle(proxy.port, seconds + 1.5)

    if short:
        @with_server("--ping-interval", "0", text=short, extra=extra)
        def without_heartbeat_it_is_cut(proxy, server):
            is_cut(proxy.port, seconds - 0.3, seconds + 3)

    @with_server()
    def resume(proxy, server):
        resumes(proxy, cuts)

    @with_server()
    def resume_events(proxy, server):
        resumes_events(proxy)

    @with_server(program="echo_server")
    def echo(proxy, server):
        echoes(proxy.port)

    @with_server("--token", "s3cret")
    def headers(proxy, server):
        passes_headers(proxy.port, server)

    @with_server()
    def streams(proxy, server):
        streams_at_once(proxy.port)

    @with_server()
    def drain(proxy, server):
        says_goodbye(proxy.port, server)

    @with_server()
    def client_gone(proxy, server):
        is_noticed_to_go(proxy.port, server)

    @with_server()
    def long_poll_and_post(proxy, server):
        long_polls(proxy.port)
