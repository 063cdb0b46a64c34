"""wick against servers made with python3-websockets and with raw sockets: see wick_cli.sh."""
import asyncio
import base64
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time

import websockets

from wire import BINARY, CLOSE, PING, PONG, TEXT, case, close_body, equal, failed

wick = sys.argv[1]


def start(*arguments, stdin=subprocess.DEVNULL):
    return subprocess.Popen([wick] + list(arguments), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


async def finish(process):
    out, err = await asyncio.get_running_loop().run_in_executor(None, process.communicate, None, 10)
    return process.returncode, out.decode(), err.decode()


async def served(handler, command, path="/", **options):
    """Run a command against a server with this handler; returns (exit status, stdout, stderr)."""
    problems = []

    async def guarded(ws, *rest):
        try:
            await handler(ws)
        except Exception as error:
            problems.append(error)

    async with websockets.serve(guarded, "127.0.0.1", 0, max_size=None, compression=None, **options) as server:
        port = server.sockets[0].getsockname()[1]
        result = await finish(start(command, "ws://127.0.0.1:%d%s" % (port, path)))
    if problems:
        raise problems[0]
    return result


async def everything(ws):
    for size in (0, 1, 125, 126, 127, 1000, 65535, 65536, 131072, 1 << 20, 16 << 20):
        data = os.urandom(size)
        await ws.send(data)
        assert await ws.recv() == data, "binary %d" % size
    for text in ("", "a", "\u07ff\u0800\uffff\U00010000\U0010ffff", "\U0001f600" * 50000):
        await ws.send(text)
        assert await ws.recv() == text, "text"

    async def pieces():
        for piece in ("a", "", "\u65e5", "b" * 70000):
            yield piece

    await ws.send(pieces())
    assert await ws.recv() == "a\u65e5" + "b" * 70000
    await asyncio.wait_for(await ws.ping(b"are you there"), 5)
    messages = [os.urandom(i * 61 % 9000) for i in range(500)]
    sender = asyncio.ensure_future(asyncio.gather(*(ws.send(m) for m in messages)))
    got = [await ws.recv() for _ in messages]
    await sender
    assert sorted(got) == sorted(messages)
    await ws.close(1000, "done")
    assert ws.close_code == 1000, ws.close_code


async def echo_everything():
    equal((await served(everything, "echo", "/case?case=1&agent=wick"))[0], 0, "exit status")


async def echo_closed_with():
    for code, want in ((1000, 0), (1001, 0), (1011, 0), (4999, 0)):
        async def handler(ws):
            await ws.close(code, "a reason")

        status, _, err = await served(handler, "echo")
        equal(status, want, "exit status for %d" % code)
        if code != 1000 and ("closed: %d a reason" % code) not in err:
            raise AssertionError("stderr is %r" % err)


async def echo_dropped():
    async def handler(ws):
        ws.transport.abort()

    status, _, err = await served(handler, "echo")
    equal(status, 1, "exit status")
    if "connection failed: " not in err:
        raise AssertionError("stderr is %r" % err)


async def connect_prints():
    async def handler(ws):
        await ws.send("text \u65e5")
        await ws.send(b"\x00\xff")
        await ws.send("")
        await ws.close()

    async def late(ws):
        await handler(ws)

    async with websockets.serve(late, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        process = start("connect", "ws://127.0.0.1:%d/" % port, stdin=subprocess.PIPE)
        out = await asyncio.get_running_loop().run_in_executor(None, process.stdout.read)
        equal(out.decode(), "text \u65e5\nbinary 2: 00 ff\n\n", "stdout")
        equal((await finish(process))[0], 0, "exit status")


async def connect_offers():
    seen = {}

    async def handler(ws):
        seen.update(ws.request_headers)
        seen["chosen"] = ws.subprotocol
        await ws.close()

    async with websockets.serve(handler, "127.0.0.1", 0, subprotocols=["b"]) as server:
        port = server.sockets[0].getsockname()[1]
        process = start("connect", "--subprotocol", "a", "--subprotocol=b", "--header", "X-Mine: some value", "--origin",
                        "https://a.example", "ws://127.0.0.1:%d/" % port, stdin=subprocess.PIPE)
        equal((await finish(process))[0], 0, "exit status")
    equal(seen["chosen"], "b", "subprotocol")
    equal(seen["x-mine"], "some value", "field")
    equal(seen["origin"], "https://a.example", "origin")


# ---- Servers that do it wrong ----

def raw_server(answer):
    """One connection: reads the request, calls answer(socket, key), closes. Returns the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            sock, _ = listener.accept()
        with sock:
            sock.settimeout(5)
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(4096)
            key = [line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")][0].split()[1]
            try:
                answer(sock, key)
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def accept(key):
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def upgraded(key, extra=b""):
    return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            accept(key) + b"\r\n" + extra + b"\r\n")


def server_frame(opcode, payload=b"", fin=1, first=None):
    assert len(payload) < 126
    return bytes([fin << 7 | opcode if first is None else first, len(payload)]) + payload


async def against(answer, status, told):
    process = start("echo", "ws://127.0.0.1:%d/" % raw_server(answer))
    got, _, err = await finish(process)
    equal(got, status, "exit status")
    if told not in err:
        raise AssertionError("%r is not in %r" % (told, err))


def read_close(sock):
    """The client's close frame: its code."""
    data = b""
    while True:
        piece = sock.recv(4096)
        if not piece:
            break
        data += piece
        if len(data) >= 8 and data[0] == 0x88:
            break
    if len(data) < 8 or data[0] != 0x88 or not data[1] & 0x80:
        return None
    body = bytes(b ^ data[2 + i % 4] for i, b in enumerate(data[6:8]))
    return int.from_bytes(body, "big")


closes_seen = []


def breaking(data):
    def answer(sock, key):
        sock.sendall(upgraded(key) + data)
        closes_seen.append(read_close(sock))
    return answer


async def broken_servers():
    # What the server sends behind the 101, and the close code that the client answers.
    for name, data, code in (
        ("masked", b"\x81\x81\x00\x00\x00\x00x", 1002), ("rsv1", b"\xc1\x01x", 1002), ("opcode-3", b"\x83\x00", 1002),
        ("continuation", b"\x80\x01x", 1002), ("not-utf8", b"\x81\x01\xff", 1007), ("long-ping", b"\x89\x7e\x00\x7e", 1002),
        ("length-not-minimal", b"\x82\x7e\x00\x01x", 1002), ("close-code-1005", b"\x88\x02\x03\xed", 1002),
        ("too-big", b"\x82\x7f\x00\x00\x01\x00\x00\x00\x00\x00", 1009),
    ):
        closes_seen.clear()
        await against(breaking(data), 1, "connection failed: ")
        equal(closes_seen, [code], name)


async def broken_handshakes():
    def answering(data):
        return lambda sock, key: sock.sendall(data(key))

    await against(answering(lambda key: upgraded(key).replace(accept(key), accept(b"x"))), 1, "Sec-WebSocket-Accept")
    await against(answering(lambda key: upgraded(key).replace(b"Upgrade: websocket\r\n", b"")), 1, "Upgrade")
    await against(answering(lambda key: upgraded(key).replace(b"Connection: Upgrade\r\n", b"")), 1, "Connection")
    await against(answering(lambda key: upgraded(key, b"Sec-WebSocket-Protocol: x\r\n")), 1, "subprotocol")
    await against(answering(lambda key: upgraded(key, b"Sec-WebSocket-Extensions: x\r\n")), 1, "extension")
    await against(answering(lambda key: b"garbage\r\n\r\n"), 1, "connection failed (handshake)")
    await against(answering(lambda key: b""), 1, "without an answer")
    await against(answering(lambda key: b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"), 1,
                  "Location: /elsewhere")
    await against(answering(lambda key: b"HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"5\r\nwhy n\r\n2\r\not\r\n0\r\n\r\n"), 1, "why not")


async def refusal_is_told():
    body = b'{"title":"Forbidden","status":403,"code":"ORIGIN_NOT_ALLOWED","detail":"No.","hint":"Ask \\u001b[31m."}'

    def answer(sock, key):
        sock.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\nX-Other: \x80\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    process = start("echo", "ws://127.0.0.1:%d/" % raw_server(answer))
    status, _, err = await finish(process)
    equal(status, 1, "exit status")
    for want in ("403 Forbidden\n", "  code: ORIGIN_NOT_ALLOWED\n", "  detail: No.\n", "  hint: Ask \\x1b",
                 "  Content-Type: application/problem+json\n"):
        if want not in err:
            raise AssertionError("%r is not in %r" % (want, err))
    if "\x1b" in err:
        raise AssertionError("a control character got through")


async def frames_glued_to_the_101():
    got = []

    def answer(sock, key):
        data = b"HTTP/1.1 103 Early Hints\r\n\r\n" + upgraded(key) + server_frame(PING, b"p") + server_frame(TEXT, b"hi")
        for i in range(0, len(data), 7):
            sock.sendall(data[i : i + 7])
            time.sleep(0.002)
        data = b""
        while len(data) < 6 + 1 + 6 + 2:
            data += sock.recv(4096)
        got.append(data[0:2] + data[7:9])
        sock.sendall(server_frame(CLOSE, close_body(1000)))
        got.append(read_close(sock))

    await against(answer, 0, "")
    equal(got, [bytes([0x80 | PONG, 0x81, 0x80 | TEXT, 0x82]), 1000], "frames")


for function in (echo_everything, echo_closed_with, echo_dropped, connect_prints, connect_offers, refusal_is_told,
                 broken_servers, broken_handshakes, frames_glued_to_the_101):
    name = "wick_cli/websockets/" + function.__name__
    try:
        asyncio.run(asyncio.wait_for(function(), 40))
        case(name)
    except Exception as error:
        case(name, "%s: %s" % (type(error).__name__, error))
sys.exit(1 if failed else 0)
