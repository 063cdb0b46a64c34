"""python3-websockets as a client of echo_server: see echo_clients.sh."""
import asyncio
import os
import sys

import websockets

url = sys.argv[1]
failed = []
SIZES = [0, 1, 125, 126, 127, 4096, 65535, 65536, 65537, 131072, 1 << 20, 16 << 20]
# A character of each plane that has any, and the edges of the encoded lengths.
TEXTS = ["", "a", "\u007f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff",
         "".join(chr(plane << 16 | low) for plane in range(17) for low in (0x20, 0xd7ff, 0xe000, 0xfffd)) * 100,
         "\u65e5\u672c\u8a9e" * 100000, "\U0001f600" * 50000, "\0\r\n\t"]


def connect():
    return websockets.connect(url, max_size=None, compression=None, close_timeout=5)


async def sizes():
    async with connect() as ws:
        for size in SIZES:
            data = os.urandom(size)
            await ws.send(data)
            assert await ws.recv() == data, "binary %d" % size


async def texts():
    async with connect() as ws:
        for text in TEXTS:
            await ws.send(text)
            assert await ws.recv() == text, "text %r" % text[:20]


async def pieces(all_pieces):
    for piece in all_pieces:
        yield piece


async def fragments():
    async with connect() as ws:
        for cut in (["a", "b", "c"], ["", "\u65e5", "", "\U0001f600", ""], [b"x" * 70000, b"", b"y"], ["z" * 10] * 1000):
            await ws.send(pieces(cut))
            assert await ws.recv() == cut[0][:0].join(cut)


async def pipelined():
    async with connect() as ws:
        messages = [os.urandom(i * 37 % 5000) for i in range(2000)]

        async def send():
            for message in messages:
                await ws.send(message)

        sender = asyncio.ensure_future(send())
        for message in messages:
            assert await ws.recv() == message
        await sender


async def pings():
    async with connect() as ws:
        for data in (b"", b"x", b"\xff" * 125):
            await asyncio.wait_for(await ws.ping(data), 5)
        await ws.pong(b"unasked")
        await ws.send("on")
        assert await ws.recv() == "on"


async def closes():
    for code, reason in ((1000, "bye"), (1001, ""), (3000, "\u65e5" * 41), (4999, "x" * 123)):
        async with connect() as ws:
            await ws.close(code, reason)
            assert ws.close_code == code, (ws.close_code, code)


async def subprotocols():
    async with websockets.connect(url, subprotocols=["chat", "superchat"]) as ws:
        assert ws.subprotocol is None
    # Compression is offered by default, and is not accepted.
    async with websockets.connect(url) as ws:
        assert not ws.extensions
        await ws.send("x" * 1000)
        assert await ws.recv() == "x" * 1000


async def many():
    async def one(n):
        async with connect() as ws:
            for i in range(10):
                await ws.send("%d/%d" % (n, i))
                assert await ws.recv() == "%d/%d" % (n, i)

    await asyncio.gather(*(one(n) for n in range(100)))


for function in (sizes, texts, fragments, pipelined, pings, closes, subprotocols, many):
    name = "echo_clients/websockets/" + function.__name__
    try:
        asyncio.run(asyncio.wait_for(function(), 30))
        print("ok " + name)
    except Exception as error:
        failed.append(name)
        print("not ok %s: %s %s" % (name, type(error).__name__, str(error).replace("\n", " ")))
sys.exit(1 if failed else 0)
