"""Proxies that fail. Each is a coroutine that has read the head of a request and does with it what a real one does."""
import asyncio
import base64
import hashlib
import re
import socket
import struct
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HTML = b"<!doctype html><html><body>app</body></html>"


class Head:
    """The head of a request, to be changed and passed on."""

    def __init__(self, data):
        lines = data[:-4].split(b"\r\n")
        self.line = lines[0]
        self.fields = [tuple(line.split(b": ", 1)) for line in lines[1:] if b": " in line]

    def get(self, name):
        return next((value for key, value in self.fields if key.lower() == name.lower()), b"")

    def drop(self, *names):
        self.fields = [(key, value) for key, value in self.fields if key.lower() not in [name.lower() for name in names]]
        return self

    def put(self, name, value):
        self.drop(name)
        self.fields.append((name, value))
        return self

    def is_handshake(self):
        return bool(self.get(b"Sec-WebSocket-Key"))

    def data(self):
        return b"\r\n".join([self.line] + [key + b": " + value for key, value in self.fields]) + b"\r\n\r\n"


def response(status, body=b"", *fields):
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def accept(head):
    key = hashlib.sha1(head.get(b"Sec-WebSocket-Key") + GUID).digest()
    return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(key) + b"\r\n\r\n")


def reset(writer):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def relay(reader, writer, change=None, touch=None):
    try:
        while data := await reader.read(65536):
            if touch:
                touch()
            data = change(data) if change else data
            if asyncio.iscoroutine(data):
                data = await data
            writer.write(data)
            await writer.drain()
    except (ConnectionError, OSError):
        pass
    finally:
        if writer.can_write_eof():
            try:
                writer.write_eof()
            except (OSError, RuntimeError):
                pass


async def forward(backend, head, reader, writer, change=None, touch=None):
    """Pass a request on, and everything that follows it."""
    try:
        upstream = await asyncio.open_connection("127.0.0.1", backend)
    except OSError:
        writer.write(response(b"502 Bad Gateway", b"", b"Server: fake"))
        return
    upstream[1].write(head.data())
    tasks = [asyncio.ensure_future(relay(reader, upstream[1], None, touch)),
             asyncio.ensure_future(relay(upstream[0], writer, change, touch))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        upstream[1].close()


# What is wrong with the head that goes on.

def changing(change):
    async def proxy(backend, head, reader, writer):
        change(head)
        await forward(backend, head, reader, writer)
    return proxy


def strip(head):
    head.drop(b"Upgrade", b"Connection")


def strip10(head):
    head.line = head.line.replace(b"HTTP/1.1", b"HTTP/1.0")
    head.drop(b"Upgrade").put(b"Connection", b"close")


def http10(head):
    head.line = head.line.replace(b"HTTP/1.1", b"HTTP/1.0")


def strip_all(head):
    head.drop(b"Upgrade", b"Connection", b"Sec-WebSocket-Key", b"Sec-WebSocket-Version")


def host(head):
    head.put(b"Host", b"backend.internal:9000").put(b"X-Forwarded-For", b"127.0.0.1")


def path(head):
    head.line = re.sub(rb" /\S*", b" /elsewhere", head.line, count=1)


# What is answered in place of the server.

def saying(answer, delay=0.0, handshake_only=False):
    async def proxy(backend, head, reader, writer):
        if handshake_only and not head.is_handshake():
            await forward(backend, head, reader, writer)
            return
        await asyncio.sleep(delay)
        writer.write(answer)
        await writer.drain()
    return proxy


async def redirect_tls(backend, head, reader, writer):
    writer.write(response(b"301 Moved Permanently", b"", b"Server: nginx", b"Location: https://" + head.get(b"Host") +
                          head.line.split()[1]))


async def redirect_slash(backend, head, reader, writer):
    writer.write(response(b"301 Moved Permanently", b"", b"Location: " + head.line.split()[1] + b"/"))


async def silent(backend, head, reader, writer):
    await asyncio.sleep(60)


async def closing(backend, head, reader, writer):
    return


async def resetting(backend, head, reader, writer):
    reset(writer)


async def no_upgrade_listener(backend, head, reader, writer):
    """node http-proxy: requests are passed on, upgrades are closed."""
    if not head.is_handshake():
        await forward(backend, head, reader, writer)


async def no_upgrade_answer(backend, head, reader, writer):
    if head.is_handshake():
        await asyncio.sleep(60)
    await forward(backend, head, reader, writer)


# What happens behind a 101.

async def stillborn(backend, head, reader, writer):
    if head.is_handshake():
        writer.write(accept(head))
        await writer.drain()
    else:
        await forward(backend, head, reader, writer)


async def stillborn_reset(backend, head, reader, writer):
    writer.write(accept(head))
    await writer.drain()
    await asyncio.sleep(0.05)
    reset(writer)


async def bad_accept(backend, head, reader, writer):
    writer.write(re.sub(rb"Accept: .*", b"Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r", accept(head)))
    await writer.drain()


async def black_hole(backend, head, reader, writer):
    writer.write(accept(head))
    await asyncio.sleep(60)


async def garbage_behind(backend, head, reader, writer):
    writer.write(accept(head) + b"\xff\xff\xff garbage")
    await asyncio.sleep(60)


async def flood_behind(backend, head, reader, writer):
    """Messages without end, glued to the 101; pings are never answered."""
    writer.write(accept(head))
    frame = b"\x82\x7e\xff\xff" + bytes(65535)
    while True:
        writer.write(frame)
        await writer.drain()


async def reload(backend, head, reader, writer):
    """Caddy: Close 1001 to both sides, after a while."""
    if not head.is_handshake():
        await forward(backend, head, reader, writer)
        return
    task = asyncio.ensure_future(forward(backend, head, reader, writer))
    await asyncio.sleep(0.8)
    writer.write(b"\x88\x02\x03\xe9")
    await writer.drain()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def cutting(idle=None, age=None, how="fin"):
    """FIN without a Close frame after so much silence, or at such an age."""
    async def proxy(backend, head, reader, writer):
        began = last = time.monotonic()

        def touch():
            nonlocal last
            last = time.monotonic()
        task = asyncio.ensure_future(forward(backend, head, reader, writer, None, touch))
        while not task.done():
            await asyncio.sleep(0.02)
            now = time.monotonic()
            if (idle and now - last >= idle) or (age and now - began >= age):
                break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if how == "reset":
            reset(writer)
    return proxy


def limiting(limit):
    """Cuts a connection that has carried so many bytes towards the client."""
    async def proxy(backend, head, reader, writer):
        carried = 0

        def count(data):
            nonlocal carried
            carried += len(data)
            if carried > limit:
                raise ConnectionError
            return data
        await forward(backend, head, reader, writer, count)
    return proxy


# What happens to events.

async def buffering(backend, head, reader, writer):
    """The head passes, the body is collected: what is chunked without a length stays here until it ends."""
    if head.is_handshake() or b"text/event-stream" not in head.get(b"Accept"):
        await forward(backend, head, reader, writer)
        return
    kept = []

    def keep(data):
        if kept:
            kept.append(data)
            return b""
        kept.append(data)
        return data[:data.index(b"\r\n\r\n") + 4]
    await forward(backend, head, reader, writer, keep)


async def lagging(backend, head, reader, writer):
    """HAProxy: a fifth of a second for each piece of an answer."""
    async def late(data):
        await asyncio.sleep(0.2)
        return data
    stream = b"text/event-stream" in head.get(b"Accept")
    await forward(backend, head, reader, writer, late if stream else None)


# What no answer should be.

async def drip_head(backend, head, reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_head(backend, head, reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Field: %s\r\n" % (b"a" * 900))
        await writer.drain()


async def endless_line(backend, head, reader, writer):
    writer.write(b"HTTP/1.1 ")
    while True:
        writer.write(b"9" * 4000)
        await writer.drain()


async def endless_body(backend, head, reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        writer.write(b"<p>" * 10000)
        await writer.drain()


async def drip_body(backend, head, reader, writer):
    writer.write(b"HTTP/1.1 404 Not Found\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def interim_for_ever(backend, head, reader, writer):
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


class Proxy:
    """A listening socket with one of these behind it."""

    def __init__(self, behaviour, backend):
        self.behaviour, self.backend = behaviour, backend

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        self.tasks = set()
        return self

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            await self.behaviour(self.backend, Head(await reader.readuntil(b"\r\n\r\n")), reader, writer)
        except (OSError, RuntimeError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the doctor has gone; RuntimeError: our side of it is closed
        finally:
            self.tasks.discard(asyncio.current_task())
            writer.close()

    async def __aexit__(self, *why):
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
