"""Apache in front of echo_server and agent_server: the configuration of docs/proxies.md, and what is usually wrong with it."""
import signal
import sys

from cases import *
from client import *
from good import *
from proxy import *
from wrong import *

APACHE = config("apache")
MODULES = "/usr/lib/apache2/modules"


class Apache(Proxy):
    name = "apache"
    known_as = ("Apache",)

    def frame(self, text):
        modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in (
            "mpm_event", "authz_core", "env", "headers", "deflate", "filter", "mime", "proxy", "proxy_http", "rewrite"))
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        return (f"{modules}{user}ServerName localhost\nServerRoot {self.folder}\nPidFile {self.folder}/pid\nErrorLog error.log\n"
                f"DefaultRuntimeDir {self.folder}\nListen 127.0.0.1:{self.port}\nStartServers 1\nServerLimit 4\n"
                f"GracefulShutdownTimeout 1\nTypesConfig /dev/null\nAddOutputFilterByType DEFLATE text/html text/plain text/xml text/css text/javascript "
                f"application/json application/javascript application/xml\n{self.extra}\n"
                f"{text.replace('*:80', f'*:{self.port}')}")

    def command(self):
        return ["apache2", "-f", self.file, "-DFOREGROUND"]

    def reload(self):
        before = self.log().count("resuming normal operations")
        self.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: self.log().count("resuming normal operations") > before, "a new generation")


good(Apache, APACHE, APACHE.replace("3600", "2"), extra="Timeout 2", cuts=1)

@case
def good_streams_without_flushpackets():
    streams_in_time(Apache, APACHE.replace(" flushpackets=on", ""))


# ---- What is usually wrong ----

def proxy_pass(text, hint):
    """Put the hint's ProxyPass first: of several the first that fits is taken."""
    line = re.search(r"ProxyPass \S+ http://backend\S* upgrade=websocket", hint)
    assert line, hint
    return re.sub(r"(?m)^( +ProxyPass )", f"    {line[0].replace('http://backend', 'http://' + BACKEND)}\n\\1", text, 1)


mistake(Apache, "no_upgrade", APACHE.replace(" upgrade=websocket", ""), "HOP_STRIPPED", proxy_pass)
mistake(Apache, "general_path_first", APACHE.replace(
    "    ProxyPass / ", f"    ProxyPass / http://{BACKEND}/\n    ProxyPass /api/ ").replace(
        f"{BACKEND}/ up", f"{BACKEND}/api/ up"), "HOP_STRIPPED", proxy_pass, hint="the more specific paths first")
mistake(Apache, "http_1_0", APACHE.replace("    ProxyPass / ", "    SetEnv force-proxy-request-1.0\n    ProxyPass / ").replace(
    " upgrade=websocket", ""), "HOP_STRIPPED_HTTP10",
    lambda text, hint: proxy_pass(without(text, "SetEnv force-proxy-request-1.0"), hint))
mistake(Apache, "no_preserve_host", without(APACHE, "ProxyPreserveHost"), "HOST_REWRITTEN",
        lambda text, hint: text.replace("    ProxyPass", f"    {re.search('ProxyPreserveHost On', hint)[0]}\n    ProxyPass", 1),
        code="ORIGIN_NOT_ALLOWED", status=403, headers=PAGE)
mistake(Apache, "subpath", APACHE.replace("ProxyPass / ", "ProxyPass /api/ "), "PATH_CHANGED", proxy_pass,
        code="ROUTE_NOT_FOUND", status=404, hint="ProxyPass /api/ http://backend/api/")
mistake(Apache, "prefix_kept", APACHE, "PATH_CHANGED", proxy_pass, path="/chat" + PATH, code="ROUTE_NOT_FOUND", status=404,
        hint="ProxyPass /chat/ http://backend/")

# ---- What the client alone sees ----

doctor_case(Apache, "upstream_down", APACHE, "websocket", "UPSTREAM_DOWN", "address and port", backend=nobody())
doctor_case(Apache, "denied", APACHE.replace("</Virt", "    <Location />\n        Require all denied\n    </Location>\n</Virt"),
            "websocket", "FORBIDDEN_BY_PROXY", "Require all granted", mended=APACHE)
doctor_case(Apache, "idle_limit", "Timeout 2\n" + APACHE.replace("3600", "2"), "idle", "IDLE_LIMIT", "ProxyTimeout 3600",
            mended=APACHE, beat=False, seconds=3)

sys.exit(main("proxies_apache", sys.argv[1:]))
