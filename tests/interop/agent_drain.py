"""SIGTERM in the middle of a hundred runs: every client hears how it ended, and every connection ends in order."""
import contextlib
import signal
import tempfile
import threading
import time

from agent_lib import PATH, Server, case, main
from agent_raw import Http, Story, WebSocket, http

ECHO = {"surface": "experience_pillar", "tokens": 1000000, "rate": 20}
STUBBORN = "trap '' TERM; while :; do echo tick; sleep 0.1; done"
CHILD = "while :; do echo tick; sleep 0.1; done"
COUNT = 11  # clients of each of the nine kinds: 99 runs, and one of a child that ignores SIGTERM
# A child that ignores SIGTERM is killed after 5 s; what the clients are told does not wait for it.
LIMIT, TOLD = 9, 4


def message(surface):
    return {"type": "agent.message", "payload": {"text": "x", "context": {**ECHO, "surface": surface}}}


class Listener:
    """A client in the middle of a run. begin() returns when the run is on; rest() hears the end."""

    def __init__(self, port, surface):
        self.port, self.surface, self.said, self.wire, self.ended = port, surface, [], None, None

    def begin(self):
        self.stream = self.start()
        while not self.said or self.said[-1]["type"] not in ("agent.token", "STREAM"):
            self.said.append(next(self.stream))

    def rest(self):
        self.said.extend(self.stream)
        self.ended = time.monotonic()
        self.orderly()
        assert self.wire.kept + self.wire.socket.recv(1) == b"", "bytes behind the end"

    def orderly(self):
        """The body ended as it should, and nothing is behind it."""
        assert self.wire.clean_end, "the body is cut off"

    def terminal(self):
        failed = [e for e in self.said if e["type"] == "agent.failed"]
        assert len(failed) == 1 and failed[0]["payload"]["error"]["code"] == "DRAINING", [e["type"] for e in self.said][-5:]


class Socket(Listener):
    profile = "agent-events.v1"

    def start(self):
        self.wire = WebSocket(self.port).shake(PATH, self.profile)
        if self.profile:
            self.wire.say({"type": "session.open", "payload": {}})
        self.wire.say(message(self.surface))
        return self.wire.messages()

    def orderly(self):
        assert self.wire.close_code == 1001, self.wire.close_code

    def terminal(self):
        super().terminal()
        closing = [e for e in self.said if e["type"] == "session.closing"]
        assert len(closing) == 1 and closing[0]["payload"]["retry_after_ms"] > 0, closing


class Quiet(Socket):
    profile = None

    def terminal(self):
        Listener.terminal(self)


class Mission(Socket):
    profile = "agent-events.mission.v1"

    def terminal(self):
        errors = [e for e in self.said if e["type"] == "ERROR"]
        assert len(errors) == 1 and errors[0]["code"] == "DRAINING" and errors[0]["event"] == "agent.failed", errors


class Sse(Listener):
    def start(self):
        story = self.story = Story(self.port)
        status, answer = http(self.port, "POST", PATH, message(self.surface))
        assert status == 202, answer
        story.enter(answer)
        for event in self.read(story):
            self.wire = story.wire
            yield event

    def read(self, story):
        return story.stream()


class Ndjson(Sse):
    def read(self, story):
        return story.ndjson()


class Poll(Sse):
    def read(self, story):
        while not story.done():
            yield from story.poll(wait_ms=20000)


class Post(Listener):
    accept = "text/event-stream"

    def start(self):
        self.wire = Http(self.port).ask("POST", PATH, message(self.surface), Accept=self.accept)
        assert self.wire.status == 200, self.wire.status
        return self.wire.messages()


class PostNdjson(Post):
    accept = "application/x-ndjson"


class MissionReader(Listener):
    def start(self):
        status, mission = http(self.port, "POST", "/api/mission/start", {"agents": ["test.child", "guide.content"], "plan": "x"})
        assert status == 200, mission
        self.wire = Http(self.port).ask("GET", mission["stream_url"], Accept="text/event-stream")
        return self.wire.messages()

    def terminal(self):
        errors = [e for e in self.said if e["type"] == "ERROR"]
        assert [e["code"] for e in errors] == ["DRAINING"], errors
        last = self.said[-1]
        assert last["event"] == "mission.status" and last["status"] == "failed", last


KINDS = (Socket, Quiet, Mission, Sse, Ndjson, Poll, Post, PostNdjson, MissionReader)


def each(listeners, what):
    """Do it with all of them at once; what has failed is told with its kind."""
    failures = []

    def one(listener):
        try:
            what(listener)
        except BaseException as error:
            failures.append(f"{type(listener).__name__} {listener.surface}: {type(error).__name__}: {error}")
    threads = [threading.Thread(target=one, args=(listener,)) for listener in listeners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, f"{len(failures)} of {len(listeners)}: {sorted(failures)[:3]}"


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
        listener.terminal()
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
