"""WebSocket by hand: handshakes and frames over a raw socket, right or wrong as a test wants them."""
import os
import socket
import struct
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="

failed = []


def case(name, why=None):
    """Print one case; why is what went wrong, if anything."""
    if why:
        failed.append(name)
        print("not ok %s: %s" % (name, str(why).replace("\n", " ")), flush=True)
    else:
        print("ok " + name, flush=True)


def run(name, function, *arguments):
    """Run a function as a case: it fails by an exception."""
    try:
        function(*arguments)
        case(name)
    except Exception as error:  # whatever it is, it is the result of this case
        case(name, "%s: %s" % (type(error).__name__, error))


def equal(got, want, what="got"):
    if got != want:
        raise AssertionError("%s %r, want %r" % (what, shorten(got), shorten(want)))


def shorten(value):
    return value[:60] + b"..." if isinstance(value, bytes) and len(value) > 60 else value


def request(port, path="/", extra="", key=KEY):
    return (
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n" % (path, port, key, extra)
    ).encode()


def frame(opcode, payload=b"", fin=1, rsv=0, mask=b"\x11\x22\x33\x44", length=None, form=None):
    """A frame. mask None: unmasked. length: what the header says. form: 7, 16 or 64 bits for it."""
    length = len(payload) if length is None else length
    form = form or (7 if length < 126 else 16 if length < 65536 else 64)
    bit = 0x80 if mask else 0
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if form == 7:
        head += bytes([bit | length])
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack(">H", length)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", length)
    if not mask:
        return head + payload
    return head + mask + xor(payload, mask)


def xor(data, mask):
    if not data:
        return b""
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")


class Peer:
    """A connection to a server. Everything has a time limit."""

    def __init__(self, port, host="127.0.0.1", timeout=5, connect=True, source=None):
        self.port = port
        self.socket = socket.create_connection((host, port), timeout, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""
        if connect:
            self.send(request(port))
            self.head = self.read_head()
            equal(self.status(), 101, "status")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self, count):
        while len(self.kept) < count:
            piece = self.socket.recv(1 << 20)
            if not piece:
                raise EOFError("the stream ended after %r" % shorten(self.kept))
            self.kept += piece

    def take(self, count):
        self.fill(count)
        data, self.kept = self.kept[:count], self.kept[count:]
        return data

    def read_head(self):
        while b"\r\n\r\n" not in self.kept:
            self.fill(len(self.kept) + 1)
        head, self.kept = self.kept.split(b"\r\n\r\n", 1)
        return head.decode("latin-1")

    def status(self):
        return int(self.head.split(" ")[1])

    def field(self, name):
        for line in self.head.split("\r\n")[1:]:
            if line.lower().startswith(name.lower() + ":"):
                return line.split(":", 1)[1].strip()
        return None

    def read_frame(self):
        """Returns (opcode, fin, payload); a masked or oddly framed one is an error."""
        first, second = self.take(2)
        if second & 0x80:
            raise AssertionError("a server's frame is masked")
        if first & 0x70:
            raise AssertionError("a reserved bit is set")
        length = second
        if second == 126:
            length = struct.unpack(">H", self.take(2))[0]
            assert length > 125, "the length is not minimal"
        elif second == 127:
            length = struct.unpack(">Q", self.take(8))[0]
            assert length > 65535, "the length is not minimal"
        return first & 15, first >> 7, self.take(length)

    def expect(self, opcode, payload):
        got = self.read_frame()
        equal(got[0], opcode, "opcode")
        equal(got[2], payload, "payload")

    def echo(self, opcode, payload):
        self.send(frame(opcode, payload))
        self.expect(opcode, payload)

    def read_close(self):
        """Reads up to the close frame. Returns (code or None, reason)."""
        while True:
            opcode, _, payload = self.read_frame()
            if opcode == CLOSE:
                break
        if not payload:
            return None, b""
        return struct.unpack(">H", payload[:2])[0], payload[2:]

    def read_end(self):
        """The stream has to end in order: FIN, not reset, and without another byte."""
        rest = self.kept + self.socket.recv(1 << 16)
        equal(rest, b"", "behind the close frame")

    def read_all(self):
        data, self.kept = self.kept, b""
        while True:
            piece = self.socket.recv(1 << 16)
            if not piece:
                return data
            data += piece


def close_body(code, reason=b""):
    return struct.pack(">H", code) + reason


def resident(pid):
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition, seconds, what):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError("not within %s s: %s" % (seconds, what))
        time.sleep(0.02)
