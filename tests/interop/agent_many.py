"""Many clients of agent_server: 10,000 idle sessions, attached and detached, and what each costs; 2,000 short runs at once; no
more than a server is told to take."""
import json
import os
import resource
import time

from agent_crowd import gather, may_open, open_many, until
from agent_lib import PATH, Server, case, main
from agent_raw import Story, WebSocket, http
from wire import KEY, TEXT, frame

IDLE, RUNS = 10000, 2000


@case
def ten_thousand_idle_sessions():
    if not may_open(IDLE):
        print(f"skip agent_many/ten_thousand_idle_sessions: no {IDLE} descriptors for a process")
        return
    server = Server()
    try:
        base = server.memory_kib()
        first = open_many(server.port, 200)  # what the first ones cost, they cost once
        warm = server.memory_kib()
        clients = first + open_many(server.port, IDLE - len(first))
        attached = server.memory_kib()
        health = server.health()
        assert (health["sessions"], health["connections"], health["detached"]) == (IDLE, IDLE, 0), health
        for client in clients:
            client.socket.close()
        until(lambda: server.health()["connections"] == 0, "all are gone")
        detached = server.memory_kib()
        assert server.health()["detached"] == IDLE, server.health()
        each, left = (attached - warm) * 1024 / (IDLE - 200), (detached - base) * 1024 / IDLE
        print(f"# {IDLE} idle sessions: {each:.0f} bytes each, of the whole process; {left:.0f} when nobody is attached",
              flush=True)
        # Each is still there for its client.
        for client in clients[::1000]:
            opened, story = client.messages[0]["payload"], Story(server.port)
            story.id, story.token = opened["session_id"], opened["resume_token"]
            story.epoch, story.last = opened["epoch"], opened["head_seq"]
            story.open()
            story.wire.kill(True)
        if "WICK_SANITIZED" not in os.environ:
            assert each < 3000 and left < 3000, (each, left)
    finally:
        status = server.stop()
    assert status == 0, server.log()[-2000:]


def ask(text, id="r"):
    return frame(TEXT, json.dumps({"type": "agent.message", "id": id, "payload": {
        "text": text, "context": {"surface": "experience_pillar"}}}).encode())


def finished(client):
    return client.messages and client.messages[-1]["type"] in ("agent.completed", "agent.failed", "error")


@case
def two_thousand_runs_at_once():
    """Every client asks before any of them reads: 2,000 runs, each heard whole by its own client and by no other."""
    if not may_open(RUNS):
        print(f"skip agent_many/two_thousand_runs_at_once: no {RUNS} descriptors for a process")
        return
    server = Server()
    try:
        base = server.memory_kib()
        clients = open_many(server.port, RUNS)
        idle = server.memory_kib()
        begun = time.monotonic()
        for number, client in enumerate(clients):
            client.socket.sendall(ask(f"run {number} of many"))
        gather(clients, finished)
        took = time.monotonic() - begun
        for number, client in enumerate(clients):
            opened, events = client.messages[0]["payload"], [m for m in client.messages if "seq" in m]
            assert [e["type"] for e in events][0] == "agent.started" and events[-1]["type"] == "agent.completed", events
            assert {e["session_id"] for e in events} == {opened["session_id"]}
            assert {e["invocation_id"] for e in events} == {
                m["payload"]["invocation_id"] for m in client.messages if m["type"] == "accepted"}
            last = 0
            for event in events:
                assert event.get("first_seq", event["seq"]) == last + 1, events
                last = event["seq"]
            assert "".join(e["payload"]["text"] for e in events if e["type"] == "agent.token") == f"run {number} of many"
        health = server.health()
        assert health["sessions"] == RUNS and health["invocations"] == 0, health
        each = (server.memory_kib() - idle) * 1024 / RUNS
        print(f"# {RUNS} runs at once: {took:.2f} s; a session that keeps one has {each:.0f} bytes more", flush=True)
        if "WICK_SANITIZED" not in os.environ:
            assert each < 6144 and server.memory_kib() - base < 20 << 10, (each, server.memory_kib() - base)
        for client in clients:
            client.socket.close()
    finally:
        status = server.stop()
    assert status == 0, server.log()[-2000:]


def refused(port, profile):
    """Status and code of a handshake that is not taken."""
    offer = {"Sec_WebSocket_Protocol": profile} if profile else {}
    status, said = http(port, "GET", PATH, Connection="Upgrade", Upgrade="websocket", Sec_WebSocket_Version="13",
                        Sec_WebSocket_Key=KEY, **offer)
    assert "--max-sessions" in said["hint"], said
    return status, said["code"]


@case
def no_more_than_it_is_told():
    """--max-sessions: who comes one too many is told so; who has gone makes room; who comes back is let in."""
    server = Server("--max-sessions", "10")
    try:
        clients = open_many(server.port, 10)
        # One with a profile may have a session to go on with; a quiet one has not.
        assert refused(server.port, None) == (429, "RATE_LIMITED")
        late = WebSocket(server.port).shake()
        late.say({"type": "session.open", "id": "o", "payload": {}})
        reply = late.hear()
        assert reply["type"] == "error" and reply["re"] == "o" and reply["payload"]["code"] == "RATE_LIMITED", reply
        assert reply["payload"]["retryable"] is True and late.hear() is None and late.close_code == 4529, late.close_code
        late.socket.close()
        status, answer = http(server.port, "POST", PATH, {"type": "agent.message", "payload": {"text": "x"}})
        assert status == 429 and answer["code"] == "RATE_LIMITED", answer
        status, answer = http(server.port, "POST", "/api/mission/start", {"agents": ["guide.content"]})
        assert status == 429 and answer["code"] == "RATE_LIMITED", answer
        # Its connection hangs, the server has not noticed: it gets in all the same, and its session is whole.
        opened, story = clients[0].messages[0]["payload"], Story(server.port)
        story.id, story.token, story.epoch, story.last = (opened[key] for key in ("session_id", "resume_token", "epoch",
                                                                                  "head_seq"))
        story.open()
        clients[0].socket.close()
        story.wire.say({"type": "agent.message", "payload": {"text": "x", "context": {"surface": "operations_pillar"}}})
        while story.take(story.wire.hear(), "websocket")["type"] != "agent.input_request":
            pass
        # A session that nobody is attached to gives way, but not one that has a run.
        story.wire.kill(True)
        until(lambda: server.health()["detached"] == 1, "the loss is noticed")
        assert http(server.port, "POST", PATH, {"type": "agent.message", "payload": {"text": "x"}})[0] == 429
        clients[1].socket.close()
        until(lambda: server.health()["detached"] == 2, "another loss is noticed")
        newer = open_many(server.port, 1)
        assert server.health()["sessions"] == 10 and server.health()["pending_inputs"] == 1
        # Connections have their limit too.
        more = [WebSocket(server.port).shake() for _ in range(10 + 10 // 4 + 64 - server.health()["connections"])]
        assert refused(server.port, "agent-events.v1") == (429, "RATE_LIMITED")
        for wire in more:
            wire.kill(True)
        until(lambda: server.health()["connections"] == 9, "they are gone")
        story.open()
        assert newer[0].opened() and server.health()["sessions"] == 10
        story.wire.kill(True)
        for client in clients + newer:
            client.socket.close()
        assert "(429" in server.log() and "RATE_LIMITED" in server.log(), server.log()[-500:]
    finally:
        status = server.stop()
    assert status == 0, server.log()[-2000:]


@case
def more_descriptors_than_the_shell_gives():
    """A limit of 256 that may be raised is raised; what an agent runs under stays as it was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1024:
        print(f"skip agent_many/more_descriptors_than_the_shell_gives: the hard limit is {hard}")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = Server("--agent", "guide.content=ulimit -S -n")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        clients = open_many(server.port, 400)
        story = Story(server.port)
        status, answer = http(server.port, "POST", PATH, {"type": "agent.message", "payload": {"text": "x"}})
        story.enter(answer)
        story.follow(Story.poll)
        assert story.text() == "256\n", story.text()
        for client in clients:
            client.socket.close()
    finally:
        status = server.stop()
    assert status == 0, server.log()[-2000:]


main("agent_many")
