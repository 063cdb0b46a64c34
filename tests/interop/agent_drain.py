"""SIGTERM in the middle of a hundred runs: every client hears how it ended, and every connection ends in order."""
import contextlib
import signal
import tempfile
import time

from agent_lib import Server, case, main
from agent_listeners import CHILD, KINDS, Listener, Mission, Quiet, Socket, each

STUBBORN = "trap '' TERM; while :; do echo tick; sleep 0.1; done"
COUNT = 11  # clients of each of the nine kinds: 99 runs, and one of a child that ignores SIGTERM
# A child that ignores SIGTERM is killed after 5 s; what the clients are told does not wait for it.
LIMIT, TOLD = 9, 4
AGENTS = ["--agent", f"test.child={CHILD}", "--agent", f"test.stubborn={STUBBORN}"]


def drain(server):
    """Begin a hundred runs, send SIGTERM, and look at everybody's end."""
    surface = ("experience_pillar", "test_child", "experience_pillar")
    listeners = [kind(server.port, surface[n % 3]) for kind in KINDS for n in range(COUNT)]
    listeners.append(Socket(server.port, "test_stubborn"))
    each(listeners, Listener.begin)
    health = server.health()
    assert health["invocations"] == len(listeners) == 100, health
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    each(listeners, Listener.rest)
    for listener in listeners:
        listener.terminal("DRAINING")
        listener.closing()
    told = max(listener.ended for listener in listeners) - begun
    status = server.stop(timeout=LIMIT + 5)
    took = time.monotonic() - begun
    assert status == 0, f"exit status {status}\n{server.log()}"
    assert took < LIMIT and told < TOLD, (told, took)


@contextlib.contextmanager
def routes():
    with tempfile.NamedTemporaryFile("w", suffix=".routes") as file:
        file.write("test_child * * test.child\ntest_stubborn * * test.stubborn\n")
        file.flush()
        yield ["--route", file.name]


@case
def sigterm_in_the_middle_of_a_hundred_runs():
    with routes() as route:
        server = Server(*AGENTS, *route)
        try:
            drain(server)
        finally:
            server.stop()


@case
def the_same_with_the_runtime_in_another_process():
    with routes() as route:
        runtime = Server(*AGENTS, program="agent_runtime")
        server = Server("--runtime", runtime.url, *route)
        try:
            drain(server)
        finally:
            server.stop()
            assert runtime.stop() == 0, runtime.log()


@case
def sigterm_to_the_runtime_alone():
    """The Runtime drains: every run ends with DRAINING, the sessions stay, and another Runtime takes over."""
    with routes() as route:
        runtime = Server(*AGENTS, program="agent_runtime")
        server = Server("--runtime", runtime.url, *route)
        try:
            listeners = [kind(server.port, "experience_pillar") for kind in (Socket, Quiet, Mission) for _ in range(33)]
            each(listeners, Listener.begin)
            assert runtime.stop() == 0, runtime.log()
            for listener in listeners:
                event = next(listener.stream)
                while event["type"] not in ("agent.failed", "ERROR"):
                    event = next(listener.stream)
                code = event["code"] if event["type"] == "ERROR" else event["payload"]["error"]["code"]
                assert code == "DRAINING", event
            runtime = Server(*AGENTS, program="agent_runtime", port=runtime.port)
            limit = time.monotonic() + 15
            while b'"connected"' not in server.get("/health")[1]:
                assert time.monotonic() < limit, "the link comes back"
                time.sleep(0.05)
            for listener in listeners[::11]:
                listener.wire.say({"type": "agent.message", "payload": {"text": "again"}})
                while next(listener.stream)["type"] not in ("agent.started", "SYSTEM"):
                    pass
        finally:
            status = server.stop()
            assert status == 0 and runtime.stop() == 0, (status, server.log())


main("agent_drain")
