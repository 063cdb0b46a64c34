"""What tests with sessions share: a server for a case, a client of the full profile, a proxy that cuts connections."""
import asyncio
import json
import os
import random
import re
import socket
import struct

import websockets
from agent_lib import PATH, Server, case

PROFILE = "agent-events.v1"
SEED = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))


def server_case(*options, **settings):
    """A case that gets an agent_server with these options, which must end with exit status 0."""
    def wrap(function):
        async def wrapped():
            server = Server(*options, **settings)
            try:
                await function(server)
            finally:
                status = server.stop()
            assert status == 0, f"exit status {status}\n{server.log()}"
        wrapped.__name__ = function.__name__
        return case(wrapped)
    return wrap


def reset_on_close(transport):
    """Have the end of a connection be RST instead of FIN, if it has not ended yet."""
    try:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass


class Session:
    """A client of the full profile. Keeps its cursor, checks every number, remembers all events and the text of runs."""

    def __init__(self, url, **options):
        self.url, self.options = url, options
        self.id = self.token = self.epoch = None
        self.last = 0
        self.ws = None
        self.events, self.replies, self.opened, self.resets = [], [], None, []

    async def connect(self, subprotocols=(PROFILE,), **options):
        self.ws = await websockets.connect(self.url, subprotocols=list(subprotocols), max_size=None, ping_interval=None,
                                           **{**self.options, **options})
        assert self.ws.subprotocol == PROFILE, self.ws.subprotocol

    async def open(self, resume=True, **payload):
        if self.ws is None or self.ws.closed:
            await self.connect()
        payload.setdefault("versions", ["1.0"])
        if resume and self.id:
            payload.update(session_id=self.id, resume_token=self.token, epoch=self.epoch, last_seq=self.last)
        await self.say({"type": "session.open", "payload": payload})
        while True:
            message = await self.hear()
            assert message["type"] in ("session.opened", "error"), message
            if message["type"] == "session.opened":
                return self.opened

    async def say(self, message):
        await self.ws.send(message if isinstance(message, str) else json.dumps(message))

    async def ask(self, text, context=None, id=None, **payload):
        payload.update(text=text, context=context or {})
        message = {"type": "agent.message", "payload": payload}
        if id:
            message["id"] = id
        await self.say(message)

    async def hear(self, timeout=10):
        message = json.loads(await asyncio.wait_for(self.ws.recv(), timeout))
        self.take(message)
        return message

    def take(self, message):
        payload = message.get("payload", {})
        if message["type"] == "session.opened":
            self.opened = payload
            self.id, self.token = payload["session_id"], payload["resume_token"]
            if not payload["recovered"]:
                self.last, self.epoch = payload["head_seq"], payload["epoch"]
            assert payload["epoch"] == self.epoch
        elif message["type"] == "session.reset":
            self.resets.append(payload)
            self.last, self.epoch = payload["head_seq"], payload["epoch"]
        elif "seq" in message:
            assert message.get("first_seq", message["seq"]) == self.last + 1, f"{message} after {self.last}"
            self.last = message["seq"]
            self.events.append(message)
        else:
            self.replies.append(message)

    async def reply(self, id, timeout=10):
        while True:
            for message in self.replies:
                if message.get("re") == id:
                    self.replies.remove(message)
                    return message
            await self.hear(timeout)

    async def until(self, *wanted, timeout=20):
        while True:
            message = await self.hear(timeout)
            if message["type"] in wanted:
                return message

    def cut(self, reset):
        """End the connection without a word: RST, or FIN."""
        if reset:
            reset_on_close(self.ws.transport)
        self.ws.transport.abort()
        self.ws = None

    async def closed(self, timeout=10):
        """Read to the end; give the close code."""
        try:
            while True:
                await self.hear(timeout)
        except websockets.ConnectionClosed:
            return self.ws.close_code

    def text(self):
        return "".join(e["payload"]["text"] for e in self.events if e["type"] == "agent.token")


class Proxy:
    """Passes bytes on to a port, and does to them what proxies do.

    cut(reset)  ends all that is open, at once: RST or FIN
    closed      connections are accepted and closed, no byte is passed on
    strip       no Upgrade is passed on, as a proxy does that has not been told to
    hold        nothing of an event stream is passed on, as a proxy does that waits for its end
    count       connections so far; upgrades, streams, polls: those of them that have been passed on
    """

    def __init__(self, port):
        self.target, self.open, self.count, self.upgrades, self.streams, self.polls = port, set(), 0, 0, 0, 0
        self.closed = self.strip = self.hold = False

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}{PATH}"
        return self

    async def __aexit__(self, *_):
        self.cut(True)
        self.server.close()

    async def serve(self, reader, writer):
        self.count += 1
        try:
            if self.closed:
                raise OSError
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            if self.closed:  # meanwhile
                far_writer.close()
                raise OSError
        except OSError:
            writer.close()
            return
        pair = {writer, far_writer}
        self.open |= pair
        await asyncio.gather(self.copy(reader, far_writer, self.request), self.copy(far_reader, writer, self.answer))
        self.open -= pair

    async def copy(self, reader, writer, change):
        try:
            data = await reader.read(65536)
            passed_on = change(data)
            while data:
                if passed_on is not None:
                    writer.write(passed_on)
                    await writer.drain()
                data = await reader.read(65536)
                passed_on = None if passed_on is None else data
        except OSError:
            pass
        writer.close()

    def request(self, data):
        """What is passed on of the first bytes of a request."""
        if self.strip:
            data = re.sub(rb"(?im)^(upgrade|connection):.*\r\n", b"", data)
        self.upgrades += b"\r\nUpgrade:" in data
        self.polls += b"&wait_ms=" in data
        return data

    def answer(self, data):
        """What is passed on of the first bytes of an answer; None: nothing, and nothing of what follows."""
        if b"text/event-stream" not in data:
            return data
        self.streams += not self.hold
        return None if self.hold else data

    def cut(self, reset):
        for writer in list(self.open):
            if reset:
                reset_on_close(writer)
            writer.transport.abort()
        self.open.clear()

    async def cut_at_random(self, rng, times, least=0.0, most=0.25):
        """Cut so many times, RST or FIN, after waits between least and most seconds."""
        for _ in range(times):
            await asyncio.sleep(rng.uniform(least, most))
            self.cut(rng.random() < 0.5)
