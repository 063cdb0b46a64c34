"""agent_runtime from the Experience's side of the link: invoke, stream, cancel, input, leaks, refusals, drain."""
import asyncio
import json
import os
import signal
import subprocess
import tempfile

import websockets

from agent_lib import BUILD, Server, case, check_run, main, problem, text_of, types, until, upgrade

SUBPROTOCOL = "agent-events.runtime.v1"


def runtime(*options, **more):
    return Server(*options, program="agent_runtime", **more)


class Link:
    """An Experience: one WebSocket, many runs. Status reports are kept apart."""

    def __init__(self, url, **options):
        self.url, self.options, self.status = url, options, []

    async def __aenter__(self):
        self.ws = await websockets.connect(self.url, subprotocols=[SUBPROTOCOL], max_size=None, **self.options)
        assert self.ws.subprotocol == SUBPROTOCOL
        return self

    async def __aexit__(self, *_):
        await self.ws.close()

    async def say(self, type, payload, **head):
        await self.ws.send(json.dumps({"type": type, **head, "payload": payload}))

    async def hear(self, timeout=10):
        while True:
            message = json.loads(await asyncio.wait_for(self.ws.recv(), timeout))
            if message["type"] != "runtime.status":
                assert "seq" not in message, message
                return message
            self.status.append(message["payload"])

    async def invoke(self, id, agent="liaison.experience", how="runtime.invokeAgent", **input):
        await self.say(how, {"agent_id": agent, "invocation_id": id, "input": input or {"text": "one two three"}})

    async def rest(self, id=None, timeout=20):
        """The events of a run up to its last one; those of other runs are an error unless no id is given."""
        events = []
        while not events or events[-1]["type"] not in ("agent.completed", "agent.failed", "error"):
            events.append(await self.hear(timeout))
            assert id is None or events[-1].get("invocation_id") == id, events[-1]
        return events

    async def until(self, type, id=None):
        while True:
            message = await self.hear()
            if message["type"] == type and id in (None, message.get("invocation_id")):
                return message


def with_runtime(*options, code=0):
    def wrap(function):
        async def wrapped():
            server = runtime(*options)
            try:
                await function(server)
            finally:
                assert server.stop() == code, server.log()
        wrapped.__name__ = function.__name__
        return case(wrapped)
    return wrap


@with_runtime()
async def runs(server):
    async with Link(server.url) as link:
        for how in ("runtime.invokeAgent", "runtime.streamAgent"):
            await link.invoke(how, how=how, text="The cat sat.")
            events = check_run(await link.rest(how), "liaison.experience")
            assert text_of(events) == "The cat sat." and "agent.completed" == types(events)[-1]
            assert all(isinstance(event["ts"], int) for event in events)
        # A string is {"text": ...}; the id is minted; the bare invocation needs no envelope.
        await link.say("runtime.invokeAgent", {"agent_id": "liaison.experience", "input": "plain"})
        events = check_run(await link.rest())
        assert text_of(events) == "plain" and len(events[0]["invocation_id"]) == 36
        await link.ws.send(json.dumps({"agent_id": "guide.content", "invocation_id": "bare", "session_id": "s1",
                                       "input": {"text": "It is so. Is it?", "project_id": "123"},
                                       "return_channel": "ws://client/xyz"}))
        events = check_run(await link.rest("bare"), "guide.content")
        assert types(events)[-1] == "agent.completed" and {event["session_id"] for event in events} == {"s1"}
        # The id may stand in the envelope, and may be escaped.
        await link.ws.send('{"type":"runtime.invokeAgent","invocation_id":"\\u0061\\u00e9","payload":'
                           '{"agent_id":"liaison.experience","input":"x"}}')
        assert (await link.rest())[0]["invocation_id"] == "a\u00e9"
        assert link.status[0]["active"] == 0 and link.status[0]["capacity"] > 1000 and not link.status[0]["draining"]


@with_runtime()
async def at_once(server):
    """Many runs on one link, and links that do not hear one another."""
    async with Link(server.url) as a, Link(server.url) as b:
        for n in range(100):
            for link, name in ((a, "a"), (b, "b")):
                await link.invoke(f"{name}{n}", text=f"{name} {n} " + "word " * 40)
        for link, name in ((a, "a"), (b, "b")):
            by_id = {}
            while sum(events[-1]["type"] == "agent.completed" for events in by_id.values()) < 100:
                event = await link.hear()
                by_id.setdefault(event["invocation_id"], []).append(event)
            assert sorted(by_id) == sorted(f"{name}{n}" for n in range(100))
            for id, events in by_id.items():
                assert text_of(check_run(events)) == f"{name} {id[1:]} " + "word " * 40
        # What one link runs is nobody else's.
        await a.invoke("mine", text="x", tokens=1000000, rate=50)
        await a.until("agent.token", "mine")
        await b.say("runtime.cancel", {"invocation_id": "mine"})
        assert (await b.hear())["payload"]["code"] == "INVOCATION_NOT_FOUND"
        await b.invoke("mine", text="stolen")
        assert (await b.hear())["payload"]["code"] == "INVOCATION_CONFLICT"
        await a.until("agent.token", "mine")
        await a.say("runtime.cancel", {"invocation_id": "mine"})
        assert (await a.until("agent.failed", "mine"))["payload"]["error"]["code"] == "CANCELLED"


@with_runtime("--agent", "test.count=printf x >> \"$COUNT\"; echo ran; sleep 0.3")
async def never_twice(server):
    async with Link(server.url) as link, Link(server.url) as other:
        await link.invoke("once", agent="test.count")
        for again in (link, link, other):
            await again.invoke("once", agent="test.count")
        events = await asyncio.wait_for(collect(link, lambda e: e["type"] == "agent.completed"), 10)
        errors = [event for event in events if event["type"] == "error"] + [await other.hear()]
        assert [error["payload"]["code"] for error in errors] == ["INVOCATION_CONFLICT"] * 3
        assert all(error["invocation_id"] == "once" for error in errors)
        await link.invoke("once", agent="test.count")
        assert (await link.hear())["payload"]["code"] == "INVOCATION_CONFLICT"
    with open(os.environ["COUNT"]) as count:
        assert count.read() == "x"


async def collect(link, last):
    events = []
    while not events or not last(events[-1]):
        events.append(await link.hear())
    return events


@with_runtime("--agent", "test.forever=echo begun; exec sleep 1000")
async def cancel(server):
    async with Link(server.url) as link:
        await link.invoke("f", agent="test.forever")
        await link.until("agent.token", "f")
        await link.say("runtime.cancel", {"invocation_id": "f", "reason": "enough"})
        failed = await link.until("agent.failed", "f")
        assert failed["payload"]["error"]["code"] == "CANCELLED" and failed["payload"]["error"]["message"] == "enough"
        # Again: it is over, and nothing is said. Unknown: an error, with the message's id.
        await link.say("runtime.cancel", {"invocation_id": "f"})
        await link.say("runtime.cancel", {"invocation_id": "nobody"}, id="c1")
        error = await link.hear()
        assert error["re"] == "c1" and error["invocation_id"] == "nobody"
        assert error["payload"]["code"] == "INVOCATION_NOT_FOUND", error
        await link.say("runtime.invokeAgent", {"agent_id": "test.forever", "invocation_id": "d", "input": {},
                                               "deadline_ms": 200})
        assert (await link.until("agent.failed", "d"))["payload"]["error"]["code"] == "DEADLINE_EXCEEDED"


@with_runtime()
async def human_input(server):
    async with Link(server.url) as link, Link(server.url) as other:
        await link.invoke("q", agent="guide.operations", text="deploy")
        question = (await link.until("agent.input_request", "q"))["payload"]
        assert question["question"] and question["expires_at"]
        answer = {"invocation_id": "q", "request_id": question["request_id"], "content": "by \u00fcber-ship",
                  "status": "answered"}
        await link.say("runtime.input_response", {**answer, "request_id": "req_1"})
        assert (await link.hear())["payload"]["code"] == "INPUT_NOT_FOUND"
        await other.say("runtime.input_response", answer)
        assert (await other.hear())["payload"]["code"] == "INPUT_NOT_FOUND"
        await link.say("runtime.input_response", answer)
        resolved = await link.hear()
        assert resolved["type"] == "agent.input_resolved" and resolved["payload"]["outcome"] == "answered"
        events = await link.rest("q")
        assert events[-1]["type"] == "agent.completed"
        assert "by \u00fcber-ship" in json.dumps(events, ensure_ascii=False)
        await link.say("runtime.input_response", answer)
        assert (await link.hear())["payload"]["code"] == "INPUT_NOT_FOUND"


@with_runtime()
async def leaks(server):
    """Whatever tells who the user is does not get in, and does not run."""
    async with Link(server.url) as link:
        for name in ("surface", "mode", "user", "user_id", "user_role", "roles", "conversation_state", "token"):
            for top, input in ((name, {"text": "x"}), (None, {"text": "x", name: "u"})):
                invocation = {"agent_id": "liaison.experience", "invocation_id": f"{name}{top}", "input": input}
                if top:
                    invocation[top] = "u"
                await link.say("runtime.invokeAgent", invocation, id="i1")
                error = await link.hear()
                assert error["type"] == "error" and error["payload"]["code"] == "IDENTITY_LEAK", error
                assert error["re"] == "i1" and error["payload"]["retryable"] is False
                await link.ws.send(json.dumps(invocation))
                assert (await link.hear())["payload"]["code"] == "IDENTITY_LEAK"
        # The name is what counts, not that it stands somewhere deeper or in a text.
        await link.invoke("deep", text="user", project={"user": 1})
        assert (await link.rest("deep"))[-1]["type"] == "agent.completed"


@with_runtime()
async def wrong(server):
    async with Link(server.url) as link:
        await link.invoke("n", agent="no.such.agent")
        events = check_run(await link.rest("n"), "no.such.agent")
        assert types(events) == ["agent.started", "agent.failed"]
        assert events[-1]["payload"]["error"]["code"] == "AGENT_NOT_FOUND"
        for message, code in ((b"binary", "INVALID_JSON"), ("{", "INVALID_JSON"), ('{"type":1}', "INVALID_ENVELOPE"),
                              ('{"type":"runtime.invokeAgent"}', "INVALID_PAYLOAD"),
                              ('{"type":"runtime.invokeAgent","payload":{"agent_id":"BAD","input":{}}}', "INVALID_PAYLOAD"),
                              ('{"agent_id":"guide.content","input":3}', "INVALID_PAYLOAD"),
                              ('{"type":"runtime.cancel","payload":{}}', "INVALID_PAYLOAD"),
                              ('{"type":"x.mine","payload":[]}', "INVALID_PAYLOAD"),
                              ('{"type":"runtime.unknown"}', "UNKNOWN_TYPE"), ('{"type":"agent.token"}', "UNKNOWN_TYPE"),
                              ('{"type":"agent.message","payload":{"text":"x"}}', "UNKNOWN_TYPE")):
            await link.ws.send(message)
            error = await link.hear()
            assert error["type"] == "error" and error["payload"]["code"] == code, (message, error)
        await link.ws.send('{"type":"x.mine","payload":{}}')
        await link.ws.send(' {"type": "ping", "id": "p"}')
        assert await link.hear() == {"type": "pong", "re": "p"}
        for _ in range(3):
            await link.ws.send("not JSON")
        try:
            await collect(link, lambda _: False)
        except websockets.ConnectionClosed:
            assert link.ws.close_code == 4400, link.ws.close_code


@case
def refusals():
    server = runtime()
    path = server.url.split(str(server.port))[1]
    try:
        offer = {"Sec_WebSocket_Protocol": SUBPROTOCOL}
        status, headers, _ = upgrade(server, path, **offer)
        assert status == 101 and headers["sec-websocket-protocol"] == SUBPROTOCOL
        assert upgrade(server, path, Sec_WebSocket_Protocol=f"agent-events.v1, {SUBPROTOCOL}")[0] == 101
        for other in ("/", "/runtime/x", "/runtimes", "/api/runtime/agent", "/ws", "/health"):
            problem(upgrade(server, other, **offer), 404, "ROUTE_NOT_FOUND")
            problem(upgrade(server, other, Origin="http://evil.example", **offer), 404, "ROUTE_NOT_FOUND")
            response, body = server.get(other)
            assert response.status == 404 and json.loads(body)["code"] == "ROUTE_NOT_FOUND"
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{server.port}", ""):
            problem(upgrade(server, path, Origin=origin, **offer), 403, "ORIGIN_NOT_ALLOWED")
        for offered in (None, "agent-events.v1", "agent-events.bearer.eA"):
            document, _ = problem(upgrade(server, path, Sec_WebSocket_Protocol=offered), 400, "SUBPROTOCOL_NOT_ACCEPTABLE")
            assert SUBPROTOCOL in document["hint"], document
        assert server.get(path)[0].status in (400, 426)
        assert "ORIGIN_NOT_ALLOWED" in server.log()
    finally:
        assert server.stop() == 0
    for wrong in (["--bus", "redis://x"], ["--agent", "noequals"], ["--port", "x"], ["extra"]):
        process = subprocess.run([f"{BUILD}/bin/agent_runtime", *wrong], capture_output=True, timeout=5)
        assert process.returncode == 2 and b"usage" in process.stderr, (wrong, process)


@with_runtime("--agent", "test.pid=echo $$; exec sleep 1000")
async def gone(server):
    """Nobody hears the runs of a link that has gone: they are cancelled, and their ids stay used."""
    async with Link(server.url) as watcher:
        link = await Link(server.url).__aenter__()
        await link.invoke("p", agent="test.pid")
        pid = int((await link.until("agent.token", "p"))["payload"]["text"])
        await link.invoke("e", text="x", tokens=10000000)
        link.ws.transport.abort()
        await until(lambda: not alive(pid), 10, "the child of a lost link ends")
        await watcher.invoke("p", agent="test.pid")
        assert (await watcher.hear())["payload"]["code"] == "INVOCATION_CONFLICT"
        await watcher.invoke("last")
        assert (await watcher.rest("last"))[-1]["type"] == "agent.completed"
        await watcher.ws.ping()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # also between the two
        return False


@with_runtime()
async def back_pressure(server):
    """An Experience that does not read holds its runs up, and costs no memory; what it reads then is whole."""
    before = server.memory_kib()
    async with Link(server.url, max_queue=4, read_limit=4096) as link, Link(server.url) as other:
        for n in range(4):
            await link.invoke(f"r{n}", text="y" * 4000, tokens=20000)
        await asyncio.sleep(1)
        assert server.memory_kib() - before < 8192, server.memory_kib() - before
        await other.invoke("o")
        assert (await other.rest("o"))[-1]["type"] == "agent.completed"
        tokens, left = {}, 4
        while left:
            event = await link.hear(30)
            tokens[event["invocation_id"]] = tokens.get(event["invocation_id"], 0) + (event["type"] == "agent.token")
            left -= event["type"] == "agent.completed"
        assert set(tokens.values()) == {20000}, tokens


@with_runtime()
async def hold(server):
    """A run that is held says nothing until it may go on; the others do not wait for it."""
    async with Link(server.url) as link:
        await link.invoke("h", text="x", tokens=100000, rate=2000)
        await link.until("agent.token", "h")
        await link.say("x.runtime.hold", {"invocation_id": "h"})
        await link.invoke("o", text="x")
        await link.until("agent.completed", "o")
        await link.invoke("p", text="x")
        assert {event["invocation_id"] for event in await link.rest()} == {"p"}
        await link.say("x.runtime.room", {"invocation_id": "h"})
        await link.until("agent.token", "h")
        await link.say("x.runtime.hold", {"invocation_id": "h"})
        await link.say("runtime.cancel", {"invocation_id": "h"})
        await link.say("x.runtime.room", {"invocation_id": "h"})
        assert (await link.until("agent.failed", "h"))["payload"]["error"]["code"] == "CANCELLED"
        await link.say("x.runtime.hold", {"invocation_id": "nobody"})
        await link.say("x.runtime.hold", {})
        await link.invoke("q")
        assert (await link.rest("q"))[-1]["type"] == "agent.completed"


@case
async def drain():
    server = runtime("--agent", "test.stubborn=trap '' TERM; echo begun; while :; do sleep 0.2; done")
    async with Link(server.url) as link, Link(server.url, max_queue=2, read_limit=4096) as slow:
        for n in range(20):
            await link.invoke(f"r{n}", text="x", tokens=1000000, rate=100)
        for n in range(4):
            await slow.invoke(f"s{n}", text="y" * 4000, tokens=100000)
        await link.invoke("stubborn", agent="test.stubborn")
        await link.until("agent.token", "stubborn")
        await asyncio.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        # Of the slow link's, those that were read before it was full.
        for each, started in ((link, {f"r{n}" for n in range(20)} | {"stubborn"}), (slow, set())):
            ended = {}
            try:
                while True:
                    event = await each.hear()
                    if event["type"] == "agent.started":
                        started.add(event["invocation_id"])
                    if event["type"] == "agent.failed":
                        ended[event["invocation_id"]] = event["payload"]["error"]["code"]
            except websockets.ConnectionClosed:
                assert each.ws.close_code == 1001, each.ws.close_code
            assert started and ended == {id: "DRAINING" for id in started}, (started, ended)
            assert each.status[-1]["draining"] and each.status[-1]["active"] == 0, each.status
    assert server.stop(timeout=15) == 0


with tempfile.TemporaryDirectory() as folder:
    os.environ["COUNT"] = os.path.join(folder, "count")
    main("agent_runtime")
