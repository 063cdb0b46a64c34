"""The stamp on every response of every server, and what a refusal tells: cause, proxy, hint, what was seen. No module needed."""
import json
import re
import socket

from agent_lib import PATH, Server, case, main

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = "Sec-WebSocket-Version: 13"
UPGRADE = f"Upgrade: websocket\r\nConnection: Upgrade\r\n{KEY}\r\n{VERSION}"


def ask(server, head, body=b"", end=b"\r\n\r\n"):
    """The response to a request written by hand: status, fields in a list, body. What follows a stream's head is not waited for."""
    without_body = head.startswith("HEAD") if isinstance(head, str) else False
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.sendall((head if isinstance(head, bytes) else head.replace("\n", "\r\n").replace("\r\r", "\r").encode()) + end + body)
        data = b""
        while b"\r\n\r\n" not in data:
            piece = s.recv(65536)
            assert piece, f"no answer to {head!r}: {data!r}"
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")[1:]]
        length = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
        while not without_body and len(rest) < length and (piece := s.recv(65536)):
            rest += piece
    return int(head.split()[1]), fields, rest


def problem(answer, status, code):
    assert answer[0] == status, answer
    document = json.loads(answer[2])
    assert document["code"] == code and document["status"] == status, document
    assert set(document) <= {"type", "title", "status", "detail", "code", "cause", "proxy", "hint", "saw"}, document
    return document


def everything(host, field):
    """Requests of which each has another answer: path of a WebSocket in place of {ws}, with a field that it asks for."""
    get = f"GET {{ws}} HTTP/1.1\nHost: {host}\n{field}\n"
    return [
        (101, get + UPGRADE), (400, get.rstrip()), (400, get + KEY), (426, get + UPGRADE.replace("13", "12")),
        (400, get + UPGRADE.replace("==", "")), (400, "GET / HTTP/1.1\nX Y: 1"), (400, "GET /ws HTTP/1.1"), (400, "nonsense"),
        (400, f"GET / HTTP/1.1\nHost: {host}\nHost: b"), (400, b"GET / HTTP/1.1\nHost: a"), (400, b"\x16\x03\x01\x02\x00\x01"),
        (405, f"BREW {{ws}} HTTP/1.1\nHost: {host}"), (414, "GET /" + "x" * 9000 + f" HTTP/1.1\nHost: {host}"),
        (431, f"GET / HTTP/1.1\nHost: {host}\nX: " + "x" * 17000),
        (431, f"GET / HTTP/1.1\nHost: {host}\n" + "\n".join(f"X{i}: 1" for i in range(120))),
        (505, f"GET / HTTP/2.0\nHost: {host}"),
        (501, f"POST {{ws}} HTTP/1.1\nHost: {host}\nTransfer-Encoding: gzip"),
        (413, f"POST {{ws}} HTTP/1.1\nHost: {host}\nContent-Length: 99999999"),
        (405, f"HEAD {{ws}} HTTP/1.1\nHost: {host}"),
    ]


def stamped(name, server, path, field, more=()):
    for status, head in [*everything(f"127.0.0.1:{server.port}", field), *more]:
        head = head.replace("{ws}", path) if isinstance(head, str) else head
        got, fields, body = ask(server, head)
        stamps = [value for key, value in fields if key.lower() == "wick-server"]
        assert stamps == [name], (head[:60], fields)
        assert got == status, (head[:60], got, body)
        # Nothing else tells which program of which version this is.
        assert not re.search(r"\d+\.\d+\.\d+", re.sub(r"127\.0\.0\.1", "", str(fields))), fields
    assert server.stop() == 0


@case
def stamp_of_echo_server():
    stamped("echo_server", Server(program="echo_server"), "/any", "X-Any: 1")


@case
def stamp_of_agent_runtime():
    server = Server(program="agent_runtime")
    path = re.search(r":\d+(/.*)", server.url)[1]
    stamped("agent_runtime", server, path, "Sec-WebSocket-Protocol: agent-events.runtime.v1", [
        (404, f"GET /nope HTTP/1.1\nHost: a\n{UPGRADE}"), (400, f"GET {path} HTTP/1.1\nHost: a\n{UPGRADE}"),
        (403, f"GET {path} HTTP/1.1\nHost: a\nOrigin: http://a\n{UPGRADE}")])


@case
def stamp_of_agent_server():
    server = Server("--token", "s3cret")
    host = f"Host: 127.0.0.1:{server.port}"
    bearer = "Authorization: Bearer s3cret"
    stamped("agent_server", server, PATH, bearer, [
        (404, f"GET /nope HTTP/1.1\n{host}"), (404, f"GET /nope HTTP/1.1\n{host}\n{UPGRADE}"), (200, f"GET / HTTP/1.1\n{host}"),
        (200, f"GET /health HTTP/1.1\n{host}"), (204, f"OPTIONS {PATH} HTTP/1.1\n{host}\nOrigin: http://127.0.0.1:{server.port}"),
        (401, f"GET /api/websocket/health HTTP/1.1\n{host}"), (401, f"GET {PATH} HTTP/1.1\n{host}\n{UPGRADE}"),
        (405, f"DELETE /health HTTP/1.1\n{host}"), (403, f"GET /api/events HTTP/1.1\n{host}\nOrigin: http://evil.example"),
        (200, f"GET /wick.js HTTP/1.1\n{host}"), (200, f"HEAD /health HTTP/1.1\n{host}"),
        (200, f"GET /.well-known/agent-events HTTP/1.1\n{host}"),
        (200, f"GET /api/websocket/health HTTP/1.1\n{host}\n{bearer}"),
    ])


def with_server(function):
    def wrapped():
        server = Server()
        try:
            function(server)
        finally:
            assert server.stop() == 0
    wrapped.__name__ = function.__name__
    return case(wrapped)


@case
def a_stream_is_stamped():
    server = Server()
    body = b'{"type":"agent.message","payload":{"text":"abc"}}'
    status, fields, _ = ask(server, f"POST {PATH} HTTP/1.1\nHost: a\nAccept: text/event-stream\nContent-Length: {len(body)}\n"
                                    "Content-Type: application/json", body)
    assert status == 200 and ("Content-Type", "text/event-stream") in fields, fields
    assert [value for name, value in fields if name == "Wick-Server"] == ["agent_server"], fields
    assert server.stop() == 0


@with_server
def a_broken_head_is_told_as_far_as_it_was_read(server):
    head = f"GET /ws?token=SECRET HTTP/1.1\nHost: a.example\nUpgrade: websocket\nCookie: SECRET\n{KEY}\nX Y: 1"
    saw = problem(ask(server, head), 400, "BAD_REQUEST")["saw"]
    assert saw == "http=1.1 upgrade=websocket connection=- host=a.example path=/ws origin=- version=- key=yes", saw
    saw = problem(ask(server, f"GET /ws HTTP/1.1\n{KEY}"), 400, "BAD_REQUEST")["saw"]
    assert saw == "http=1.1 upgrade=- connection=- host=- path=/ws origin=- version=- key=yes", saw
    saw = problem(ask(server, "GET /ws HTTP/1.1\nHost: a\nX: " + "x" * 17000), 431, "HEAD_TOO_LARGE")["saw"]
    assert "host=a path=/ws" in saw, saw
    saw = problem(ask(server, f"POST {PATH} HTTP/1.1\nHost: a\nContent-Length: 99999999"), 413, "PAYLOAD_TOO_LARGE")["saw"]
    assert f"host=a path={PATH}" in saw, saw
    # Nobody is blamed for a head that was not read to its end.
    document = problem(ask(server, f"GET /ws HTTP/1.1\nHost: a\n{KEY}\nX Y: 1"), 400, "BAD_REQUEST")
    assert "proxy" not in document and "cause" not in document, document
    log = server.log()
    assert "[http=1.1 upgrade=websocket connection=- host=a.example path=/ws" in log and "SECRET" not in log, log


@with_server
def causes(server):
    """Each cause in the body, with its proxy and that proxy's line, and in the log."""
    browser = f"Pragma: no-cache\nUser-Agent: Mozilla/5.0\nOrigin: https://a.example\n{VERSION}\nAccept-Language: en\n{KEY}"
    nginx = "Host: backend\nConnection: close"
    rows = [
        (400, "UPGRADE_STRIPPED_BY_PROXY", "HOP_STRIPPED_HTTP10", "nginx", "proxy_http_version 1.1;",
         f"GET /ws HTTP/1.0\n{nginx}\n{browser}"),
        (400, "UPGRADE_STRIPPED_BY_PROXY", "HOP_STRIPPED", "Nginx Proxy Manager", "tick Websockets Support",
         f"GET /ws HTTP/1.1\nHost: a\nX-Forwarded-Scheme: https\nConnection: close\n{browser}"),
        (400, "UPGRADE_STRIPPED_BY_PROXY", "CONNECTION_NOT_SET", "HAProxy", "In HAProxy:",
         "GET /ws HTTP/1.1\nhost: a\nupgrade: websocket\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\nsec-websocket-version: 13"),
        (400, "UPGRADE_STRIPPED_BY_PROXY", "UPGRADE_NOT_SET", "nginx", "proxy_set_header Upgrade $http_upgrade;",
         f"GET {PATH} HTTP/1.1\nConnection: upgrade\nHost: a\n{browser}"),
        (400, "UPGRADE_STRIPPED_BY_PROXY", "HTTP10_WITH_UPGRADE", "nginx", "proxy_http_version 1.1;",
         f"GET /ws HTTP/1.0\nUpgrade: websocket\nConnection: upgrade\nHost: a\n{browser}"),
        (403, "ORIGIN_NOT_ALLOWED", "HOST_REWRITTEN", "Apache", "ProxyPreserveHost On",
         f"GET /ws HTTP/1.1\nHost: 127.0.0.1:9000\n{browser}\nX-Forwarded-Host: a.example\nX-Forwarded-Server: a\n"
         "Connection: Upgrade\nUpgrade: websocket"),
        (403, "ORIGIN_NOT_ALLOWED", "ORIGIN_MISMATCH", None, "Allow this Origin",
         f"GET /ws HTTP/1.1\nHost: b.example\nConnection: Upgrade\nUpgrade: websocket\n{browser}"),
        (403, "ORIGIN_NOT_ALLOWED", "HOST_REWRITTEN", "nginx", "proxy_set_header Host $http_host;",
         f"POST /api/events HTTP/1.1\nHost: backend\nX-Real-IP: 10.0.0.1\nConnection: close\nOrigin: https://a.example\n"
         "Content-Length: 0"),
        (404, "ROUTE_NOT_FOUND", "PATH_CHANGED", "Traefik", "StripPrefix middleware with prefixes: [\"/app\"]",
         f"GET /app/ws HTTP/1.1\nHost: a\nUser-Agent: x\nConnection: Upgrade\n{KEY}\n{VERSION}\nUpgrade: websocket\n"
         "X-Forwarded-For: 10.0.0.1\nX-Forwarded-Server: t\nX-Real-Ip: 10.0.0.1"),
        (404, "ROUTE_NOT_FOUND", "PATH_CHANGED", None, "/api/runtime", f"GET /agent HTTP/1.1\nHost: a\n{UPGRADE}"),
        (404, "ROUTE_NOT_FOUND", "PATH_CHANGED", None, "/api", "GET /events HTTP/1.1\nHost: a"),
        (404, "ROUTE_NOT_FOUND", None, None, "Check the path", "GET /nope HTTP/1.1\nHost: a"),
        (400, "NOT_A_WEBSOCKET_REQUEST", "NOT_A_WEBSOCKET_REQUEST", None, "Connect with", "GET /ws HTTP/1.1\nHost: a"),
        (400, "NOT_A_WEBSOCKET_REQUEST", "NOT_A_WEBSOCKET_REQUEST", None, "Send Upgrade: websocket.",
         f"GET /ws HTTP/1.1\nHost: a\nUpgrade: websockets\nConnection: Upgrade\n{KEY}\n{VERSION}"),
    ]
    for status, code, cause, proxy, hint, head in rows:
        document = problem(ask(server, head), status, code)
        assert (document.get("cause"), document.get("proxy")) == (cause, proxy), (head, document)
        assert hint in document["hint"] and "{prefix}" not in document["hint"], document
        assert document["saw"].startswith("http=1."), document
        names = cause and (f"{cause} by {proxy}" if proxy else cause)
        assert not names or f"[{names}]" in server.log().splitlines()[-1], (names, server.log().splitlines()[-1])


@case
def the_runtime_tells_of_a_path_too():
    server = Server(program="agent_runtime")
    path = re.search(r":\d+(/.*)", server.url)[1]
    document = problem(ask(server, f"GET /app{path} HTTP/1.1\nHost: a\n{UPGRADE}"), 404, "ROUTE_NOT_FOUND")
    assert document["cause"] == "PATH_CHANGED" and "/app" in document["hint"], document
    document = problem(ask(server, f"GET /nope HTTP/1.1\nHost: a\n{UPGRADE}"), 404, "ROUTE_NOT_FOUND")
    assert "cause" not in document and path in document["hint"], document
    assert server.stop() == 0


@with_server
def a_token_without_a_profile(server):
    own = f"http://127.0.0.1:{server.port}"
    host = f"Host: 127.0.0.1:{server.port}"
    token = "Sec-WebSocket-Protocol: agent-events.bearer.YQ"
    # A page: its browser would fail a 101 without a subprotocol, and say nothing.
    document = problem(ask(server, f"GET /ws HTTP/1.1\n{host}\nOrigin: {own}\n{token}\n{UPGRADE}"), 400,
                       "SUBPROTOCOL_NOT_ACCEPTABLE")
    assert "agent-events.v1" in document["hint"], document
    status, fields, _ = ask(server, f"GET /ws HTTP/1.1\n{host}\nOrigin: {own}\n{token}, agent-events.v1\n{UPGRADE}")
    assert status == 101 and ("Sec-WebSocket-Protocol", "agent-events.v1") in fields, fields
    # Anything else goes on, as RFC 6455 section 4.1 has it.
    status, fields, _ = ask(server, f"GET /ws HTTP/1.1\n{host}\n{token}\n{UPGRADE}")
    assert status == 101 and not any(name == "Sec-WebSocket-Protocol" for name, _ in fields), fields
    assert ask(server, f"GET /ws HTTP/1.1\n{host}\nOrigin: {own}\n{UPGRADE}")[0] == 101


main("refusals")
