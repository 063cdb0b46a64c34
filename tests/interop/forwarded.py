"""Whom the servers believe: forwarded headers and PROXY headers by hand, then those of real proxies. See forwarded.sh."""
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile

from forwarded_lib import (CLIENT, V2, Peer, Proxy, Server, certificate, get, names, v2, v2_tcp4, wait_for)
from agent_lib import BUILD
from wire import TEXT, case, equal, failed, frame, run

TRUST = ("--trust-proxy", "127.0.0.1")


def with_server(function, *options, program="agent_server"):
    server = Server(*options, program=program)
    try:
        function(server)
    finally:
        status = server.stop()
    equal(status, 0, "exit status")


def server_case(*options, program="agent_server"):
    def wrap(function):
        run("forwarded/" + function.__name__, with_server, function, *options) if program == "agent_server" else run(
            "forwarded/" + function.__name__, lambda: with_server(function, *options, program=program))
    return wrap


def told(server, count=1):
    """The last names of the log, once there are so many."""
    wait_for(lambda: len(names(server)) >= count, "%d lines" % count)
    return names(server)[-count:]


def usage():
    for program in ("echo_server", "agent_server", "agent_runtime"):
        for wrong in ("nonsense", "10.0.0.0/33", "1.2.3", "::1/129", "", "10.0.0.0/8,::1", "127.0.0.1:80", "localhost"):
            result = subprocess.run([BUILD + "/bin/" + program, "--port", "0", "--trust-proxy", "10.0.0.1", "--trust-proxy", wrong],
                                    capture_output=True, timeout=20)
            equal(result.returncode, 2, program + " " + wrong)
            equal(b"--trust-proxy" in result.stderr and result.stdout == b"", True, program + " " + wrong)
        every = []
        for right in ("10.0.0.0/8", "192.0.2.1", "::1", "fd00::/8", "2001:db8::1/128", "127.0.0.1/8", "::ffff:10.0.0.0/104"):
            every += ["--trust-proxy", right]
        server = Server(*every, program=program)
        equal(server.stop(), 0, program)


run("forwarded/usage", usage)


@server_case()
def nothing_is_believed_without_being_told(server):
    with Peer(server.port) as peer:
        equal(peer.ask("X-Forwarded-For: 203.0.113.7\r\nX-Real-IP: 203.0.113.7\r\nForwarded: for=203.0.113.7\r\n")[0], 200)
        equal(told(server), [peer.name])


@server_case("--trust-proxy", "127.0.0.1", "--trust-proxy", "10.0.0.0/8")
def the_rightmost_that_is_not_trusted(server):
    with Peer(server.port) as peer:
        for extra, want in (
                ("X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7"),
                ("X-Forwarded-For: 6.6.6.6, 203.0.113.8\r\n", "203.0.113.8"),
                ("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3\r\n", "203.0.113.9"),
                ("X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: [2001:db8::7]:5000\r\n", "[2001:db8::7]:5000"),
                ("X-Forwarded-For: ::ffff:203.0.113.10\r\n", "203.0.113.10"),
                ("X-Forwarded-For: 10.0.0.7, 10.0.0.8\r\n", "10.0.0.7"),
                ("X-Forwarded-For: 203.0.113.7, junk\r\n", peer.name),
                ("X-Forwarded-For: 203.0.113.7, unknown, 10.0.0.9\r\n", "10.0.0.9"),
                ("X-Real-IP: 203.0.113.11\r\nForwarded: for=6.6.6.6\r\n", "203.0.113.11"),
                ('Forwarded: for=6.6.6.6, for="[2001:db8::8]:4711";proto=https\r\n', "[2001:db8::8]:4711"),
                ("Forwarded: for=_hidden\r\n", peer.name),
                ("X-Forwarded-For: 203.0.113.7" + ", 10.0.0.1" * 1000 + "\r\n", "10.0.0.1"),
                ("", peer.name)):
            equal(peer.ask(extra)[0], 200, extra)
            equal(told(server)[0], want, extra)


@server_case(*TRUST)
def another_address_is_not_believed(server):
    with Peer(server.port, "127.0.0.2") as peer:
        equal(peer.ask("X-Forwarded-For: 203.0.113.7\r\n")[0], 200)
        equal(told(server), [peer.name])


@server_case(*TRUST)
def a_request_with_a_body(server):
    body = json.dumps({"type": "agent.message", "payload": {"text": "One. Two.", "context": {}}}).encode()
    with Peer(server.port) as peer:
        head = get("X-Forwarded-For: 203.0.113.7\r\nOrigin: https://app.example\r\nX-Forwarded-Host: app.example\r\n"
                   "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body), "/api/runtime/agent", "inner:1")
        peer.send(head.replace(b"GET", b"POST"), slowly=True)
        peer.send(body, slowly=True)
        equal(peer.answer()[0], 202)
        equal(told(server)[0], "203.0.113.7")


@server_case(*TRUST)
def a_websocket_keeps_its_name(server):
    with Peer(server.port) as peer:
        equal(peer.upgrade("X-Forwarded-For: 203.0.113.7:5000\r\n")[0], 101)
        peer.send(frame(TEXT, b"x", rsv=4))
        peer.ended()
    wait_for(lambda: "203.0.113.7:5000 - WebSocket failed" in server.log(), server.log)
    equal('203.0.113.7:5000 - "WebSocket /api/runtime/agent" [accepted]' in server.log(), True)


ORIGINS = (
    # X-Forwarded-* and Host, the page's origin, whether it may connect if they are believed, and if not
    ("", "inner:1", "http://inner:1", 101, 101),
    ("", "inner:1", "https://app.example", 403, 403),
    ("X-Forwarded-Host: app.example\r\n", "inner:1", "https://app.example", 101, 403),
    ("X-Forwarded-Host: app.example\r\nX-Forwarded-Proto: https\r\n", "inner:1", "https://app.example", 101, 403),
    ("X-Forwarded-Host: app.example\r\nX-Forwarded-Proto: https\r\n", "inner:1", "http://app.example", 403, 403),
    ("X-Forwarded-Host: app.example\r\nX-Forwarded-Proto: wss\r\n", "inner:1", "https://app.example", 101, 403),
    ("X-Forwarded-Proto: https\r\n", "app.example", "http://app.example", 403, 101),
    ("X-Forwarded-Host: evil.example, app.example\r\n", "inner:1", "https://evil.example", 403, 403),
    ("X-Forwarded-Host: app.example\r\n", "inner:1", "http://inner:1", 403, 101),
    ("X-Forwarded-Port: 8443\r\n", "app.example", "https://app.example:8443", 101, 403),
    ('Forwarded: for=1.2.3.4;host="app.example:8443";proto=https\r\n', "inner:1", "https://app.example:8443", 101, 403),
    ("Forwarded: for=1.2.3.4;host=evil.example, for=1.2.3.5;host=app.example\r\n", "inner:1", "https://evil.example", 403, 403),
)


# A path of the API at which nothing is.
MISSION = "/api/mission/none/status"


def origins(server, column):
    for row in ORIGINS:
        with Peer(server.port) as peer:
            extra = row[0] + "Origin: %s\r\n" % row[2]
            equal(peer.upgrade(extra, host=row[1])[0], row[column], "%s of %s" % (row, "WebSocket"))
        with Peer(server.port) as peer:
            status = peer.ask(extra, MISSION, row[1])[0]
            equal(status, 404 if row[column] == 101 else 403, "%s of %s" % (row, "HTTP"))


@server_case(*TRUST)
def origins_seen_from_the_browser(server):
    origins(server, 3)


@server_case("--trust-proxy", "127.0.0.7")
def origins_of_an_address_that_is_not_trusted(server):
    origins(server, 4)


@server_case()
def origins_without_trust(server):
    origins(server, 4)


def families(server):
    """A socket for both families gives mapped addresses: they are the IPv4 ones."""
    for to, source, trusted in (("127.0.0.1", "127.0.0.1", True), ("127.0.0.1", "127.0.0.2", False), ("::1", "::1", True)):
        with Peer(server.port, source, to) as peer:
            equal(peer.ask("X-Forwarded-For: 2001:db8::7\r\n")[0], 200)
            own = "[::1]:%d" % peer.socket.getsockname()[1] if ":" in to else peer.name
            equal(told(server), ["2001:db8::7" if trusted else own], (to, source))


def both_families():
    with_server(families, *TRUST, "--trust-proxy", "::1", "--host", "::")


run("forwarded/both_families", both_families)

# ---- PROXY headers by hand

HEADERS = (
    (b"PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n", "203.0.113.7:51234"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 51234 443\r\n", "[2001:db8::7]:51234"),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN a b c\r\n", None),
    (v2_tcp4("203.0.113.8", 5000), "203.0.113.8:5000"),
    (v2_tcp4("203.0.113.8", 5000, b"\x04\0\x03abc"), "203.0.113.8:5000"),
    (v2(b"", 0x20, 0), None),
    (v2(b"\0" * 216, 0x21, 0x31), "unix"),
)


def proxy_headers(server):
    path = "/health" if server.url.endswith("agent") else "/"
    for header, want in HEADERS:
        for slowly in (False, True):
            with Peer(server.port) as peer:
                peer.send(header + get("", path), slowly)
                equal(peer.answer()[0] in (200, 400), True, header)
                equal(told(server)[0], want or peer.name, header)


@server_case(*TRUST)
def proxy_protocol(server):
    proxy_headers(server)


@server_case(*TRUST, program="echo_server")
def proxy_protocol_of_echo_server(server):
    proxy_headers(server)


@server_case(*TRUST, program="agent_runtime")
def proxy_protocol_of_agent_runtime(server):
    with Peer(server.port) as peer:
        peer.send(HEADERS[0][0])
        equal(peer.ask("", "/nowhere")[0], 404)
        equal(told(server)[0], "203.0.113.7:51234")


@server_case(*TRUST)
def a_websocket_behind_a_proxy_header(server):
    with Peer(server.port) as peer:
        peer.send(v2_tcp4("203.0.113.8", 5000))
        equal(peer.upgrade()[0], 101)
        peer.send(frame(TEXT, b'{"type":"ping"}'))
        while b'{"type":"pong"}' not in peer.bytes:
            peer.more()
        equal(told(server)[0], "203.0.113.8:5000")


@server_case("--trust-proxy", "127.0.0.1", "--trust-proxy", "10.0.0.0/8")
def fields_behind_a_proxy_header(server):
    """The fields are the client's own if the connection is: they count only if the PROXY header names a trusted one."""
    for source, want in (("203.0.113.7", "203.0.113.7:1"), ("10.0.0.5", "198.51.100.1")):
        with Peer(server.port) as peer:
            peer.send(v2_tcp4(source, 1))
            equal(peer.ask("X-Forwarded-For: 198.51.100.1\r\n")[0], 200)
            equal(told(server)[0], want)
            equal(peer.ask()[0], 200)
            equal(told(server)[0], source + ":1")


@server_case(*TRUST)
def tls_in_front_of_a_proxy_header(server):
    tls = b"\x20\0\x05\x01\0\0\0\0"
    for tlvs, origin, want in ((tls, "https://app.example", 101), (tls, "http://app.example", 403), (b"", "http://app.example", 101)):
        with Peer(server.port) as peer:
            peer.send(v2_tcp4("203.0.113.7", 1, tlvs))
            equal(peer.upgrade("Origin: %s\r\n" % origin, host="app.example")[0], want, origin)


def refused(server, header, source="127.0.0.1"):
    with Peer(server.port, source) as peer:
        peer.send(header)
        status, body = peer.answer()
        equal(status, 400, header)
        equal(peer.ended(), True)
        return json.loads(body)


@server_case(*TRUST)
def a_malformed_proxy_header(server):
    for header in (b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", b"PROXY " + b"x" * 200, v2(b"", 0x21, 0x11), v2(b"", 0x21, 0x44), v2(b"", 0x11),
                   V2 + b"\x21\x11\xff\xff", v2_tcp4("1.2.3.4", 1, b"\x03\0\x04abcd"), v2_tcp4("1.2.3.4", 1, b"\x04\0\x05")):
        equal("PROXY header" in refused(server, header)["detail"], True, header)


def helped(server, source):
    for header, _ in HEADERS:
        problem = refused(server, header + get(), source)
        equal("--trust-proxy" in problem["hint"], True, problem)
        equal("PROXY" in problem["detail"] and problem["code"] == "BAD_REQUEST", True, problem)
    with Peer(server.port, source) as peer:
        equal(peer.ask()[0], 200)
        equal(told(server), [peer.name])


@server_case()
def a_proxy_header_without_trust(server):
    helped(server, "127.0.0.1")


@server_case(*TRUST)
def a_proxy_header_of_another_address(server):
    helped(server, "127.0.0.2")


@server_case(*TRUST)
def draining_does_not_wait_for_first_bytes(server):
    with Peer(server.port) as peer, Peer(server.port) as other:
        other.send(b"PROXY TC")
        equal(peer.ask()[0], 200)
        equal(server.stop(timeout=2), 0)


# ---- Real proxies

def through(proxy, server, want=None, extra="", port=True, wrap=None, rounds=2):
    """Requests and a WebSocket through a proxy: the log names the client, not what it makes up."""
    spoof = "X-Forwarded-For: 10.0.0.1\r\nX-Real-IP: 10.0.0.2\r\n" + extra
    for _ in range(rounds):
        with Peer(proxy.port, CLIENT) as peer:
            if wrap:
                peer.socket = wrap(peer.socket)
            equal(peer.ask(spoof)[0], 200)
            expect = want or (peer.name if port else CLIENT)
            wait_for(lambda: expect in names(server), server.log)
        with Peer(proxy.port, CLIENT) as peer:
            if wrap:
                peer.socket = wrap(peer.socket)
            equal(peer.upgrade(spoof)[0], 101)
            peer.send(frame(TEXT, b'{"type":"ping"}'))
            while b'{"type":"pong"}' not in peer.bytes:
                peer.more()
            expect = want or (peer.name if port else CLIENT)
            wait_for(lambda: expect + ' - "WebSocket /api/runtime/agent" [accepted]' in server.log(), server.log)
    for name in names(server):
        equal(name.startswith("10."), False, name)


def real(name, tool, text, command, check, **options):
    """A case with a real proxy. The server trusts 127.0.0.1, which is where the proxy connects from."""
    if not shutil.which(tool):
        print("skip forwarded/%s: %s is not installed" % (name, tool))
        return

    def body(server):
        with Proxy(text, server.port, command, **options) as proxy:
            check(proxy, server)
    run("forwarded/" + name, with_server, body, *TRUST)


NGINX = """user root;
daemon off; worker_processes 1; pid FOLDER/pid; error_log stderr;
%s
events { worker_connections 64; }
"""
NGINX_HTTP = NGINX % "" + """http { access_log off;
client_body_temp_path FOLDER/1; proxy_temp_path FOLDER/2; fastcgi_temp_path FOLDER/3; uwsgi_temp_path FOLDER/4; scgi_temp_path FOLDER/5;
server { listen 127.0.0.1:PORT; location / { proxy_pass http://127.0.0.1:BACKEND; proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
%s
} } }
"""
if os.geteuid() != 0:
    NGINX_HTTP = NGINX_HTTP.replace("user root;", "")
NGINX_COMMAND = ["nginx", "-p", "FOLDER", "-c", "FOLDER/config", "-e", "stderr"]
real("nginx_x_forwarded_for", "nginx", NGINX_HTTP % "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", NGINX_COMMAND,
     lambda proxy, server: through(proxy, server, port=False, extra="Forwarded: for=10.0.0.3\r\n"))
real("nginx_x_real_ip", "nginx", NGINX_HTTP % 'proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For "";',
     NGINX_COMMAND, lambda proxy, server: through(proxy, server, port=False, extra="Forwarded: for=10.0.0.3\r\n"))
real("nginx_forwarded", "nginx",
     NGINX_HTTP % 'proxy_set_header Forwarded "$http_forwarded, for=\\"$remote_addr:$remote_port\\";proto=$scheme";'
     'proxy_set_header X-Forwarded-For ""; proxy_set_header X-Real-IP "";',
     NGINX_COMMAND, lambda proxy, server: through(proxy, server, extra="Forwarded: for=10.0.0.3;proto=https\r\n"))


def nginx_origin(proxy, server):
    host = "127.0.0.1:%d" % proxy.port
    for origin, want in (("http://" + host, 101), ("http://evil.example", 403)):
        with Peer(proxy.port, CLIENT) as peer:
            equal(peer.upgrade("Origin: %s\r\n" % origin, host=host)[0], want, origin)


real("nginx_x_forwarded_host", "nginx",
     NGINX_HTTP % "proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;", NGINX_COMMAND,
     nginx_origin)

stream = [path for path in ("/usr/lib/nginx/modules/ngx_stream_module.so", "/usr/lib64/nginx/modules/ngx_stream_module.so")
          if os.path.exists(path)]
if stream:
    real("nginx_stream_proxy_protocol", "nginx", "load_module %s;\n" % stream[0] + NGINX.replace(
        "user root;", "user root;" if os.geteuid() == 0 else "") % "" +
        "stream { server { listen 127.0.0.1:PORT; proxy_pass 127.0.0.1:BACKEND; proxy_protocol on; } }\n",
        NGINX_COMMAND, through)
else:
    print("skip forwarded/nginx_stream_proxy_protocol: nginx has no stream module")

HAPROXY = """global
  stats socket FOLDER/socket
defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 30s
listen it
  mode %s
  bind 127.0.0.1:PORT %s
  server wick 127.0.0.1:BACKEND %s
"""
HAPROXY_COMMAND = ["haproxy", "-db", "-f", "FOLDER/config"]
real("haproxy_forwardfor", "haproxy", HAPROXY % ("http", "\n  option forwardfor", ""), HAPROXY_COMMAND,
     lambda proxy, server: through(proxy, server, port=False))
real("haproxy_send_proxy", "haproxy", HAPROXY % ("tcp", "", "send-proxy"), HAPROXY_COMMAND, through)
real("haproxy_send_proxy_v2", "haproxy", HAPROXY % ("tcp", "", "send-proxy-v2"), HAPROXY_COMMAND, through)
real("haproxy_send_proxy_v2_options", "haproxy",
     HAPROXY % ("http", "\n  unique-id-format %[uuid()]", "send-proxy-v2 proxy-v2-options crc32c,unique-id"), HAPROXY_COMMAND, through)


def health_checks(proxy, server):
    """HAProxy's own checks come as LOCAL, or as UNKNOWN: it is HAProxy that asks."""
    wait_for(lambda: any('"GET /health" 200' in line for line in server.log().splitlines()), server.log)
    equal(all(name.startswith("127.0.0.1:") for name in names(server)), True, names(server))
    through(proxy, server)


for version in ("send-proxy", "send-proxy-v2"):
    real("haproxy_checks_" + version.replace("-", "_"), "haproxy",
         HAPROXY % ("tcp", "\n  option httpchk GET /health", "check inter 100ms check-send-proxy " + version), HAPROXY_COMMAND, health_checks)


def haproxy_tls(proxy, server):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    through(proxy, server, wrap=lambda s: context.wrap_socket(s, server_hostname="app.example"))
    for origin, want in (("https://app.example", 101), ("http://app.example", 403)):
        with Peer(proxy.port, CLIENT) as peer:
            peer.socket = context.wrap_socket(peer.socket, server_hostname="app.example")
            equal(peer.upgrade("Origin: %s\r\n" % origin, host="app.example")[0], want, origin)


if shutil.which("openssl"):
    with tempfile.TemporaryDirectory() as folder:
        pem = certificate(folder)
        real("haproxy_send_proxy_v2_ssl_cn", "haproxy",
             HAPROXY % ("tcp", "ssl crt " + pem, "send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,authority,crc32c"),
             HAPROXY_COMMAND, haproxy_tls)
else:
    print("skip forwarded/haproxy_send_proxy_v2_ssl_cn: openssl is not installed")

real("caddy", "caddy", """{
  admin off
  auto_https off
  storage file_system FOLDER/storage
}
http://:PORT {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:BACKEND
}
""", ["caddy", "run", "--config", "FOLDER/config", "--adapter", "caddyfile"], lambda proxy, server: through(proxy, server, port=False))

MODULES = "mpm_event proxy proxy_http authz_core unixd"
real("apache", "apache2", "".join("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n" % (m, m) for m in MODULES.split()
                                  if m != "unixd") + """
ServerName app.example
ServerRoot FOLDER
DefaultRuntimeDir FOLDER
PidFile FOLDER/pid
ErrorLog FOLDER/error.log
User #0
Group #0
Listen 127.0.0.1:PORT
ProxyPass / http://127.0.0.1:BACKEND/ upgrade=websocket
""".replace("User #0\nGroup #0\n", ""), ["apache2", "-f", "FOLDER/config", "-D", "FOREGROUND"],
     lambda proxy, server: through(proxy, server, port=False))

sys.exit(1 if failed else 0)
