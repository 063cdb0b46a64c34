"""Caddy in front of echo_server and agent_server: the configuration of docs/proxies.md, and what is usually wrong with it."""
import subprocess
import sys

from cases import *
from client import *
from good import *
from proxy import *
from wrong import *

CADDY = config("caddy")


class Caddy(Proxy):
    name = "caddy"
    known_as = ("Caddy", "Caddy or Go")

    def frame(self, text):
        return (f"{{\n    admin unix/{self.folder}/admin\n    auto_https off\n    default_bind 127.0.0.1\n{self.extra}}}\n"
                f"{text.replace('agent.example', f'http://:{self.port}')}")

    def environment(self):
        return {"HOME": self.folder, "XDG_DATA_HOME": self.folder, "XDG_CONFIG_HOME": self.folder}

    def command(self):
        return ["caddy", "run", "--config", self.file, "--adapter", "caddyfile"]

    def reload(self):
        result = subprocess.run(["caddy", "reload", "--force", "--config", self.file, "--adapter", "caddyfile", "--address",
                                 f"unix/{self.folder}/admin"], capture_output=True, timeout=SOON,
                                env={**os.environ, **self.environment()})
        assert result.returncode == 0, result.stderr


good(Caddy, CADDY, CADDY.replace("8080\n", "8080 {\n        transport http {\n            read_timeout 2s\n        }\n    }\n"))

@case
def good_streams_with_gzip():
    streams_in_time(Caddy, CADDY.replace("    reverse_proxy", "    encode gzip\n    reverse_proxy"))


# ---- What is usually wrong ----

def with_lines(*lines):
    return CADDY.replace("8080\n", "8080 {\n" + "".join(f"        {line}\n" for line in lines) + "    }\n")


def remove(line, *words):
    def repair(text, hint):
        assert "remove" in hint and all(word in hint for word in words), hint
        return without(text, re.escape(line))
    return repair


for name, line, cause in (("upgrade_deleted", "header_up -Upgrade", "UPGRADE_NOT_SET"),
                          ("connection_deleted", "header_up -Connection", "CONNECTION_NOT_SET"),
                          ("connection_close", "header_up Connection close", "CONNECTION_NOT_SET")):
    mistake(Caddy, name, with_lines(line), cause, remove(line, "header_up"))
mistake(Caddy, "host_rewritten", with_lines("header_up Host {upstream_hostport}"), "HOST_REWRITTEN",
        remove("header_up Host", "header_up Host"), code="ORIGIN_NOT_ALLOWED", status=403, headers=PAGE)
STRIPPING = CADDY.replace("    reverse_proxy", "    handle_path /api/* {\n    reverse_proxy").replace("8080\n", "8080\n    }\n")
mistake(Caddy, "handle_path", STRIPPING, "PATH_CHANGED", lambda text, hint: instead(text, "handle_path /api/*", "handle /api/*"),
        code="ROUTE_NOT_FOUND", status=404, hint="handle /api/* in place of handle_path")
mistake(Caddy, "prefix_kept", CADDY, "PATH_CHANGED",
        lambda text, hint: CADDY.replace("    reverse_proxy", "    handle_path /chat/* {\n    reverse_proxy").replace(
            "8080\n", "8080\n    }\n"),
        path="/chat" + PATH, code="ROUTE_NOT_FOUND", status=404, hint="handle_path /chat/*")

# ---- What the client alone sees ----

doctor_case(Caddy, "upstream_down", CADDY, "websocket", "UPSTREAM_REFUSED", "address and port", backend=nobody())
doctor_case(Caddy, "no_route", CADDY.replace("reverse_proxy", "reverse_proxy /elsewhere/*"), "websocket", "PATH_NOT_PROXIED",
            "reverse_proxy", mended=CADDY)
doctor_case(Caddy, "idle_limit", with_lines("transport http {", "    read_timeout 1500ms", "}"), "idle", "IDLE_LIMIT",
            "no read_timeout", mended=CADDY, beat=False, seconds=2)

sys.exit(main("proxies_caddy", sys.argv[1:]))
