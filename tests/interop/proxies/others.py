"""lighttpd, Varnish, Squid and npm http-proxy in front of the servers: the configurations of docs/proxies.md, and what is usually
wrong with them. What is not installed is skipped by name."""
import os
import pwd
import shutil
import sys

from cases import *
from client import *
from good import *
from proxy import *
from wrong import *


def kept(user):
    """Whether the daemon can change to its user, and finds its folder: as root it insists on that."""
    return os.geteuid() == 0 and user in [entry.pw_name for entry in pwd.getpwall()]


class Restarted(Proxy):
    """Another configuration is read by starting again."""

    def reload(self):
        self.stop()
        self.start()


class Lighttpd(Restarted):
    name = "lighttpd"
    known_as = ("lighttpd",)

    def frame(self, text):
        text = text.replace("server.port = 80\n", f"server.port = {self.port}\nserver.bind = \"127.0.0.1\"\n")
        return (f"server.document-root = \"{self.folder}\"\nserver.errorlog = \"{self.folder}/error.log\"\n"
                f"server.pid-file = \"{self.folder}/pid\"\n{self.extra}\n{text.replace('8080', str(self.backend))}")

    def command(self):
        return ["lighttpd", "-D", "-f", self.file]


class Varnish(Restarted):
    name = "varnish"
    known_as = ("Varnish",)

    def frame(self, text):
        return text.replace('"8080"', f'"{self.backend}"')

    def command(self):
        return ["varnishd", "-F", "-j", "none", "-a", f"127.0.0.1:{self.port}", "-f", self.file, "-n", f"{self.folder}/n",
                "-p", "cc_command=exec cc -fpic -shared -Wl,-x -o %o %s", "-s", "malloc,16m", *self.extra.split()]


class Squid(Restarted):
    name = "squid"
    known_as = ("Squid",)

    def frame(self, text):
        user = "cache_effective_user proxy\n" if kept("proxy") else ""
        if user:
            shutil.chown(self.folder, "proxy")
        return (f"{user}pid_filename {self.folder}/pid\ncache_log {self.folder}/error.log\naccess_log none\nshutdown_lifetime 0 s\n"
                f"coredump_dir {self.folder}\npinger_enable off\nvisible_hostname proxy.example\n{self.extra}\n"
                f"{text.replace('http_port 80', f'http_port 127.0.0.1:{self.port}').replace('8080', str(self.backend))}")

    def command(self):
        return ["squid", "-N", "-f", self.file]


class Node(Restarted):
    name = "node"
    known_as = ("node http-proxy",)

    def frame(self, text):
        return text.replace("listen(80)", f"listen({self.port}, '127.0.0.1')")

    def command(self):
        return ["node", self.file]


LIGHTTPD, VARNISH, SQUID, NODE = config("lighttpd"), config("varnish"), config("squid"), config("node")


def lighttpd():
    good(Lighttpd, LIGHTTPD, LIGHTTPD, extra="server.max-read-idle = 2\nserver.max-write-idle = 2", cuts=2, prefix="lighttpd_")
    mistake(Lighttpd, "lighttpd_no_upgrade", without(LIGHTTPD, "proxy.header"), "HOP_STRIPPED",
            lambda text, hint: text + re.search(r"proxy.header = \([^)]*\)", hint)[0] + "\n")

    doctor_case(Lighttpd, "lighttpd_events_held", without(LIGHTTPD, "stream-response-body"), "sse", "HELD_BACK",
                "server.stream-response-body = 2", mended=LIGHTTPD)


def varnish():
    good(Varnish, VARNISH, VARNISH.replace("1h", "2s"), extra="-p pipe_timeout=2", cuts=1, prefix="varnish_")
    recv = VARNISH.index("sub vcl_recv")
    mistake(Varnish, "varnish_no_pipe", VARNISH[:recv] + "sub vcl_recv {\n    return (pass);\n}\n", "HOP_STRIPPED",
            lambda text, hint: text[:recv] + hint[hint.index("sub vcl_recv"):] + "\n" + text[recv:])


def squid():
    good(Squid, SQUID, SQUID, extra="read_timeout 2 seconds", cuts=1, prefix="squid_")
    mistake(Squid, "squid_no_upgrade", without(SQUID, "http_upgrade"), "HOP_STRIPPED",
            lambda text, hint: text + re.search("http_upgrade_request_protocols .*", hint)[0] + "\n")


def node():
    good(Node, NODE, None, cuts=2, prefix="node_")
    mistake(Node, "node_host_changed", instead(NODE, "xfwd: true", "changeOrigin: true"), "HOST_REWRITTEN",
            lambda text, hint: text.replace("changeOrigin: true", re.search("changeOrigin: false", hint)[0]),
            code="ORIGIN_NOT_ALLOWED", status=403, headers=PAGE)
    doctor_case(Node, "node_no_upgrade_listener", without(NODE, "'upgrade'"), "websocket", "UPGRADE_NOT_RELAYED",
                "server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));", mended=NODE,
                options=("--timeout", "1500"))


for kind in sys.argv[1:]:
    globals()[kind]()
sys.exit(main("proxies_others"))
