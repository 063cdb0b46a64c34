"""agent_server: what is said about faulty messages, tokens that end, what comes by POST, who does not read."""
import asyncio
import http.client
import json

import websockets

from agent_kit import Session, server_case
from agent_lib import PATH, Client, Server, case, check_run, main, text_of, types, until

ECHO = {"surface": "experience_pillar"}
TOKEN = {"scheme": "bearer", "token": "secret"}


@server_case()
async def a_quiet_client_is_told_what_is_wrong(server):
    async with Client(server.url) as client:
        await client.say({"type": "ack", "id": "a", "payload": {"seq": 5}})
        await client.say({"type": "pong"})
        await client.say({"type": "x.mine", "id": "x", "payload": {"any": "thing"}})
        await client.alive()  # nothing came before the pong
        error = await client.expect_error({"type": "session.open", "id": "o", "payload": {}}, "UNKNOWN_TYPE")
        assert "agent-events.v1" in error["payload"]["message"] and error["re"] == "o", error
        error = await client.expect_error({"type": "agent.massage", "id": "m"}, "UNKNOWN_TYPE")
        assert '"agent.massage"' in error["payload"]["message"] and error["re"] == "m", error
        longest = "t" * 64
        assert longest in (await client.expect_error({"type": longest}, "UNKNOWN_TYPE"))["payload"]["message"]
        await client.expect_error({"type": "t" * 65}, "INVALID_ENVELOPE")
        await client.expect_error('{"type":"\\"};<b>"}', "INVALID_ENVELOPE")


@server_case()
async def a_wrong_version_is_named(server):
    for versions in (["2.0"], [], [1.0], ["1"]):
        client = Session(server.url)
        await client.connect()
        await client.say({"type": "session.open", "id": "v", "payload": {"versions": versions}})
        assert await client.closed() == 4406
        error = client.replies[0]
        assert error["type"] == "error" and error["re"] == "v" and error["payload"]["code"] == "INVALID_PAYLOAD", error
        assert error["payload"]["message"].startswith("payload.versions: "), error


@server_case()
async def tokens_in_the_context(server):
    async with Client(server.url) as client:
        assert text_of(check_run(await client.run("a b", {**ECHO, "tokens": None, "rate": None}))) == "a b"
        assert types(check_run(await client.run("", {**ECHO, "tokens": 0})))[-1] == "agent.completed"
        assert types(check_run(await client.run("", ECHO)))[-1] == "agent.completed"
        failed = check_run(await client.run("", {**ECHO, "tokens": 3}))[-1]["payload"]["error"]
        assert failed["code"] == "INVALID_PAYLOAD" and failed["message"].startswith("text: "), failed


@server_case("--token", "secret", "--token-seconds", "1")
async def a_token_ends(server):
    bearer = {"extra_headers": {"Authorization": "Bearer secret"}}
    quiet = Client(server.url, **bearer)
    await quiet.__aenter__()
    stays, shown, late = Session(server.url), Session(server.url), Session(server.url)
    await shown.connect(**bearer)
    await shown.open()
    await late.open(auth=TOKEN)
    await stays.open(auth=TOKEN)
    await stays.ask("t ", {**ECHO, "tokens": 30, "rate": 10})
    for i in range(4):
        await asyncio.sleep(0.5)
        await stays.say({"type": "session.update", "id": f"u{i}", "payload": {"auth": TOKEN}})
        assert (await stays.reply(f"u{i}"))["type"] == "accepted"
    for client in (shown, late):
        assert await client.closed() == 4501, client.ws.close_code
        assert client.ws.close_reason.startswith("TOKEN_EXPIRED: "), client.ws.close_reason
    try:
        await quiet.hear()
        raise AssertionError("a quiet client is still there")
    except websockets.ConnectionClosed:
        assert quiet.ws.close_code == 4501, quiet.ws.close_code
    # A wrong one does not prolong anything, and does not close either.
    await stays.say({"type": "session.update", "id": "w", "payload": {"auth": {**TOKEN, "token": "wrong"}}})
    assert (await stays.reply("w"))["payload"]["code"] == "AUTH_INVALID"
    assert await stays.closed() == 4501
    # The session is still there, and has lost nothing.
    stays.ws = None
    await stays.open(auth=TOKEN)
    assert stays.opened["recovered"]
    while stays.events[-1]["type"] != "agent.completed":
        await stays.hear()
    assert stays.text() == "t " * 30
    await stays.ws.close()


def running(server):
    return json.loads(server.get("/health")[1])["invocations"]


@server_case()
async def who_does_not_read_can_cancel(server):
    client = Client(server.url)
    await client.__aenter__()
    await client.ask("x" * 1000, {**ECHO, "tokens": 1000000}, invocation_id="flood")
    await asyncio.sleep(1)  # nothing is read, and all that lies between is full
    assert running(server) == 1
    await client.say({"type": "agent.cancel", "payload": {"invocation_id": "flood"}})
    await until(lambda: running(server) == 0, 3, "the agent has stopped")
    last = None
    while last is None or last["type"] not in ("agent.failed", "agent.completed"):
        last = await client.hear()
    assert last["payload"]["error"]["code"] == "CANCELLED" and last["seq"] < 500000, last
    await client.ws.close()


@server_case()
async def who_is_late_learns_why(server):
    """A connection that is taken over while its output is full gets its close code behind all that is queued."""
    client = Session(server.url)
    await client.open(coalesce_ms=0)
    await client.ask("x" * 1000, {**ECHO, "tokens": 1000000, "rate": 50000}, invocation_id="flood")
    await asyncio.sleep(1)  # nothing is read
    other = Session(server.url)
    other.id, other.token, other.epoch, other.last = client.id, client.token, client.epoch, 0
    await other.open(want=["agent.failed"])
    assert await client.closed() == 4409, client.ws.close_code
    await other.say({"type": "agent.cancel", "payload": {"invocation_id": "flood"}})
    await other.until("agent.failed")
    await other.ws.close()


def request(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def post(server, entry, *messages):
    response, body = request(server, "POST", f"/api/events?{entry}", list(messages))
    assert response.status == 202, body
    return json.loads(body)["accepted"]


def frames(body):
    return [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: ")]


@server_case()
async def a_repeated_id_whose_run_is_gone_ends(server):
    first = {"type": "agent.message", "id": "m1", "payload": {"text": "hello", "context": ECHO}}
    response, body = request(server, "POST", PATH, first, Accept="text/event-stream")
    events = frames(body)
    assert events[-1]["type"] == "agent.completed", events
    entry = f"session_id={response.headers['Session-Id']}&resume_token={response.headers['Resume-Token']}"
    # While it is kept, all of it comes again, and the body ends.
    response, body = request(server, "POST", f"{PATH}?{entry}", first, Accept="text/event-stream")
    again = frames(body)
    assert types(again) == types(events) and again[-1] == events[-1], again
    more = {"type": "agent.message", "id": "m2", "payload": {"text": "x", "context": {**ECHO, "tokens": 3000}}}
    request(server, "POST", f"{PATH}?{entry}", more, Accept="text/event-stream")
    for accept in ("text/event-stream", "application/x-ndjson"):
        response, body = request(server, "POST", f"{PATH}?{entry}", first, Accept=accept)
        lines = frames(body) if accept.endswith("stream") else [json.loads(line) for line in body.splitlines()]
        assert types(lines) == ["error"] and lines[0]["payload"]["code"] == "CURSOR_EXPIRED", lines
    # A repetition of one that goes on stays open until that has ended.
    slow = {"type": "agent.message", "id": "m3", "payload": {"text": "x", "context": {**ECHO, "tokens": 10, "rate": 10}}}
    assert post(server, entry, slow)[0]["type"] == "accepted"
    response, body = request(server, "POST", f"{PATH}?{entry}", slow, Accept="text/event-stream")
    assert frames(body)[-1]["type"] == "agent.completed", body


@server_case()
async def rooms_by_post(server):
    sessions = []
    for _ in range(2):
        response, body = request(server, "POST", PATH, {"type": "agent.message", "payload": {"text": "x"}})
        answer = json.loads(body)
        sessions.append((f"session_id={answer['session_id']}&resume_token={answer['resume_token']}", answer["cursor"]))
    (ann, ann_cursor), (bob, bob_cursor) = sessions
    client = Session(server.url)
    await client.open()
    await client.say({"type": "room.join", "id": "j", "payload": {"room": "r/1"}})
    await client.reply("j")
    join = {"type": "room.join", "id": "j", "payload": {"room": "r/1", "history": 10}}
    assert post(server, ann, join) == [{"type": "accepted", "re": "j", "payload": {
        "result": {"room": "r/1", "members": 2}}}]
    say = {"type": "room.publish", "id": "p", "payload": {"room": "r/1", "data": {"n": 1}}}
    assert post(server, bob, say)[0]["payload"]["code"] == "ROOM_NOT_FOUND"
    assert [m["type"] for m in post(server, ann, say, {**say, "id": "q"})] == ["accepted", "accepted"]
    assert post(server, ann, say)[0]["payload"] == {"duplicate": True}
    heard = [await client.until("room.message") for _ in range(2)]
    assert [m["payload"]["room_seq"] for m in heard] == [1, 2] and heard[0]["payload"]["data"] == {"n": 1}, heard
    # Who joins late gets what was said, in its own stream, and so does who has said it.
    assert post(server, bob, join)[0]["payload"]["result"]["members"] == 3
    for entry, cursor in sessions:
        response, body = request(server, "GET", f"/api/events?{entry}&after={cursor}&wait_ms=100", Accept="application/json")
        messages = [e for e in json.loads(body)["events"] if e["type"] == "room.message"]
        assert [m["payload"]["room_seq"] for m in messages] == [1, 2], messages
    assert post(server, ann, {"type": "room.leave", "id": "l", "payload": {"room": "r/1"}})[0]["type"] == "accepted"
    assert post(server, ann, say | {"id": "r"})[0]["payload"]["code"] == "ROOM_NOT_FOUND"
    # An application's own type is no error, and neither is an ack.
    assert [m["type"] for m in post(server, ann, {"type": "x.mine", "id": "x"}, {"type": "ack", "payload": {"seq": 1}},
                                    {"type": "no.such"})] == ["accepted", "accepted", "error"]
    await client.ws.close()


@case
async def events_of_a_runtime_name_the_session():
    runtime = Server(program="agent_runtime")
    try:
        async with websockets.connect(runtime.url, subprotocols=["agent-events.runtime.v1"]) as ws:
            for session in ("s1", "\u00fc\"\\", None):
                payload = {"agent_id": "liaison.experience", "input": {"text": "a b"}}
                if session:
                    payload["session_id"] = session
                await ws.send(json.dumps({"type": "runtime.invokeAgent", "payload": payload}))
                events = []
                while not events or events[-1]["type"] not in ("agent.completed", "agent.failed"):
                    event = json.loads(await asyncio.wait_for(ws.recv(), 5))
                    if event["type"].startswith("agent."):
                        events.append(event)
                assert {e.get("session_id") for e in events} == {session}, events
    finally:
        assert runtime.stop() == 0, runtime.log()


if __name__ == "__main__":
    main("agent_rules")
