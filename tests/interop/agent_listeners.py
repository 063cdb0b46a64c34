"""Clients in the middle of a run, one class for each way to hear it: what each is told of the end, and how its connection ends."""
import threading
import time

from agent_lib import PATH
from agent_raw import Http, Story, WebSocket, http

ECHO = {"surface": "experience_pillar", "tokens": 1000000, "rate": 20}
# An agent of a mission, which has no context; also on the surface test_child.
CHILD = "while :; do echo tick; sleep 0.1; done"


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

    def terminal(self, code):
        """It has heard one last event, with this code."""
        failed = [e for e in self.said if e["type"] == "agent.failed"]
        assert len(failed) == 1 and failed[0]["payload"]["error"]["code"] == code, [e["type"] for e in self.said][-5:]

    def closing(self):
        """It has been told that the server goes."""


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

    def closing(self):
        closing = [e for e in self.said if e["type"] == "session.closing"]
        assert len(closing) == 1 and closing[0]["payload"]["retry_after_ms"] > 0, closing


class Quiet(Socket):
    profile = None

    def closing(self):
        pass  # it has only the last event


class Mission(Socket):
    profile = "agent-events.mission.v1"

    def terminal(self, code):
        errors = [e for e in self.said if e["type"] == "ERROR"]
        assert len(errors) == 1 and errors[0]["code"] == code and errors[0]["event"] == "agent.failed", errors


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

    def terminal(self, code):
        errors = [e for e in self.said if e["type"] == "ERROR"]
        assert [e["code"] for e in errors] == [code], errors
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
