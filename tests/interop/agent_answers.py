"""Questions whose client is gone when the answer comes, and messages that are sent again and again: over every transport."""
import contextlib
import tempfile
import threading
import time

from agent_lib import PATH, Server, case, main, types
from agent_raw import Http, Story, WebSocket, http

ASK = {"type": "agent.message", "payload": {"text": "Delete?", "context": {"surface": "operations_pillar"}}}
ANSWER = "yes, \u2190 \"all\" of it \U0001f642\\"
# Asks for 300 ms, whatever the context says: a mission has none. And one that leaves a mark when it starts.
SOON = """read -r line; echo '{"type":"agent.input_request","payload":{"question":"Sure?","timeout_ms":300}}'; read -r answer
printf '%s\\n' "$answer" | sed 's/^/got /'"""
MARK = "read -r line; echo run >> %s/marks; sleep 0.2; echo done"


@contextlib.contextmanager
def serving():
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/routes", "w") as routes:
            routes.write("mark * * test.mark\n")
        server = Server("--agent", f"test.soon={SOON}", "--agent", f"test.mark={MARK % folder}",
                        "--route", f"{folder}/routes")
        server.marks = f"{folder}/marks"
        try:
            yield server
        finally:
            status = server.stop()
        assert status == 0, f"exit status {status}\n{server.log()}"


def wait(condition, what, seconds=20):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def post_answer(story, request_id, content, id=None):
    """The answer by POST, on a connection of its own."""
    message = {"type": "agent.input_response", "payload": {"request_id": request_id, "content": content}}
    if id:
        message["id"] = id
    status, answer = http(story.port, "POST", f"/api/events?{story.query}", message)
    assert status == 202, answer
    return answer["accepted"][0]


def socket_answer(story, request_id, content, id="a"):
    """The answer on another WebSocket, which goes on with the session."""
    story.open()
    story.wire.say({"type": "agent.input_response", "id": id, "payload": {"requestId": request_id, "content": content}})
    message = story.take(story.wire.hear(), "websocket")
    while message.get("re") != id:
        message = story.take(story.wire.hear(), "websocket")
    story.wire.kill(True)
    return message


# ---- How a question is heard: each asks, hears it, and is gone. ----

def asked_on(story, messages):
    for message in messages:
        if message["type"] == "agent.input_request":
            return message["payload"]["request_id"]
    raise AssertionError("no question")


def start(story, context):
    status, answer = http(story.port, "POST", PATH, {**ASK, "payload": {**ASK["payload"], "context": context}})
    assert status == 202, answer
    story.enter(answer)


def ask_websocket(story, context):
    story.open()
    story.wire.say({**ASK, "payload": {**ASK["payload"], "context": context}})
    return asked_on(story, (story.take(m, "websocket") for m in story.wire.messages()))


def ask_sse(story, context):
    start(story, context)
    return asked_on(story, story.stream())


def ask_ndjson(story, context):
    start(story, context)
    return asked_on(story, story.ndjson())


def ask_poll(story, context):
    start(story, context)
    return asked_on(story, (message for _ in range(3) for message in story.poll()))


def ask_post(story, context, accept="text/event-stream"):
    """One POST that asks, and whose answer are the events."""
    story.wire = Http(story.port).ask("POST", PATH, {**ASK, "payload": {**ASK["payload"], "context": context}}, Accept=accept)
    assert story.wire.status == 200 and story.wire.fields["content-type"] == accept, story.wire.fields
    story.id, story.token = story.wire.fields["session-id"], story.wire.fields["resume-token"]
    lines = story.wire.lines()
    story.epoch = next(int(line[4:].split(b":")[0]) for line in lines if line.startswith(b"id: "))
    story.last = 1  # agent.started, whose id that was
    return asked_on(story, (story.take(m, "post") for m in story.wire.messages() if m["seq"] > 1))


READERS = {"websocket": (ask_websocket, Story.websocket), "sse": (ask_sse, Story.stream),
           "ndjson": (ask_ndjson, Story.ndjson), "poll": (ask_poll, Story.poll), "post": (ask_post, Story.stream)}


def idle(server):
    return lambda: server.health()["invocations"] == 0


@case
def answered_while_the_client_is_gone():
    """On each transport: asked, killed, answered elsewhere; the run ends without anybody; then the rest is heard."""
    with serving() as server:
        for number, (name, (ask, read)) in enumerate(READERS.items()):
            for answer in (post_answer, socket_answer):
                story = Story(server.port)
                request = ask(story, {"surface": "operations_pillar"})
                story.wire.kill(number % 2 == 0)
                wait(lambda: server.health()["detached"] == server.health()["sessions"], f"{name}: nobody is there")
                assert server.health()["invocations"] == 1 and server.health()["pending_inputs"] == 1, name
                reply = answer(story, request, ANSWER)
                assert reply["type"] == "accepted" and not reply.get("payload", {}).get("duplicate"), (name, reply)
                wait(idle(server), f"{name}: the run goes on and ends")
                story.follow(read)
                assert types(story.events)[-1] == "agent.completed", types(story.events)
                outcomes = [e["payload"]["outcome"] for e in story.events if e["type"] == "agent.input_resolved"]
                outputs = [e["payload"]["content"] for e in story.events if e["type"] == "agent.output"]
                assert outcomes == ["answered"] and outputs == [ANSWER], (name, outcomes, outputs)
                # The same again is a duplicate, something else a conflict: from either side.
                for again in (post_answer, socket_answer):
                    reply = again(story, request, ANSWER, id=f"again-{again.__name__}")
                    assert reply["type"] == "accepted" and reply["payload"]["duplicate"] is True, (name, reply)
                    reply = again(story, request, "no", id=f"other-{again.__name__}")
                    assert reply["type"] == "error" and reply["payload"]["code"] == "INPUT_ALREADY_RESOLVED", (name, reply)
                assert post_answer(story, "req_0", "x")["payload"]["code"] == "INPUT_NOT_FOUND"


@case
def expired_while_the_client_is_gone():
    with serving() as server:
        for name, (ask, read) in READERS.items():
            story = Story(server.port)
            request = ask(story, {"surface": "operations_pillar", "timeout_ms": 300})
            story.wire.kill(True)
            wait(idle(server), f"{name}: the agent goes on by itself")
            late = post_answer(story, request, "too late")
            assert late["type"] == "error" and late["payload"]["code"] == "INPUT_EXPIRED", late
            story.follow(read)
            outcomes = [e["payload"]["outcome"] for e in story.events if e["type"] == "agent.input_resolved"]
            outputs = [e["payload"]["content"] for e in story.events if e["type"] == "agent.output"]
            assert outcomes == ["timeout"] and outputs == ["Timeout: No user response"], (name, outcomes, outputs)
            assert "Timeout: No user response" in story.text() and types(story.events)[-1] == "agent.completed"


@case
def two_answers_at_once():
    """Twenty at the same time, no two alike: one is taken, and it is the one that the agent gets."""
    with serving() as server:
        story = Story(server.port)
        request = ask_sse(story, {"surface": "operations_pillar"})
        replies = {}

        def one(n):
            replies[n] = post_answer(story, request, f"answer {n}")
        threads = [threading.Thread(target=one, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = [n for n, reply in replies.items() if reply["type"] == "accepted"]
        assert len(replies) == 20 and len(taken) == 1, replies
        assert {r["payload"]["code"] for r in replies.values() if r["type"] == "error"} == {"INPUT_ALREADY_RESOLVED"}
        story.wire.kill(True)
        story.follow(Story.stream)
        assert [e["payload"]["content"] for e in story.events if e["type"] == "agent.output"] == [f"answer {taken[0]}"]


# ---- Missions ----

def mission_events(server, mission, last=None):
    headers = {"Last_Event_ID": last} if last else {}
    wire = Http(server.port).ask("GET", mission["stream_url"], Accept="text/event-stream", **headers)
    return wire, wire.messages()


@case
def a_mission_is_answered_and_expires_without_a_reader():
    with serving() as server:
        for how in ("post", "words"):
            _, mission = http(server.port, "POST", "/api/mission/start", {"agents": ["guide.operations"], "plan": "Tidy"})
            wire, events = mission_events(server, mission)
            request = next(e for e in events if e["type"] == "HUMAN_INPUT_REQUEST")
            wire.kill(True)
            path = f"/api/mission/{mission['mission_id']}/human-input"
            if how == "post":
                for _ in range(2):
                    assert http(server.port, "POST", path, {"requestId": request["requestId"], "content": ANSWER}) == (
                        200, {"status": "received"})
            else:
                ws = WebSocket(server.port).shake("/ws", None)
                ws.say({"type": "HUMAN_RESPONSE", "mission_id": mission["mission_id"], "request_id": request["request_id"],
                        "content": ANSWER})
                wait(idle(server), "the mission goes on")
                ws.kill(False)
            status, refused = http(server.port, "POST", path, {"requestId": request["requestId"], "content": "no"})
            assert status == 409 and refused["code"] == "INPUT_ALREADY_RESOLVED", refused
            wire, events = mission_events(server, mission)
            events = list(events)
            assert wire.clean_end and events[-1]["status"] == "completed", events[-1]
            assert http(server.port, "GET", mission["status_url"])[1]["result"] == ANSWER
        _, mission = http(server.port, "POST", "/api/mission/start", {"agents": ["test.soon"]})
        wait(idle(server), "the question expires")
        wire, events = mission_events(server, mission)
        events = list(events)
        request, = (e["request_id"] for e in events if e["type"] == "HUMAN_INPUT_REQUEST")
        resolved, = (e["outcome"] for e in events if e["type"] == "HUMAN_INPUT_RESOLVED")
        said = "".join(e["content"] for e in events if e["type"] == "STREAM")
        assert resolved == "timeout" and "Timeout: No user response" in said and events[-1]["status"] == "completed", events
        status, refused = http(server.port, "POST", f"/api/mission/{mission['mission_id']}/human-input",
                               {"requestId": request, "content": "late"})
        assert status == 410 and refused["code"] == "INPUT_EXPIRED", refused


# ---- The same message five times ----

MESSAGE = {"type": "agent.message", "id": "once", "payload": {"text": "x", "context": {"surface": "mark"}}}


def marks(server):
    try:
        with open(server.marks) as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0


def by_socket(story, turn):
    """Sent on a new connection, which in every other turn is killed before the answer comes."""
    story.open()
    story.wire.say(MESSAGE)
    if turn % 2:
        story.wire.kill(turn % 4 == 1)
        return None
    message = story.take(story.wire.hear(), "websocket")
    while message.get("re") != "once":
        message = story.take(story.wire.hear(), "websocket")
    story.wire.kill(turn % 4 == 0)
    return message["payload"]


def by_events(story, turn):
    status, answer = http(story.port, "POST", f"/api/events?{story.query}", [MESSAGE] if turn % 2 else MESSAGE)
    assert status == 202, answer
    return answer["accepted"][0]["payload"]


def by_agent(story, turn):
    if turn % 2:
        story.wire = Http(story.port).ask("POST", f"{PATH}?{story.query}", MESSAGE, Accept="text/event-stream")
        assert story.wire.status == 200
        story.wire.kill(turn % 4 == 1)
        return None
    status, answer = http(story.port, "POST", f"{PATH}?{story.query}", MESSAGE)
    assert status == 202, answer
    return {"invocation_id": answer["invocation_id"]}


@case
def the_same_id_five_times_starts_one_run():
    with serving() as server:
        ways = {"sockets": [by_socket] * 5, "events": [by_events] * 5, "agent": [by_agent] * 5,
                "mixed": [by_socket, by_agent, by_events, by_socket, by_agent],
                "mixed again": [by_events, by_socket, by_agent, by_agent, by_socket]}
        for number, (name, turns) in enumerate(ways.items()):
            story = Story(server.port)
            story.open()
            story.wire.kill(True)
            replies = [reply for turn, send in enumerate(turns) if (reply := send(story, turn))]
            assert len(replies) >= 2 and len({reply["invocation_id"] for reply in replies}) == 1, (name, replies)
            assert all(r["duplicate"] is True for r in replies[1:] if "duplicate" in r), (name, replies)
            wait(idle(server), "the run ends")
            assert marks(server) == number + 1, (name, marks(server))
            story.follow(Story.poll)
            assert types(story.events).count("agent.started") == 1 and story.text() == "done\n", (name, types(story.events))


@case
def the_same_id_from_many_at_once_starts_one_run():
    with serving() as server:
        stories = [Story(server.port) for _ in range(2)]
        for story in stories:
            story.open()
            story.wire.kill(True)
        replies = []
        threads = [threading.Thread(target=lambda n=n: replies.append(by_events(stories[n % 2], n))) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait(idle(server), "the runs end")
        # Each session has its own ids.
        assert len(replies) == 20 and len({reply["invocation_id"] for reply in replies}) == 2, replies
        assert sum(not reply.get("duplicate") for reply in replies) == 2 and marks(server) == 2, (replies, marks(server))


main("agent_answers")
