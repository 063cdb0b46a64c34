"""agent_server --runtime with whole sessions and missions: the Runtime is killed in the middle of runs, the link comes back by itself."""
import json
import random
import signal
import threading
import time

from agent_lib import PATH, Server, case, main, types
from agent_listeners import CHILD, KINDS, Listener, Poll, Socket, Sse, each
from agent_raw import Cut, Http, Story, http


class Planes:
    def __init__(self):
        self.options = ["--agent", f"test.child={CHILD}"]
        self.runtime = Server(*self.options, program="agent_runtime")
        self.server = Server("--runtime", self.runtime.url)
        self.port = self.server.port

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for server in (self.server, self.runtime):
            status = server.stop()
            assert kind or status == 0, server.log()[-2000:]

    def state(self):
        return json.loads(self.server.get("/health")[1])["runtime"]

    def wait(self, state):
        limit = time.monotonic() + 15
        while self.state() != state:
            assert time.monotonic() < limit, f"{self.state()}, not {state}"
            time.sleep(0.02)

    def kill(self):
        assert self.runtime.stop(signal.SIGKILL) == -signal.SIGKILL
        self.wait("unavailable")

    def restart(self):
        self.runtime = Server(*self.options, program="agent_runtime", port=self.runtime.port)
        self.wait("connected")


def ask(text, surface="experience_pillar", **context):
    return {"type": "agent.message", "payload": {"text": text, "context": {"surface": surface, **context}}}


def hears_failure(listener):
    """The run's last event; and for a body that is only about the run, its end."""
    code = "RUNTIME_UNAVAILABLE"
    failed = ("agent.failed", "ERROR")
    while listener.said[-1]["type"] not in failed:
        listener.said.append(next(listener.stream))
    if isinstance(listener, (Socket, Sse)):
        listener.terminal(code)
        return
    listener.said.extend(listener.stream)
    listener.orderly()
    listener.terminal(code)


def goes_on(listener):
    """The next run of the same session, for those who can ask for one."""
    if isinstance(listener, Socket):
        listener.wire.say(ask("again "))
        said = []
        while not said or "completed" not in said[-1]["type"] + said[-1].get("event", ""):
            said.append(next(listener.stream))
        tokens = [e.get("content") or e["payload"]["text"] for e in said if e["type"] in ("agent.token", "STREAM")]
        assert "".join(tokens) == "again ", said
    elif isinstance(listener, Sse):
        story = listener.story
        before = len(story.events)
        status, _ = http(story.port, "POST", f"{PATH}?{story.query}", ask("again "))
        assert status == 202
        while types(story.events).count("agent.completed") == 0:
            for _ in story.poll() if isinstance(listener, Poll) else listener.read(story):
                if "agent.completed" in types(story.events):
                    break
            story.wire.socket.close()
        assert "".join(e["payload"]["text"] for e in story.events[before:] if e["type"] == "agent.token") == "again "


@case
def killed_in_the_middle_of_runs():
    """Every kind of client hears that its run has failed, once; the sessions live; a new Runtime takes over, three times."""
    with Planes() as planes:
        for _ in range(3):
            listeners = [kind(planes.port, "experience_pillar") for kind in KINDS for _ in range(4)]
            each(listeners, Listener.begin)
            assert planes.server.health()["invocations"] == len(listeners)
            planes.kill()
            each(listeners, hears_failure)
            assert planes.server.health()["invocations"] == 0
            planes.restart()
            each(listeners, goes_on)
            for listener in listeners:
                listener.wire.socket.close()


@case
def killed_while_nobody_listens():
    """The client is away when the Runtime dies: it hears of it when it comes back. So it is with a question, which nobody can
    answer any more."""
    with Planes() as planes:
        running, asking = Story(planes.port), Story(planes.port)
        for story, message in ((running, ask("x", tokens=1000000, rate=50)), (asking, ask("Sure?", "operations_pillar"))):
            story.open()
            story.wire.say(message)
            while story.take(story.wire.hear(), "websocket")["type"] not in ("agent.token", "agent.input_request"):
                pass
            story.wire.kill(True)
        request = asking.events[-1]["payload"]["request_id"]
        planes.kill()
        for story in (running, asking):
            opened = story.open()
            assert opened.get("pending_inputs", []) == [], opened
            while not story.done():
                story.take(story.wire.hear(), "websocket")
            assert story.events[-1]["payload"]["error"]["code"] == "RUNTIME_UNAVAILABLE", story.events[-1]
            assert story.events[-1]["payload"]["error"]["retryable"] is True
        # And while there is none.
        answer = {"type": "agent.input_response", "id": "a", "payload": {"request_id": request, "content": "yes"}}
        for message, code in ((answer, "INPUT_ALREADY_RESOLVED"), ({**ask("x"), "id": "b"}, "RUNTIME_UNAVAILABLE")):
            asking.wire.say(message)
            reply = asking.take(asking.wire.hear(), "websocket")
            assert reply["type"] == "error" and reply["payload"]["code"] == code, reply
        status, refused = http(planes.port, "POST", "/api/mission/start", {"agents": ["guide.content"], "plan": "x"})
        assert status == 503 and refused["code"] == "RUNTIME_UNAVAILABLE", refused
        status, refused = http(planes.port, "POST", PATH, ask("x"))
        assert status == 503 and refused["code"] == "RUNTIME_UNAVAILABLE", refused
        planes.restart()
        # An id whose message was refused has not been used up.
        asking.wire.say({**ask("at last"), "id": "b"})
        while types(asking.events)[-1] != "agent.completed":
            asking.take(asking.wire.hear(), "websocket")
        assert asking.text().endswith("at last"), asking.text()
        asking.wire.kill(False)
        running.wire.kill(False)


@case
def cut_and_hopping_across_two_processes():
    """Both at once: connections of the client are killed, transports change, and the run is in another process."""
    seed = random.randrange(1 << 32)
    print(f"# seed {seed}", flush=True)
    with Planes() as planes:
        failures = []

        def one(number):
            try:
                rng, story = random.Random(f"{seed} {number}"), Story(planes.port)
                status, answer = http(planes.port, "POST", PATH, ask("heron \u00e9", tokens=600, rate=300))
                story.enter(answer)
                while not story.done():
                    try:
                        way = rng.choice((Story.websocket, Story.stream, Story.poll, Story.ndjson))
                        for _ in way(story, until=time.monotonic() + rng.uniform(0, 0.1)):
                            if story.done():
                                break
                    except (Cut, EOFError):
                        pass
                    story.wire.kill(rng.random() < 0.5)
                assert story.text() == "heron \u00e9" * 600 and story.last == 602
            except BaseException as error:
                failures.append(f"seed {seed}, client {number}: {error!r}")
        threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures


@case
def missions_in_another_process():
    """Two agents one after the other, a question, an answer while nobody reads; and a Runtime that dies between the two."""
    with Planes() as planes:
        agents = {"agents": ["guide.content", "guide.operations"], "plan": "Tidy up"}
        _, mission = http(planes.port, "POST", "/api/mission/start", agents)
        wire = Http(planes.port).ask("GET", mission["stream_url"], Accept="text/event-stream")
        request = next(e["requestId"] for e in wire.messages() if e["type"] == "HUMAN_INPUT_REQUEST")
        wire.kill(True)
        path = f"/api/mission/{mission['mission_id']}/human-input"
        assert http(planes.port, "POST", path, {"requestId": request, "content": "Go."})[0] == 200
        wire = Http(planes.port).ask("GET", mission["stream_url"], Accept="application/x-ndjson")
        events = list(wire.messages())
        assert wire.clean_end and events[-1]["status"] == "completed" and http(
            planes.port, "GET", mission["status_url"])[1]["result"] == "Go.", events[-1]
        _, mission = http(planes.port, "POST", "/api/mission/start", agents)
        wire = Http(planes.port).ask("GET", mission["stream_url"], Accept="text/event-stream")
        stream = wire.messages()
        while next(stream)["type"] != "HUMAN_INPUT_REQUEST":
            pass
        planes.kill()
        events = list(stream)
        assert wire.clean_end and events[-1]["event"] == "mission.status" and events[-1]["status"] == "failed", events[-1]
        assert [e["code"] for e in events if e["type"] == "ERROR"] == ["RUNTIME_UNAVAILABLE"], events
        planes.restart()
        _, mission = http(planes.port, "POST", "/api/mission/start", {"agents": ["guide.content"], "plan": "Tidy up"})
        events = list(Http(planes.port).ask("GET", mission["stream_url"], Accept="application/x-ndjson").messages())
        assert events[-1]["status"] == "completed", events[-1]


main("agent_planes_kill")
