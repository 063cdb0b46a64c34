"""agent_server --runtime: the planes as two processes, and what happens when one of them is gone."""
import asyncio
import json
import signal
import subprocess

import websockets

from agent_lib import BUILD, Client, Server, case, check_run, main, text_of, types, until

ECHO = {"surface": "experience_pillar"}


class Planes:
    def __init__(self, *options):
        self.options = options
        self.runtime = Server(*options, program="agent_runtime")
        self.server = Server("--runtime", self.runtime.url)
        self.url = self.server.url

    def state(self):
        return json.loads(self.server.get("/health")[1])["runtime"]

    async def kill(self):
        assert self.runtime.stop(signal.SIGKILL) == -signal.SIGKILL
        await until(lambda: self.state() == "unavailable", 5, "the loss is noticed")

    async def restart(self):
        self.runtime = Server(*self.options, program="agent_runtime", port=self.runtime.port)
        await until(lambda: self.state() == "connected", 10, "the link comes back")

    def stop(self):
        assert self.server.stop() == 0, self.server.log()
        assert self.runtime.stop() == 0, self.runtime.log()


def with_planes(*options):
    def wrap(function):
        async def wrapped():
            planes = Planes(*options)
            try:
                await function(planes)
            except BaseException:
                print(f"# agent_server:\n{planes.server.log()}# agent_runtime:\n{planes.runtime.log()}")
                raise
            finally:
                planes.server.process.poll() is None and planes.server.stop()
                planes.runtime.process.poll() is None and planes.runtime.stop()
        wrapped.__name__ = function.__name__
        return case(wrapped)
    return wrap


@with_planes()
async def as_in_one_process(planes):
    assert planes.state() == "connected"
    async with Client(planes.url) as client:
        events = check_run(await client.run("Say\u0020it \u00fcber again.", ECHO), "liaison.experience")
        assert text_of(events) == "Say it \u00fcber again." and types(events)[-1] == "agent.completed"
        # Identity does not get through, and nothing else is lost on the way.
        events = await client.run("x", {**ECHO, "user_id": "u1", "tokens": 3})
        assert len(text_of(events)) == 3, events
        # A question, answered word for word; the same again is no second answer.
        await client.ask("go", {"surface": "operations_pillar"})
        events = []
        while not events or events[-1]["type"] != "agent.input_request":
            events.append(await client.hear())
        answer = {"type": "agent.input_response", "payload": {"request_id": events[-1]["payload"]["request_id"],
                                                              "content": "n\u00e4her, \"bitte\""}}
        await client.say(answer)
        rest = await client.rest()
        assert rest[0]["type"] == "agent.input_resolved" and rest[0]["payload"]["outcome"] == "answered"
        check_run(events + rest, "guide.operations")
        assert "n\u00e4her" in json.dumps(rest, ensure_ascii=False)
        # Nobody answers: the Experience's deadline.
        events = await client.run("go", {"surface": "operations_pillar", "timeout_ms": 200})
        assert "Timeout: No user response" in json.dumps(check_run(events))
        # Cancel.
        await client.ask("x", {**ECHO, "tokens": 100000, "rate": 100}, invocation_id="c")
        while (await client.hear())["type"] != "agent.token":
            pass
        await client.say({"type": "agent.cancel", "payload": {"invocation_id": "c"}})
        assert (await client.rest())[-1]["payload"]["error"]["code"] == "CANCELLED"
    planes.stop()


@with_planes()
async def many(planes):
    async def one(n):
        async with Client(planes.url) as client:
            for turn in range(3):
                events = check_run(await client.run(f"client {n} turn {turn} " + "word " * 50, ECHO))
                assert text_of(events) == f"client {n} turn {turn} " + "word " * 50
    await asyncio.gather(*(one(n) for n in range(40)))


@with_planes("--agent", "guide.content=read -r line; printf '%s' \"$line\"")
async def nothing_about_the_user(planes):
    """What the agent gets: the whole invocation, seen by a child."""
    context = {"surface": "content_pillar", "user_role": "admin", "user_id": "u", "token": "t", "roles": ["r"],
               "mode": "m", "user": {"n": 1}, "conversation_state": "s", "project_id": "123"}
    async with Client(planes.url) as client:
        invocation = json.loads(text_of(check_run(await client.run("Summarize", context), "guide.content")))
        assert invocation["input"] == {"text": "Summarize", "project_id": "123"}, invocation


@with_planes()
async def runtime_killed(planes):
    async with Client(planes.url) as client, Client(planes.url) as other:
        for n in range(5):
            await client.ask("x", {**ECHO, "tokens": 1000000, "rate": 50}, invocation_id=f"r{n}")
        await other.ask("go", {"surface": "operations_pillar"}, invocation_id="q")
        running = set()
        while len(running) < 5:
            event = await client.hear()
            if event["type"] == "agent.token":
                running.add(event["invocation_id"])
        while (await other.hear())["type"] != "agent.input_request":
            pass
        await planes.kill()
        ended = {}
        while len(ended) < 5:
            event = await client.hear()
            if event["type"] == "agent.failed":
                ended[event["invocation_id"]] = event["payload"]["error"]
                assert event["agent_id"] == "liaison.experience" and isinstance(event["ts"], int)
        assert set(ended) == running
        assert all(error["code"] == "RUNTIME_UNAVAILABLE" and error["retryable"] for error in ended.values()), ended
        assert (await other.rest())[-1]["payload"]["error"]["code"] == "RUNTIME_UNAVAILABLE"
        assert planes.server.health()["pending_inputs"] == 0 and planes.server.health()["invocations"] == 0
        # New messages are refused at once, and the conversation lives.
        await client.expect_error({"type": "agent.message", "payload": {"text": "x"}}, "RUNTIME_UNAVAILABLE")
        await client.alive()
        # It comes back by itself, as often as you like.
        for _ in range(2):
            await planes.restart()
            assert text_of(check_run(await client.run("back again", ECHO))) == "back again"
            await planes.kill()
        await planes.restart()
        assert text_of(check_run(await other.run("and again", ECHO))) == "and again"
    planes.stop()


@with_planes()
async def runtime_drains(planes):
    async with Client(planes.url) as client:
        await client.ask("x", {**ECHO, "tokens": 1000000, "rate": 50})
        while (await client.hear())["type"] != "agent.token":
            pass
        assert planes.runtime.stop() == 0
        assert (await client.rest())[-1]["payload"]["error"]["code"] == "DRAINING"
        await until(lambda: planes.state() == "unavailable", 5, "the loss is noticed")
        await client.expect_error({"type": "agent.message", "payload": {"text": "x"}}, "RUNTIME_UNAVAILABLE")
        await planes.restart()
        assert text_of(check_run(await client.run("back", ECHO))) == "back"


@with_planes("--agent", "guide.content=echo begun; exec sleep 1000")
async def server_drains(planes):
    """SIGTERM to the Experience: its runs end, and the Runtime stops them."""
    client = Client(planes.url)
    async with client:
        for n in range(10):
            await client.ask("x", None, invocation_id=f"r{n}")
        for _ in range(20):
            await client.hear()
        planes.server.process.send_signal(signal.SIGTERM)
        codes = []
        try:
            while True:
                event = await client.hear()
                if event["type"] == "agent.failed":
                    codes.append(event["payload"]["error"]["code"])
        except websockets.ConnectionClosed:
            assert client.ws.close_code == 1001
        assert codes == ["DRAINING"] * 10, codes
    assert planes.server.stop() == 0
    children = f"/proc/{planes.runtime.process.pid}/task/{planes.runtime.process.pid}/children"
    await until(lambda: not open(children).read().split(), 5, "the children end")


@with_planes()
async def a_slow_reader_alone(planes):
    """A client that does not read holds its own run up, nobody else's, and loses nothing."""
    async with Client(planes.url, max_queue=2, read_limit=4096) as slow, Client(planes.url) as other:
        await slow.ask("y" * 2000, {**ECHO, "tokens": 20000}, invocation_id="slow")
        await asyncio.sleep(1)
        for _ in range(5):
            assert text_of(check_run(await other.run("meanwhile", ECHO))) == "meanwhile"
        assert planes.server.memory_kib() < 200000 and planes.runtime.memory_kib() < 100000
        events = check_run(await slow.rest(timeout=30))
        assert types(events).count("agent.token") == 20000 and types(events)[-1] == "agent.completed"


@case
async def no_runtime_yet():
    probe = Server(program="agent_runtime")
    assert probe.stop() == 0
    server = Server("--runtime", probe.url)
    try:
        async with Client(server.url) as client:
            await client.expect_error({"type": "agent.message", "payload": {"text": "x"}}, "RUNTIME_UNAVAILABLE")
            runtime = Server(program="agent_runtime", port=probe.port)
            await until(lambda: json.loads(server.get("/health")[1])["runtime"] == "connected", 10, "the link")
            assert text_of(check_run(await client.run("now", ECHO))) == "now"
            assert runtime.stop() == 0
    finally:
        assert server.stop() == 0
    # A server that is no Runtime is not taken for one, and the page is still served.
    other = Server()
    server = Server("--runtime", other.url)
    assert server.get("/")[0].status == 200 and json.loads(server.get("/health")[1])["runtime"] == "unavailable"
    assert server.stop() == 0 and other.stop() == 0


@case
async def a_runtime_that_lies():
    """A hand-written Runtime: what it refuses, says out of order, or says of others' runs."""
    seen = []

    async def runtime(ws):
        async for message in ws:
            message = json.loads(message)
            seen.append(message)
            if message["type"] != "runtime.streamAgent":
                continue
            id, text = message["payload"]["invocation_id"], message["payload"]["input"]["text"]

            async def tell(type, payload, **head):
                await ws.send(json.dumps({"type": type, "invocation_id": id, "agent_id": "guide.content", **head,
                                          "payload": payload}))
            if text == "refuse":
                await tell("error", {"code": "TOO_MANY_INVOCATIONS", "message": "full", "retryable": True})
            elif text == "odd":
                await tell("agent.token", {"message_id": "m", "text": "early"})
                await tell("agent.started", {}, seq=77, session_id="forged", id="i", re="r", room="r")
                await tell("agent.started", {})
                await tell("x.mine", {"k": [1]})
                await tell("error", {"code": "INVOCATION_CONFLICT", "message": "too late", "retryable": False})
                await ws.send("not JSON")
                await ws.send('{"type":"agent.token"}')
                await tell("agent.token", {"message_id": "m", "text": "stray"}, invocation_id="nobody")
                await tell("agent.completed", {})
                await tell("agent.token", {"message_id": "m", "text": "late"})
            else:
                await ws.close()

    async with websockets.serve(runtime, "127.0.0.1", 0, subprotocols=["agent-events.runtime.v1"]) as fake:
        port = fake.sockets[0].getsockname()[1]
        server = await asyncio.to_thread(Server, "--runtime", f"ws://127.0.0.1:{port}/any/path")
        try:
            async with Client(server.url) as client:
                events = check_run(await client.run("refuse"))
                assert types(events) == ["agent.started", "agent.failed"]
                assert events[-1]["payload"]["error"]["code"] == "TOO_MANY_INVOCATIONS"
                events = check_run(await client.run("odd"))
                assert types(events) == ["agent.started", "x.mine", "agent.completed"], events
                assert not {"id", "re", "room"} & set(events[0])
                events = check_run(await client.run("hang up"))
                assert types(events) == ["agent.started", "agent.failed"]
                assert events[-1]["payload"]["error"]["code"] == "RUNTIME_UNAVAILABLE"
                await client.alive()
            invocation = seen[0]["payload"]
            assert set(invocation) <= {"agent_id", "invocation_id", "input", "return_channel", "session_id"}, invocation
        finally:
            assert await asyncio.to_thread(server.stop) == 0


@case
def wrong_options():
    for wrong in (["--runtime", "nonsense"], ["--runtime"],
                  ["--runtime", "ws://127.0.0.1:1/", "--agent", "a=b"]):
        process = subprocess.run([f"{BUILD}/bin/agent_server", *wrong], capture_output=True, timeout=5)
        assert process.returncode == 2 and b"usage" in process.stderr, (wrong, process)


main("agent_planes")
