"""What echo_server costs and survives: see echo_load.sh."""
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time

from wire import (BINARY, CLOSE, PING, PONG, TEXT, Peer, case, close_body, cpu_seconds, equal, failed, frame, request,
                  resident, run, wait_until)


class Server:
    """An echo_server of its own for a case."""

    def __init__(self, *options, limit=None):
        self.log = []
        lower = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))) if limit else None
        self.process = subprocess.Popen([sys.argv[1], "--port", "0"] + list(options), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, preexec_fn=lower)
        line = self.process.stdout.readline().decode()
        self.port = int(re.match(r"listening on ws://127\.0\.0\.1:(\d+)/$", line).group(1))
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def stop(self, seconds=5):
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(seconds), 0, "exit status")
        return self.process.stderr.read().decode()


def idle_memory():
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    count = min(10000, soft - 100)
    if count < 2000:
        print("skip echo_load/idle-memory: only %d descriptors" % soft)
        return
    with Server() as server:
        # The log of 10,000 handshakes is more than a pipe holds: the server must not care that nobody reads it.
        head = request(server.port)
        sockets = []

        def open_one(i):
            # A source address has some 28,000 ports, less what other programs hold.
            s = socket.create_connection(("127.0.0.1", server.port), 5, ("127.0.0.%d" % (1 + i % 4), 0))
            s.sendall(head)
            return s

        warm = open_one(0)
        warm.recv(4096)
        before = resident(server.pid)
        for i in range(0, count, 500):
            batch = [open_one(i) for i in range(i, min(i + 500, count))]
            for s in batch:
                if not s.recv(4096).startswith(b"HTTP/1.1 101 "):
                    raise AssertionError("no handshake")
            sockets += batch
        time.sleep(0.2)
        each = (resident(server.pid) - before) / count
        print("# %d idle connections: %.0f bytes each" % (count, each))
        if each > 512:
            raise AssertionError("%.0f bytes for each of %d idle connections, want at most 512" % (each, count))
        with Peer(server.port) as peer:
            peer.echo(TEXT, b"still here")
        for s in sockets:
            s.close()
        with Peer(server.port) as peer:
            peer.echo(TEXT, b"still here")


def push(sock, data, seconds):
    """Send for some time without reading; returns the bytes taken."""
    taken, limit = 0, time.monotonic() + seconds
    sock.setblocking(False)
    while time.monotonic() < limit:
        try:
            taken += sock.send(data[taken % len(data):] + data)
        except BlockingIOError:
            time.sleep(0.01)
    return taken


def flood(piece):
    """A peer that sends and never reads is not read any more, and costs a bounded amount of memory."""
    with Server() as server:
        data = piece * (300000 // len(piece) + 1)
        with Peer(server.port) as other, Peer(server.port) as peer:
            other.echo(TEXT, b"before")
            before = resident(server.pid)
            taken = push(peer.socket, data, 1.0)
            grown = resident(server.pid) - before
            other.echo(TEXT, b"meanwhile")
            again = push(peer.socket, data, 0.5)
            print("# %d bytes taken, then %d; memory grew by %d" % (taken, again, grown))
            if grown > 2 << 20:
                raise AssertionError("memory grew by %d bytes" % grown)
            busy = cpu_seconds(server.pid)
            time.sleep(0.5)
            if cpu_seconds(server.pid) - busy > 0.1:
                raise AssertionError("the server spins")
            other.echo(TEXT, b"after")


def drained_flood():
    """When the slow reader reads at last, nothing is missing."""
    with Server() as server, Peer(server.port, timeout=10) as peer:
        sizes = [3, 1000, 70000, 125, 300000, 0, 16384]
        messages = [bytes([i & 255]) * sizes[i % len(sizes)] for i in range(200)]
        data = b"".join(frame(BINARY, m) + frame(PING, b"%d" % i) for i, m in enumerate(messages))
        pid = os.fork()
        if pid == 0:
            peer.socket.sendall(data)
            os._exit(0)
        time.sleep(0.5)
        for i, message in enumerate(messages):
            peer.expect(BINARY, message)
            peer.expect(PONG, b"%d" % i)
        os.waitpid(pid, 0)


def ping_throughput():
    """Pings in one write are answered in few writes, in order, and fast."""
    with Server() as server, Peer(server.port, timeout=10) as peer:
        count = 20000
        for i in range(0, count, 2000):
            peer.send(b"".join(frame(PING, b"%d" % k) for k in range(i, i + 2000)))
            for k in range(i, i + 2000):
                peer.expect(PONG, b"%d" % k)
        used = cpu_seconds(server.pid)
        if used > 1.0:
            raise AssertionError("%.2f s for %d pings" % (used, count))


def tiny_fragments():
    """One message in 100,000 fragments, many of them empty: linear time, bounded memory."""
    with Server() as server, Peer(server.port, timeout=20) as peer:
        piece = frame(0, b"x", fin=0) + frame(0, b"", fin=0)
        peer.send(frame(BINARY, b"x", fin=0) + piece * 50000 + frame(0, b"x"))
        peer.expect(BINARY, b"x" * 50002)
        if cpu_seconds(server.pid) > 1.0:
            raise AssertionError("%.2f s" % cpu_seconds(server.pid))


def announced_length():
    """A length that is only announced reserves nothing."""
    with Server("--max-message", "1G") as server:
        peers = [Peer(server.port) for _ in range(20)]
        before = resident(server.pid)
        for peer in peers:
            peer.send(frame(BINARY, b"x" * 10, length=1 << 30, form=64))
        time.sleep(0.3)
        grown = resident(server.pid) - before
        for peer in peers:
            peer.socket.close()
        if grown > 1 << 20:
            raise AssertionError("memory grew by %d bytes" % grown)


def no_descriptors():
    """Connections beyond the limit of descriptors are turned away, the others live on, and it goes on when some are free."""
    with Server(limit=40) as server:
        peers = []
        with Peer(server.port) as first:
            for _ in range(60):
                try:
                    peers.append(Peer(server.port, timeout=2))
                except (OSError, EOFError):
                    pass
            if not 20 < len(peers) < 40:
                raise AssertionError("%d connections" % len(peers))
            first.echo(TEXT, b"still here")
            busy = cpu_seconds(server.pid)
            time.sleep(0.3)
            if cpu_seconds(server.pid) - busy > 0.1:
                raise AssertionError("the server spins")
            for peer in peers:
                peer.socket.close()
            time.sleep(0.2)
            with Peer(server.port) as late:
                late.echo(TEXT, b"room again")
        if "out of file descriptors" not in server.stop():
            raise AssertionError("the log does not say it")


def resets():
    """Peers that vanish in the middle of everything leave nothing behind."""
    with Server() as server:
        def once(i):
            with Peer(server.port, connect=i % 4 != 0) as peer:
                peer.send([request(server.port)[:40], frame(BINARY, b"x" * 5000)[:3000], frame(TEXT, b"x", fin=0),
                           frame(BINARY, b"y" * 200000) * 3][i % 4])
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        for i in range(400):
            once(i)
        before = resident(server.pid)
        for i in range(2000):
            once(i)
        wait_until(lambda: len(os.listdir("/proc/%d/fd" % server.pid)) < 12, 5, "all descriptors closed")
        grown = resident(server.pid) - before
        if grown > 1 << 20:
            raise AssertionError("memory grew by %d bytes" % grown)


def drain():
    with Server() as server:
        idle, inside, deaf = Peer(server.port), Peer(server.port), Peer(server.port)
        fresh = Peer(server.port, connect=False)
        inside.send(frame(BINARY, b"half", fin=0))
        push(deaf.socket, frame(BINARY, b"x" * 50000) * 50, 0.3)
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        for peer in (idle, inside):
            equal(peer.read_close(), (1001, b"the server is going down"), "close")
            peer.send(frame(CLOSE, close_body(1001)))
            peer.read_end()
            peer.socket.close()
        fresh.socket.close()
        equal(server.process.wait(8), 0, "exit status")
        if time.monotonic() - start > 6:
            raise AssertionError("it took %.1f s" % (time.monotonic() - start))
        deaf.socket.close()


def drain_at_once():
    with Server() as server, Peer(server.port) as peer:
        start = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        equal(peer.read_close()[0], 1001, "close code")
        late = Peer(server.port, connect=False)
        late.send(request(server.port))
        late.head = late.read_head()
        equal(late.status(), 503, "status while it drains")
        late.socket.close()
        peer.send(frame(CLOSE, close_body(1001)))
        peer.socket.close()
        equal(server.process.wait(5), 0, "exit status")
        if time.monotonic() - start > 2:
            raise AssertionError("it took %.1f s" % (time.monotonic() - start))


def log_lines():
    with Server() as server:
        with Peer(server.port, connect=False) as peer:
            peer.send(b"GET /a\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n")
            peer.read_all()
        with Peer(server.port, connect=False) as peer:
            peer.send(request(server.port, path="/chat?token=secret", key="short"))
            peer.read_all()
        with Peer(server.port) as peer:
            peer.send(frame(TEXT, b"\xff"))
            peer.read_close()
        log = server.stop()
        for want in (r'"WebSocket /" \[accepted\]', r"connection rejected \(400 Bad Request\): BAD_WEBSOCKET_KEY ",
                     r"RFC 6455 8\.1.*close code 1007"):
            if not re.search(want, log):
                raise AssertionError("no line with %s" % want)
        if "secret" in log or "\x1b" in log:
            raise AssertionError("the log holds what it must not")


def options():
    def go(*arguments):
        done = subprocess.run([sys.argv[1]] + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=5)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    for wrong in (["--bogus"], ["--port"], ["--port", "x"], ["--port", "65536"], ["extra"], ["--max-message", "-1"]):
        code, out, err = go(*wrong)
        equal((code, out), (2, ""), " ".join(wrong))
        if "usage: echo_server " not in err:
            raise AssertionError("no usage for %s" % wrong)
    code, out, err = go("--help")
    equal((code, err), (0, ""), "--help")
    if not out.startswith("usage: echo_server "):
        raise AssertionError("--help printed %r" % out[:40])
    code, out, err = go("--version")
    equal((code, err), (0, ""), "--version")
    if not re.match(r"echo_server \d+\.\d+\.\d+\n$", out):
        raise AssertionError("--version printed %r" % out)
    for host, shown in (("::1", "[::1]"), ("localhost", None), ("0.0.0.0", "0.0.0.0")):
        process = subprocess.Popen([sys.argv[1], "--host", host, "--port", "0"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        line = process.stdout.readline().decode()
        process.terminate()
        _, log = process.communicate(timeout=5)
        if host == "::1" and "Cannot assign" in log.decode():
            continue  # this machine has no IPv6
        if not re.match(r"listening on ws://(\[::1\]|[0-9.]+):\d+/\n$", line) or (shown and shown not in line):
            raise AssertionError("--host %s printed %r %r" % (host, line, log))


run("echo_load/idle-memory", idle_memory)
run("echo_load/ping-flood", flood, frame(PING, b"p" * 100))
run("echo_load/empty-ping-flood", flood, frame(PING))
run("echo_load/slow-reader", flood, frame(BINARY, b"x" * 10000))
run("echo_load/slow-reader-of-large-messages", flood, frame(BINARY, b"x" * 250000))
run("echo_load/slow-reader-gets-everything", drained_flood)
run("echo_load/ping-throughput", ping_throughput)
run("echo_load/tiny-fragments", tiny_fragments)
run("echo_load/announced-length", announced_length)
run("echo_load/no-descriptors", no_descriptors)
run("echo_load/resets", resets)
run("echo_load/drain", drain)
run("echo_load/drain-at-once", drain_at_once)
run("echo_load/log", log_lines)
run("echo_load/options", options)
sys.exit(1 if failed else 0)
