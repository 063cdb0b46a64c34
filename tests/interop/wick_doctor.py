"""wick doctor: proxies that fail (wick_doctor_faults.py) and a real nginx, in front of echo_server, agent_server, python's
websockets and npm's ws. What it says is read from --json; a few times from what it prints for people."""
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time

import websockets

import wick_doctor_faults as faults
from agent_lib import BUILD, Server

WICK = f"{BUILD}/bin/wick"
TMP = os.environ.get("TMP", "/tmp")
LIMIT = asyncio.Semaphore(6)
failed = 0


def tell(name, problem=None):
    global failed
    failed += problem is not None
    print(f"ok wick_doctor/{name}" if problem is None else f"not ok wick_doctor/{name}: {problem}", flush=True)


async def run(*arguments, within=40):
    """The exit status, stdout, stderr; TimeoutError if it does not end by itself."""
    async with LIMIT:
        process = await asyncio.create_subprocess_exec(WICK, "doctor", *arguments, stdin=subprocess.DEVNULL,
                                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = await asyncio.wait_for(process.communicate(), within)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()
            raise
        return process.returncode, out.decode(), err.decode()


async def examine(*arguments, within=40):
    code, out, err = await run("--json", *arguments, within=within)
    report = json.loads(out)
    assert report["exit"] == code, f"exit {report['exit']} in JSON, {code} of the process"
    assert "Sanitizer" not in err, err[:3000]
    checks = {check["id"]: check for check in report["checks"]}
    assert list(checks) == ["direct", "websocket", "get", "message", "sse", "poll", "idle", "ping"], list(checks)
    return code, report, checks


def compare(checks, want):
    """What differs: of each check its status, and its cause and proxy where they are given."""
    for name, (status, *more) in want.items():
        check = checks[name]
        got = [check["status"], check.get("cause"), check.get("proxy", "")]
        if got[0] != status or (more and got[1] != more[0]) or (len(more) > 1 and got[2] != more[1]):
            return f"{name} is {got} ({check.get('note')}), want {[status, *more]}"
        if status == "failed" and not (check.get("hint") and check.get("note")):
            return f"{name} fails without a hint: {check}"
    return None


# ---- The faults --------------------------------------------------------------------------------------------------

FAIL, PASS, SKIP = "failed", "passed", "skipped"


def websocket(cause, proxy=None, **more):
    return {"direct": (PASS,), "websocket": (FAIL, cause) if proxy is None else (FAIL, cause, proxy), **more}


GOOD = {"direct": (PASS,), "websocket": (PASS,), "get": (PASS,)}
R, S = faults.response, faults.saying
CASES = [
    # name, backend, behaviour, what is found, options
    ("good", "echo", faults.changing(lambda head: None), {**GOOD, "message": (PASS,)}),
    ("good-agent", "agent", faults.changing(lambda head: None), {**GOOD, "sse": (PASS,), "poll": (PASS,), "message": (SKIP,)}),
    ("good-python", "python", faults.changing(lambda head: None), {**GOOD, "message": (PASS,), "sse": (SKIP,)}),
    ("good-npm", "npm", faults.changing(lambda head: None), {**GOOD, "message": (PASS,)}),
    ("strip", "agent", faults.changing(faults.strip), websocket("HOP_STRIPPED")),
    ("strip-echo", "echo", faults.changing(faults.strip), websocket("HOP_STRIPPED")),
    ("strip-python", "python", faults.changing(faults.strip), websocket("HOP_STRIPPED")),
    ("strip-npm", "npm", faults.changing(faults.strip), websocket("HOP_STRIPPED")),
    ("strip10", "agent", faults.changing(faults.strip10), websocket("HOP_STRIPPED_HTTP10")),
    ("strip-all", "agent", faults.changing(faults.strip_all), websocket("HOP_STRIPPED")),
    ("connection-not-set", "agent", faults.changing(lambda head: head.drop(b"Connection")), websocket("CONNECTION_NOT_SET")),
    ("upgrade-not-set", "agent", faults.changing(lambda head: head.drop(b"Upgrade")), websocket("UPGRADE_NOT_SET")),
    ("http10", "agent", faults.changing(faults.http10), websocket("HTTP10_WITH_UPGRADE")),
    ("host", "agent", faults.changing(faults.host), websocket("HOST_REWRITTEN", get=(PASS,))),
    ("host-no-origin", "agent", faults.changing(faults.host), GOOD, "--origin", ""),
    ("origin-foreign", "agent", faults.changing(lambda head: None), {"websocket": (FAIL, "ORIGIN_MISMATCH")},
     "--origin", "https://elsewhere.example"),
    ("path", "agent", faults.changing(faults.path), websocket("PATH_CHANGED")),
    ("redirect-tls", "echo", faults.redirect_tls, websocket("REDIRECT_TO_TLS", "nginx")),
    ("redirect-slash", "echo", faults.redirect_slash, websocket("REDIRECT_TO_SLASH")),
    ("502", "echo", S(R(b"502 Bad Gateway", b"", b"Server: nginx/1.22.1")), websocket("UPSTREAM_REFUSED", "nginx")),
    ("502-handshake", "echo", S(R(b"502 Bad Gateway"), handshake_only=True), websocket("UPSTREAM_BAD_ANSWER")),
    ("503-late", "echo", S(R(b"503 Service Unavailable", b"<html><body><h1>503 Service Unavailable</h1>\nNo server is "
                             b"available to handle this request.\n</body></html>\n"), delay=3),
     websocket("UPSTREAM_DOWN", "HAProxy"), "--timeout", "5000"),
    ("504", "echo", S(R(b"504 Gateway Time-out"), delay=1), websocket("UPSTREAM_HANGS")),
    ("200-html", "echo", S(R(b"200 OK", faults.HTML, b"Content-Type: text/html")),
     websocket("PATH_NOT_PROXIED", get=(FAIL, "PATH_NOT_PROXIED"))),
    ("200-empty", "echo", S(R(b"200 OK", b"", b"Server: Caddy")), websocket("PATH_NOT_PROXIED", "Caddy")),
    ("404-traefik", "echo", S(R(b"404 Not Found", b"404 page not found\n")), websocket("NO_ROUTE", "Traefik")),
    ("404", "echo", S(R(b"404 Not Found", b"no", b"Server: Apache")), websocket("ROUTED_ELSEWHERE", "Apache")),
    ("403-waf", "echo", S(R(b"403 Forbidden"), handshake_only=True), websocket("FORBIDDEN_BY_PROXY", get=(PASS,))),
    ("403-envoy", "echo", S(R(b"403 Forbidden", b"", b"server: envoy")), websocket("UPGRADE_NOT_ALLOWED", "Envoy")),
    ("401", "echo", S(R(b"401 Unauthorized", b"", b"WWW-Authenticate: Basic realm=x")), websocket("UNAUTHORIZED")),
    ("silent", "echo", faults.silent, websocket("NO_ANSWER", get=(FAIL, "NO_ANSWER"))),
    ("closing", "echo", faults.closing, websocket("CLOSED_WITHOUT_ANSWER")),
    ("resetting", "echo", faults.resetting, websocket("CLOSED_WITHOUT_ANSWER")),
    ("no-upgrade-listener", "echo", faults.no_upgrade_listener, websocket("UPGRADE_NOT_RELAYED", "node http-proxy")),
    ("no-upgrade-answer", "echo", faults.no_upgrade_answer, websocket("UPGRADE_NOT_RELAYED", "node http-proxy")),
    ("tls-alert", "echo", S(b"\x15\x03\x01\x00\x02\x02\x46"), websocket("PLAIN_TO_TLS")),
    ("tls-nginx", "echo", S(R(b"400 Bad Request", b"<center>The plain HTTP request was sent to HTTPS port</center>",
                              b"Server: nginx")), websocket("PLAIN_TO_TLS", "nginx")),
    ("ssh", "echo", S(b"SSH-2.0-OpenSSH_9.2p1\r\n"), websocket("NOT_HTTP")),
    ("garbage", "echo", S(bytes(range(256)) * 100), websocket("NOT_HTTP")),
    ("stillborn", "echo", faults.stillborn, websocket("UPGRADE_NOT_RELAYED")),
    ("stillborn-reset", "echo", faults.stillborn_reset, {"websocket": (FAIL,)}),
    ("bad-accept", "echo", faults.bad_accept, websocket("BAD_HANDSHAKE")),
    ("black-hole", "echo", faults.black_hole, websocket("NO_PONG")),
    ("garbage-behind", "echo", faults.garbage_behind, websocket("NOT_WEBSOCKET")),
    ("flood-behind", "echo", faults.flood_behind, websocket("NO_PONG")),
    ("buffering", "agent", faults.buffering, {**GOOD, "sse": (FAIL, "HELD_BACK"), "poll": (PASS,)}),
    ("lagging", "agent", faults.lagging, {**GOOD, "sse": (FAIL, "DELAYED")}, "--timeout", "5000"),
    ("message-limit", "echo", faults.limiting(300000), {**GOOD, "message": (FAIL, "MESSAGE_LOST")}),
    ("drip-head", "echo", faults.drip_head, websocket("BAD_ANSWER")),
    ("endless-head", "echo", faults.endless_head, websocket("BAD_ANSWER")),
    ("endless-line", "echo", faults.endless_line, websocket("BAD_ANSWER")),
    ("endless-body", "echo", faults.endless_body, websocket("PATH_NOT_PROXIED")),
    ("drip-body", "echo", faults.drip_body, websocket("ROUTED_ELSEWHERE")),
    ("interim-for-ever", "echo", faults.interim_for_ever, {"websocket": (FAIL,)}),
    ("idle-fin", "echo", faults.cutting(idle=2.5), {**GOOD, "idle": (FAIL, "IDLE_LIMIT"), "ping": (PASS,)}, "--seconds", "5"),
    ("idle-reset", "echo", faults.cutting(idle=2.5, how="reset"), {"idle": (FAIL, "IDLE_LIMIT"), "ping": (PASS,)},
     "--seconds", "5"),
    ("lifetime", "echo", faults.cutting(age=2.5), {"idle": (FAIL, "LIFETIME_LIMIT"), "ping": (FAIL, "LIFETIME_LIMIT")},
     "--seconds", "5"),
    ("reload", "echo", faults.reload, {"idle": (FAIL, "PROXY_RELOAD", "Caddy"), "ping": (FAIL, "PROXY_RELOAD")},
     "--seconds", "2"),
    ("held", "npm", faults.changing(lambda head: None), {**GOOD, "idle": (PASS,), "ping": (PASS,)}, "--seconds", "2"),
]


async def examine_case(servers, name, backend, behaviour, want, *options):
    if backend not in servers:
        return
    # Everything that hangs must come to an end by itself; the options of the case come last and win.
    arguments = ["--seconds", "0", "--timeout", "2500", *options]
    try:
        async with faults.Proxy(behaviour, servers[backend]) as proxy:
            code, _, checks = await examine(proxy.url, "--direct", f"ws://127.0.0.1:{servers[backend]}/ws", *arguments, within=90)
        problem = compare(checks, want)
        expected = int(any(check["status"] == FAIL for check in checks.values()))
        if not problem and code != expected:
            problem = f"exit {code}, want {expected}"
        if not problem and expected and not any(values[0] == FAIL for values in want.values()):
            problem = f"fails: {[check for check in checks.values() if check['status'] == FAIL]}"
    except Exception as error:  # one case must not end the others
        problem = f"{type(error).__name__}: {error}"
    tell(name, problem)


# ---- Without a proxy ---------------------------------------------------------------------------------------------

def unused_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def addresses(servers):
    """URLs in all their forms; names and ports where nothing is."""
    port, dead = servers["echo"], unused_port()
    quick = ["--seconds", "0", "--timeout", "2500"]
    for name, url, want in [
        ("url-no-path", f"ws://127.0.0.1:{port}", {"websocket": (PASS,)}),
        ("url-http", f"http://127.0.0.1:{port}/", {"websocket": (PASS,)}),
        ("url-query", f"ws://127.0.0.1:{port}/a/b?c=d&e=%20", {"websocket": (PASS,)}),
        ("url-name", f"ws://localhost:{port}/", {"websocket": (PASS,)}),
        ("url-dead", f"ws://127.0.0.1:{dead}/", {"websocket": (FAIL, "SERVER_DOWN"), "get": (SKIP,)}),
        ("url-no-host", "ws://no-such-host.invalid/", {"websocket": (FAIL, "NO_SUCH_HOST")}),
        ("url-wss-plain", f"wss://127.0.0.1:{port}/", {"websocket": (FAIL,)}),
        ("direct-skipped", f"ws://127.0.0.1:{port}/", {"direct": (SKIP,)}),
    ]:
        _, _, checks = await examine(url, *quick)
        tell(name, compare(checks, want))
    _, _, checks = await examine(f"http://127.0.0.1:{servers['agent']}/", *quick)
    hint = checks["websocket"]["hint"]
    tell("url-of-the-page", compare(checks, {"websocket": (FAIL, "WRONG_PATH")}) or
         (None if f"ws://127.0.0.1:{servers['agent']}/api/runtime/agent" in hint else hint))
    _, _, checks = await examine(f"ws://127.0.0.1:{port}/", "--direct", f"ws://127.0.0.1:{dead}/", *quick)
    tell("direct-down", compare(checks, {"direct": (FAIL, "SERVER_DOWN"), "websocket": (PASS,)}))
    _, _, checks = await examine(f"ws://127.0.0.1:{dead}/", "--direct", f"ws://127.0.0.1:{port}/", *quick)
    tell("proxy-down", compare(checks, {"direct": (PASS,), "websocket": (FAIL, "PROXY_DOWN")}))
    try:
        server = Server("--host", "::1", program="echo_server")
    except RuntimeError:
        print("skip wick_doctor/url-ipv6: there is no IPv6", flush=True)
        return
    _, _, checks = await examine(f"ws://[::1]:{server.port}/", "--direct", f"ws://[::1]:{server.port}", *quick)
    tell("url-ipv6", compare(checks, GOOD))
    server.stop()


async def usage(servers):
    port = servers["echo"]
    for arguments in [[], ["a", "b"], ["ftp://x/"], ["ws://"], ["ws://a b/"], ["//x"], [f"ws://127.0.0.1:{port}/", "--direct", "x"],
                      ["ws://a:99999/"], ["ws://u@a/"], ["ws://" + "a" * 300 + "/"], ["ws://a/", "--seconds", "x"],
                      ["ws://a/", "--timeout", "-1"], ["ws://a/", "--header", "no colon"], ["ws://a/", "--sse", "events"],
                      ["ws://a/", "--protocol", "a b"],
                      ["ws://a/", "--origin", "a\nb"], ["ws://a/", "--header", "Upgrade: x"], ["ws://a/"] + ["--header", "A: b"] * 61, ["ws://a/", "--token", "a\nb"], ["ws://a/", "--bogus"]]:
        code, out, err = await run(*arguments)
        tell(f"usage {' '.join(arguments)[:40]!r}", None if (code, out) == (2, "") and "usage: wick doctor" in err
             else f"exit {code}, stdout {out[:100]!r}, stderr {err[:100]!r}")


async def for_people(servers):
    port = servers["agent"]
    async with faults.Proxy(faults.changing(faults.strip10), port) as proxy:
        code, out, _ = await run(proxy.url, "--direct", f"ws://127.0.0.1:{port}/ws", "--seconds", "0")
    lines = out.splitlines()
    wanted = ["\u2705 Direct Backend Connection: PASSED", "\u274c WebSocket Through Proxy: FAILED (400: the upgrade got lost",
              "     cause:    HOP_STRIPPED_HTTP10", "proxy_http_version 1.1;",
              "proxy_set_header Upgrade $http_upgrade;", "Begin with: WebSocket Through Proxy (HOP_STRIPPED_HTTP10)"]
    missing = [text for text in wanted if not any(text in line for line in lines)]
    wide = [line for line in lines if len(line) > 140]
    tell("for-people", None if code == 1 and not missing and not wide else f"exit {code}, lacks {missing}, wide {wide}: {out}")
    code, out, _ = await run(f"ws://127.0.0.1:{servers['echo']}/", "--seconds", "0")
    tell("for-people-passed", None if code == 0 and out.rstrip().endswith("0 failed, 5 skipped") else f"exit {code}: {out}")


async def hostile_texts(servers):
    """Escape sequences of a server do not reach the terminal, neither as text nor in JSON."""
    nasty = faults.response(b"404 \x1b[31mNot\x9b Found", b"\x1b]0;title\x07 <b>\x00\xff\xfe", b"Server: \x1b[2J\xc3\x28",
                            b"Location: \x9b2J", b"Wick-Server: a\x7fb")
    nasty = nasty.replace(b"\x1b[31m", b"")  # a control character in a reason phrase is no HTTP at all
    async with faults.Proxy(faults.saying(nasty), servers["echo"]) as proxy:
        code, out, _ = await run(proxy.url, "--seconds", "0")
        wrong = [char for char in out if ord(char) < 32 and char != "\n" or 127 <= ord(char) < 160]
        tell("hostile-texts", None if code == 1 and not wrong else f"exit {code}, {wrong}")
        await examine(proxy.url, "--seconds", "0")
        tell("hostile-texts-json")


async def interrupted(servers):
    """Ctrl-C ends it at once, in whatever it is doing, with what has been found so far."""
    async with faults.Proxy(faults.silent, servers["echo"]) as proxy:
        process = await asyncio.create_subprocess_exec(WICK, "doctor", proxy.url, "--timeout", "60000", "--json",
                                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        await asyncio.sleep(1)
        began = time.monotonic()
        process.send_signal(2)
        try:
            out, _ = await asyncio.wait_for(process.communicate(), 10)
            report, took = json.loads(out), time.monotonic() - began
            tell("interrupted", None if process.returncode == 1 and took < 5 and len(report["checks"]) == 8
                 else f"exit {process.returncode} after {took} s: {report}")
        except asyncio.TimeoutError:
            process.kill()
            tell("interrupted", "goes on")


async def own_stream(servers):
    """--sse names a path of any server."""
    async def events(reader, writer, held):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(4):
            if held:
                await asyncio.sleep(0.4)
            else:
                writer.write(b"data: %d\n\n" % number)
                await writer.drain()
                await asyncio.sleep(0.1)
        if held:
            writer.write(b"".join(b"data: %d\n\n" % number for number in range(4)))
        writer.close()
    for name, held, want in [("sse-own", False, (PASS,)), ("sse-own-held", True, (FAIL, "HELD_BACK"))]:
        server = await asyncio.start_server(lambda r, w, held=held: events(r, w, held), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        _, _, checks = await examine(f"ws://127.0.0.1:{port}/", "--sse", "/stream?x=1", "--seconds", "0")
        tell(name, compare(checks, {"sse": want}))
        server.close()


async def credentials(servers):
    """--token, --header and --protocol go with every request."""
    heads = []

    async def note(backend, head, reader, writer):
        heads.append(head)
        await faults.forward(backend, head, reader, writer)
    async with faults.Proxy(note, servers["agent"]) as proxy:
        await examine(proxy.url, "--seconds", "0", "--token", "secret", "--header", "X-One: 1", "--protocol", "agent-events.v1")
    handshakes = [head for head in heads if head.is_handshake()]
    fine = all(head.get(b"Authorization") == b"Bearer secret" and head.get(b"X-One") == b"1" for head in heads)
    tell("credentials", None if fine and len(heads) > len(handshakes) > 0 and
         all(head.get(b"Sec-WebSocket-Protocol") == b"agent-events.v1" for head in handshakes) else [h.data() for h in heads])


# ---- A real nginx ------------------------------------------------------------------------------------------------

UPGRADE = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; '
HOST = "proxy_set_header Host $http_host; "
NGINX = [
    ("good", UPGRADE + HOST + "proxy_buffering off;", {**GOOD, "sse": (PASS,), "poll": (PASS,), "idle": (PASS,), "ping": (PASS,)}),
    ("bare", "", websocket("HOP_STRIPPED_HTTP10", "nginx")),
    ("no-upgrade", "proxy_http_version 1.1;", websocket("HOP_STRIPPED", "nginx")),
    ("no-connection", "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;", websocket("CONNECTION_NOT_SET", "nginx")),
    ("host", UPGRADE, websocket("HOST_REWRITTEN", "nginx")),
    ("idle", UPGRADE + HOST + "proxy_read_timeout 2s;", {"websocket": (PASS,), "idle": (FAIL, "IDLE_LIMIT", "nginx"),
                                                         "ping": (PASS,)}),
]


async def real_nginx(servers):
    if not shutil.which("nginx"):
        print("skip wick_doctor/nginx: nginx is not installed", flush=True)
        return
    folder = os.path.abspath(f"{TMP}/nginx")
    os.makedirs(folder, exist_ok=True)
    ports = [unused_port() for _ in NGINX]
    dead = unused_port()
    blocks = "".join(f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{servers['agent']}; {lines} }} }}\n"
                     for port, (_, lines, _) in zip(ports, NGINX))
    extra = unused_port()
    blocks += (f"server {{ listen 127.0.0.1:{extra}; location /dead {{ proxy_pass http://127.0.0.1:{dead}; }} "
               f"location /page {{ return 200 '<html></html>'; default_type text/html; }} "
               f"location = /slash {{ return 301 /slash/; }} location /deny {{ deny all; }} }}\n")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    with open(f"{folder}/nginx.conf", "w") as conf:
        conf.write(f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}\n"
                   f"http {{ access_log off; {temporary}\n{blocks}}}\n")
    process = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-p", folder, "-e", f"{folder}/error.log"],
                               stderr=subprocess.DEVNULL)
    try:
        await until_open(extra)
        direct = ["--direct", f"ws://127.0.0.1:{servers['agent']}/ws", "--timeout", "2500"]

        async def one(name, url, want, *options):
            try:
                _, _, checks = await examine(url, *direct, *options)
                tell(f"nginx-{name}", compare(checks, want))
            except Exception as error:
                tell(f"nginx-{name}", f"{type(error).__name__}: {error}")
        jobs = [one(name, f"ws://127.0.0.1:{port}/ws", want, "--seconds", "4")
                for port, (name, _, want) in zip(ports, NGINX)]
        for path, cause in [("dead", "UPSTREAM_REFUSED"), ("page", "PATH_NOT_PROXIED"), ("slash", "REDIRECT_TO_SLASH"),
                            ("deny", "FORBIDDEN_BY_PROXY"), ("nowhere", "ROUTED_ELSEWHERE")]:
            jobs.append(one(path, f"ws://127.0.0.1:{extra}/{path}", websocket(cause, "nginx"), "--seconds", "0"))
        await asyncio.gather(*jobs)
    finally:
        process.terminate()
        process.wait()


async def until_open(port):
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.05)
    raise RuntimeError(f"nobody listens on {port}")


# ---- All of it ---------------------------------------------------------------------------------------------------

NPM_WS = """
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 1 << 24 }, () => console.log(server.address().port));
server.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
"""


def start_npm():
    if not shutil.which("node"):
        return None, None
    process = subprocess.Popen(["node", "-e", NPM_WS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    line = process.stdout.readline()
    return (process, int(line)) if line else (None, None)


async def python_echo(ws, path=None):
    async for message in ws:
        await ws.send(message)


async def main():
    echo, agent = Server(program="echo_server"), Server()
    npm, npm_port = start_npm()
    async with websockets.serve(python_echo, "127.0.0.1", 0, max_size=None) as python:
        servers = {"echo": echo.port, "agent": agent.port, "python": python.sockets[0].getsockname()[1]}
        if npm:
            servers["npm"] = npm_port
        else:
            print("skip wick_doctor/npm: node has no module ws", flush=True)
        await asyncio.gather(*(examine_case(servers, *case) for case in CASES), real_nginx(servers))
        for part in [addresses, usage, for_people, hostile_texts, interrupted, own_stream, credentials]:
            await part(servers)
    if npm:
        npm.kill()
        npm.wait()
    for server in [echo, agent]:
        status = server.stop()
        if status != 0:
            tell("servers", f"exit {status}: {server.log()[-500:]}")
    sys.exit(failed != 0)


asyncio.run(main())
