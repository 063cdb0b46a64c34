"""agent_server's mission profile, field by field, where it is spoken: a mission's stream, /ws, and wherever it is
negotiated; and what answers to HUMAN_RESPONSE and to faulty messages."""
import asyncio
import http.client
import json
import os
import stat
import tempfile

import websockets

from agent_kit import server_case
from agent_lib import PATH, Server, case, main, until

# What an agent says, and what a front end of missions is to get: all fields but seq, ts and agent_id.
ROWS = [
    ({"type": "agent.token", "payload": {"message_id": "m", "text": "a\n\u00e9\u2028"}},
     {"type": "STREAM", "content": "a\n\u00e9\u2028", "message_id": "m", "done": False}),
    ({"type": "agent.token", "payload": {"message_id": "m", "text": "b", "done": True, "role": "assistant"}},
     {"type": "STREAM", "content": "b", "message_id": "m", "done": True}),
    ({"type": "agent.thought", "payload": {"message_id": "t", "text": "hm", "done": True}},
     {"type": "THOUGHT", "content": "hm", "message_id": "t"}),
    ({"type": "agent.action", "payload": {"call_id": "c", "phase": "start", "name": "grep", "title": "Look"}},
     {"type": "ACTION", "tool": "grep", "phase": "start", "call_id": "c"}),
    ({"type": "agent.action", "payload": {"call_id": "c", "phase": "args", "args_delta": "{\"q\":"}},
     {"type": "ACTION", "phase": "args", "call_id": "c", "input": "{\"q\":"}),
    ({"type": "agent.action", "payload": {"call_id": "c", "phase": "end", "args": {"q": [1]}}},
     {"type": "ACTION", "phase": "end", "call_id": "c", "input": {"q": [1]}}),
    ({"type": "agent.action", "payload": {"call_id": "c", "phase": "result", "name": "grep", "result": ["x"]}},
     {"type": "ACTION", "tool": "grep", "phase": "result", "call_id": "c", "output": ["x"]}),
    ({"type": "agent.action", "payload": {"call_id": "d", "phase": "start", "name": "rm"}},
     {"type": "ACTION", "tool": "rm", "phase": "start", "call_id": "d"}),
    ({"type": "agent.action", "payload": {"call_id": "d", "phase": "error", "error": {"why": "no"}}},
     {"type": "ACTION", "phase": "error", "call_id": "d", "error": {"why": "no"}}),
    ({"type": "agent.output", "payload": {"kind": "intermediate", "content": {"n": 1}}},
     {"type": "OUTPUT", "content": {"n": 1}, "final": False, "kind": "intermediate", "event": "agent.output"}),
    ({"type": "agent.output", "payload": {"kind": "artifact", "content": "data", "mime": "text/csv", "name": "a.csv"}},
     {"type": "OUTPUT", "content": "data", "final": False, "kind": "artifact", "mime": "text/csv",
      "event": "agent.output"}),
    ({"type": "agent.output", "payload": {"kind": "final", "content": "end"}},
     {"type": "OUTPUT", "content": "end", "final": True, "kind": "final", "event": "agent.output"}),
    ({"type": "agent.usage", "payload": {"provider": "p", "model": "q", "input_tokens": 0, "output_tokens": 2,
                                         "total_tokens": 2, "cost": {"amount": 0.25, "currency": "EUR"}}},
     {"type": "USAGE", "provider": "p", "model": "q", "input_tokens": 0, "output_tokens": 2, "total_tokens": 2,
      "cost": {"amount": 0.25, "currency": "EUR"}}),
    ({"type": "agent.log", "payload": {"level": "warning", "message": "careful", "logger": "l", "stream": "log"}},
     {"type": "LOG", "content": "careful", "level": "warning", "logger": "l", "stream": "log"}),
    ({"type": "agent.progress", "payload": {"progress": 0.5, "total": 2, "message": "half", "step": "s",
                                            "step_status": "on"}},
     {"type": "SYSTEM", "status": "on", "content": "half", "progress": 0.5, "total": 2, "step": "s",
      "event": "agent.progress"}),
    ({"type": "agent.state", "payload": {"snapshot": {"a": 1}, "rev": 1}},
     {"type": "SYSTEM", "content": {"a": 1}, "event": "agent.state"}),
    ({"type": "agent.state", "payload": {"patch": [{"op": "remove", "path": "/a"}]}},
     {"type": "SYSTEM", "content": [{"op": "remove", "path": "/a"}], "event": "agent.state"}),
    ({"type": "agent.input_request", "payload": {"request_id": "q1", "question": "go?", "timeout_ms": 60000,
                                                 "expires_at": 1900000000000, "choices": ["y", "n"],
                                                 "schema": {"type": "string"}}},
     {"type": "HUMAN_INPUT_REQUEST", "request_id": "q1", "requestId": "q1", "content": "go?", "timeout_ms": 60000,
      "expires_at": 1900000000000, "choices": ["y", "n"], "schema": {"type": "string"}}),
]
RESOLVED = {"type": "HUMAN_INPUT_RESOLVED", "request_id": "q1", "requestId": "q1", "outcome": "answered"}
COMPLETED = {"type": "OUTPUT", "content": {"all": "done"}, "final": True, "finish_reason": "stop",
             "event": "agent.completed"}
FAILED = {"type": "ERROR", "code": "TIRED", "content": "no more", "retryable": True, "event": "agent.failed"}
STARTED = {"type": "SYSTEM", "status": "started", "event": "agent.started"}


def agent(directory, last):
    """A script that says all rows, waits for the answer, and says how it ends."""
    path = os.path.join(directory, "agent.sh")
    with open(path, "w") as script:
        script.write("#!/bin/sh\nread line\ncat <<'END'\n")
        for said, _ in ROWS:
            script.write(json.dumps(said) + "\n")
        script.write(f"END\nread answer\ncat <<'END'\n{json.dumps(last)}\nEND\n")
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return path


COMPLETES = {"type": "agent.completed", "payload": {"result": {"all": "done"}, "finish_reason": "stop"}}
FAILS = {"type": "agent.failed", "payload": {"error": {"code": "TIRED", "message": "no more", "retryable": True}}}


def common(message, mission=None):
    """Check and take away what every object has."""
    message = dict(message)
    assert message.get("mission_id") == mission and "payload" not in message and "session_id" not in message, message
    message.pop("mission_id", None)
    for name in ("seq", "ts"):
        assert isinstance(message.pop(name), int)
    if message.get("event") != "mission.status":
        assert message.pop("agent_id") == "guide.content"
    return message


def request(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def in_directory(last, *options):
    def wrap(function):
        async def wrapped():
            with tempfile.TemporaryDirectory() as directory:
                server = Server("--agent", f"guide.content={agent(directory, last)}", *options)
                try:
                    await function(server)
                finally:
                    assert server.stop() == 0, server.log()
        wrapped.__name__ = function.__name__
        return case(wrapped)
    return wrap


async def rows_of(ws, answer):
    """A run on a socket: all that comes, with the answer given when it is asked for."""
    await ws.send('{"type":"agent.message","payload":{"text":"x"}}')
    got = []
    while not got or got[-1].get("event") not in ("agent.completed", "agent.failed"):
        got.append(json.loads(await asyncio.wait_for(ws.recv(), 10)))
        if got[-1]["type"] == "HUMAN_INPUT_REQUEST":
            await ws.send(json.dumps(answer))
    return got


@in_directory(COMPLETES)
async def every_row_on_sockets(server):
    base = f"ws://127.0.0.1:{server.port}"
    for path, profile, names in (("/ws", None, ("request_id",)), ("/ws", "agent-events.mission.v1", ("requestId",)),
                                 (PATH, "agent-events.mission.v1", ("request_id", "requestId"))):
        async with websockets.connect(base + path, subprotocols=[profile] if profile else None) as ws:
            if profile:
                # Unmerged, so that each row stands for itself.
                await ws.send('{"type":"session.open","id":"o","payload":{"coalesce_ms":0}}')
                assert json.loads(await asyncio.wait_for(ws.recv(), 5))["type"] == "session.opened"
            answer = {"type": "HUMAN_RESPONSE", **{name: "q1" for name in names}, "content": {"free": ["form"]}}
            got = await rows_of(ws, answer)
            assert [m["seq"] for m in got] == list(range(1, len(got) + 1)), got
            got = [common(message) for message in got]
            assert got == [STARTED] + [row for _, row in ROWS] + [RESOLVED, COMPLETED], [
                pair for pair in zip(got, [STARTED] + [row for _, row in ROWS] + [RESOLVED, COMPLETED]) if pair[0] != pair[1]]


@in_directory(FAILS)
async def every_row_of_a_mission(server):
    status, body = request(server, "POST", "/api/mission/start", {"agents": ["guide.content"], "plan": "x"})
    assert status == 200 and json.loads(body)["mission_id"] == 1, body
    await until(lambda: b'"waiting_input"' in request(server, "GET", "/api/mission/1/status")[1])
    assert request(server, "POST", "/api/mission/1/human-input", {"requestId": "q1", "content": 1})[0] == 200
    await until(lambda: b'"failed"' in request(server, "GET", "/api/mission/1/status")[1])
    for accept in ("text/event-stream", "application/x-ndjson"):
        status, body = request(server, "GET", "/api/mission/1/stream", Accept=accept)
        lines = body.decode().split("\n")
        got = [json.loads(line[6:]) for line in lines if line.startswith("data: ")] if accept.startswith("text") else [
            json.loads(line) for line in lines if line]
        first, last = got[0], got[-1]
        assert common(first, 1) == {"type": "SYSTEM", "status": "running", "content": "The mission has started.",
                                    "event": "mission.status"}, first
        assert common(last, 1) == {"type": "SYSTEM", "status": "failed", "content": "The mission has failed.",
                                   "event": "mission.status"}, last
        got = [common(message, 1) for message in got[1:-1]]
        # The two tokens of the message are merged here.
        want = [STARTED, {"type": "STREAM", "content": "a\n\u00e9\u2028b", "message_id": "m", "done": True,
                          }] + [row for _, row in ROWS[2:]] + [RESOLVED, FAILED]
        got = [{k: v for k, v in message.items() if k != "first_seq"} for message in got]
        assert got == want or got == [STARTED] + [row for _, row in ROWS] + [RESOLVED, FAILED], got


@server_case()
async def faulty_messages_get_error(server):
    base = f"ws://127.0.0.1:{server.port}/ws"
    async with websockets.connect(base) as ws:
        async def wrong(message, code, start="", re=None):
            await ws.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
            got = json.loads(await asyncio.wait_for(ws.recv(), 5))
            assert set(got) - {"re"} == {"type", "ts", "code", "content", "retryable", "event"}, got
            assert got["type"] == "ERROR" and got["code"] == code and got["event"] == "error", got
            assert got["content"].startswith(start) and got["retryable"] is False and got.get("re") == re, got

        await wrong("{", "INVALID_JSON")
        await wrong("[1]", "INVALID_ENVELOPE")
        await wrong({"type": "NO_SUCH", "id": "n"}, "UNKNOWN_TYPE", 'type: "NO_SUCH"', "n")
        await wrong({"type": "HUMAN_RESPONSE", "id": "a", "request_id": "q"}, "INVALID_PAYLOAD", "content: ", "a")
        await wrong({"type": "HUMAN_RESPONSE", "id": "b", "content": 1}, "INVALID_PAYLOAD", "request_id: ", "b")
        await wrong({"type": "HUMAN_RESPONSE", "requestId": 7, "content": 1}, "INVALID_PAYLOAD", "request")
        await wrong({"type": "HUMAN_RESPONSE", "id": "c", "requestId": "q", "content": 1}, "INPUT_NOT_FOUND", "", "c")
        await wrong({"type": "agent.message", "id": "d", "payload": {}}, "INVALID_PAYLOAD", "payload.text: ", "d")
        await wrong({"type": "HUMAN_RESPONSE", "type ": 1, "id": "\u00e9", "request_id": "q", "content": 1},
                    "INVALID_ENVELOPE", "id: ")
        await wrong(b"\x00", "INVALID_JSON")
        await ws.send('{"type":"ping","id":"p"}')
        assert await ws.recv() == '{"type":"pong","re":"p"}'
        for _ in range(3):
            await wrong("nonsense", "INVALID_JSON")
        try:
            while True:
                await asyncio.wait_for(ws.recv(), 5)
        except websockets.ConnectionClosed:
            assert ws.close_code == 4400, ws.close_code


@server_case("--token", "secret")
async def answers_to_missions(server):
    bearer = {"Authorization": "Bearer secret"}
    base = f"ws://127.0.0.1:{server.port}"
    status, body = request(server, "POST", "/api/mission/start", {"agents": ["guide.operations"], "plan": "x"}, **bearer)
    assert status == 200, body

    def state():
        return json.loads(request(server, "GET", "/api/mission/1/status", **bearer)[1])
    await until(lambda: state()["status"] == "waiting_input")
    answer = {"type": "HUMAN_RESPONSE", "id": "h1", "mission_id": 1, "content": "yes",
              "request_id": state()["pending_inputs"][0]["request_id"]}
    # Nobody answers before the session is open.
    async with websockets.connect(base + "/ws", subprotocols=["agent-events.mission.v1"]) as ws:
        await ws.send(json.dumps(answer))
        try:
            while True:
                await asyncio.wait_for(ws.recv(), 5)
        except websockets.ConnectionClosed:
            assert ws.close_code == 4401, ws.close_code
    assert state()["status"] == "waiting_input"
    async with websockets.connect(base + "/ws", subprotocols=["agent-events.mission.v1"]) as ws:
        await ws.send(json.dumps({"type": "session.open", "payload": {"auth": {"scheme": "bearer", "token": "secret"}}}))
        assert json.loads(await asyncio.wait_for(ws.recv(), 5))["type"] == "session.opened"
        for id, content, want in (("h1", "yes", {"type": "accepted", "re": "h1"}),
                                  ("h2", "yes", {"type": "accepted", "re": "h2", "payload": {"duplicate": True}})):
            await ws.send(json.dumps({**answer, "id": id, "content": content}))
            got = json.loads(await asyncio.wait_for(ws.recv(), 5))
            assert got == want, got
        await ws.send(json.dumps({**answer, "id": "h3", "content": "no"}))
        got = json.loads(await asyncio.wait_for(ws.recv(), 5))
        assert got["type"] == "ERROR" and got["code"] == "INPUT_ALREADY_RESOLVED" and got["re"] == "h3", got
        await ws.send(json.dumps({**answer, "id": "h4", "mission_id": "1", "request_id": "req_0"}))
        got = json.loads(await asyncio.wait_for(ws.recv(), 5))
        assert got["code"] == "INPUT_NOT_FOUND" and got["re"] == "h4", got
    await until(lambda: state()["status"] == "completed")
    # A quiet client hears of errors only.
    async with websockets.connect(base + "/ws", extra_headers=bearer) as ws:
        await ws.send(json.dumps(answer))
        await ws.send(json.dumps({**answer, "content": "no"}))
        assert json.loads(await asyncio.wait_for(ws.recv(), 5))["code"] == "INPUT_ALREADY_RESOLVED"


if __name__ == "__main__":
    main("agent_mission")
