"""nginx in front of echo_server and agent_server: the configuration of docs/proxies.md, and what is usually wrong with it."""
import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time

import wire
from agent_kit import Session
from cases import *
from client import *
from good import *
from proxy import *
from wrong import *

NGINX = config("nginx")


class Nginx(Proxy):
    name = "nginx"
    known_as = ("nginx",)

    def frame(self, text):
        """The http block as distributions have it, gzip on for everything that is text."""
        temporary = "".join(f"    {kind}_temp_path {self.folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root root;\n" if os.geteuid() == 0 else ""
        return (f"{user}daemon off;\nworker_processes 1;\npid {self.folder}/pid;\nerror_log {self.folder}/error.log info;\n"
                f"worker_shutdown_timeout 300ms;\nevents {{ worker_connections 256; }}\n"
                f"http {{\n    access_log off;\n    gzip on;\n    gzip_types *;\n    gzip_proxied any;\n    gzip_min_length 1;\n"
                f"{temporary}{self.extra}\n{text.replace('listen 80', f'listen 127.0.0.1:{self.port}')}}}\n")

    def command(self):
        return ["nginx", "-p", self.folder, "-c", self.file, "-e", f"{self.folder}/error.log"]

    def start(self):
        if "ssl_certificate" in self.text:
            make_certificate(self.folder)
        pid = os.path.join(self.folder, "pid")
        if os.path.exists(pid):
            os.remove(pid)
        super().start()
        wait_for(lambda: os.path.exists(pid), "the master takes signals")

    def reload(self):
        """The old worker takes no new connections when it has gone, which worker_shutdown_timeout bounds."""
        before = self.log().count("exited with code")
        result = subprocess.run([*self.command(), "-s", "reload"], capture_output=True, timeout=SOON)
        assert result.returncode == 0, result.stderr
        wait_for(lambda: self.log().count("exited with code") > before, "the end of the old worker")


class Manager(Nginx):
    known_as = ("Nginx Proxy Manager",)


# The two that take longest come first: the others run beside them.

@case
def heartbeat_by_default():
    """A ping after 25 s, a comment after 15 s: below the 60 s of nginx's own default."""
    server = Server()
    try:
        with Nginx(without(NGINX, "proxy_.*_timeout"), server.port) as proxy:
            query, answer = begin(proxy.port, "x")
            after = f"{answer['cursor'].split(':')[0]}:3"
            with Peer(proxy.port, timeout=30) as peer, Lines(
                    proxy.port, f"/api/events?{query}", Last_Event_ID=after, Accept="text/event-stream", timeout=30) as lines:
                before = time.monotonic()
                while not lines.line().startswith(":"):
                    pass
                took = time.monotonic() - before
                assert 14 < took < 17, f"the comment came after {took:.1f} s"
                assert peer.read_frame()[0] == wire.PING
                took = time.monotonic() - before
                assert 24 < took < 27, f"the ping came after {took:.1f} s"
    finally:
        server.stop()


@case
def who_does_not_answer_a_ping_is_dropped():
    """After 20 s; the session stays, and is resumed."""
    server = Server("--ping-interval", "300")
    try:
        with Nginx(NGINX, server.port) as proxy:
            asyncio.run(asyncio.wait_for(dropped(proxy, server), 40))
    finally:
        server.stop()


async def dropped(proxy, server):
    client = Session(proxy.url)
    await client.open()
    client.ws.transport.pause_reading()  # nothing is read, so nothing is answered
    before = time.monotonic()
    while server.health()["detached"] == 0:
        await asyncio.sleep(0.1)
        assert time.monotonic() - before < 30, "nobody is dropped"
    took = time.monotonic() - before
    assert 19.5 < took < 23, f"dropped after {took:.1f} s"
    client.cut(True)
    assert (await client.open())["recovered"]
    await client.ws.close()


good(Nginx, NGINX, NGINX.replace("3600s", "2s"))

# What most people begin with.
BARE = without(NGINX, "proxy_http_version", "proxy_set_header", "proxy_.*_timeout", "proxy_buffering", "gzip")
MANAGER = config("nginx-proxy-manager")


@case
def good_proxy_manager():
    server, echo = Server("--ping-interval", "500", "--comment-interval", "500"), Server(program="echo_server")
    try:
        with Nginx(MANAGER, echo.port) as proxy:
            echoes(proxy.port)
        with Nginx(MANAGER.replace("90s", "2s"), server.port) as proxy:
            lets_in(proxy.port, headers=PAGE)
            streams_at_once(proxy.port)
            holds_while_idle(proxy.port, 3.5, PAGE)
    finally:
        server.stop()
        echo.stop()


@case
def good_streams_whatever_is_configured():
    """A bare proxy_pass, HTTP/1.0, buffering, gzip for everything: the fields of the answer keep the streams going."""
    server = Server()
    try:
        with Nginx(BARE, server.port) as proxy:
            streams_at_once(proxy.port)
            long_polls(proxy.port)
    finally:
        server.stop()


@case
def good_with_connections_kept():
    """An upstream block whose connections are used again and again."""
    server, echo = Server(), Server(program="echo_server")
    kept = f"upstream agent {{\n    server {BACKEND};\n    keepalive 8;\n}}\n" + instead(
        NGINX, f"http://{BACKEND};", "http://agent;")
    try:
        with Nginx(kept, echo.port) as proxy:
            for _ in range(3):
                echoes(proxy.port)
        with Nginx(kept, server.port) as proxy:
            for _ in range(20):
                begin(proxy.port, "x")
            streams_at_once(proxy.port)
            long_polls(proxy.port)
    finally:
        server.stop()
        echo.stop()


@case
def late_when_told_to_ignore():
    held = BARE.replace("proxy_pass", "proxy_ignore_headers X-Accel-Buffering;\n        proxy_pass")
    streams_late(Nginx, held, held.replace("proxy_pass", "proxy_buffering off;\n        proxy_pass"))


TLS = "listen 80 ssl{};\n    ssl_certificate cert;\n    ssl_certificate_key key;"


@case
def good_tls():
    """wss: the proxy ends TLS, and the page's Origin is https."""
    server = Server()
    try:
        with Nginx(instead(NGINX, "listen 80;", TLS.format("")), server.port) as proxy:
            origin = {"Origin": f"https://127.0.0.1:{proxy.port}"}
            with TlsPeer(proxy.port, headers=origin) as peer:
                assert peer.status() == 101, (peer.head, peer.body)
                peer.send(wire.frame(wire.TEXT, b'{"type":"ping"}'))
                peer.expect(wire.TEXT, b'{"type":"pong"}')
    finally:
        server.stop()


@case
def good_http2():
    """A page's streams and posts come by HTTP/2, its WebSocket by HTTP/1.1 to the same port."""
    server = Server()
    try:
        with Nginx(instead(NGINX, "listen 80;", TLS.format(" http2")), server.port) as proxy:
            origin = f"https://127.0.0.1:{proxy.port}"
            with TlsPeer(proxy.port, headers={"Origin": origin}) as peer:
                assert peer.status() == 101, (peer.head, peer.body)
            curl = subprocess.Popen(
                ["curl", "-skN", "--http2", "-D", f"{proxy.folder}/head", "-H", "Accept: text/event-stream", "-H",
                 f"Origin: {origin}", "--json", json.dumps(message("tick ", tokens=12, rate=15)), origin + PATH],
                stdout=subprocess.PIPE)
            longest, events = 0, []
            for line in curl.stdout:
                if line.startswith(b"data: "):
                    events.append(json.loads(line[6:]))
                    longest = max(longest, time.time() * 1000 - events[-1]["ts"])
            assert curl.wait(SOON) == 0 and events[-1]["type"] == "agent.completed", events
            assert longest < 500, f"an event came {longest:.0f} ms after it was made"
            with open(f"{proxy.folder}/head") as head:
                assert head.read().startswith("HTTP/2 200"), "HTTP/2"
    finally:
        server.stop()


# ---- What is usually wrong ----

def repair(text, hint):
    """Put the directives of the hint into the location: in the place of what says the same, else behind proxy_pass."""
    lines = re.findall(r"(proxy_\w+ [^;]+;)", hint)
    assert lines, f"no line for nginx in {hint!r}"
    for line in lines:
        words = line.rstrip(";").split()
        same = " ".join(words[:2] if words[0] == "proxy_set_header" else words[:1])
        text = re.sub(r"(?m)^ {8}%s [^;]*;\n" % re.escape(same), "", text)
        text = re.sub(r"(?m)^( {8}proxy_pass [^;]*;\n)", lambda match: f"{match[1]}        {line}\n", text, 1)
    return text


def nginx_mistake(name, text, cause, **expected):
    mistake(Nginx, name, text, cause, expected.pop("repair", repair), **expected)


HEADERS = r"proxy_set_header (Upgrade|Connection)"
# Underneath the lost upgrade is a lost Host.
HOST = {"cause": "HOST_REWRITTEN", "code": "ORIGIN_NOT_ALLOWED", "status": 403}
nginx_mistake("bare_proxy_pass", BARE, "HOP_STRIPPED_HTTP10", headers=PAGE, then=HOST)
nginx_mistake("version_alone", without(NGINX, HEADERS), "HOP_STRIPPED")
nginx_mistake("upgrade_alone", without(NGINX, "proxy_set_header Connection"), "CONNECTION_NOT_SET")
nginx_mistake("connection_alone", without(NGINX, "proxy_set_header Upgrade"), "UPGRADE_NOT_SET")
nginx_mistake("headers_without_version", without(NGINX, "proxy_http_version"), "HTTP10_WITH_UPGRADE")
nginx_mistake("no_host", without(NGINX, "proxy_set_header Host"), "HOST_REWRITTEN", code="ORIGIN_NOT_ALLOWED", status=403,
              headers=PAGE)
nginx_mistake("host_without_port", NGINX.replace("$http_host", "$host"), "HOST_REWRITTEN", code="ORIGIN_NOT_ALLOWED",
              status=403, headers={"Host": "agent.example:8443", "Origin": "http://agent.example:8443"})

# One proxy_set_header in location cancels all that stand outside of it.
OUTSIDE = re.sub(r"(?m)^ {8}(proxy_set_header [^\n]*\n)", "", NGINX)
OUTSIDE = OUTSIDE.replace("    location", "".join(re.findall(r"(?m)^ {4}( {4}proxy_set_header [^\n]*\n)", NGINX)) + "    location")
INHERITED = OUTSIDE.replace("proxy_http_version", "proxy_set_header X-Real-IP $remote_addr;\n        proxy_http_version")
nginx_mistake("inheritance_cancelled", INHERITED, "HOP_STRIPPED", hint="one level", headers=PAGE, then=HOST)

# Nginx Proxy Manager with the box unticked: what is pasted under Advanced stands outside of location.
UNTICKED = without(MANAGER, HEADERS)
ADVANCED = UNTICKED.replace("    location", "    proxy_set_header Upgrade $http_upgrade;\n"
                            "    proxy_set_header Connection upgrade;\n    location")
for name, text in (("manager_unticked", UNTICKED), ("manager_advanced_lines", ADVANCED)):
    mistake(Manager, name, text, "HOP_STRIPPED", lambda text, hint: MANAGER, headers=PAGE, hint="tick Websockets Support")

class Ingress(Nginx):
    known_as = ("ingress-nginx",)


# What the controller writes, but for the version of a proxy-http-version annotation.
CONTROLLER = NGINX.replace("        proxy_http_version 1.1;\n", "        proxy_http_version 1.0;\n").replace(
    "        proxy_set_header X-Forwarded-For", "        proxy_set_header X-Request-ID $request_id;\n"
    "        proxy_set_header X-Real-IP $remote_addr;\n        proxy_set_header X-Forwarded-For").replace(
    "        proxy_read", "        proxy_set_header X-Forwarded-Scheme $scheme;\n        proxy_set_header X-Scheme $scheme;\n"
    "        proxy_read")
mistake(Ingress, "ingress_http_version", CONTROLLER, "HTTP10_WITH_UPGRADE",
        lambda text, hint: text.replace("version 1.0", "version " + re.search(r'proxy-http-version: "(1.1)"', hint)[1]))

# A URI in proxy_pass takes the prefix of the location off.
PREFIX_LOST = NGINX.replace("location / ", "location /api/ ").replace(f"http://{BACKEND};", f"http://{BACKEND}/;")
nginx_mistake("uri_in_proxy_pass", PREFIX_LOST, "PATH_CHANGED", code="ROUTE_NOT_FOUND", status=404, hint="/api",
              repair=lambda text, hint: text.replace(f"{BACKEND}/;", f"{BACKEND};"))
nginx_mistake("prefix_kept", NGINX, "PATH_CHANGED", code="ROUTE_NOT_FOUND", status=404, path="/chat" + PATH,
              hint="location /chat/ { proxy_pass http://backend/; }",
              repair=lambda text, hint: text.replace("location / ", "location /chat/ ").replace(f"{BACKEND};", f"{BACKEND}/;"))

# ---- Programs that meet these ----

@case
def example_of_the_documentation():
    server = Server()
    try:
        with Nginx(BARE, server.port) as proxy, Peer(proxy.port, headers={"Origin": None}) as peer:
            said = peer.problem()
            said["saw"] = said["saw"].replace(f":{server.port}", ":8080")
            assert said == example(), said
    finally:
        server.stop()


def agent(proxy, *options, tokens=200, rate=400):
    """wick agent through the proxy: its exit status, what it said and what it told on the way."""
    context = json.dumps({"surface": "experience_pillar", "tokens": tokens, "rate": rate})
    result = subprocess.run([f"{BUILD}/bin/wick", "agent", *options, "--context", context, proxy.url, "t\u00f6k "],
                            stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return result.returncode, result.stdout.decode().rstrip("\n"), result.stderr.decode()


@case
def agent_falls_back_and_says_why():
    """Without an upgrade SSE is taken. A page's Origin needs Host for that, too, and its POST says so."""
    server = Server()
    try:
        with Nginx(BARE, server.port) as proxy:
            status, text, told = agent(proxy)
            assert status == 0 and text == "t\u00f6k " * 200, (status, text, told)
            for part in ("trying SSE", "HOP_STRIPPED_HTTP10", "proxy_set_header Upgrade $http_upgrade;"):
                assert part in told, told
            status, _, body = ask(proxy.port, "POST", "/api/events", {"type": "session.open", "payload": {}},
                                  Content_Type="application/json", **PAGE)
            said = json.loads(body)
            assert status == 403 and said["cause"] == "HOST_REWRITTEN" and said["proxy"] == "nginx", said
            proxy.change(repair(BARE, said["hint"]))
            status, text, told = agent(proxy, "--origin", f"http://127.0.0.1:{proxy.port}")
            assert status == 0 and text == "t\u00f6k " * 200 and "trying SSE" in told, (status, told)
            proxy.change(NGINX)
            status, text, told = agent(proxy, "--origin", f"http://127.0.0.1:{proxy.port}")
            assert status == 0 and text == "t\u00f6k " * 200 and "SSE" not in told, (status, told)
    finally:
        server.stop()


@case
def agent_through_reloads_and_a_kill():
    server = Server()
    try:
        with Nginx(NGINX, server.port) as proxy:
            thread = threading.Thread(target=disturb, args=(proxy,))
            thread.start()
            status, text, told = agent(proxy, tokens=1500, rate=500)
            thread.join()
            assert status == 0 and text == "t\u00f6k " * 1500, (status, len(text), told)
    finally:
        server.stop()


# ---- One behind the other ----

@case
def chain_of_two():
    """Streams and messages through both; of the faults, the head shows the last one's hand."""
    server = Server("--token", "s3cret")
    echo = Server(program="echo_server")
    plain = Server()
    try:
        with Nginx(NGINX, echo.port) as inner, Nginx(NGINX, inner.port) as outer:
            echoes(outer.port)
        with Nginx(NGINX, server.port) as inner, Nginx(NGINX, inner.port) as outer:
            passes_headers(outer.port, server)
        with Nginx(NGINX, plain.port) as inner, Nginx(NGINX, inner.port) as outer:
            streams_at_once(outer.port)
            long_polls(outer.port)
            outer.change(BARE)
            eventually(lambda: refused(outer, plain, "HOP_STRIPPED"))
            outer.change(NGINX)
            inner.change(BARE)
            eventually(lambda: refused(outer, plain, "HOP_STRIPPED_HTTP10"))
    finally:
        for each in (server, echo, plain):
            each.stop()


# ---- What the client alone sees ----

def located(body):
    """The location does something else."""
    return re.sub(r"(?s)location / \{.*?\n    \}", f"location / {{ {body} }}", NGINX)


doctor_case(Nginx, "upstream_down", NGINX, "websocket", "UPSTREAM_REFUSED", "proxy_pass http://ADDRESS:PORT;", backend=nobody())
doctor_case(Nginx, "upstream_hangs", NGINX.replace("3600s", "1s"), "websocket", "UPSTREAM_HANGS", "does not answer",
            backend=mute())
doctor_case(Nginx, "denied", NGINX.replace("proxy_pass", "deny all;\n        proxy_pass"), "websocket", "FORBIDDEN_BY_PROXY",
            "deny", mended=NGINX)
doctor_case(Nginx, "page_for_everything", located("default_type text/html; return 200 '<html>app</html>';"), "websocket",
            "PATH_NOT_PROXIED", "proxy_set_header Upgrade $http_upgrade;", mended=NGINX)
doctor_case(Nginx, "routed_elsewhere", located("return 404;"), "websocket", "ROUTED_ELSEWHERE", "proxy_pass", mended=NGINX)
doctor_case(Nginx, "redirected", located("return 301 https://agent.example$request_uri;"), "websocket", "REDIRECT_TO_TLS",
            "wss://")
doctor_case(Nginx, "idle_limit", NGINX.replace("3600s", "1500ms"), "idle", "IDLE_LIMIT", "proxy_read_timeout 3600s;", mended=NGINX,
            beat=False, seconds=2)
doctor_case(Nginx, "events_held", BARE.replace("proxy_pass", "proxy_ignore_headers X-Accel-Buffering;\n        proxy_pass"), "sse",
            "HELD_BACK", "proxy_buffering off;", mended=NGINX)
doctor_case(Nginx, "tls_spoken_to_in_plain", instead(NGINX, "listen 80;", TLS.format("")), "websocket", "PLAIN_TO_TLS", "wss://")

sys.exit(main("proxies_nginx", sys.argv[1:]))
