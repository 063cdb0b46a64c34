"""Agents as child processes: what they print, how they end, cancel, back-pressure, nothing inherited."""
import asyncio
import json
import os
import signal
import sys
import tempfile
import time

from agent_lib import GROWTH_KIB, Client, Server, case, check_run, main, text_of, types, until

SHELL = {
    # Reads the invocation, echoes it, and goes.
    "test.plain": "read -r line; printf '%s\\n' \"$line\"; echo second; printf 'no newline'",
    "test.events": "cat >/dev/null <<E\nE\n"
                   "printf '%s\\n' '{\"type\":\"agent.started\"}' '{\"type\":\"agent.thought\",\"payload\":{\"text\":\"hm\"}}'"
                   " '{\"type\":\"agent.token\",\"payload\":{\"text\":\"a\"}}' '{\"type\":\"agent.unknown\"}' '{\"no\":1}' '{bad'"
                   " '{\"type\":\"x.mine\",\"payload\":{\"k\":01}}' '{\"type\":\"x.mine\",\"payload\":[]}'"
                   " '{\"type\":\"agent.token\",\"payload\":{}}'"
                   " '{\"type\":\"agent.action\",\"payload\":{\"call_id\":\"c\",\"phase\":\"end\"}}'"
                   " '{\"type\":\"x.mine\",\"payload\":{\"k\":[1]},\"seq\":9,\"session_id\":\"forged\",\"agent_id\":\"f.g\"}'"
                   " '{\"type\":\"ping\"}'"
                   " '{\"type\":\"agent.completed\",\"payload\":{\"result\":7}}' late",
    "test.exit3": "echo out; echo bad news >&2; exit 3",
    "test.killed": "echo out; kill -9 $$",
    "test.missing": "/no/such/program",
    "test.silent": "exit 0",
    "test.long": "head -c 10485760 /dev/zero | tr '\\0' 'y'",
    "test.wide": "head -c 300000 /dev/zero | sed 's/\\x0/\u00e9/g'; echo",
    "test.flood": "i=0; while [ $i -lt 20000 ]; do echo \"line $i\" >&2; i=$((i+1)); done",
    "test.binary": "printf 'a\\377\\300b\\000c\\n'",
    "test.forever": "echo begun; exec sleep 1000",
    "test.stubborn": "trap '' TERM; echo begun; while :; do sleep 0.2; done",
    "test.children": "sleep 1000 & echo $!; sleep 1000",
    "test.left": "sleep 1000 & echo $!",
    "test.lingers": "echo '{\"type\":\"agent.completed\"}'; exec sleep 1000",
    "test.endless": "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done",
    "test.fds": "exec ls -l /proc/self/fd",
    "test.asks": "read line; echo '{\"type\":\"agent.input_request\",\"payload\":{\"question\":\"Sure?\"}}'; read -r answer;"
                 " printf '%s\\n' \"$answer\" | tr '{' '('",
    "test.asks.soon": "read line; echo '{\"type\":\"agent.input_request\",\"payload\":{\"question\":\"Sure?\",\"timeout_ms\":200}}'; "
                      "read -r answer; printf '%s\\n' \"$answer\" | tr '{' '('",
    "test.asks.default": "read line; echo '{\"type\":\"agent.input_request\",\"payload\":{\"question\":\"Sure?\",\"timeout_ms\":200,"
                         "\"default\":{\"go\":true}}}'; read -r answer; printf '%s\\n' \"$answer\" | tr '{' '('",
    "test.tick": "i=0; while [ $i -lt 10 ]; do echo $i; i=$((i+1)); sleep 0.05; done",
    "test.group": "ps -o pgid= -p $$ | tr -d ' '; echo $$",
    "test.bigevent": "printf '{\"type\":\"agent.output\",\"payload\":{\"kind\":\"final\",\"content\":\"'; "
                     "head -c 400000 /dev/zero | tr '\\0' 'z'; printf '\"}}\\n'",
    "guide.content": "echo replaced",
}


def options():
    result = []
    for name, command in SHELL.items():
        result += ["--agent", f"{name}={command}"]
    rules = "".join(f"{name} * * {name}\n" for name in SHELL)
    path = tempfile.NamedTemporaryFile("w", suffix=".routes", delete=False)
    path.write(rules)
    path.close()
    return result + ["--route", path.name]


def server_case(function):
    async def wrapped():
        arguments = options()
        server = Server(*arguments)
        try:
            await function(server)
            await until(lambda: not children_of(server), 10, "no child is left")
        except Exception:
            print("\n".join(f"    {line}" for line in server.log().splitlines()[-40:]))
            raise
        finally:
            status = server.stop()
            os.unlink(arguments[-1])
        assert status == 0, f"exit status {status}\n{server.log()}"
        assert "Sanitizer" not in server.log(), server.log()
    wrapped.__name__ = function.__name__
    return case(wrapped)


def children_of(server):
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as children:
        return children.read().split()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # also between the two
        return False


def run(client, name, *args, **kwargs):
    return client.run("the text", {"surface": name, "a": "b\nc", "n": {"deep": [1, 2]}}, *args, **kwargs)


def failure(events):
    assert events[-1]["type"] == "agent.failed", types(events)
    return events[-1]["payload"]["error"]


@server_case
async def lines_are_tokens(server):
    async with Client(server.url) as client:
        events = check_run(await run(client, "test.plain"), "test.plain")
        tokens = [e["payload"]["text"] for e in events if e["type"] == "agent.token"]
        assert len(tokens) == 3 and tokens[1:] == ["second\n", "no newline"], tokens
        invocation = json.loads(tokens[0])
        assert invocation["agent_id"] == "test.plain" and invocation["invocation_id"] == events[0]["invocation_id"]
        assert invocation["input"] == {"text": "the text", "a": "b\nc", "n": {"deep": [1, 2]}}
        assert events[-1]["type"] == "agent.completed"
        assert "surface" not in tokens[0]
        # White space between the parts of a message is no line end for the child.
        await client.say('{"type":"agent.message","payload":{"text":"t","context":{"surface":"test.plain",\n"m":{\n"k"\n:\r\n1}}}}')
        tokens = [e["payload"]["text"] for e in check_run(await client.rest()) if e["type"] == "agent.token"]
        assert json.loads(tokens[0])["input"] == {"text": "t", "m": {"k": 1}}
        assert text_of(check_run(await run(client, "guide.content"))) == "replaced\n"


@server_case
async def json_lines_are_events(server):
    async with Client(server.url) as client:
        events = check_run(await run(client, "test.events"), "test.events")
        assert types(events) == ["agent.started", "agent.thought", "agent.token", "agent.token", "agent.token", "agent.token",
                                 "agent.token", "x.mine", "agent.token", "agent.completed"], types(events)
        assert text_of(events) == 'a{"type":"agent.unknown"}\n{"no":1}\n{bad\n{"type":"x.mine","payload":{"k":01}}\n{"type":"ping"}\n'
        assert events[1]["payload"]["message_id"] and events[2]["payload"]["message_id"]
        assert events[7]["payload"] == {"k": [1]} and events[7]["session_id"] == events[0]["session_id"]
        assert events[-1]["payload"]["result"] == 7
        log = server.log()
        assert "agent.token is dropped" in log and "agent.action is dropped" in log, log


@server_case
async def ends(server):
    async with Client(server.url) as client:
        events = check_run(await run(client, "test.exit3"))
        assert text_of(events) == "out\n" and failure(events)["code"] == "AGENT_ERROR" and "3" in failure(events)["message"]
        logs = [e["payload"] for e in events if e["type"] == "agent.log"]
        assert [(log["message"], log["stream"]) for log in logs] == [("bad news", "stderr")]
        events = check_run(await run(client, "test.killed"))
        assert failure(events)["code"] == "AGENT_ERROR" and "signal 9" in failure(events)["message"]
        assert text_of(events) == "out\n"
        assert failure(check_run(await run(client, "test.missing")))["code"] == "AGENT_ERROR"
        events = check_run(await run(client, "test.silent"))
        assert types(events) == ["agent.started", "agent.completed"]


@server_case
async def long_lines_come_in_pieces(server):
    async with Client(server.url) as client:
        base = server.memory_kib()
        events = check_run(await run(client, "test.long", timeout=60))
        assert text_of(events) == "y" * 10485760
        assert max(len(e["payload"].get("text", "")) for e in events) <= 65536
        grown = server.memory_kib() - base
        assert grown < GROWTH_KIB, f"{grown} KiB"
        events = check_run(await run(client, "test.wide"))
        assert text_of(events) == "\u00e9" * 300000 + "\n"
        events = check_run(await run(client, "test.bigevent"))
        assert [e["payload"]["content"] for e in events if e["type"] == "agent.output"] == ["z" * 400000]


@server_case
async def stderr_floods(server):
    async with Client(server.url) as client:
        events = check_run(await run(client, "test.flood", timeout=60))
        logs = [e["payload"]["message"] for e in events if e["type"] == "agent.log"]
        assert logs == [f"line {i}" for i in range(20000)], len(logs)


@server_case
async def bytes_that_are_no_text(server):
    async with Client(server.url) as client:
        assert text_of(check_run(await run(client, "test.binary"))) == "a\ufffd\ufffdb\u0000c\n"


@server_case
async def cancel_is_sigterm_then_sigkill(server):
    async with Client(server.url) as client:
        for name, seconds in (("test.forever", 2), ("test.stubborn", 8)):
            await client.ask("t", {"surface": name}, invocation_id=name)
            while (await client.hear())["type"] != "agent.token":
                pass
            pid = children_of(server)[0]
            start = time.monotonic()
            await client.say({"type": "agent.cancel", "payload": {"invocation_id": name}})
            assert failure(await client.rest())["code"] == "CANCELLED"
            await until(lambda: not alive(pid), seconds, f"{name} is gone")
            took = time.monotonic() - start
            assert name == "test.forever" or took > 4.5, f"killed after {took} s"


@server_case
async def signals_go_to_the_group(server):
    async with Client(server.url) as client:
        await client.ask("t", {"surface": "test.children"}, invocation_id="c")
        await client.hear()
        grandchild = int((await client.hear())["payload"]["text"])
        assert alive(grandchild)
        await client.say({"type": "agent.cancel", "payload": {"invocation_id": "c"}})
        await client.rest()
        await until(lambda: not alive(grandchild), 3, "the grandchild is gone")
        # What an agent leaves behind goes with it, and holds nothing up.
        start = time.monotonic()
        events = check_run(await run(client, "test.left"))
        assert events[-1]["type"] == "agent.completed" and time.monotonic() - start < 3
        await until(lambda: not alive(int(text_of(events))), 3, "what was left is gone")
        leader, pid = text_of(check_run(await run(client, "test.group"))).split()
        assert leader == pid


@server_case
async def one_that_lingers_is_stopped(server):
    async with Client(server.url) as client:
        events = check_run(await run(client, "test.lingers"))
        assert events[-1]["type"] == "agent.completed"
        await until(lambda: not children_of(server), 8, "stopped after its last event")


@server_case
async def a_child_inherits_no_socket(server):
    async with Client(server.url) as client:
        listing = text_of(check_run(await run(client, "test.fds")))
        assert "socket:" not in listing and "eventpoll" not in listing, listing
        assert len([line for line in listing.splitlines() if "->" in line]) <= 4, listing


def answer_of(events):
    return json.loads(text_of(events).replace("(", "{"))


@server_case
async def children_ask(server):
    async with Client(server.url) as client:
        async def on_event(event):
            if event["type"] == "agent.input_request":
                request = event["payload"]
                assert request["question"] == "Sure?" and request["timeout_ms"] == 300000 and request["expires_at"]
                await client.say('{"type":"agent.input_response","payload":{"request_id":"%s","content":{"a":\n1}}}'
                                 % request["request_id"])
        events = check_run(await run(client, "test.asks", on_event))
        request = next(e["payload"]["request_id"] for e in events if e["type"] == "agent.input_request")
        assert answer_of(events) == {"type": "agent.input_response", "payload": {
            "request_id": request, "content": {"a": 1}, "status": "answered"}}
        answer = answer_of(check_run(await run(client, "test.asks.soon")))
        assert answer["payload"]["content"] == "Timeout: No user response" and answer["payload"]["status"] == "timeout"
        assert answer_of(check_run(await run(client, "test.asks.default")))["payload"]["content"] == {"go": True}


@server_case
async def fifty_at_once(server):
    async with Client(server.url) as client:
        for i in range(50):
            await client.ask("t", {"surface": "test.tick"}, invocation_id=f"i{i}")
        got, over = {}, 0
        while over < 50:
            event = await client.hear()
            if event["type"] == "agent.token":
                got[event["invocation_id"]] = got.get(event["invocation_id"], "") + event["payload"]["text"]
            assert event["type"] != "agent.failed", event
            over += event["type"] == "agent.completed"
        assert got == {f"i{i}": "".join(f"{n}\n" for n in range(10)) for i in range(50)}


@server_case
async def a_slow_client_holds_its_children(server):
    async with Client(server.url) as client, Client(server.url) as other:
        base = server.memory_kib()
        client.ws.transport.pause_reading()
        await client.ask("t", {"surface": "test.endless"}, invocation_id="e")
        await asyncio.sleep(1)
        check_run(await run(other, "test.plain"))
        grown = server.memory_kib() - base
        assert grown < GROWTH_KIB, f"{grown} KiB for one slow reader"
        client.ws.transport.resume_reading()
        while (await client.hear())["type"] != "agent.token":
            pass
        await client.say({"type": "agent.cancel", "payload": {"invocation_id": "e"}})
        assert failure(await client.rest(timeout=60))["code"] == "CANCELLED"
        # A client that goes without reading: the run goes on, into nothing, until it is cancelled with the server.
        await client.ask("t", {"surface": "test.long"})
        client.ws.transport.pause_reading()
        await asyncio.sleep(0.3)
        client.ws.transport.abort()
    await until(lambda: server.health()["invocations"] == 0, 20, "the run has ended")


@case
async def the_server_takes_its_children_along():
    import websockets
    arguments = options()
    server = Server(*arguments)
    async with Client(server.url) as client:
        await client.ask("t", {"surface": "test.forever"})
        await client.ask("t", {"surface": "test.stubborn"})
        begun = 0
        while begun < 2:
            begun += (await client.hear())["type"] == "agent.token"
        pids = children_of(server)
        server.process.send_signal(signal.SIGTERM)
        try:
            codes = [failure(await client.rest())["code"] for _ in range(2)]
            assert codes == ["DRAINING"] * 2, codes
            await client.hear()
        except websockets.ConnectionClosed as closed:
            assert closed.code == 1001, closed
    assert server.stop() == 0
    os.unlink(arguments[-1])
    assert len(pids) == 2 and not any(alive(pid) for pid in pids)


main("agent_children")
