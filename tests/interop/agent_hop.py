"""One session on WebSocket, SSE and long poll with one cursor; the mission profile on a WebSocket."""
import asyncio
import http.client
import json
import random

import websockets
from agent_kit import server_case
from agent_lib import main


async def hear(ws, timeout=10):
    return json.loads(await asyncio.wait_for(ws.recv(), timeout))


def ask(server, method, path, body=None, **headers):
    connection = http_client(server)
    connection.request(method, path, None if body is None else json.dumps(body),
                       {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content)


def http_client(server):
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)


class Reader:
    """What a client remembers: the last event, and the text so far."""

    def __init__(self):
        self.last, self.text, self.done, self.transports = 0, "", False, set()

    def take(self, event, transport):
        if "seq" not in event:
            assert event["type"] != "session.reset", event
            return
        assert event.get("first_seq", event["seq"]) == self.last + 1, f"{event['seq']} after {self.last}: {transport}"
        self.last = event["seq"]
        self.transports.add(transport)
        if event["type"] == "agent.token":
            self.text += event["payload"]["text"]
        if event["type"] in ("agent.completed", "agent.failed"):
            assert not self.done
            self.done = True


async def on_websocket(server, session, reader, count):
    async with websockets.connect(server.url, subprotocols=["agent-events.v1"], max_size=None) as ws:
        await ws.send(json.dumps({"type": "session.open", "payload": {
            "session_id": session["session_id"], "resume_token": session["resume_token"],
            "epoch": session["epoch"], "last_seq": reader.last, "coalesce_ms": 0}}))
        opened = await hear(ws)
        assert opened["type"] == "session.opened" and opened["payload"]["recovered"], opened
        assert opened["payload"]["epoch"] == session["epoch"]
        session["resume_token"] = opened["payload"]["resume_token"]
        for _ in range(count):
            if reader.done:
                break
            reader.take(await hear(ws), "websocket")
        if random.random() < 0.5:
            ws.transport.abort()


def on_sse(server, session, reader, count):
    connection = http_client(server)
    connection.request("GET", f"/api/events?session_id={session['session_id']}&resume_token={session['resume_token']}",
                       headers={"Accept": "text/event-stream", "Last-Event-ID": f"{session['epoch']}:{reader.last}"})
    response = connection.getresponse()
    assert response.status == 200, response.read()
    while count and not reader.done:
        line = response.readline()
        if line.startswith(b"data: "):
            reader.take(json.loads(line[6:]), "sse")
            count -= 1
    connection.close()


def on_poll(server, session, reader, count):
    for _ in range(min(count, 3)):
        if reader.done:
            return
        status, answer = ask(server, "GET", f"/api/events?after={session['epoch']}:{reader.last}&wait_ms=2000",
                              Accept="application/json", Session_Id=session["session_id"],
                              Resume_Token=session["resume_token"])
        assert status == 200, answer
        for event in answer["events"]:
            reader.take(event, "poll")
        assert answer["next"] == f"{session['epoch']}:{reader.last}"


@server_case()
async def a_run_heard_on_three_transports(server):
    random.seed(20261121)
    async with websockets.connect(server.url, subprotocols=["agent-events.v1"]) as ws:
        await ws.send('{"type":"session.open","payload":{}}')
        opened = (await hear(ws))["payload"]
        await ws.send(json.dumps({"type": "agent.message", "id": "1", "payload": {
            "text": "heron ", "context": {"surface": "experience_pillar", "tokens": 1500, "rate": 500}}}))
        accepted = await hear(ws)
        while accepted["type"] != "accepted":
            accepted = await hear(ws)
    session = {key: opened[key] for key in ("session_id", "resume_token", "epoch")}
    reader = Reader()
    loop = asyncio.get_running_loop()
    hops = 0
    while not reader.done:
        how, count = random.choice((on_websocket, on_sse, on_poll)), random.randrange(1, 40)
        if how is on_websocket:
            await how(server, session, reader, count)
        else:
            await loop.run_in_executor(None, how, server, session, reader, count)
        hops += 1
    assert hops > 10 and reader.transports == {"websocket", "sse", "poll"}, (hops, reader.transports)
    status, answer = ask(server, "GET", f"/api/events?after={session['epoch']}:0&wait_ms=0", Accept="application/json",
                          Session_Id=session["session_id"], Resume_Token=session["resume_token"])
    result = [event for event in answer["events"] if event["type"] == "session.reset"]
    if result:
        whole = result[0]["payload"]["snapshot"]["invocations"][0]["messages"][0]["text"]
    else:
        whole = "".join(e["payload"]["text"] for e in answer["events"] if e["type"] == "agent.token")
    assert reader.text == whole and reader.text.count("heron") == 1500, (len(reader.text), len(whole))


# ---- A session that begins over HTTP ----


def opening(**payload):
    return {"type": "session.open", "id": "o", "payload": {"versions": ["1.0"], **payload}}


def opened(answer):
    status, body = answer
    assert status == 202 and len(body["accepted"]) == 1, answer
    reply = body["accepted"][0]
    assert reply["type"] == "session.opened" and reply["re"] == "o" and "seq" not in reply, reply
    return reply["payload"]


def refused(answer, status, code):
    assert answer[0] == status and answer[1]["code"] == code, answer


def read_from(server, session, epoch, seq, wait_ms=2000):
    status, answer = ask(server, "GET", f"/api/events?after={epoch}:{seq}&wait_ms={wait_ms}", Accept="application/json",
                          Session_Id=session["session_id"], Resume_Token=session["resume_token"])
    assert status == 200, answer
    return answer


@server_case()
async def a_session_is_opened_by_post(server):
    session = opened(ask(server, "POST", "/api/events", opening(client={"name": "t", "version": "1"})))
    assert session["recovered"] is False and session["head_seq"] == 0 and session["pending_inputs"] == []
    text = {"type": "agent.message", "id": "1", "payload": {"text": "a b", "context": {"surface": "experience_pillar"}}}
    keys = {"Session_Id": session["session_id"], "Resume_Token": session["resume_token"]}
    for duplicate in (False, True, True):  # the answer may be lost, the message is said again
        status, said = ask(server, "POST", "/api/events", text, **keys)
        assert status == 202 and said["accepted"][0]["payload"].get("duplicate", False) is duplicate, said
    reader = Reader()
    while not reader.done:
        for event in read_from(server, session, session["epoch"], reader.last)["events"]:
            reader.take(event, "poll")
    assert reader.text == "a b"
    last = reader.last

    # Resumed, with the tokens that a WebSocket would get; a WebSocket that has the session is taken over.
    resume = {"session_id": session["session_id"], "resume_token": session["resume_token"], "epoch": session["epoch"]}
    async with websockets.connect(server.url, subprotocols=["agent-events.v1"]) as ws:
        await ws.send(json.dumps(opening(**resume, last_seq=last)))
        older = (await hear(ws))["payload"]
        assert older["recovered"] is True
        again = opened(ask(server, "POST", "/api/events",
                           opening(**{**resume, "resume_token": older["resume_token"]}, last_seq=1)))
        assert again["recovered"] is True and again["replay_count"] == last - 1 and again["resume_token"] != older["resume_token"]
        await asyncio.wait_for(ws.wait_closed(), 10)
        assert ws.close_code == 4409
    assert read_from(server, again, again["epoch"], 1)["next"] == f"{again['epoch']}:{last}"
    refused(ask(server, "POST", "/api/events", opening(**resume, last_seq=last)), 403, "SESSION_FORBIDDEN")
    refused(ask(server, "POST", "/api/events", opening(**{**resume, "resume_token": "0" * 32}, last_seq=last)), 403,
            "SESSION_FORBIDDEN")
    refused(ask(server, "POST", "/api/events", opening(versions=["2.0"])), 400, "INVALID_PAYLOAD")
    refused(ask(server, "POST", "/api/events", [opening()]), 403, "SESSION_FORBIDDEN")
    refused(ask(server, "GET", "/api/events", opening()), 403, "SESSION_FORBIDDEN")
    assert server.health()["sessions"] == 1, server.health()

    # One that the server does not know is opened anew, and says so to whoever comes with the old cursor.
    strange = opened(ask(server, "POST", "/api/events", opening(session_id="gone", resume_token="0" * 32, epoch=5, last_seq=9)))
    assert strange["session_id"] == "gone" and strange["recovered"] is False and strange["epoch"] != 5
    reset, = read_from(server, strange, 5, 9)["events"]
    assert reset["type"] == "session.reset" and reset["payload"]["reason"] == "epoch_changed", reset


@server_case("--token", "s3cret")
async def a_session_opened_by_post_needs_the_token(server):
    refused(ask(server, "POST", "/api/events", opening()), 401, "AUTH_REQUIRED")
    refused(ask(server, "POST", "/api/events", opening(auth={"scheme": "bearer", "token": "no"})), 401, "AUTH_INVALID")
    refused(ask(server, "POST", "/api/events", opening(), Authorization="Bearer no"), 401, "AUTH_INVALID")
    opened(ask(server, "POST", "/api/events", opening(), Authorization="Bearer s3cret"))
    opened(ask(server, "POST", "/api/events", opening(auth={"scheme": "bearer", "token": "s3cret"})))


# ---- The mission profile ----

async def until(ws, *ends):
    got = []
    while not got or got[-1]["type"] not in ends:
        got.append(await hear(ws))
    return got


@server_case()
async def a_plain_client_on_ws_hears_mission_words(server):
    url = f"ws://127.0.0.1:{server.port}/ws"
    async with websockets.connect(url) as ws:
        await ws.send('{"type":"ping"}')
        assert await asyncio.wait_for(ws.recv(), 10) == '{"type":"pong"}'
        await ws.send("nonsense")
        error = await hear(ws)
        assert error["type"] == "ERROR" and error["code"] == "INVALID_JSON" and error["event"] == "error", error
        await ws.send('{"type":"HUMAN_RESPONSE","id":"h","request_id":"req_1","content":"x"}')
        error = await hear(ws)
        assert error["code"] == "INPUT_NOT_FOUND" and error["re"] == "h", error
        await ws.send('{"type":"HUMAN_RESPONSE","content":"x"}')
        error = await hear(ws)
        assert error["type"] == "ERROR", error
        await ws.send('{"type":"agent.message","payload":{"text":"Tidy","context":{"surface":"operations_pillar"}}}')
        asked = (await until(ws, "HUMAN_INPUT_REQUEST"))[-1]
        await ws.send(json.dumps({"type": "HUMAN_RESPONSE", "requestId": asked["requestId"], "content": "Do."}))
        got = []
        while not got or got[-1].get("event") not in ("agent.completed", "agent.failed"):
            got.append(await hear(ws))
        assert got[0]["type"] == "HUMAN_INPUT_RESOLVED" and got[-1]["content"] == "Do.", got
        assert {"STREAM", "OUTPUT"} <= {event["type"] for event in got}, got


@server_case()
async def a_mission_is_answered_on_ws(server):
    status, mission = ask(server, "POST", "/api/mission/start", {"agents": ["guide.operations"], "plan": "Tidy"})
    assert status == 200, mission
    status, now = ask(server, "GET", mission["status_url"])
    while not now["pending_inputs"]:
        await asyncio.sleep(0.05)
        status, now = ask(server, "GET", mission["status_url"])
    request_id = now["pending_inputs"][0]["request_id"]
    async with websockets.connect(f"ws://127.0.0.1:{server.port}/ws") as ws:
        await ws.send(json.dumps({"type": "HUMAN_RESPONSE", "mission_id": 1, "request_id": "req_0", "content": "x"}))
        assert (await hear(ws))["code"] == "INPUT_NOT_FOUND"
        await ws.send(json.dumps({"type": "HUMAN_RESPONSE", "mission_id": 1, "request_id": request_id,
                                  "content": "Go."}))
        for _ in range(100):
            status, now = ask(server, "GET", mission["status_url"])
            if now["status"] == "completed":
                break
            await asyncio.sleep(0.05)
    assert now["status"] == "completed" and now["result"] == "Go.", now


@server_case()
async def the_profile_is_chosen_by_what_is_offered(server):
    for path in ("/ws", "/api/runtime/agent"):
        url = f"ws://127.0.0.1:{server.port}{path}"
        async with websockets.connect(url, subprotocols=["agent-events.mission.v1"]) as ws:
            assert ws.subprotocol == "agent-events.mission.v1"
            await ws.send('{"type":"session.open","id":"1","payload":{}}')
            assert (await hear(ws))["type"] == "session.opened"
            await ws.send('{"type":"agent.message","id":"2","payload":{"text":"a b"}}')
            accepted = await hear(ws)
            assert accepted["type"] == "accepted" and accepted["re"] == "2", accepted
            assert (await hear(ws))["type"] == "SYSTEM"
        async with websockets.connect(url, subprotocols=["agent-events.v1"]) as ws:
            await ws.send('{"type":"session.open","payload":{}}')
            await hear(ws)
            await ws.send('{"type":"agent.message","id":"2","payload":{"text":"a b"}}')
            await hear(ws)
            assert (await hear(ws))["type"] == "agent.started"
    status, refused = ask(server, "GET", "/ws")
    assert status in (400, 426) and refused["code"] == "NOT_A_WEBSOCKET_REQUEST"


main("agent_hop")
