"""agent_server's sockets that tell how things stand: /ws/workflow/{id}, /ws/coordinator, /ws/agent/{name}."""
import asyncio
import json
import signal
import socket
import time

import websockets

from agent_kit import Session, server_case
from agent_lib import GROWTH_KIB, UPGRADE, Client, Server, case, main, problem, types, until, upgrade

ECHO = {"surface": "experience_pillar"}
OPERATIONS = {"surface": "operations_pillar"}


def at(server, path):
    return f"ws://127.0.0.1:{server.port}{path}"


def begin(server, *agents, plan="1 2 3"):
    status, body = server.post("/api/mission/start", {"agents": agents, "plan": plan, "processType": "sequential"})
    assert status == 200, body
    return body["mission_id"]


async def payloads(client, until_status, kind, timeout=10):
    """The payloads of a socket up to one with this status."""
    got = []
    while not got or got[-1]["status"] != until_status:
        message = await client.hear(timeout)
        assert message["type"] == kind, message
        got.append(message["payload"])
    return got


@server_case()
async def the_state_comes_by_itself(server):
    mission = begin(server, "guide.operations")
    for path, kind in ((f"/ws/workflow/{mission}", "workflow.progress"), ("/ws/coordinator", "coordinator.metrics"),
                       ("/ws/agent/guide.content", "agent.status")):
        async with Client(at(server, path)) as client:
            message = await client.hear(2)
            assert message["type"] == kind and message["seq"] == 1, message
            await client.alive()
            await client.expect_error({"type": "no.such"}, "UNKNOWN_TYPE")
            # It is a session like any other.
            await client.ask("hello", ECHO)
            while (message := await client.hear())["type"] != "agent.completed":
                pass
        async with websockets.connect(at(server, path), subprotocols=["agent-events.mission.v1"]) as ws:
            await ws.send('{"type":"session.open","payload":{}}')
            assert json.loads(await ws.recv())["type"] == "session.opened"
            assert json.loads(await asyncio.wait_for(ws.recv(), 2))["type"] == kind


@server_case()
async def an_agent_is_idle_and_busy(server):
    async with Client(at(server, "/ws/agent/guide.operations")) as viewer, Client(server.url) as client:
        first = (await viewer.hear())["payload"]
        assert set(first) == {"agent_name", "status", "since"}, first
        assert first["agent_name"] == "guide.operations" and first["status"] == "idle"
        assert abs(first["since"] / 1000 - time.time()) < 30, first
        await client.ask("one", OPERATIONS, invocation_id="i1")
        busy = (await viewer.hear())["payload"]
        assert busy["status"] == "busy" and busy["detail"] == "1 run" and busy["since"] >= first["since"], busy
        await client.ask("two", OPERATIONS, invocation_id="i2")
        assert (await viewer.hear())["payload"] == {**busy, "detail": "2 runs"}
        for run in ("i1", "i2"):
            await client.say({"type": "agent.cancel", "payload": {"invocation_id": run}})
        idle = (await payloads(viewer, "idle", "agent.status"))[-1]
        assert "detail" not in idle and idle["since"] >= busy["since"], idle  # cancelled is not failed
        # What concerns another agent is not said.
        await client.run("other", ECHO)
        await viewer.alive()


@server_case("--agent", "bad.luck=sleep 0.3; exit 3", "--agent", "guide.content=read line; echo fine")
async def an_agent_fails_until_it_begins_again(server):
    async with Client(at(server, "/ws/agent/bad.luck")) as viewer, Client(at(server, "/ws/agent/guide.content")) as other:
        assert (await viewer.hear())["payload"]["status"] == "idle"
        begin(server, "bad.luck")
        assert (await viewer.hear())["payload"]["status"] == "busy"
        failed = (await viewer.hear())["payload"]
        assert failed["status"] == "error" and failed["detail"].startswith("AGENT_ERROR: "), failed
        async with Client(at(server, "/ws/agent/bad.luck")) as late:
            assert (await late.hear())["payload"] == failed
        begin(server, "bad.luck")
        assert [p["status"] for p in await payloads(viewer, "error", "agent.status")] == ["busy", "error"]
        begin(server, "guide.content")
        assert [p["status"] for p in await payloads(other, "idle", "agent.status")] == ["idle"]
        assert [p["status"] for p in await payloads(other, "idle", "agent.status")] == ["busy", "idle"]


@case
async def an_agent_is_offline_without_its_runtime():
    runtime = Server("--agent", "far.away=read line; sleep 1; echo done", program="agent_runtime")
    server = Server("--runtime", runtime.url)
    try:
        async with Client(at(server, "/ws/agent/liaison.data")) as viewer:
            assert (await viewer.hear())["payload"]["status"] == "idle"
            # Of an agent that no route names nothing is known before it has told something.
            problem(upgrade(server, "/ws/agent/far.away"), 404, "AGENT_NOT_FOUND")
            begin(server, "far.away")
            await asyncio.sleep(0.2)
            mission = begin(server, "far.nowhere")
            await until(lambda: status_of(server, mission) == "failed", 5, "there is no such agent")
            problem(upgrade(server, "/ws/agent/far.nowhere"), 404, "AGENT_NOT_FOUND")
            await until(lambda: status_of(server, mission - 1) == "completed", 5, "it has told something")
            async with Client(at(server, "/ws/agent/far.away")) as far:
                assert (await far.hear())["payload"]["status"] == "idle"
                mission = begin(server, "far.away")
                assert (await far.hear())["payload"]["status"] == "busy"
                assert runtime.stop(signal.SIGKILL) == -signal.SIGKILL
                assert [p["status"] for p in await payloads(far, "offline", "agent.status")][-1] == "offline"
                await until(lambda: status_of(server, mission) == "failed", 5, "its run has failed")
            offline = (await viewer.hear())["payload"]
            assert offline["status"] == "offline" and offline["detail"], offline
            runtime = Server(program="agent_runtime", port=runtime.port)
            assert (await viewer.hear())["payload"]["status"] == "idle"
    finally:
        assert server.stop() == 0, server.log()
        runtime.stop()


def status_of(server, mission):
    return json.loads(server.get(f"/api/mission/{mission}/status")[1])["status"]


STEPS = ("--agent", "half.way=read line; sleep 0.3; for i in 1 2; do echo '"
         '{"type":"agent.progress","payload":{"progress":'"'$i'"',"total":4,"message":"part '"'$i'"'"}}' "'; sleep 0.2; done")


@server_case(*STEPS)
async def a_workflow_follows_its_steps(server):
    mission = begin(server, "half.way", "guide.operations", "guide.content")
    async with Client(at(server, f"/ws/workflow/{mission}")) as viewer:
        first = await viewer.hear()
        assert first["mission_id"] == mission and first["payload"] == {
            "workflow_id": str(mission), "status": "running", "progress": 0, "total": 3, "step": "half.way",
            "message": "Step 1 of 3."}, first
        got = await payloads(viewer, "waiting_input", "workflow.progress")
        assert [(p["progress"], p["step"], p["message"]) for p in got] == [
            (0.25, "half.way", "part 1"), (0.5, "half.way", "part 2"), (1, "guide.operations", "Step 2 of 3."),
            (1, "guide.operations", "The mission waits for an answer.")], got
        asked = json.loads(server.get(f"/api/mission/{mission}/status")[1])["pending_inputs"][0]
        assert asked["agent_id"] == "guide.operations" and asked["invocation_id"], asked
        status, body = server.post(f"/api/mission/{mission}/human-input",
                            {"requestId": asked["request_id"], "content": "go"})
        assert status == 200, body
        got = await payloads(viewer, "completed", "workflow.progress")
        assert [p["status"] for p in got[:-1]] == ["running"] * (len(got) - 1)
        assert "guide.content" in [p["step"] for p in got[:-1]], got
        assert got[-1]["progress"] == got[-1]["total"] == 3, got[-1]
        progress = [p["progress"] for p in got]
        assert progress == sorted(progress)
        await viewer.alive()
    async with Client(at(server, f"/ws/workflow/{mission}")) as late:
        assert (await late.hear())["payload"] == got[-1]


@server_case("--agent", "bad.luck=sleep 0.3; exit 3")
async def a_workflow_ends_in_other_ways(server):
    mission = begin(server, "guide.content", "bad.luck", "guide.content")
    async with Client(at(server, f"/ws/workflow/{mission}")) as viewer:
        last = (await payloads(viewer, "failed", "workflow.progress"))[-1]
        assert last["progress"] == 1 and last["step"] == "bad.luck", last
    mission = begin(server, "guide.operations")
    async with Client(at(server, f"/ws/workflow/{mission}")) as viewer:
        assert (await payloads(viewer, "waiting_input", "workflow.progress"))[-1]["total"] == 1
        assert server.post(f"/api/mission/{mission}/cancel", {})[0] == 202
        await payloads(viewer, "cancelled", "workflow.progress")


@server_case()
async def metrics_at_most_once_a_second(server):
    async with Client(at(server, "/ws/coordinator")) as viewer, Client(server.url) as client:
        first = (await viewer.hear())["payload"]["metrics"]
        assert all(isinstance(value, (int, float)) for value in first.values()), first
        assert first["connections"] == 1 and first["agents"] == 4 and first["invocations"] == 0, first
        times, last = [], None
        for i in range(30):
            await client.run(f"{i}", ECHO)
            await asyncio.sleep(0.05)
        while True:
            try:
                message = await viewer.hear(1.6)
            except asyncio.TimeoutError:
                break
            times.append(message["ts"])
            last = message["payload"]["metrics"]
        assert 2 <= len(times) <= 6, times
        assert min(b - a for a, b in zip(times, times[1:])) >= 950, times
        assert last["completed"] == first["completed"] + 30 and last["invocations"] == 0, last
        assert last["events"] >= 90 and last["tokens"] >= 30 and last["connections"] == 2, last
        await client.ask("which?", OPERATIONS)
        waiting = (await viewer.hear(3))["payload"]["metrics"]
        assert waiting["pending_inputs"] == 1 and waiting["invocations"] == 1 and waiting["agents_busy"] == 1, waiting


@server_case()
async def with_a_profile(server):
    mission = begin(server, "guide.operations", "guide.content")
    client = Session(at(server, f"/ws/workflow/{mission}"))
    await client.connect()
    await client.say({"type": "ping"})
    assert await client.ws.recv() == '{"type":"pong"}'  # and nothing before it
    await client.open()
    assert not client.opened["recovered"] and client.opened["head_seq"] == 0
    first = await client.hear()
    assert first["type"] == "workflow.progress" and first["seq"] == 1, first
    assert first["payload"]["status"] == "waiting_input", first
    await client.say({"type": "ack", "payload": {"seq": 1}})
    # The connection dies, the mission goes on; the client goes on where it was, and hears how things stand.
    client.cut(True)
    await until(lambda: server.health()["connections"] == 0)
    assert server.post(f"/api/mission/{mission}/cancel", {})[0] == 202
    await until(lambda: status_of(server, mission) == "cancelled")
    await client.open()
    assert client.opened["recovered"] and client.opened["session_id"] == client.id
    assert (await client.hear())["payload"]["status"] == "cancelled" and client.last == 2
    await client.ws.close()
    # Nothing before session.open but ping.
    stranger = Session(at(server, "/ws/coordinator"))
    await stranger.connect()
    await stranger.say({"type": "session.update", "payload": {}})
    assert await stranger.closed() == 4401
    # want
    client = Session(at(server, "/ws/agent/guide.content"))
    await client.open(want=["agent.c*"])
    await client.ask("x", id="m1")
    assert (await client.until("agent.completed"))["first_seq"] >= 1
    assert {e["type"] for e in client.events} == {"agent.completed"}, client.events
    await client.say({"type": "session.update", "id": "u", "payload": {"want": ["*"]}})
    await client.reply("u")
    await client.ask("y")
    await client.until("agent.status")
    await client.ws.close()


@server_case("--token", "secret")
async def refusals(server):
    bearer = {"Authorization": "Bearer secret"}
    problem(upgrade(server, "/ws/coordinator"), 401, "AUTH_REQUIRED")
    assert "www-authenticate" in problem(upgrade(server, "/ws/workflow/1"), 401, "AUTH_REQUIRED")[1]
    problem(upgrade(server, "/ws/agent/guide.content", Authorization="Bearer other"), 401, "AUTH_INVALID")
    assert upgrade(server, "/ws/agent/guide.content", **bearer)[0] == 101
    said, _ = problem(upgrade(server, "/ws/agent/no.body", **bearer), 404, "AGENT_NOT_FOUND")
    assert said["hint"] and said["saw"], said
    for path in ("/ws/workflow/1", "/ws/workflow/0", "/ws/workflow/x", "/ws/workflow/%00", "/ws/workflow/%zz",
                 "/ws/workflow/99999999999999999999999", "/ws/workflow/1e0"):
        problem(upgrade(server, path, **bearer), 404, "MISSION_NOT_FOUND")
    for path in ("/ws/workflow", "/ws/workflow/", "/ws/coordinators", "/ws/agent", "/ws/agent/a/b", "/ws/coordinator/x"):
        problem(upgrade(server, path, **bearer), 404, "ROUTE_NOT_FOUND")
    problem(upgrade(server, "/ws/agent/%67uide", **bearer), 404, "AGENT_NOT_FOUND")
    assert upgrade(server, "/ws/agent/%67uide.content", **bearer)[0] == 101
    problem(upgrade(server, "/ws/coordinator", Origin="http://elsewhere.example", **bearer), 403, "ORIGIN_NOT_ALLOWED")
    problem(upgrade(server, "/ws/coordinator", Sec_WebSocket_Version="12", **bearer), 426,
            "UNSUPPORTED_WEBSOCKET_VERSION")
    problem(upgrade(server, "/ws/coordinator", Upgrade=None, Connection=None, **bearer), 400, "UPGRADE_STRIPPED_BY_PROXY")
    problem(upgrade(server, "/ws/coordinator", Sec_WebSocket_Protocol="chat", **bearer), 400,
            "SUBPROTOCOL_NOT_ACCEPTABLE")
    # A client of the full profile may bring its token later, and hears nothing before that.
    client = Session(at(server, "/ws/coordinator"))
    await client.connect()
    try:
        await client.hear(0.3)
        raise AssertionError("something was said without a token")
    except asyncio.TimeoutError:
        pass
    await client.open(auth={"scheme": "bearer", "token": "secret"})
    assert (await client.hear())["type"] == "coordinator.metrics"
    await client.ws.close()


def read_on(s):
    """What a socket has got, up to three seconds without anything."""
    s.settimeout(3)
    data = b""
    try:
        while piece := s.recv(1 << 20):
            data += piece
    except OSError:
        pass
    return data


@server_case()
async def who_does_not_read_costs_nothing(server):
    """20 sockets that do not read, and one that does, while an agent fails 12,000 times and then succeeds."""
    deaf = []
    for _ in range(20):
        s = socket.create_connection(("127.0.0.1", server.port))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        fields = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
        s.sendall(f"GET /ws/agent/liaison.experience HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{fields}\r\n".encode())
        deaf.append(s)
    await until(lambda: server.health()["connections"] == 20)
    before = server.memory_kib()
    async with Client(at(server, "/ws/agent/liaison.experience")) as viewer, Client(server.url) as client:
        told = []

        async def watch():
            while True:
                told.append((await viewer.hear(60))["payload"]["status"])
        watching = asyncio.ensure_future(watch())
        for _ in range(12000):
            await client.run("x", {**ECHO, "tokens": -1})
        await client.run("x", ECHO)
        await until(lambda: told[-1] == "idle")
        watching.cancel()
        growth = server.memory_kib() - before
        assert growth < GROWTH_KIB + 20 * 1024, growth
        # One that reads after all hears how things stand, and has missed some of what was between.
        heard = await asyncio.to_thread(read_on, deaf[0])
        assert heard.endswith(b"}}") and b'"status":"idle"' in heard[-200:], heard[-300:]
        assert heard.count(b'"error"') < told.count("error"), (heard.count(b'"error"'), told.count("error"))
        for s in deaf:
            s.close()
        await until(lambda: server.health()["connections"] == 2)


@case
async def a_drain_closes_them():
    server = Server()
    mission = begin(server, "guide.operations", "guide.content")
    quiet = [Client(at(server, path)) for path in ("/ws/coordinator", "/ws/agent/guide.content")]
    full = Session(at(server, f"/ws/workflow/{mission}"))
    for client in quiet:
        await client.__aenter__()
        await client.hear()
    await full.open()
    assert (await full.hear())["payload"]["status"] == "waiting_input"
    server.process.send_signal(signal.SIGTERM)
    assert await full.closed() == 1001
    assert "session.closing" in types(full.replies), full.replies
    assert full.events[-1]["payload"]["status"] == "failed", full.events[-1]
    for client in quiet:
        try:
            while True:
                await client.hear()
        except websockets.ConnectionClosed:
            assert client.ws.close_code == 1001
    assert server.stop() == 0, server.log()


if __name__ == "__main__":
    main("agent_push")
