"""Real proxies in front of real servers: configurations out of docs/proxies.md, a proxy to start, what every good one must do.

A proxy is started with a configuration of docs/proxies.md, where a comment <!-- config: NAME --> stands before the block; only
addresses, and what a case changes on purpose, differ. Cases run side by side: each has its own proxy, and mostly its own server.
"""
import asyncio
import concurrent.futures
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import traceback
import zlib

import websockets
import wire
from agent_lib import BUILD, PATH, TERMINAL, Server
from agent_kit import Session

DOC = "docs/proxies.md"
# The addresses that the documentation uses.
BACKEND = "127.0.0.1:8080"
# How long anything may take that should be done at once.
SOON = 15
# Cases at a time: they wait more than they work.
SIDE_BY_SIDE = 6


def config(name):
    """The block of docs/proxies.md with that name."""
    with open(DOC) as file:
        match = re.search(r"<!-- config: %s -->\n+```\w*\n(.*?)\n```" % re.escape(name), file.read(), re.S)
    if not match:
        raise RuntimeError(f"{DOC} has no configuration {name}")
    return match[1] + "\n"


def without(text, *patterns):
    """Leave the lines out that match; each pattern has to match one at least."""
    for pattern in patterns:
        text, count = re.subn(r"^[^\n]*(?:%s)[^\n]*\n" % pattern, "", text, flags=re.M)
        assert count, f"no line {pattern!r} in\n{text}"
    return text


def instead(text, old, new):
    assert old in text, f"no {old!r} in\n{text}"
    return text.replace(old, new)


def free_port():
    """A port below those that the kernel gives to clients, whose connections may stay for a while."""
    while True:
        port = random.randrange(12000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def wait_for(condition, what, seconds=SOON):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Proxy:
    """A proxy in a folder of its own. What differs is in the classes made of it: frame(), command() and reload()."""

    name = "proxy"
    known_as = ()  # what the server may call it
    stop_signal = signal.SIGTERM

    def __init__(self, text, backend=None, extra=""):
        self.folder = tempfile.mkdtemp(prefix=f"{self.name}-", dir=os.path.abspath(f"{BUILD}/tmp"))
        os.chmod(self.folder, 0o755)
        self.backend, self.text, self.extra, self.process = backend, text, extra, None
        # The port may be taken between asking for it and using it.
        for attempt in range(3):
            self.port = free_port()
            self.write()
            try:
                self.start()
                return
            except AssertionError:
                if attempt == 2 or "ddress already in use" not in self.log():
                    shutil.rmtree(self.folder, True)
                    raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, True)

    def write(self):
        text = self.text
        if self.backend is not None:
            text = text.replace(BACKEND, f"127.0.0.1:{self.backend}")
        text = text.replace(" cert;", f" {self.folder}/cert;").replace(" key;", f" {self.folder}/key;")
        self.file = os.path.join(self.folder, "config")
        with open(self.file, "w") as file:
            file.write(self.frame(text))

    def start(self):
        """Until it listens. One that is started again may find its port in use by children of the one before."""
        end = time.monotonic() + 2
        while not self.started():
            if time.monotonic() > end or "ddress already in use" not in self.log():
                raise AssertionError(f"{self.name} does not start: {self.log()[-1500:]}")
            time.sleep(0.1)

    def started(self):
        with open(os.path.join(self.folder, "out"), "ab") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            cwd=self.folder, env={**os.environ, **self.environment()},
                                            start_new_session=True)
        end = time.monotonic() + SOON
        while not listens(self.port):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                return False
            time.sleep(0.02)
        return True

    def environment(self):
        return {"HOME": self.folder}

    def log(self):
        said = ""
        for name in ("out", "error.log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    said += file.read()
        return said

    def change(self, text):
        """Another configuration, and have it in use when this returns."""
        self.text = text
        self.write()
        self.reload()

    def kill(self):
        """kill -9, the workers too: the group is the proxy's own."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}{PATH}"


# ---- What a client asks -----------------------------------------------------------------------------------------------

def request_head(port, path=PATH, headers=None, method="GET", upgrade=True):
    """A browser's handshake: Origin is the page's own server, which is the proxy."""
    fields = {"Host": f"127.0.0.1:{port}", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
    if upgrade:
        fields.update({"Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                       "Sec-WebSocket-Key": wire.KEY, "Origin": f"http://127.0.0.1:{port}"})
    fields.update({"Accept-Encoding": "gzip, deflate, br", "Cookie": "theme=dark"})
    fields.update(headers or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


class Peer(wire.Peer):
    """wire.Peer with a browser's handshake; head and body of whatever comes instead of 101."""

    def __init__(self, port, path=PATH, headers=None, timeout=SOON):
        super().__init__(port, timeout=timeout, connect=False)
        self.body = b""
        try:
            self.send(request_head(port, path, headers))
            self.head = self.read_head()
            if self.status() != 101:
                self.read_body()
        except BaseException:
            self.socket.close()
            raise

    def read_body(self):
        length = self.field("Content-Length")
        if length is not None:
            self.body = self.take(int(length))
        elif "chunked" in (self.field("Transfer-Encoding") or ""):
            while True:
                size = self.line()
                piece = self.take(int(size, 16) + 2)[:-2]
                self.body += piece
                if not piece:
                    break
        else:
            self.body = self.read_all()
        if self.field("Content-Encoding") == "gzip":
            self.body = zlib.decompress(self.body, 31)

    def line(self):
        while b"\r\n" not in self.kept:
            self.fill(len(self.kept) + 1)
        line, self.kept = self.kept.split(b"\r\n", 1)
        return line

    def problem(self):
        assert (self.field("Content-Type") or "").startswith("application/problem+json"), (self.head, self.body)
        return json.loads(self.body)


def make_certificate(folder):
    """A key and a certificate of its own for 127.0.0.1, as key and cert in the folder."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    f"{folder}/key", "-out", f"{folder}/cert", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)


class TlsPeer(Peer):
    """The same through TLS; any certificate will do."""

    def send(self, data):
        if not isinstance(self.socket, ssl.SSLSocket):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        super().send(data)


def ask(port, method, path, body=None, **headers):
    """One request, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    data = None if body is None else json.dumps(body)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers, content


def message(text, **context):
    return {"type": "agent.message", "payload": {"text": text, "context": {"surface": "experience_pillar", **context}}}


def begin(port, text, **context):
    """POST a message; give the query of its session and the answer."""
    status, _, body = ask(port, "POST", PATH, message(text, **context), Content_Type="application/json")
    assert status == 202, (status, body)
    answer = json.loads(body)
    return f"session_id={answer['session_id']}&resume_token={answer['resume_token']}", answer


class Lines:
    """An open stream, a line at a time."""

    def __init__(self, port, path, method="GET", body=None, timeout=SOON, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Accept-Encoding", "gzip, deflate, br")
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        self.response = self.connection.getresponse()
        if self.response.status != 200:
            raise OSError(self.response.status, self.response.read()[:300])
        coding = self.response.headers.get("Content-Encoding", "identity")
        assert coding == "identity", f"Content-Encoding: {coding}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def line(self):
        return self.response.readline().decode()

    def event(self, start="data: "):
        """The next event, None at the end; a last line that is cut off is not one."""
        while (line := self.line()) != "":
            if line.startswith(start + "{") and line.endswith("\n"):
                return json.loads(line[len(start):])
        return None


# ---- What every good configuration does -------------------------------------------------------------------------------

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


def delay_of(lines, count, start="data: "):
    """The longest time that an event was on its way, in ms: the server writes into each when it was made."""
    longest = 0
    for _ in range(count):
        event = lines.event(start)
        assert event, "the stream ended"
        longest = max(longest, time.time() * 1000 - event["ts"])
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
                longest = delay_of(lines, 10, start)
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
                longest = delay_of(lines, 6)
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
        assert ask(port, "POST", f"/api/events?{query}", {**message("second"), "id": "2"},
                   Content_Type="application/json")[0] == 202
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
    def long_poll_and_post(proxy, server):
        long_polls(proxy.port)


# ---- Cases ------------------------------------------------------------------------------------------------------------

CASES = []


def case(function):
    CASES.append(function)
    return function


LOST = "UPGRADE_STRIPPED_BY_PROXY"
# A page that lives at a name, as in the world outside: its Host tells of the proxy if that writes another.
PAGE = {"Host": "agent.example", "Origin": "http://agent.example"}


def lets_in(port, path=PATH, headers=None):
    with Peer(port, path, headers) as peer:
        assert peer.status() == 101, (peer.head, peer.body)
        peer.send(wire.frame(wire.TEXT, b'{"type":"ping"}'))
        peer.expect(wire.TEXT, b'{"type":"pong"}')


def eventually(check, seconds=5):
    """A proxy may serve with the old configuration for a moment."""
    end = time.monotonic() + seconds
    while True:
        try:
            return check()
        except (AssertionError, OSError, EOFError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def refused(proxy, server, cause, code=LOST, status=400, path=PATH, headers=None):
    """The server says what is wrong, who did it and what to change; so does its log. Gives the problem document."""
    with Peer(proxy.port, path, headers) as peer:
        assert peer.status() == status, (peer.head, peer.body)
        assert (peer.field("Wick-Server") or "").startswith("agent_server"), peer.head
        said = peer.problem()
    assert said["code"] == code and said.get("cause") == cause, said
    assert said.get("proxy") in proxy.known_as, said
    assert said["detail"] and said["hint"] and said["saw"].startswith("http=1."), said
    log = server.log()
    assert any(all(part in line for part in (code, cause, said["proxy"])) for line in log.splitlines()), log
    return said


def doctor(proxy, server, *options, path=PATH, seconds=0):
    """What wick doctor says about the way through the proxy; its exit status says whether all is well."""
    result = subprocess.run([f"{BUILD}/bin/wick", "doctor", f"ws://127.0.0.1:{proxy.port}{path}", "--direct", server.url,
                             "--json", "--seconds", str(seconds), *options], capture_output=True, timeout=60)
    assert result.returncode in (0, 1), (result.returncode, result.stderr)
    report = json.loads(result.stdout)
    well = all(check["status"] != "failed" for check in report["checks"])
    assert (result.returncode == 0) == well and report["exit"] == result.returncode, report
    return report


def finds(report, check, cause, proxy="", hint=""):
    """That check failed, and says why, whose doing it is and what to change."""
    assert report["exit"] == 1, report
    finding = next((c for c in report["checks"] if c["id"] == check), None)
    assert finding and finding["status"] == "failed", report
    assert finding["cause"] == cause and finding.get("proxy", "") in proxy, finding
    assert hint in finding["hint"], finding["hint"]


def is_well(report):
    assert report["exit"] == 0 and report["verdict"] == "OK", report


def doctor_case(kind, name, text, check, cause, hint, mended=None, beat=True, seconds=0, backend=None, extra="", options=()):
    """A fault that shows to the client alone. mended: the configuration that the hint asks for. backend: the proxy connects
    there and not to the server. beat: the server has its heartbeat."""
    def run():
        server = Server(*(() if beat else ("--ping-interval", "0", "--comment-interval", "0")))
        try:
            with kind(text, backend or server.port, extra) as proxy:
                finds(doctor(proxy, server, *options, seconds=seconds), check, cause, (*kind.known_as, ""), hint)
                if mended:
                    proxy.change(mended)
                    eventually(lambda: lets_in(proxy.port))
                    is_well(doctor(proxy, server, seconds=seconds))
        finally:
            server.stop()
    run.__name__ = name
    case(run)


def nobody():
    """A port where nobody listens."""
    return free_port()


def mute():
    """A port where somebody listens and never answers."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    MUTE.append(listener)
    return listener.getsockname()[1]


MUTE = []


def mistake(kind, name, text, cause, repair, path=PATH, headers=None, hint="", extra="",
            then=None, **expected):
    """A configuration that is wrong: the refusal names cause and proxy, and what its hint says mends it. repair(text, hint)
    gives the configuration that the hint asks for. then: what is wrong beneath, and is said when the first has been mended."""
    def run():
        server = Server()
        try:
            with kind(text, server.port, extra) as proxy:
                said = refused(proxy, server, cause, path=path, headers=headers, **expected)
                assert hint in said["hint"], said["hint"]
                finds(doctor(proxy, server, path=path), "websocket", cause, kind.known_as, hint)
                mended = repair(text, said["hint"])
                assert mended != text, said["hint"]
                proxy.change(mended)
                if then:
                    eventually(lambda: refused(proxy, server, path=path, headers=headers, **then))
                    said = refused(proxy, server, path=path, headers=headers, **then)
                    mended = repair(mended, said["hint"])
                    proxy.change(mended)
                eventually(lambda: lets_in(proxy.port, path, headers))
                if headers is None:
                    is_well(doctor(proxy, server, path=path))
        finally:
            server.stop()
    run.__name__ = name
    case(run)


def main(name, only=()):
    """Run all cases, some at a time; print each when it is done, and leave with 1 if one failed."""
    os.makedirs(f"{BUILD}/tmp", exist_ok=True)
    lock, failed = threading.Lock(), []

    def run(function):
        before = time.monotonic()
        try:
            function()
            with lock:
                print(f"ok {name}/{function.__name__} ({time.monotonic() - before:.1f} s)", flush=True)
        except Exception as error:  # every failure is one line, its place below it
            said = str(error).replace("\n", " | ")[:1800]
            with lock:
                failed.append(function)
                print(f"not ok {name}/{function.__name__}: {type(error).__name__}: {said}")
                for frame in traceback.extract_tb(error.__traceback__):
                    if "tests/interop" in frame.filename:
                        print(f"    {frame.filename}:{frame.lineno} {frame.name}: {frame.line}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(run, [f for f in CASES if not only or f.__name__ in only]))
    return 1 if failed else 0
