"""HAProxy in front of echo_server and agent_server: the configuration of docs/proxies.md, and what is usually wrong with it."""
import signal
import sys
import time

from cases import *
from client import *
from good import *
from proxy import *
from wrong import *

HAPROXY = config("haproxy")


class HAProxy(Proxy):
    name = "haproxy"
    known_as = ("HAProxy",)

    def frame(self, text):
        return (f"global\n    maxconn 256\n    hard-stop-after 300ms\n    stats socket {self.folder}/admin level admin\n"
                f"{self.extra}\n{text.replace('bind :80', f'bind 127.0.0.1:{self.port}')}")

    def command(self):
        return ["haproxy", "-W", "-db", "-f", self.file, "-p", f"{self.folder}/pid"]

    def reload(self):
        """The master starts a new worker and tells the old one to stop; hard-stop-after bounds that. A master that has just
        started may overhear a signal."""
        reloads, ends = (self.log().count(text) for text in ("Reloading", "Former worker"))

        def reloading():
            self.process.send_signal(signal.SIGUSR2)
            time.sleep(0.2)
            return self.log().count("Reloading") > reloads
        wait_for(reloading, "a reload")
        wait_for(lambda: self.log().count("Former worker") > ends, "the end of the old worker")


good(HAProxy, HAPROXY, HAPROXY.replace("60s", "2s").replace("1h", "2s"))

@case
def good_with_connections_shared():
    """http-reuse always: a request may go out on any connection."""
    shared = HAPROXY.replace("    server agent1", "    http-reuse always\n    server agent1")
    server, echo = Server(), Server(program="echo_server")
    try:
        with HAProxy(shared, echo.port) as proxy:
            for _ in range(3):
                echoes(proxy.port)
        with HAProxy(shared, server.port) as proxy:
            for _ in range(20):
                begin(proxy.port, "x")
            streams_at_once(proxy.port)
            long_polls(proxy.port)
    finally:
        server.stop()
        echo.stop()


@case
def late_without_no_delay():
    streams_late(HAProxy, without(HAPROXY, "option http-no-delay"), HAPROXY)


# ---- What is usually wrong ----

IN = "    default_backend"


def haproxy_mistake(name, line, cause, repair, **expected):
    """One line more than there should be."""
    mistake(HAProxy, name, HAPROXY.replace(IN, f"    {line}\n{IN}"), cause, repair, **expected)


def remove(*words):
    def repair(text, hint):
        assert "remove" in hint and all(word in hint for word in words), hint
        return without(text, *(re.escape(word) for word in words[:1]))
    return repair


haproxy_mistake("upgrade_deleted", "http-request del-header Upgrade", "UPGRADE_NOT_SET", remove("http-request del-header"))
haproxy_mistake("connection_deleted", "http-request del-header Connection", "CONNECTION_NOT_SET",
                remove("http-request del-header"))
haproxy_mistake("host_rewritten", "http-request set-header Host agent1.internal", "HOST_REWRITTEN",
                remove("http-request set-header Host"), code="ORIGIN_NOT_ALLOWED", status=403, headers=PAGE)
haproxy_mistake("prefix_lost", r"http-request replace-path /api(/.*) \1", "PATH_CHANGED", remove("http-request replace-path"),
                code="ROUTE_NOT_FOUND", status=404)


def add(text, hint):
    line = re.search(r"http-request replace-path \S+ \S+", hint)
    return text.replace(IN, f"    {line[0]}\n{IN}")


mistake(HAProxy, "prefix_kept", HAPROXY, "PATH_CHANGED", add, path="/chat" + PATH, code="ROUTE_NOT_FOUND", status=404)

# ---- What the client alone sees ----

doctor_case(HAProxy, "upstream_down", HAPROXY, "websocket", "UPSTREAM_DOWN", "server NAME ADDRESS:PORT", backend=nobody())
doctor_case(HAProxy, "denied", HAPROXY.replace(IN, "    http-request deny if { path_beg /api/runtime }\n" + IN), "websocket",
            "FORBIDDEN_BY_PROXY", "http-request deny", mended=HAPROXY)
doctor_case(HAProxy, "idle_limit", without(HAPROXY, "timeout tunnel").replace("60s", "1500ms"), "idle", "IDLE_LIMIT",
            "timeout tunnel 1h", mended=HAPROXY, beat=False, seconds=2)
doctor_case(HAProxy, "events_late", without(HAPROXY, "option http-no-delay"), "sse", "DELAYED", "option http-no-delay",
            mended=HAPROXY)

sys.exit(main("proxies_haproxy", sys.argv[1:]))
