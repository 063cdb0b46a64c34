"""TLS of the programs, built WITH_OPENSSL=1 (see tls.sh): other people's clients, verification, ends, back-pressure."""
import asyncio
import json
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

from agent_lib import BUILD, GROWTH_KIB, PATH, Client, Server, text_of
from forwarded_lib import CLIENT, Proxy, authority, get, names, v2_tcp4, wait_for
from wire import BINARY, CLOSE, TEXT, case, close_body, equal, failed, frame, request, run

warnings.simplefilter("ignore", DeprecationWarning)  # of the old versions that a test asks for
folder = tempfile.mkdtemp(prefix="tls-", dir=os.path.abspath(BUILD))
CA, CERT, KEY = authority(folder)
PLAIN = os.environ.get("PLAIN_BUILD", "build")
IDENTITY = ("--cert", CERT, "--key", KEY)
WICK = BUILD + "/bin/wick"


class Tls:
    """TLS by hand over a socket: bytes go out when and how a test wants them."""

    def __init__(self, port, alpn=None, before=b"", context=None, slowly=False, source="127.0.0.1"):
        context = context or ssl.create_default_context(cafile=CA)
        if alpn:
            context.set_alpn_protocols(alpn)
        self.input, self.output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.input, self.output, server_hostname="localhost")
        self.socket = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.slowly, self.kept, self.before = slowly, b"", before
        self.fin = False
        self.step(self.tls.do_handshake)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        data, self.before = self.before + self.output.read(), b""
        if not self.slowly:
            self.socket.sendall(data)
            return
        for i in range(len(data)):
            self.socket.sendall(data[i:i + 1])

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            self.fin = True
            self.input.write_eof()
        self.input.write(data)

    def step(self, function, *arguments):
        while True:
            try:
                result = function(*arguments)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                self.receive()

    def send(self, data):
        self.tls.write(data)
        self.flush()

    def read(self):
        """Some bytes; none at close_notify. Raises ssl.SSLEOFError if the stream is cut."""
        try:
            return self.step(self.tls.read, 65536)
        except ssl.SSLZeroReturnError:
            return b""

    def rest(self):
        data = self.kept
        while True:
            piece = self.read()
            if not piece:
                return data
            data += piece

    def upto(self, mark):
        while mark not in self.kept:
            piece = self.read()
            if not piece:
                raise AssertionError("the stream ended after %r" % self.kept[-100:])
            self.kept += piece
        at = self.kept.index(mark) + len(mark)
        data, self.kept = self.kept[:at], self.kept[at:]
        return data

    def upgrade(self, port):
        self.send(request(port))
        equal(self.upto(b"\r\n\r\n").split()[1], b"101")


def with_server(function, *options, program="echo_server"):
    server = Server(*IDENTITY, *options, program=program)
    try:
        function(server)
    finally:
        status = server.stop()
    equal(status, 0, "exit status")


def server_case(*options, program="echo_server"):
    def wrap(function):
        run("tls/" + function.__name__, lambda: with_server(function, *options, program=program))
    return wrap


def command(*words, stdin=b"", timeout=20, build=BUILD):
    return subprocess.run([build + "/bin/" + words[0], *words[1:]], input=stdin, capture_output=True, timeout=timeout)


def wrong_usage(words, *wants, build=BUILD):
    result = command(*words, build=build)
    equal(result.returncode, 2, words)
    for want in wants:
        equal(want in result.stderr, True, "%s: %r in %r" % (words, want, result.stderr[:200]))


def a_build_without_it_says_so():
    if b"no TLS" not in command("wick", "connect", "wss://localhost:1/", build=PLAIN).stderr:
        return  # it has TLS too
    for program in ("echo_server", "agent_server", "agent_runtime"):
        wrong_usage((program, "--port", "0", *IDENTITY), b"WITH_OPENSSL=1", build=PLAIN)
    wrong_usage(("agent_server", "--port", "0", "--runtime", "wss://localhost:1/"), b"WITH_OPENSSL=1", build=PLAIN)
    for words in (("connect",), ("echo",)):
        wrong_usage(("wick", *words, "wss://localhost:1/"), b"WITH_OPENSSL=1", build=PLAIN)
    wrong_usage(("wick", "agent", "wss://localhost:1/", "x"), b"WITH_OPENSSL=1", build=PLAIN)
    wrong_usage(("wick", "connect", "--ca", CA, "ws://localhost:1/"), b"WITH_OPENSSL=1", build=PLAIN)


def usage():
    for program in ("echo_server", "agent_server", "agent_runtime"):
        wrong_usage((program, "--port", "0", "--key", KEY), b"--cert")
        wrong_usage((program, "--port", "0", "--cert", folder + "/none"), b"none")
        wrong_usage((program, "--port", "0", "--cert", KEY, "--key", CERT), b"--cert")
        wrong_usage((program, "--port", "0", "--cert", CERT, "--key", folder + "/ca.key"), b"match")
    wrong_usage(("wick", "connect", "--ca", folder + "/none", "wss://localhost:1/"), b"none")
    wrong_usage(("wick", "doctor", "--ca", KEY, "wss://localhost:1/"), b"--ca")


run("tls/a_build_without_it_says_so", a_build_without_it_says_so)
run("tls/usage", usage)

# ---- Other people's clients


@server_case()
def curl(server):
    url = "https://localhost:%d/" % server.port
    result = subprocess.run(["curl", "-sv", "-i", "--cacert", CA, url], capture_output=True, timeout=20)
    equal(b"HTTP/1.1 400" in result.stdout and b"Wick-Server: echo_server" in result.stdout, True, result.stdout)
    equal(b"server accepted http/1.1" in result.stderr.replace(b"to use ", b""), True, result.stderr[-600:])
    equal(subprocess.run(["curl", "-s", url], capture_output=True, timeout=20).returncode, 60, "curl without --cacert")
    for version, want in (("1.2", 0), ("1.3", 0)):
        result = subprocess.run(["curl", "-s", "--cacert", CA, "--tlsv" + version, "--tls-max", version, url], capture_output=True, timeout=20)
        equal(result.returncode, want, "TLS " + version)


@server_case()
def plain_http_is_told_to_use_tls(server):
    result = subprocess.run(["curl", "-s", "-i", "http://localhost:%d/" % server.port], capture_output=True, timeout=20)
    equal(result.stdout.startswith(b"HTTP/1.1 400") and b"Wick-Server: echo_server" in result.stdout, True, result.stdout)
    equal("wss://" in json.loads(result.stdout.split(b"\r\n\r\n")[1])["hint"], True)
    equal(re.search(r"127\.0\.0\.1:\d+ - TLS handshake failed: plain HTTP", server.log()) is not None, True, server.log())


async def python_client(server, context):
    import websockets
    async with websockets.connect("wss://localhost:%d/" % server.port, ssl=context, max_size=None) as ws:
        for size in (0, 1, 125, 126, 1000, 16383, 16384, 16385, 65535, 65536, 131072, 1 << 20, 9 << 20):
            for message in (os.urandom(size), "x" * size):
                await ws.send(message)
                equal(await asyncio.wait_for(ws.recv(), 30) == message, True, size)
        await asyncio.wait_for(await ws.ping(), 10)
        await ws.send([b"a" * 5, b"b" * 70000, b"c"])
        equal(await ws.recv(), b"a" * 5 + b"b" * 70000 + b"c")
    equal(ws.close_code, 1000, "close code")


@server_case()
def python_websockets(server):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=CA)
        context.minimum_version = context.maximum_version = version
        asyncio.run(python_client(server, context))


NODE = """
const WebSocket = require('ws'), fs = require('fs'), crypto = require('crypto');
const ws = new WebSocket(process.argv[1], { ca: fs.readFileSync(process.argv[2]) });
const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20, 5 << 20];
const sent = sizes.map(size => crypto.randomBytes(size));
let at = 0;
ws.on('open', () => { for (const message of sent) ws.send(message); ws.ping('p'); });
ws.on('message', data => {
  if (!data.equals(sent[at++])) { console.log('differs at', at); process.exit(1); }
  if (at === sent.length) ws.close(1000, 'done');
});
ws.on('error', error => { console.log(error.message); process.exit(1); });
ws.on('close', (code, reason) => { console.log(code, String(reason), at); process.exit(code === 1000 && at === sent.length ? 0 : 1); });
"""


def npm_ws(server):
    result = subprocess.run(["node", "-e", NODE, "wss://localhost:%d/" % server.port, CA], capture_output=True, timeout=60)
    equal(result.returncode, 0, result.stdout + result.stderr)


if "NODE" in os.environ:  # with the modules ws and playwright-core
    run("tls/npm_ws", lambda: with_server(npm_ws))
else:
    print("skip tls/npm_ws: node has no module ws")

# ---- By hand


@server_case()
def byte_by_byte(server):
    with Tls(server.port, slowly=True) as peer:
        peer.upgrade(server.port)
        peer.send(frame(TEXT, b"hello") + frame(BINARY, b"x" * 300))
        peer.upto(b"hello")
        peer.upto(b"x" * 300)


@server_case()
def only_http_1_1(server):
    for alpn, want in ((["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (None, None)):
        with Tls(server.port, alpn) as peer:
            equal(peer.tls.selected_alpn_protocol(), want)
    try:
        Tls(server.port, ["h2"])
        raise AssertionError("h2 alone is accepted")
    except ssl.SSLError as error:
        equal("no_application_protocol" in str(error).lower().replace(" ", "_"), True, error)


@server_case()
def nothing_older_than_1_2(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        Tls(server.port, context=context)
        raise AssertionError("TLS 1.1 is accepted")
    except ssl.SSLError as error:
        equal("PROTOCOL_VERSION" in str(error).upper().replace(" ", "_"), True, error)


@server_case()
def ends_with_close_notify(server):
    with Tls(server.port) as peer:
        peer.upgrade(server.port)
        peer.send(frame(CLOSE, close_body(1000)))
        equal(peer.rest()[2:4], close_body(1000))  # rest() raises if close_notify is missing
    with Tls(server.port) as peer:
        peer.send(get(path="/x"))
        equal(peer.rest().startswith(b"HTTP/1.1 400"), True)


@server_case()
def a_half_closed_client_is_answered(server):
    """close_notify right behind the last frame: what came before it is echoed, then the server ends."""
    with Tls(server.port) as peer:
        peer.upgrade(server.port)
        peer.tls.write(b"".join(frame(BINARY, b"%7d" % i * 100) for i in range(1000)))
        try:
            peer.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        peer.flush()
        got = b""
        while True:
            data = peer.socket.recv(1 << 20)
            if not data:
                break
            got += len(data).to_bytes(4, "big")
        total = sum(int.from_bytes(got[i:i + 4], "big") for i in range(0, len(got), 4))
        equal(total > 700000, True, "%d bytes came back" % total)


@server_case()
def a_cut_stream_is_an_end(server):
    for say in (b"", request(server.port)[:40], request(server.port), request(server.port) + frame(TEXT, b"x" * 1000)[:500]):
        with Tls(server.port) as peer:
            peer.send(say or b"G")
    for junk in (b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01", os.urandom(300), b"\r\n\r\n\0\r\nQUIT\n"):
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(junk)
    with Tls(server.port) as peer:
        peer.upgrade(server.port)


@server_case("--max-message", "4M")
def a_client_that_does_not_read(server):
    """Its output is bounded, and all of it comes when it reads at last."""
    sent, stop = [0], threading.Event()
    block = frame(BINARY, bytes(range(256)) * 400)
    with Tls(server.port) as peer:
        peer.upgrade(server.port)
        before = server.memory_kib()
        peer.tls.write(block)
        record = peer.output.read()
        peer.socket.settimeout(1)
        pending = record
        try:
            while sent[0] < 2000:
                peer.socket.sendall(pending)
                pending = b""
                sent[0] += 1
                peer.tls.write(block)
                pending = peer.output.read()
            raise AssertionError("the server takes without end")
        except socket.timeout:
            pass
        grown = server.memory_kib() - before
        equal(grown < 2 * GROWTH_KIB, True, "%d KiB more" % grown)
    stop.set()


@server_case()
def much_at_once_both_ways(server):
    """64 MiB through one connection: a thread sends while the other reads."""
    context = ssl.create_default_context(cafile=CA)
    raw = socket.create_connection(("127.0.0.1", server.port), 30)
    tls = context.wrap_socket(raw, server_hostname="localhost")
    tls.sendall(request(server.port))
    kept = b""
    while b"\r\n\r\n" not in kept:
        kept += tls.recv(65536)
    kept = kept.split(b"\r\n\r\n", 1)[1]
    rng = random.Random(4)
    messages = [rng.randbytes(rng.choice((10, 1000, 20000, 200000))) for _ in range(600)]
    lock, wanted, got = threading.Lock(), sum(len(m) + (2 if len(m) < 126 else 4 if len(m) < 65536 else 10) for m in messages), bytearray(kept)
    tls.settimeout(0.02)

    def move(function, *arguments):
        while True:
            with lock:
                try:
                    return function(*arguments)
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError, socket.timeout):
                    pass
            time.sleep(0.0005)

    def send():
        for message in messages:
            data = frame(BINARY, message)
            while data:
                data = data[move(tls.send, data):]

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    while len(got) < wanted:
        piece = move(tls.recv, 1 << 18)
        if not piece:
            raise AssertionError("ended after %d of %d" % (len(got), wanted))
        got += piece
    sender.join()
    equal(bytes(got) == b"".join(frame(BINARY, m, mask=None) for m in messages), True, "what came back")
    tls.close()


@server_case()
def a_hundred_at_once(server):
    async def one(context, i):
        import websockets
        async with websockets.connect("wss://localhost:%d/" % server.port, ssl=context) as ws:
            for k in range(5):
                await ws.send("%d %d" % (i, k))
                equal(await asyncio.wait_for(ws.recv(), 30), "%d %d" % (i, k))

    async def every():
        context = ssl.create_default_context(cafile=CA)
        await asyncio.gather(*(one(context, i) for i in range(100)))
    asyncio.run(every())


@server_case()
def a_drain_closes_in_order(server):
    with Tls(server.port) as peer, Tls(server.port):
        peer.upgrade(server.port)
        server.process.terminate()
        equal(peer.rest()[2:4], close_body(1001))
        equal(server.stop(), 0)


# ---- Our own client


def says(result, status, *wants):
    equal(result.returncode, status, result.stderr)
    for want in wants:
        equal(want in result.stdout + result.stderr, True, result.stdout + result.stderr)


@server_case()
def wick_verifies(server):
    name, address = "wss://localhost:%d/" % server.port, "wss://127.0.0.1:%d/" % server.port
    for url in (name, address):
        says(command("wick", "connect", "--ca", CA, url, stdin=b"hello\n"), 0, b"hello")
        says(command("wick", "connect", url), 1, b"(tls)", b"not trusted")
        says(command("wick", "connect", "--insecure", url, stdin=b"hello\n"), 0, b"hello")
    other = authority(tempfile.mkdtemp(dir=folder), "other.example")[0]
    says(command("wick", "connect", "--ca", other, name), 1, b"(tls)")


def wick_verifies_the_name():
    where = tempfile.mkdtemp(dir=folder)
    ca, cert, key = authority(where, "other.example")
    server = Server("--cert", cert, "--key", key, program="echo_server")
    says(command("wick", "connect", "--ca", ca, "wss://localhost:%d/" % server.port), 1, b"(tls)", b"ostname mismatch")
    says(command("wick", "connect", "--ca", ca, "wss://127.0.0.1:%d/" % server.port), 1, b"(tls)", b"mismatch")
    says(command("wick", "connect", "--ca", ca, "--insecure", "wss://127.0.0.1:%d/" % server.port), 0)
    equal(server.stop(), 0)


def wick_to_a_plain_port():
    server = Server(program="echo_server")
    says(command("wick", "connect", "--ca", CA, "wss://127.0.0.1:%d/" % server.port), 1, b"(tls)", b"does not speak TLS")
    equal(server.stop(), 0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def accept():
            listener.accept()[0].close()
        threading.Thread(target=accept, daemon=True).start()
        says(command("wick", "connect", "--ca", CA, "wss://127.0.0.1:%d/" % listener.getsockname()[1]), 1, b"(tls)")


run("tls/wick_verifies_the_name", wick_verifies_the_name)
run("tls/wick_to_a_plain_port", wick_to_a_plain_port)


@server_case()
def wick_doctor(server):
    result = command("wick", "doctor", "--ca", CA, "--seconds", "1", "--direct", "wss://127.0.0.1:%d/" % server.port,
                     "wss://localhost:%d/" % server.port, timeout=60)
    says(result, 0, b"Direct Backend Connection: PASSED", b"0 failed")
    says(command("wick", "doctor", "--seconds", "0", "wss://localhost:%d/" % server.port), 1, b"not trusted", b"--ca")
    says(command("wick", "doctor", "--seconds", "0", "ws://localhost:%d/" % server.port), 1, b"wss://")
    plain = Server(program="echo_server")
    says(command("wick", "doctor", "--seconds", "0", "wss://localhost:%d/" % plain.port), 1, b"plain HTTP")
    equal(plain.stop(), 0)


def wick_echo():
    """The other way round: python's server, our client."""
    import websockets
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, KEY)
    sizes = (0, 1, 126, 70000, 1 << 20)

    async def serve(ws, path=None):
        for size in sizes:
            message = os.urandom(size)
            await ws.send(message)
            equal(await asyncio.wait_for(ws.recv(), 20) == message, True, size)
        await ws.close(1000)

    async def both():
        async with websockets.serve(serve, "127.0.0.1", 0, ssl=context, max_size=None) as server:
            port = server.sockets[0].getsockname()[1]
            process = await asyncio.create_subprocess_exec(WICK, "echo", "--ca", CA, "wss://localhost:%d/" % port)
            equal(await asyncio.wait_for(process.wait(), 30), 0)
    asyncio.run(both())


run("tls/wick_echo", wick_echo)

# ---- The agent programs


@server_case(program="agent_server")
def agents(server):
    url = "wss://localhost:%d%s" % (server.port, PATH)
    for transport in ("auto", "sse", "poll"):
        result = command("wick", "agent", "--ca", CA, "--transport", transport, url, "One. Two. Three.")
        says(result, 0)
        equal(len(result.stdout) > 3, True, result.stdout)
    context = ssl.create_default_context(cafile=CA)

    async def ask():
        async with Client(url, ssl=context) as client:
            events = await client.run("word " * 200, {"surface": "experience_pillar"})
            equal(text_of(events), "word " * 200)
    asyncio.run(ask())
    body = json.dumps({"type": "agent.message", "payload": {"text": "One. Two.", "context": {}}})
    result = subprocess.run(["curl", "-sN", "--cacert", CA, "-H", "Accept: text/event-stream", "-H", "Content-Type: application/json", "-d", body,
                             "https://localhost:%d%s" % (server.port, PATH)], capture_output=True, timeout=20)
    equal(b"agent.completed" in result.stdout, True, result.stdout)
    page = subprocess.run(["curl", "-s", "--cacert", CA, "https://localhost:%d/" % server.port], capture_output=True, timeout=20)
    equal(b"<html" in page.stdout, True, page.stdout[:100])


def page(server):
    result = subprocess.run(["node", "tests/interop/tls_page.js", "https://localhost:%d/" % server.port], capture_output=True, timeout=90)
    equal(result.returncode, 0, result.stdout + result.stderr)


if "CHROMIUM" in os.environ and "NODE" in os.environ:
    run("tls/page", lambda: with_server(page, program="agent_server"))
else:
    print("skip tls/page: chromium or node's module playwright-core is not installed")


def runtime_elsewhere():
    runtime = Server(*IDENTITY, program="agent_runtime")
    url = runtime.url.replace("ws://127.0.0.1", "wss://localhost")
    server = Server("--ca", CA, "--runtime", url)
    says(command("wick", "agent", server.url, "One. Two. Three."), 0)
    equal(server.stop(), 0)
    equal(runtime.stop(), 0)


run("tls/runtime_elsewhere", runtime_elsewhere)

# ---- Behind proxies


@server_case("--trust-proxy", "127.0.0.1")
def a_proxy_header_comes_before_tls(server):
    for slowly in (False, True):
        with Tls(server.port, before=v2_tcp4("203.0.113.7", 5000), slowly=slowly) as peer:
            peer.upgrade(server.port)
            wait_for(lambda: "203.0.113.7:5000" in names(server), server.log)
    with Tls(server.port) as peer:  # and without one
        peer.upgrade(server.port)
    with Tls(server.port, source="127.0.0.2") as peer:
        peer.upgrade(server.port)


def haproxy(server):
    text = """defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen it
  bind 127.0.0.1:PORT
  server wick 127.0.0.1:BACKEND send-proxy-v2
"""
    with Proxy(text, server.port, ["haproxy", "-db", "-f", "FOLDER/config"]) as proxy:
        with Tls(proxy.port, source=CLIENT) as peer:
            peer.upgrade(server.port)
            name = "%s:%d" % peer.socket.getsockname()
            wait_for(lambda: name in names(server), server.log)


if shutil.which("haproxy"):
    run("tls/haproxy", lambda: with_server(haproxy, "--trust-proxy", "127.0.0.1"))
else:
    print("skip tls/haproxy: haproxy is not installed")

shutil.rmtree(folder, True)
sys.exit(1 if failed else 0)
