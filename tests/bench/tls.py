"""What TLS costs echo_server: its CPU time for a message and for a handshake, and its memory for an idle connection.

    make WITH_OPENSSL=1 && python3 tests/bench/tls.py          (B: the build folder; needs python3-websockets, openssl)

The clock of the server's process counts, best of three; the client is slow and does not matter.
"""
import asyncio
import os
import ssl
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../interop"))

import websockets
from agent_lib import Server
from forwarded_lib import authority
from wire import request

IDLE = 1000


def cpu_us(server):
    with open("/proc/%d/schedstat" % server.process.pid) as stat:
        return int(stat.read().split()[0]) / 1000


async def echo(server, url, context, size, count):
    async with websockets.connect(url, ssl=context, max_size=None, compression=None) as ws:
        message, before = os.urandom(size), cpu_us(server)
        for _ in range(count):
            await ws.send(message)
            await ws.recv()
        return (cpu_us(server) - before) / count


async def shake(server, context, count):
    before = cpu_us(server)
    for _ in range(count):
        _, writer = await asyncio.open_connection("localhost", server.port, ssl=context, family=2)
        writer.close()
    await asyncio.sleep(0.2)
    return (cpu_us(server) - before) / count


async def idle(server, context):
    async def one():
        reader, writer = await asyncio.open_connection("localhost", server.port, ssl=context, family=2)
        writer.write(request(server.port))
        await reader.readuntil(b"\r\n\r\n")
        return writer
    kept = [await one() for _ in range(100)]
    await asyncio.sleep(0.5)
    before = server.memory_kib()
    kept += [await one() for _ in range(IDLE)]
    await asyncio.sleep(0.5)
    return (server.memory_kib() - before) * 1024 / IDLE


def measure(options, url, context):
    server = Server(*options, program="echo_server")
    url %= server.port
    row = [min(asyncio.run(echo(server, url, context, *what)) for _ in range(3)) for what in ((100, 5000), (16384, 2000), (1 << 20, 200))]
    text = "".join("%9.1f us" % us for us in row)
    if context:
        text += "%9.0f us%10.0f B" % (asyncio.run(shake(server, context, 300)), asyncio.run(idle(server, context)))
    server.stop()
    return text


with tempfile.TemporaryDirectory() as folder:
    ca, cert, key = authority(folder)
    print("%-8s%12s%12s%12s%12s%12s" % ("", "100 B", "16 KiB", "1 MiB", "handshake", "idle"))
    for name, row in (("plain", measure((), "ws://127.0.0.1:%d/", None)),
                      ("TLS", measure(("--cert", cert, "--key", key), "wss://localhost:%d/", ssl.create_default_context(cafile=ca)))):
        print("%-8s%s" % (name, row))
