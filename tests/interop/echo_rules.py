"""Right and wrong frames, right and wrong handshakes: see echo_rules.sh."""
import socket
import sys
import threading
import time

from wire import (BINARY, CLOSE, KEY, PING, PONG, TEXT, Peer, case, close_body, equal, failed, frame, request, run)

port = int(sys.argv[1])

# name, bytes of a client's frames, the close code that answers them
violations = [
    ("rsv1", frame(TEXT, b"x", rsv=4), 1002),
    ("rsv2", frame(TEXT, b"x", rsv=2), 1002),
    ("rsv3", frame(TEXT, b"x", rsv=1), 1002),
    ("rsv1-on-ping", frame(PING, b"x", rsv=4), 1002),
    ("rsv1-on-continuation", frame(TEXT, b"x", fin=0) + frame(0, b"y", rsv=4), 1002),
    ("unmasked-text", frame(TEXT, b"x", mask=None), 1002),
    ("unmasked-ping", frame(PING, mask=None), 1002),
    ("unmasked-close", frame(CLOSE, close_body(1000), mask=None), 1002),
    ("fragmented-ping", frame(PING, b"x", fin=0), 1002),
    ("fragmented-close", frame(CLOSE, close_body(1000), fin=0), 1002),
    ("ping-of-126", frame(PING, b"x" * 126), 1002),
    ("close-of-126", frame(CLOSE, close_body(1000, b"x" * 124)), 1002),
    ("16-bit-length-of-125", frame(BINARY, b"x" * 125, form=16), 1002),
    ("16-bit-length-of-0", frame(BINARY, form=16), 1002),
    ("64-bit-length-of-65535", frame(BINARY, b"x" * 65535, form=64), 1002),
    ("64-bit-length-of-1", frame(BINARY, b"x", form=64), 1002),
    ("64-bit-length-top-bit", frame(BINARY, length=1 << 63, form=64), 1002),
    ("continuation-of-nothing", frame(0, b"x"), 1002),
    ("continuation-of-nothing-open", frame(0, b"x", fin=0), 1002),
    ("continuation-behind-whole", frame(TEXT, b"x") + frame(0, b"y"), 1002),
    ("text-inside-text", frame(TEXT, b"x", fin=0) + frame(TEXT, b"y"), 1002),
    ("binary-inside-text", frame(TEXT, b"x", fin=0) + frame(BINARY, b"y", fin=0), 1002),
    ("close-of-1-byte", frame(CLOSE, b"\x03"), 1002),
    ("close-reason-not-utf8", frame(CLOSE, close_body(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80")), 1007),
    ("close-reason-cut", frame(CLOSE, close_body(1000, b"\xf0\x9f\x98")), 1007),
    ("text-ff", frame(TEXT, b"\xff"), 1007),
    ("text-overlong", frame(TEXT, b"\xc0\xaf"), 1007),
    ("text-overlong-3", frame(TEXT, b"\xe0\x80\xaf"), 1007),
    ("text-surrogate", frame(TEXT, b"\xed\xa0\x80"), 1007),
    ("text-above-10ffff", frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    ("text-cut-character", frame(TEXT, b"abc\xe2\x82"), 1007),
    ("text-cut-across-fragments", frame(TEXT, b"\xe2\x82", fin=0) + frame(0, b"", fin=0) + frame(0, b"x"), 1007),
    ("text-bad-behind-64k", frame(TEXT, b"a" * 70000 + b"\xff" + b"a" * 100), 1007),
    # Told by the byte that proves it: nothing of the rest ever comes.
    ("text-bad-at-once", frame(TEXT, b"ab\xed\xa0", length=1000), 1007),
    ("text-bad-in-second-fragment", frame(TEXT, b"\xf4", fin=0) + frame(0, b"\x90", fin=0, length=500), 1007),
    ("message-too-big-by-header", frame(BINARY, length=(1 << 20) + 1, form=64), 1009),
    ("message-of-2-to-62", frame(BINARY, length=1 << 62, form=64), 1009),
    ("message-too-big-by-fragments", frame(BINARY, b"x" * (1 << 20), fin=0) + frame(0, b"y"), 1009),
]
violations += [("opcode-%d" % op, frame(op, b"x"), 1002) for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)]
violations += [
    ("close-code-%d" % code, frame(CLOSE, close_body(code)), 1002)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
]


def violate(data, code, whole):
    with Peer(port) as peer:
        try:
            if whole:
                peer.send(data)
            else:
                for i in range(len(data)):
                    peer.send(data[i : i + 1])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server may be done with us before the last byte
        equal(peer.read_close()[0], code, "close code")
        peer.read_end()


for name, data, code in violations:
    run("echo_rules/violation/" + name, violate, data, code, True)
    if len(data) < 200:
        run("echo_rules/violation-bytewise/" + name, violate, data, code, False)


def closes(code, reason):
    body = b"" if code is None else close_body(code, reason)
    with Peer(port) as peer:
        peer.send(frame(CLOSE, body))
        equal(peer.read_close()[0], code, "close code")
        peer.read_end()


for code in (None, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
    run("echo_rules/close/%s" % code, closes, code, b"")
run("echo_rules/close/reason-123", closes, 1000, b"\xe2\x82\xac" * 41)


def nothing_after_close():
    with Peer(port) as peer:
        peer.send(frame(CLOSE, close_body(1000)) + frame(TEXT, b"late") + frame(PING, b"late"))
        equal(peer.read_close()[0], 1000, "close code")
        peer.read_end()


def fragments():
    with Peer(port) as peer:
        peer.send(frame(TEXT, b"a", fin=0) + frame(PING, b"1") + frame(0, b"", fin=0) + frame(PING, b"2") + frame(0, b"b"))
        peer.expect(PONG, b"1")
        peer.expect(PONG, b"2")
        peer.expect(TEXT, b"ab")
        whole = bytes(range(256)) * 16
        peer.send(b"".join(frame(0 if i else BINARY, whole[i : i + 1], fin=int(i == len(whole) - 1)) for i in range(len(whole))))
        peer.expect(BINARY, whole)


def pings():
    with Peer(port) as peer:
        for n in (0, 1, 124, 125):
            peer.send(frame(PING, b"\xff" * n))
            peer.expect(PONG, b"\xff" * n)
        peer.send(frame(PONG, b"unasked") + frame(TEXT, b"on"))
        peer.expect(TEXT, b"on")


def sizes():
    with Peer(port) as peer:
        for n in list(range(0, 130)) + [1000, 65534, 65535, 65536, 65537, 131071, 131072, 262144, 1 << 20]:
            peer.echo(BINARY, bytes([n & 255]) * n)


def bytewise():
    data = frame(TEXT, "h\u00e9\u65e5\U0001f600".encode()) + frame(BINARY, b"x" * 130) + frame(PING, b"p")
    with Peer(port) as peer:
        for i in range(len(data)):
            peer.send(data[i : i + 1])
        peer.expect(TEXT, "h\u00e9\u65e5\U0001f600".encode())
        peer.expect(BINARY, b"x" * 130)
        peer.expect(PONG, b"p")


def every_split():
    data = frame(TEXT, b"ab", fin=0) + frame(PING, b"p") + frame(0, "\u65e5".encode()) + frame(BINARY, b"z" * 126)
    with Peer(port) as peer:
        for i in range(1, len(data)):
            peer.send(data[:i])
            time.sleep(0.001)
            peer.send(data[i:])
            peer.expect(PONG, b"p")
            peer.expect(TEXT, "ab\u65e5".encode())
            peer.expect(BINARY, b"z" * 126)


run("echo_rules/nothing-after-close", nothing_after_close)
run("echo_rules/fragments", fragments)
run("echo_rules/pings", pings)
run("echo_rules/sizes", sizes)
run("echo_rules/bytewise", bytewise)
run("echo_rules/every-split", every_split)


# ---- The handshake ----

def head_bytewise():
    with Peer(port, connect=False) as peer:
        data = request(port)
        for i in range(len(data)):
            peer.send(data[i : i + 1])
        peer.head = peer.read_head()
        equal(peer.status(), 101, "status")
        equal(peer.field("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "accept")
        peer.echo(TEXT, b"on")


def glued():
    with Peer(port, connect=False) as peer:
        peer.send(request(port) + frame(TEXT, b"glued") + frame(PING, b"p") + frame(BINARY, b"x" * 1000)[:600])
        peer.head = peer.read_head()
        equal(peer.status(), 101, "status")
        peer.expect(TEXT, b"glued")
        peer.expect(PONG, b"p")
        peer.send(frame(BINARY, b"x" * 1000)[600:])
        peer.expect(BINARY, b"x" * 1000)


def answers(data, status, fields=()):
    with Peer(port, connect=False) as peer:
        peer.send(data)
        peer.head = peer.read_head()
        equal(peer.status(), status, "status")
        for name, value in fields:
            equal(peer.field(name), value, name)
        if status != 101:
            equal(peer.field("Content-Type"), "application/problem+json", "content type")
            body = peer.read_all()
            equal(len(body), int(peer.field("Content-Length")), "body length")


def without(name):
    lines = request(port).decode().split("\r\n")
    return "\r\n".join(line for line in lines if not line.startswith(name)).encode()


def changed(name, value):
    lines = request(port).decode().split("\r\n")
    return "\r\n".join(name + ": " + value if line.startswith(name) else line for line in lines).encode()


retry = [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")]
handshakes = [
    ("plain-get", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, []),
    ("no-key", without("Sec-WebSocket-Key"), 400, []),
    ("key-too-short", changed("Sec-WebSocket-Key", "c2hvcnQ="), 400, []),
    ("key-twice", request(port, extra="Sec-WebSocket-Key: %s\r\n" % KEY), 400, []),
    ("no-version", without("Sec-WebSocket-Version"), 426, retry),
    ("version-8", changed("Sec-WebSocket-Version", "8"), 426, retry),
    ("no-upgrade", without("Upgrade"), 400, []),
    ("no-connection", without("Connection"), 400, []),
    ("post", request(port).replace(b"GET", b"POST", 1), 405, [("Allow", "GET")]),
    ("http-1.0", request(port).replace(b"HTTP/1.1", b"HTTP/1.0"), 400, []),
    ("http-2.0", request(port).replace(b"HTTP/1.1", b"HTTP/2.0"), 505, []),
    ("no-host", without("Host"), 400, []),
    ("host-twice", request(port, extra="Host: b\r\n"), 400, []),
    ("folded-line", request(port, extra="X: a\r\n b\r\n"), 400, []),
    ("space-before-colon", request(port, extra="X : a\r\n"), 400, []),
    ("nul-in-value", request(port, extra="X: a\0b\r\n"), 400, []),
    ("bare-line-feeds", request(port).replace(b"\r\n", b"\n"), 400, []),
    ("not-http", b"\x00\x01\x02\x03\r\n\r\n", 400, []),
    ("long-line", request(port, path="/" + "a" * 9000), 414, []),
    ("long-head", request(port, extra="X: %s\r\n" % ("a" * 17000)), 431, []),
    ("many-fields", request(port, extra="X: a\r\n" * 200), 431, []),
    ("body", request(port, extra="Content-Length: 5\r\n"), 400, []),
    ("subprotocol-is-not-chosen", request(port, extra="Sec-WebSocket-Protocol: chat, superchat\r\n"), 101,
     [("Sec-WebSocket-Protocol", None)]),
    ("extension-is-not-chosen", request(port, extra="Sec-WebSocket-Extensions: permessage-deflate\r\n"), 101,
     [("Sec-WebSocket-Extensions", None)]),
    ("any-origin", request(port, extra="Origin: https://elsewhere.example\r\n"), 101, []),
    ("any-path", request(port, path="/any/path?case=1&agent=x"), 101, []),
    ("lists-and-case", request(port).replace(b"Upgrade: websocket", b"UPGRADE:WebSocket")
     .replace(b"Connection: Upgrade", b"connection: keep-alive , UPGRADE"), 101, []),
]


def dribble(results):
    """A head that comes too slowly is cut off, however steadily it comes."""
    try:
        with Peer(port, connect=False, timeout=20) as peer:
            start = time.monotonic()
            peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
            peer.socket.settimeout(0.5)
            answer = b""
            while time.monotonic() - start < 18:
                try:
                    peer.send(b"a")
                    piece = peer.socket.recv(65536)
                    if not piece:
                        break
                    answer += piece
                except socket.timeout:
                    pass
                except OSError:
                    break
            took = time.monotonic() - start
            if not answer.startswith(b"HTTP/1.1 408 "):
                raise AssertionError("answered %r" % answer[:40])
            if not 9 < took < 16:
                raise AssertionError("cut off after %.1f s" % took)
        results.append(None)
    except Exception as error:
        results.append(error)


def silent(results):
    try:
        with Peer(port, connect=False, timeout=16) as peer:
            equal(peer.read_all(), b"", "answer")
        results.append(None)
    except Exception as error:
        results.append(error)


def deaf(results):
    """A peer that has been told why, and does not end its side, is cut off: nobody keeps a socket by going on."""
    try:
        with Peer(port, timeout=5) as peer:
            peer.send(frame(3, b""))
            equal(peer.read_close()[0], 1002, "close code")
            start = time.monotonic()
            try:
                while time.monotonic() - start < 12:
                    peer.send(b"more")
                    time.sleep(0.1)
            except OSError:
                pass
            took = time.monotonic() - start
            if not 3 < took < 11:
                raise AssertionError("cut off after %.1f s" % took)
        results.append(None)
    except Exception as error:
        results.append(error)


slow, mute, unheeding = [], [], []
threads = [threading.Thread(target=dribble, args=(slow,)), threading.Thread(target=silent, args=(mute,)),
           threading.Thread(target=deaf, args=(unheeding,))]
for thread in threads:
    thread.start()
run("echo_rules/handshake/bytewise", head_bytewise)
run("echo_rules/handshake/frames-glued-to-it", glued)
for name, data, status, fields in handshakes:
    run("echo_rules/handshake/" + name, answers, data, status, fields)
for thread in threads:
    thread.join()
case("echo_rules/handshake/dribbling-head-is-cut-off", slow[0])
case("echo_rules/handshake/silence-is-cut-off", mute[0])
case("echo_rules/close/who-goes-on-is-cut-off", unheeding[0])
sys.exit(1 if failed else 0)
