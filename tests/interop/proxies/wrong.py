"""Configurations that are wrong: what the server says, what its log says, what wick doctor says, and that the hint mends it."""
import json
import socket
import subprocess

import wire
from agent_lib import BUILD, PATH, Server
from cases import case, eventually
from client import Peer
from proxy import free_port

LOST = "UPGRADE_STRIPPED_BY_PROXY"
# A page that lives at a name, as in the world outside: its Host tells of the proxy if that writes another.
PAGE = {"Host": "agent.example", "Origin": "http://agent.example"}


def lets_in(port, path=PATH, headers=None):
    with Peer(port, path, headers) as peer:
        assert peer.status() == 101, (peer.head, peer.body)
        peer.send(wire.frame(wire.TEXT, b'{"type":"ping"}'))
        peer.expect(wire.TEXT, b'{"type":"pong"}')


def refused(proxy, server, cause, code=LOST, status=400, path=PATH, headers=None):
    """The server says what is wrong, who did it and what to change; so does its log. Gives the problem document."""
    with Peer(proxy.port, path, headers) as peer:
        assert peer.status() == status, (peer.head, peer.body)
        assert (peer.field("Wick-Server") or "").startswith("agent_server"), peer.head
        said = peer.problem()
    assert said["code"] == code and said.get("cause") == cause, said
    assert said.get("proxy") in proxy.known_as, said
    assert said["detail"] and said["hint"] and said["saw"].startswith("http=1."), said
    log = server.log()
    assert any(all(part in line for part in (code, cause, said["proxy"])) for line in log.splitlines()), log
    return said


def doctor(proxy, server, *options, path=PATH, seconds=0):
    """What wick doctor says about the way through the proxy; its exit status says whether all is well."""
    result = subprocess.run([f"{BUILD}/bin/wick", "doctor", f"ws://127.0.0.1:{proxy.port}{path}", "--direct", server.url,
                             "--json", "--seconds", str(seconds), *options], capture_output=True, timeout=60)
    assert result.returncode in (0, 1), (result.returncode, result.stderr)
    report = json.loads(result.stdout)
    well = all(check["status"] != "failed" for check in report["checks"])
    assert (result.returncode == 0) == well and report["exit"] == result.returncode, report
    return report


def finds(report, check, cause, proxy="", hint=""):
    """That check failed, and says why, whose doing it is and what to change."""
    assert report["exit"] == 1, report
    finding = next((c for c in report["checks"] if c["id"] == check), None)
    assert finding and finding["status"] == "failed", report
    assert finding["cause"] == cause and finding.get("proxy", "") in proxy, finding
    assert hint in finding["hint"], finding["hint"]


def is_well(report):
    assert report["exit"] == 0 and report["verdict"] == "OK", report


def doctor_case(kind, name, text, check, cause, hint, mended=None, beat=True, seconds=0, backend=None, extra="", options=()):
    """A fault that shows to the client alone. mended: the configuration that the hint asks for. backend: the proxy connects
    there and not to the server. beat: the server has its heartbeat."""
    def run():
        server = Server(*(() if beat else ("--ping-interval", "0", "--comment-interval", "0")))
        try:
            with kind(text, backend or server.port, extra) as proxy:
                finds(doctor(proxy, server, *options, seconds=seconds), check, cause, (*kind.known_as, ""), hint)
                if mended:
                    proxy.change(mended)
                    eventually(lambda: lets_in(proxy.port))
                    is_well(doctor(proxy, server, seconds=seconds))
        finally:
            server.stop()
    run.__name__ = name
    case(run)


def nobody():
    """A port where nobody listens."""
    return free_port()


def mute():
    """A port where somebody listens and never answers."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    MUTE.append(listener)
    return listener.getsockname()[1]


MUTE = []


def mistake(kind, name, text, cause, repair, path=PATH, headers=None, hint="", extra="",
            then=None, **expected):
    """A configuration that is wrong: the refusal names cause and proxy, and what its hint says mends it. repair(text, hint)
    gives the configuration that the hint asks for. then: what is wrong beneath, and is said when the first has been mended."""
    def run():
        server = Server()
        try:
            with kind(text, server.port, extra) as proxy:
                said = refused(proxy, server, cause, path=path, headers=headers, **expected)
                assert hint in said["hint"], said["hint"]
                finds(doctor(proxy, server, path=path), "websocket", cause, kind.known_as, hint)
                mended = repair(text, said["hint"])
                assert mended != text, said["hint"]
                proxy.change(mended)
                if then:
                    eventually(lambda: refused(proxy, server, path=path, headers=headers, **then))
                    said = refused(proxy, server, path=path, headers=headers, **then)
                    mended = repair(mended, said["hint"])
                    proxy.change(mended)
                eventually(lambda: lets_in(proxy.port, path, headers))
                if headers is None:
                    is_well(doctor(proxy, server, path=path))
        finally:
            server.stop()
    run.__name__ = name
    case(run)
