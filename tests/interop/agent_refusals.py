"""What agent_server refuses, and how it says so: paths, origins, tokens, subprotocols, options. No module needed."""
import base64
import json
import re
import socket
import socket
import subprocess
import tempfile

from agent_lib import BUILD, PATH, UPGRADE, Server, case, main, problem, upgrade


def with_server(*options):
    def wrap(function):
        def wrapped():
            server = Server(*options)
            try:
                function(server)
            finally:
                assert server.stop() == 0
        wrapped.__name__ = function.__name__
        return case(wrapped)
    return wrap


@with_server()
def routes(server):
    assert upgrade(server)[0] == 101
    assert upgrade(server, PATH + "/")[0] in (101, 404)
    for path in ("/api/runtime/agents", "/api/runtime/agent/x", "/api/runtime", "/api/runtime/agen", "/nothing",
                 "/api/runtime%2Fagent", "//api/runtime/agent"):
        problem(upgrade(server, path), 404, "ROUTE_NOT_FOUND")
        # An unknown path is 404, never 403, whoever asks.
        problem(upgrade(server, path, Origin="https://evil.example"), 404, "ROUTE_NOT_FOUND")
    response, body = server.get("/health")
    health = json.loads(body)
    assert response.status == 200 and health["status"] == "healthy" and health["version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", health["timestamp"])
    health = server.health()
    assert health["status"] == "ok" and all(isinstance(health[k], int) for k in (
        "connections", "sessions", "detached", "pending_inputs", "uptime_s")), health
    response, body = server.get("/health", "HEAD")
    assert response.status == 200 and body == b"" and int(response.headers["Content-Length"]) > 10
    response, body = server.get("/health", "POST")
    assert response.status == 405 and response.headers["Allow"] == "GET, HEAD"
    response, body = server.get(PATH)
    assert response.status in (400, 426) and json.loads(body)["code"] == "NOT_A_WEBSOCKET_REQUEST"
    response, body = server.get(PATH, "PUT")
    assert response.status == 405 and response.headers["Allow"] == "GET, POST"


@with_server()
def the_page(server):
    response, body = server.get("/")
    page = body.decode()
    assert response.status == 200 and response.headers["Content-Type"] == "text/html; charset=utf-8"
    for part in ("status", "input", "send", "log", "usage"):
        assert page.count(f'data-wick="{part}"') - page.count(f"'[data-wick=\"{part}\"]'") == 1, part
    assert "export class WickClient" in page and "{{wick.js}}" not in page
    assert not re.search(r"(src|href)=[\"'](?!data:)", page), "loads something"
    for name, kind, word in (("wick-transport.js", "text/javascript", b"class HttpTransport"), ("wick.d.ts", "text/plain", b"WickOptions"),
                             ("wick-messages.d.ts", "text/plain", b"interface WickAgentToken")):
        response, body = server.get(f"/{name}")
        assert response.status == 200 and response.headers["Content-Type"].startswith(kind) and word in body, name
    assert not re.search(r"^import ", page, re.M), "all modules are one"
    # A path with a slash more is the same one to the routes.
    assert server.get("/wick.d.ts/")[0].status == server.get("/wick.js/")[0].status
    response, body = server.get("/wick.js")
    assert response.headers["Content-Type"].startswith("text/javascript") and b"export class WickClient" in body


@with_server()
def origins_by_default(server):
    own = f"http://127.0.0.1:{server.port}"
    assert upgrade(server, Origin=own)[0] == 101
    assert upgrade(server, Origin=own.upper().replace("HTTP", "http"))[0] == 101
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{server.port + 1}", "http://127.0.0.1", ""):
        document, _ = problem(upgrade(server, Origin=origin), 403, "ORIGIN_NOT_ALLOWED")
        assert document["hint"] and document["saw"]
    log = server.log()
    assert re.search(r"connection rejected \(403 Forbidden\): ORIGIN_NOT_ALLOWED", log), log
    assert '"WebSocket /api/runtime/agent" [accepted]' in log


@with_server("--origin", "https://app.example", "--origin", "https://*.wide.example")
def origins_on_the_list(server):
    for origin in ("https://app.example", "https://a.wide.example", "https://APP.example:443", None):
        assert upgrade(server, Origin=origin)[0] == 101, origin
    for origin in ("https://app.example.evil", "http://app.example", "https://wide.example", "https://evil.example"):
        problem(upgrade(server, Origin=origin), 403, "ORIGIN_NOT_ALLOWED")


@with_server("--token", "s3cret")
def tokens(server):
    def carried(token):
        return "agent-events.bearer." + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    document, headers = problem(upgrade(server), 401, "AUTH_REQUIRED")
    assert headers["www-authenticate"].startswith("Bearer")
    assert upgrade(server, Authorization="Bearer s3cret")[0] == 101
    assert upgrade(server, Authorization="bearer s3cret")[0] == 101
    assert upgrade(server, Cookie="a=b; session_token=s3cret")[0] == 101
    status, headers, _ = upgrade(server, Sec_WebSocket_Protocol=carried("s3cret"))
    assert status == 101 and "sec-websocket-protocol" not in headers
    for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": "Bearer s3cre"}, {"Authorization": "Bearer s3crets3cret"},
                    {"Cookie": "session_token=wrong"}, {"Sec_WebSocket_Protocol": carried("wrong")},
                    {"Sec_WebSocket_Protocol": "agent-events.bearer.!!"},
                    {"Authorization": "Bearer wrong", "Cookie": "session_token=s3cret"}):
        _, answered = problem(upgrade(server, **headers), 401, "AUTH_INVALID")
        assert answered["www-authenticate"].startswith("Bearer")
    for headers in ({"Authorization": "Basic czNjcmV0"}, {"Cookie": "other=s3cret"}):
        problem(upgrade(server, **headers), 401, "AUTH_REQUIRED")
    problem(upgrade(server, PATH + "?token=s3cret"), 401, "AUTH_REQUIRED")  # off by default
    # The origin is checked whatever the token.
    problem(upgrade(server, Authorization="Bearer s3cret", Origin="https://evil.example"), 403, "ORIGIN_NOT_ALLOWED")
    assert server.get("/health")[0].status == 200 and server.get("/")[0].status == 200
    assert server.get("/api/websocket/health")[0].status == 401
    # What a page hears that asks why its handshake was refused.
    response, body = server.get(PATH, headers={"Cookie": "session_token=wrong"})
    assert (response.status, json.loads(body)["code"]) == (401, "AUTH_INVALID"), body
    response, body = server.get(PATH)
    assert (response.status, json.loads(body)["code"]) == (400, "NOT_A_WEBSOCKET_REQUEST"), body
    response, body = server.get(PATH + "?lost=websocket", headers={"Cookie": "session_token=wrong"})
    assert (response.status, json.loads(body)["code"]) == (401, "AUTH_INVALID"), body

    assert server.get("/api/websocket/health", headers={"Authorization": "Bearer s3cret"})[0].status == 200
    problem(upgrade(server, "/nothing"), 404, "ROUTE_NOT_FOUND")
    log = server.log()
    assert "AUTH_REQUIRED" in log and "AUTH_INVALID" in log and "s3cret" not in log and carried("s3cret") not in log


@with_server()
def why_a_websocket_was_lost(server):
    def why(version, *fields, query="?lost=websocket"):
        s = socket.create_connection(("127.0.0.1", server.port), 10)
        head = "".join(f"{field}\r\n" for field in fields)
        s.sendall(f"GET {PATH}{query} HTTP/{version}\r\nHost: a\r\n{head}Connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: s.recv(65536), b""))
        s.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ") and b"\r\nWick-Server: " in head, answer
        return json.loads(body)

    said = why("1.0")
    assert (said["code"], said["cause"]) == ("UPGRADE_STRIPPED_BY_PROXY", "HOP_STRIPPED_HTTP10"), said
    assert "proxy_http_version 1.1" in said["hint"] and "http=1.0" in said["saw"], said
    said = why("1.1", "X-Varnish: 3")
    assert (said["cause"], said["proxy"]) == ("HOP_STRIPPED", "Varnish") and "Varnish" in said["hint"], said
    # Who does not ask so, has lost nothing.
    for query in ("", "?lost=", "?lost=way", "?found=websocket"):
        assert why("1.1", query=query)["code"] == "NOT_A_WEBSOCKET_REQUEST", query


@with_server()
def subprotocols(server):
    for offer in ("chat", "chat, agent-events.bearer.YQ"):
        document, _ = problem(upgrade(server, Sec_WebSocket_Protocol=offer), 400, "SUBPROTOCOL_NOT_ACCEPTABLE")
        assert "Sec-WebSocket-Protocol" in document["hint"]
    status, headers, _ = upgrade(server, Sec_WebSocket_Protocol="agent-events.bearer.YQ")
    assert status == 101 and "sec-websocket-protocol" not in headers


@with_server()
def handshakes(server):
    assert upgrade(server, Sec_WebSocket_Version="12")[0] == 426
    problem(upgrade(server, Sec_WebSocket_Key="short"), 400, "BAD_WEBSOCKET_KEY")
    problem(upgrade(server, Upgrade=None, Connection=None), 400, "UPGRADE_STRIPPED_BY_PROXY")


def run(*options):
    return subprocess.run([f"{BUILD}/bin/agent_server", *options], capture_output=True, text=True, timeout=10)


@case
def wrong_options_exit_2():
    with tempfile.NamedTemporaryFile("w", suffix=".routes") as rules:
        rules.write("a b c guide.content\nbroken line\n")
        rules.flush()
        for options in (["--no-such"], ["--port", "x"], ["--port", "70000"], ["--agent"], ["--agent", "nocommand"],
                        ["--agent", "Bad.Id=x"], ["--agent", "a="], ["--route", "/no/such/file"], ["--route", rules.name],
                        ["--port", "0", "stray"]):
            result = run(*options)
            assert result.returncode == 2 and result.stdout == "" and "agent_server" in result.stderr, (options, result)
            assert "usage" in result.stderr.lower(), result.stderr
        assert "line 2" in run("--route", rules.name).stderr


@case
def help_lists_what_works():
    result = run("--help")
    assert result.returncode == 0 and result.stderr == ""
    for option in ("--host", "--port", "--agent", "--route", "--token", "--origin", "--runtime", "--trust-proxy"):
        assert option in result.stdout
    for option in ("--bus", "--ag-ui"):
        assert option not in result.stdout


main("agent_refusals")
