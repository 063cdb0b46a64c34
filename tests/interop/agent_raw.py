"""Clients of agent_server by hand, on bare sockets: WebSocket, SSE, JSON lines, long poll, POST. A connection can be told
after how many bytes, or at what time, it is to end."""
import json
import select
import socket
import struct
import time

from agent_lib import PATH, TERMINAL
from wire import CLOSE, PING, PONG, TEXT, frame, request


class Cut(Exception):
    """The moment at which a connection was to end has come."""


class Wire:
    """A TCP connection. bytes_left, until: when to raise Cut; None is never."""

    def __init__(self, port, bytes_left=None, until=None, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept, self.bytes_left, self.until, self.timeout = b"", bytes_left, until, timeout

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """Wait for more bytes. EOFError at the end of the stream."""
        limit = time.monotonic() + self.timeout
        if self.bytes_left is not None and self.bytes_left <= 0:
            raise Cut
        end = limit if self.until is None else min(limit, self.until)
        if not select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
            if end < limit:
                raise Cut
            raise AssertionError(f"nothing for {self.timeout} s")
        piece = self.socket.recv(65536 if self.bytes_left is None else min(self.bytes_left, 65536))
        if not piece:
            raise EOFError
        if self.bytes_left is not None:
            self.bytes_left -= len(piece)
        self.kept += piece

    def take(self, count):
        while len(self.kept) < count:
            self.fill()
        data, self.kept = self.kept[:count], self.kept[count:]
        return data

    def line(self):
        while b"\n" not in self.kept:
            self.fill()
        line, _, self.kept = self.kept.partition(b"\n")
        return line

    def kill(self, reset):
        """End it: by RST; or by FIN, then what still comes is read and thrown away, so that no RST is sent after all."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()
            return
        self.socket.shutdown(socket.SHUT_WR)
        self.socket.settimeout(0.2)
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            pass
        self.socket.close()


class WebSocket(Wire):
    def __init__(self, port, **wire):
        super().__init__(port, **wire)
        self.port, self.close_code = port, None

    def shake(self, path=PATH, profile="agent-events.v1"):
        self.send(request(self.port, path, f"Sec-WebSocket-Protocol: {profile}\r\n" if profile else ""))
        status, fields = head_of(self)
        assert status == 101 and fields.get("sec-websocket-protocol") == profile, (status, fields)
        return self

    def say(self, message):
        self.send(frame(TEXT, json.dumps(message).encode()))

    def hear(self):
        """The next message; None when the server has closed, and close_code says how."""
        while True:
            first, length = self.take(2)
            assert not length & 0x80 and first & 0x80, "a server's frame is not masked, and not in fragments here"
            if length > 125:
                length, = struct.unpack(">H" if length == 126 else ">Q", self.take(2 if length == 126 else 8))
            payload = self.take(length)
            if first & 15 == TEXT:
                return json.loads(payload)
            if first & 15 == PING:
                self.send(frame(PONG, payload))
            if first & 15 == CLOSE:
                self.close_code, = struct.unpack(">H", payload[:2])
                self.send(frame(CLOSE, payload))
                return None

    def messages(self):
        message = self.hear()
        while message is not None:
            yield message
            message = self.hear()


def head_of(wire):
    lines = []
    while (line := wire.line().rstrip(b"\r")):
        lines.append(line.decode())
    fields = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), {name.lower(): value for name, value in fields.items()}


class Http(Wire):
    """One request on a connection of its own. status and fields are there after ask(); the body as it comes."""

    def __init__(self, port, **wire):
        super().__init__(port, **wire)
        self.port, self.clean_end = port, False

    def ask(self, method, path, body=None, **headers):
        data = b"" if body is None else json.dumps(body).encode()
        fields = {"Host": f"127.0.0.1:{self.port}", "Connection": "close",
                  **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            fields.update({"Content-Type": "application/json", "Content-Length": len(data)})
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + data)
        self.status, self.fields = head_of(self)
        return self

    def pieces(self):
        """The body, piece by piece. clean_end is set when it ended as HTTP wants it."""
        if "content-length" in self.fields:
            yield self.take(int(self.fields["content-length"]))
        elif self.fields.get("transfer-encoding") == "chunked":
            while (size := int(self.line().rstrip(b"\r"), 16)):
                data = self.take(size + 2)
                assert data.endswith(b"\r\n")
                yield data[:-2]
            assert self.line() == b"\r"
        self.clean_end = True

    def lines(self):
        kept = b""
        for piece in self.pieces():
            kept += piece
            while b"\n" in kept:
                line, _, kept = kept.partition(b"\n")
                yield line
        assert not kept, "a line without an end"

    def json(self):
        return json.loads(b"".join(self.pieces()))

    def messages(self):
        """Events of an SSE or NDJSON body. A frame counts when its empty line has come, as the standard says."""
        sse = self.fields["content-type"] == "text/event-stream"
        data = None
        for line in self.lines():
            if not sse and line:
                yield json.loads(line)
            elif sse and line.startswith(b"data: "):
                data = line[6:]
            elif not line and data is not None:
                yield json.loads(data)
                data = None


def http(port, method, path, body=None, **headers):
    """One request: status and JSON."""
    answer = Http(port).ask(method, path, body, **headers)
    try:
        return answer.status, answer.json() if answer.status not in (204, 304) else None
    finally:
        answer.socket.close()


class Story:
    """What a client knows of its session: the keys, the cursor, and every event, each checked to be the next one.

    wire is the connection that is in use: the caller ends it, also when Cut or EOFError has come through.
    """

    def __init__(self, port):
        self.port, self.last, self.events, self.heard = port, 0, [], {}
        self.id = self.token = self.epoch = self.wire = None
        self.may_miss = False  # session.reset may come

    def enter(self, answer):
        """From the 202 of POST /api/runtime/agent."""
        self.id, self.token = answer["session_id"], answer["resume_token"]
        self.epoch, self.last = (int(part) for part in answer["cursor"].split(":"))

    @property
    def query(self):
        return f"session_id={self.id}&resume_token={self.token}"

    @property
    def cursor(self):
        return f"{self.epoch}:{self.last}"

    def take(self, message, transport):
        assert message["type"] != "session.reset", (message["payload"]["reason"], transport)
        if "seq" not in message:
            return message
        assert message.get("first_seq", message["seq"]) == self.last + 1, f"{message} after {self.last} on {transport}"
        self.last = message["seq"]
        self.events.append(message)
        self.heard[transport] = self.heard.get(transport, 0) + 1
        return message

    def done(self):
        return any(event["type"] in TERMINAL for event in self.events)

    def text(self):
        return "".join(event["payload"]["text"] for event in self.events if event["type"] == "agent.token")

    def open(self, **wire):
        """session.open on a new WebSocket; what was missed comes behind it."""
        self.wire = WebSocket(self.port, **wire)
        self.wire.shake()
        resume = {"session_id": self.id, "resume_token": self.token, "epoch": self.epoch, "last_seq": self.last}
        self.wire.say({"type": "session.open", "payload": resume if self.id else {}})
        message = self.wire.hear()
        assert message["type"] == "session.opened", message
        opened = message["payload"]
        assert opened["recovered"] == bool(self.id) or self.may_miss, opened
        if not self.id:
            self.epoch, self.last = opened["epoch"], opened["head_seq"]
        self.id, self.token = opened["session_id"], opened["resume_token"]
        assert opened["epoch"] == self.epoch, opened
        return opened

    # Each gives messages for as long as the connection lives.

    def websocket(self, **wire):
        self.open(**wire)
        for message in self.wire.messages():
            yield self.take(message, "websocket")

    def stream(self, accept="text/event-stream", **wire):
        self.wire = Http(self.port, **wire)
        self.wire.ask("GET", f"/api/events?{self.query}", Accept=accept, Last_Event_ID=self.cursor)
        assert self.wire.status == 200, self.wire.json()
        for message in self.wire.messages():
            yield self.take(message, accept.partition("/")[2])

    def ndjson(self, **wire):
        return self.stream("application/x-ndjson", **wire)

    def poll(self, wait_ms=5000, **wire):
        self.wire = Http(self.port, **wire)
        self.wire.ask("GET", f"/api/events?{self.query}&after={self.cursor}&wait_ms={wait_ms}", Accept="application/json")
        answer = self.wire.json()
        assert self.wire.status == 200, answer
        for message in answer["events"]:
            yield self.take(message, "poll")
        assert answer["next"] == self.cursor, answer["next"]

    def follow(self, how, **wire):
        """All of it on one transport, up to the last event of the run."""
        while not self.done():
            for _ in how(self, **wire):
                if self.done():
                    break
            self.wire.socket.close()
