"""Fifty agents at once that behave badly: 10 MB without a newline, death by a signal, deafness to SIGTERM, a flood of stderr, a
wrong exit status. Each run ends as it should, a client beside them is served, no process is left. In one process, and with
--runtime."""
import contextlib
import tempfile
import threading
import time

from agent_lib import GROWTH_KIB, PATH, Server, case, main, text_of, types
from agent_raw import WebSocket

EACH, LONG, LINES = 10, 10 << 20, 20000
SHELL = {
    "bad.long": f"head -c {LONG} /dev/zero | tr '\\0' 'y'",
    "bad.killed": "echo out; kill -SEGV $$",
    "bad.stubborn": "trap '' TERM; echo begun; while :; do sleep 0.2; done",
    "bad.flood": f"i=0; while [ $i -lt {LINES} ]; do echo \"line $i\" >&2; i=$((i+1)); done",
    "bad.status": "echo out; exit 3",
}


@contextlib.contextmanager
def serving(split):
    with tempfile.NamedTemporaryFile("w", suffix=".routes") as routes:
        routes.write("".join(f"{name} * * {name}\n" for name in SHELL))
        routes.flush()
        agents = [word for name, command in SHELL.items() for word in ("--agent", f"{name}={command}")]
        runtime = Server(*agents, program="agent_runtime") if split else None
        server = Server("--route", routes.name, *(["--runtime", runtime.url] if split else agents))
        try:
            yield server, runtime or server
        finally:
            statuses = [one.stop() for one in (server, runtime) if one]
        assert set(statuses) == {0}, statuses


def children(server):
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as file:
        return file.read().split()


def say(port, surface, id=None):
    wire = WebSocket(port, timeout=60).shake(PATH, None)
    wire.say({"type": "agent.message", "payload": {"text": "x", "context": {"surface": surface}, "invocation_id": id}
              if id else {"text": "x", "context": {"surface": surface}}})
    return wire


def to_the_end(wire, events):
    while not events or events[-1]["type"] not in ("agent.completed", "agent.failed"):
        events.append(wire.hear())
    wire.kill(False)
    return events


def check(name, number, port):
    """One bad run, heard to its end by a client of its own."""
    wire, events = say(port, name, f"{name}.{number}"), []
    if name == "bad.stubborn":
        while "agent.token" not in types(events):
            events.append(wire.hear())
        begun = time.monotonic()
        wire.say({"type": "agent.cancel", "payload": {"invocation_id": f"{name}.{number}"}})
        to_the_end(wire, events)
        assert time.monotonic() - begun < 4, "the client does not wait for the process"
    else:
        to_the_end(wire, events)
    last = events[-1]["payload"]
    logs = [event["payload"]["message"] for event in events if event["type"] == "agent.log"]
    if name == "bad.long":
        assert text_of(events) == "y" * LONG and types(events)[-1] == "agent.completed"
    elif name == "bad.flood":
        assert logs == [f"line {i}" for i in range(LINES)] and types(events)[-1] == "agent.completed", (len(logs), last)
    elif name == "bad.stubborn":
        assert last["error"]["code"] == "CANCELLED", last
    else:
        how = "signal 11" if name == "bad.killed" else "3"
        assert text_of(events) == "out\n" and last["error"]["code"] == "AGENT_ERROR" and how in last["error"]["message"], last


def fifty(split):
    with serving(split) as (server, runtime):
        before, failures, over = (server.memory_kib(), runtime.memory_kib()), [], threading.Event()
        longest = [0.0]

        def one(name, number):
            try:
                check(name, number, server.port)
            except BaseException as error:
                failures.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")

        def beside():
            while not over.is_set():
                begun = time.monotonic()
                events = to_the_end(say(server.port, "experience_pillar"), [])
                longest[0] = max(longest[0], time.monotonic() - begun)
                assert text_of(events) == "x"
        threads = [threading.Thread(target=one, args=(name, n)) for n in range(EACH) for name in SHELL]
        witness = threading.Thread(target=beside)
        for thread in threads + [witness]:
            thread.start()
        for thread in threads:
            thread.join()
        over.set()
        witness.join()
        grown = server.memory_kib() - before[0], runtime.memory_kib() - before[1]
        print(f"# {len(threads)} bad children: a client beside them waits {longest[0] * 1000:.0f} ms at most, memory grows by "
              f"{grown[0]} KiB{f' and {grown[1]} KiB' if split else ''}", flush=True)
        assert not failures, failures[:3]
        assert longest[0] < 5 and max(grown) < 4 * GROWTH_KIB, (longest, grown)
        limit = time.monotonic() + 10
        while children(runtime):
            assert time.monotonic() < limit, f"{len(children(runtime))} processes are left"
            time.sleep(0.05)


@case
def fifty_at_once():
    fifty(False)


@case
def fifty_at_once_in_another_process():
    fifty(True)


main("agent_bad_children")
