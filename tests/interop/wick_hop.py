"""wick agent over WebSocket, SSE and long poll, through proxies that let only some of it through or cut it off."""
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile

from agent_kit import SEED, Proxy, server_case
from agent_lib import BUILD, PATH, Server, case, main, until
from wick_kit import check, finish, heard, start, wick

TOKEN = "t\u00f6k\U0001f642 "


def run_of(tokens, rate=0):
    context = {"tokens": tokens, **({"rate": rate} if rate else {})}
    return TOKEN, "--surface", "experience_pillar", "--context", json.dumps(context)


def falls(err, *transports):
    """The lines that say what is used instead, in order."""
    lines = [line for line in err.splitlines() if " does not get through: trying " in line]
    assert len(lines) == len(transports), err
    for line, transport in zip(lines, transports):
        assert f"trying {transport} (" in line, err
    return lines


@server_case()
async def every_transport(server):
    for transport in ("auto", "ws", "sse", "poll"):
        how = ("--transport", transport)
        check(await wick(server.url, *run_of(500), *how), 0, TOKEN * 500, "connected, session: ")
        check(await wick(server.url, "which?", "--surface", "operations_pillar", *how, answers="t\u00f6 the left\n"), 0,
              "The answer is: t\u00f6 the left", ("question: ", "which?", "question answered"))
        got = check(await wick(server.url, *run_of(50), "--json", *how), 0)
        events = [json.loads(line) for line in got.out.splitlines()]
        assert events[0]["type"] == "agent.started" and events[-1]["type"] == "agent.completed", got
        assert "does not get through" not in got.err, got
    assert server.health()["sessions"] == 0, server.health()
    log = server.log()
    assert log.count('"GET /api/events" 200') > 6 and log.count('"POST /api/events" 202') > 12, log
    for arguments in (("--transport", "carrier-pigeon"), ("--transport", "sse", "--quiet-mode")):
        check(await wick(server.url, "x", *arguments), 2, "")


@server_case("--token", "s3cret")
async def a_token_over_requests(server):
    for transport in ("sse", "poll"):
        how = ("--transport", transport)
        check(await wick(server.url, "x", *how, "--token", "s3cret"), 0, "x")
        check(await wick(server.url, "x", *how), 3, "", "given up: the token is missing or wrong")
        check(await wick(server.url, "x", *how, "--token", "wrong"), 3, "", "given up: the token is missing or wrong")


@server_case()
async def interrupted_over_requests(server):
    for transport in ("sse", "poll"):
        process = await start(server.url, *run_of(4000, 50), "--transport", transport)
        await heard(process, TOKEN.encode())
        process.send_signal(signal.SIGINT)
        check(await finish(process), 130, err="CANCELLED")
        assert server.health()["invocations"] == 0, server.health()


@server_case()
async def a_proxy_that_strips(server):
    async with Proxy(server.port) as proxy:
        proxy.strip = True
        got = check(await wick(proxy.url, *run_of(300)), 0, TOKEN * 300)
        line, = falls(got.err, "SSE")
        assert "UPGRADE_STRIPPED_BY_PROXY" in line and "HOP_STRIPPED" in line and "hint: " in line, line
        assert proxy.upgrades == 0 and proxy.streams == 1, (proxy.upgrades, proxy.streams)
        check(await wick(proxy.url, "where?", "--surface", "operations_pillar", answers="left\n"), 0, "The answer is: left")
        # Alone by WebSocket, and the other commands, say it in lines.
        said = ("connection refused: 400 ", "  code: UPGRADE_STRIPPED_BY_PROXY\n", "  cause: HOP_STRIPPED\n", "  hint: ", "  saw: ")
        check(await wick(proxy.url, "x", "--transport", "ws"), 3, "", said)
        for command in ("connect", "echo"):
            process = await asyncio.create_subprocess_exec(f"{BUILD}/bin/wick", command, proxy.url, stdin=subprocess.DEVNULL,
                                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            check(await finish(process), 1, "", said)


@server_case()
async def a_proxy_that_strips_and_holds_back(server):
    async with Proxy(server.port) as proxy:
        proxy.strip = proxy.hold = True
        got = check(await wick(proxy.url, *run_of(300)), 0, TOKEN * 300)
        falls(got.err, "SSE", "long poll")
        assert proxy.streams == 0, proxy.streams


@server_case()
async def back_to_websocket(server):
    async with Proxy(server.port) as proxy:
        proxy.strip = True
        process = await start(proxy.url, *run_of(600, 150), "--retry-websocket", "1")
        await heard(process, TOKEN.encode() * 30)
        proxy.strip = False
        got = await finish(process)
        falls(got.err, "SSE")
        check(got, 0, err="a WebSocket gets through again")
        assert proxy.upgrades >= 1, proxy.upgrades
    assert server.health()["invocations"] == 0 and server.health()["sessions"] == 0, server.health()


async def hop(rng, proxy):
    """Let less and less through, then all again, and cut what there is at every step and in between."""
    for strip, hold, wanted in ((True, False, "streams"), (True, True, "polls"), (False, False, "upgrades")):
        before = getattr(proxy, wanted)
        proxy.strip, proxy.hold = strip, hold
        if strip:
            proxy.cut(rng.random() < 0.5)
        await until(lambda: getattr(proxy, wanted) > before, 60, f"{wanted}, seed {SEED}")
        await proxy.cut_at_random(rng, 1, 0.1, 0.9)


@server_case("--log-memory", "64M")
async def a_run_through_hops_and_cuts(server):
    rng = random.Random(SEED)
    async with Proxy(server.port) as proxy:
        process = await start(proxy.url, *run_of(1000, 60), "--retry-websocket", "1", "--json")
        run = asyncio.ensure_future(finish(process, timeout=100))
        await until(lambda: proxy.upgrades, what="a WebSocket")
        await hop(rng, proxy)
        got = check(await run, 0)
        events = [json.loads(line) for line in got.out.splitlines()]
        tokens = [e for e in events if e["type"] == "agent.token"]
        assert "".join(e["payload"]["text"] for e in tokens) == TOKEN * 1000, (SEED, str(got))
        last = 0
        for event in events:
            assert event.get("first_seq", event["seq"]) == last + 1, (SEED, event, last)
            last = event["seq"]
        assert sum(e["type"] in ("agent.completed", "agent.failed") for e in events) == 1, SEED
        assert proxy.upgrades > 1 and proxy.streams and proxy.polls, (SEED, got.err[-3000:])
        for line in ("trying SSE", "trying long poll", "a WebSocket gets through again"):
            assert line in got.err, (SEED, line, got.err[-3000:])


@server_case()
async def a_question_through_hops(server):
    async with Proxy(server.port) as proxy:
        proxy.strip = True
        process = await start(proxy.url, "where?", "--surface", "operations_pillar", "--retry-websocket", "1",
                              stdin=subprocess.PIPE)
        err = await heard(process, b"question: ", "stderr")
        proxy.hold = True
        proxy.cut(True)
        process.stdin.write(b"through\n")
        got = await finish(process, b"not asked\n")
        got.err = err.decode() + got.err
        check(got, 0, "The answer is: through")
        assert got.err.count("question: ") == 1, got


GO = f"{tempfile.mkdtemp()}/go"
ASKS_MUCH_LATER = (f"guide.content=read x; echo begun; while [ ! -e {GO} ]; do sleep 0.05; done; seq 3000; "
                   "echo '{\"type\":\"agent.input_request\",\"payload\":{\"question\":\"still there?\"}}'; read a; echo \"$a\"")


@server_case("--agent", ASKS_MUCH_LATER)
async def a_question_among_what_was_missed(server):
    for transport in ("sse", "poll"):
        async with Proxy(server.port) as proxy:
            process = await start(proxy.url, "x", "--transport", transport, stdin=subprocess.PIPE)
            await heard(process, b"begun\n")
            proxy.closed = True
            proxy.cut(False)
            await until(lambda: server.health()["detached"] == 1)
            open(GO, "w").close()
            await until(lambda: server.health()["pending_inputs"] == 1, 30)
            proxy.closed = False
            got = check(await finish(process, b"yes\n"), 0, err=("events were missed: window_expired", "question: still there?"))
            assert got.out.startswith("1\n2\n3\n") and '"content":"yes"' in got.out, got
        os.remove(GO)
    os.rmdir(os.path.dirname(GO))


@case
async def the_server_starts_anew_behind_a_stream():
    first, second = Server(), Server()
    try:
        async with Proxy(first.port) as proxy:
            proxy.strip = True
            process = await start(proxy.url, *run_of(400, 20))
            await heard(process, TOKEN.encode())
            proxy.target = second.port
            first.stop(signal.SIGKILL)
            check(await finish(process), 3, err="the server does not know the run any more")
    finally:
        first.stop()
        assert second.stop() == 0


@case
async def a_page_in_place_of_everything():
    """What a proxy without a route for it answers."""
    async def serve(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")
        writer.close()

    page = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{page.sockets[0].getsockname()[1]}/app{PATH}"
    for transport, request in (("ws", b"GET /app/api/runtime/agent "), ("sse", b"POST /app/api/events "),
                               ("poll", b"POST /app/api/events ")):
        asked = []
        said = "connection refused: 200 OK" if transport == "ws" else ": the answer is 200\n"
        check(await wick(url, "x", "--transport", transport), 3, "", (said, "given up: there is no connection"))
        assert len(asked) == 3 and all(line.startswith(request) for line in asked), asked
    page.close()


NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
    scgi_temp_path {folder}/e;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{target}; {more} }} }}
}}
"""


class Nginx:
    """A real nginx in front of a port."""

    def __init__(self, target, more=""):
        self.folder, self.target, self.more = tempfile.mkdtemp(), target, more

    async def __aenter__(self):
        import socket
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.port = unused.getsockname()[1]
        with open(f"{self.folder}/conf", "w") as conf:
            conf.write(NGINX.format(folder=self.folder, port=self.port, target=self.target, more=self.more))
        self.process = subprocess.Popen([NGINX_PROGRAM, "-p", self.folder, "-c", f"{self.folder}/conf"],
                                        stderr=subprocess.DEVNULL)

        def listens():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                assert self.process.poll() is None, "nginx does not start"
                return False
        await until(listens, what="nginx listens")
        self.url = f"ws://127.0.0.1:{self.port}{PATH}"
        return self

    async def __aexit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


NGINX_PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
if NGINX_PROGRAM:
    @server_case()
    async def a_bare_proxy_pass_of_nginx(server):
        async with Nginx(server.port) as proxy:
            got = check(await wick(proxy.url, *run_of(300, 300)), 0, TOKEN * 300)
            line, = falls(got.err, "SSE")
            for part in ("UPGRADE_STRIPPED_BY_PROXY", "HOP_STRIPPED_HTTP10", "nginx", "proxy_set_header Upgrade"):
                assert part in line, (part, line)
            check(await wick(proxy.url, "where?", "--surface", "operations_pillar", answers="left\n"), 0, "The answer is: left")

    @server_case()
    async def nginx_that_holds_streams_back(server):
        async with Nginx(server.port, "proxy_ignore_headers X-Accel-Buffering;") as proxy:
            got = check(await wick(proxy.url, *run_of(300, 100)), 0, TOKEN * 300)
            falls(got.err, "SSE", "long poll")
else:
    for name in ("a_bare_proxy_pass_of_nginx", "nginx_that_holds_streams_back"):
        print(f"skip wick_hop/{name}: nginx is not installed")


main("wick_hop")
