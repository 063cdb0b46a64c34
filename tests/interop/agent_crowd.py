"""A crowd of clients in one thread: sessions on bare sockets, read together."""
import json
import resource
import selectors
import socket
import time

from agent_lib import PATH
from wire import PING, PONG, TEXT, frame, request

HEAD = request(1, PATH, "Sec-WebSocket-Protocol: agent-events.v1\r\n")
OPEN = frame(TEXT, b'{"type":"session.open","payload":{}}')


def may_open(count):
    """Whether the machine lets this process have so many descriptors, and so the server, which inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 200:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200), hard))
    return True


class Client:
    """One of them: the JSON messages that have come. A small buffer is soon full when the client does not read."""

    def __init__(self, port, number, buffer=None):
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        # A source address has some 28,000 ports, less what other programs hold.
        self.socket.bind((f"127.0.0.{1 + number % 4}", 0))
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.kept, self.messages, self.head = bytearray(), [], None

    def receive(self):
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        if not data:
            raise AssertionError(f"the server ended the connection after {self.kept[-200:]} {self.messages[-1:]}")
        self.kept += data
        if self.head is None and b"\r\n\r\n" in self.kept:
            head, _, self.kept = self.kept.partition(b"\r\n\r\n")
            self.head = bytes(head)
            assert self.head.startswith(b"HTTP/1.1 101 "), self.head
        while self.head and len(self.kept) >= 2:
            length, at = self.kept[1], 2
            if length > 125:
                at = 4 if length == 126 else 10
                length = int.from_bytes(self.kept[2:at], "big")
            if len(self.kept) < at + length:
                break
            assert self.kept[0] in (0x80 | TEXT, 0x80 | PING), self.kept[:10]
            payload = bytes(self.kept[at:at + length])
            if self.kept[0] == 0x80 | TEXT:
                self.messages.append(json.loads(payload))
            else:
                self.socket.sendall(frame(PONG, payload))
            del self.kept[:at + length]

    def say(self, message):
        """Blocks while there is no room."""
        self.socket.settimeout(20)
        self.socket.sendall(frame(TEXT, json.dumps(message).encode()))
        self.socket.setblocking(False)

    def opened(self):
        return self.messages and self.messages[0]["type"] == "session.opened"


def gather(clients, enough, seconds=60):
    """Read from all until each has enough."""
    limit = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while selector.get_map():
            assert time.monotonic() < limit, f"{len(selector.get_map())} of {len(clients)} wait still"
            for key, _ in selector.select(1):
                key.data.receive()
                if enough(key.data):
                    selector.unregister(key.data.socket)


def open_many(port, count, at_once=500):
    clients = []
    while len(clients) < count:
        batch = [Client(port, len(clients) + n) for n in range(min(at_once, count - len(clients)))]
        for client in batch:
            client.socket.sendall(HEAD + OPEN)
        gather(batch, Client.opened)
        clients += batch
    return clients


def until(condition, what, seconds=20):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"not within {seconds} s: {what}"
        time.sleep(0.02)
