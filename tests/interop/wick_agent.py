"""wick agent against agent_server, through a proxy that cuts connections, and against servers made to misbehave."""
import asyncio
import http
import json
import os
import pty
import random
import signal
import socket
import subprocess
import termios
import time

import websockets
from agent_kit import PROFILE, SEED, Proxy, server_case
from agent_lib import BUILD, PATH, Server, case, main
from wick_kit import check, finish, heard, start, wick


# ---- agent_server


@server_case()
async def the_built_in_agents(server):
    for mode in ((), ("--quiet-mode",)):
        text = "One sentence is here. A second one follows."
        got = check(await wick(server.url, text, *mode), 0, err=("started guide.content", "completed"))
        assert got.out and got.out in text, got
        got = check(await wick(server.url, "1 2 3 4", "--surface", "data_pillar", *mode), 0,
                    err=("liaison.data", "progress 1/2", '"mean":2.5'))
        assert "sum 10" in got.out, got
        check(await wick("--surface", "operations_pillar", server.url, "where?", *mode, answers="t\u00f6 the left\n"), 0,
              "The answer is: t\u00f6 the left", ("question: ", "where?", "question answered"))
        text = "w\u00f6rd \U0001f642\\\" "
        context = json.dumps({"tokens": 300, "surface": "data_pillar"})
        check(await wick(server.url, text, "--surface", "experience_pillar", "--context", context, *mode), 0, text * 300)
        check(await wick(*mode, server.url, "--", "-x\ny"), 0, "-x\ny")
    assert server.health()["sessions"] == 0, server.health()


@server_case()
async def json_lines(server):
    got = check(await wick(server.url, "x", "--surface", "experience_pillar", "--json", "--invocation", "run-1",
                           "--context", '{"tokens":50}'), 0)
    events = [json.loads(line) for line in got.out.splitlines()]
    assert events[0]["type"] == "agent.started" and events[-1]["type"] == "agent.completed", got
    assert "".join(e["payload"]["text"] for e in events if e["type"] == "agent.token") == "x" * 50
    assert {e["invocation_id"] for e in events} == {"run-1"}, got
    last = 0
    for event in events:
        assert event.get("first_seq", event["seq"]) == last + 1, got
        last = event["seq"]


@server_case()
async def nobody_answers(server):
    check(await wick(server.url, "x", "--surface", "operations_pillar"), 0, err=("declined", "question declined"))
    got = check(await wick(server.url, "x", "--surface", "operations_pillar", answers="no newline"), 0)
    assert got.out == "The answer is: no newline", got
    got = check(await wick(server.url, "x", "--surface", "operations_pillar", answers="y" * 300000), 0)
    assert "the answer is too long" in got.err and "question declined" in got.err, got
    long = "z" * 200000
    check(await wick(server.url, "x", "--surface", "operations_pillar", answers=long + "\r\n"), 0, "The answer is: " + long)
    with open(__file__) as file:  # a file is not waited for
        first = file.readline().rstrip("\n")
        file.seek(0)
        process = await start(server.url, "x", "--surface", "operations_pillar", stdin=file.fileno())
        check(await finish(process), 0, "The answer is: " + first)
    process = await start(server.url, "x", "--surface", "operations_pillar", "--context", '{"timeout_ms":300}',
                          stdin=subprocess.PIPE)
    await asyncio.wait_for(process.wait(), 20)  # stdin stays open, and silent
    check(await finish(process), 0, err="question timeout")


@server_case("--agent", "guide.content=echo some; exit 3", "--agent",
             "liaison.data=read x; for i in 1 2; do echo '{\"type\":\"agent.input_request\",\"payload\":"
             "{\"question\":\"which?\",\"kind\":\"choice\",\"choices\":[\"red\",\"green\"],\"default\":\"red\"}}';"
             " read a; echo \"$a\"; done")
async def agents_that_are_processes(server):
    check(await wick(server.url, "x"), 1, "some\n", "failed: ")
    got = check(await wick(server.url, "x", "--surface", "data_pillar", answers="2\n\n"), 0, err="  2: green")
    contents = [json.loads(line)["payload"]["content"] for line in got.out.splitlines()]
    assert contents == ["green", "red"], got


@server_case()
async def refused_arguments(server):
    for arguments in ((), (server.url,), (server.url, "x", "y"), (server.url, "x", "--context", "[1]"),
                      (server.url, "x", "--context", "{"), (server.url, "x", "--id", "a b"), (server.url, b"\xff"),
                      (server.url, "x", "--token", "a\nb"), ("http//x", "x"), (server.url, "x", "--surface", b"\xff"),
                      (server.url, "x", "--invocation", ""), (server.url, "x", "--bogus")):
        got = check(await wick(*arguments), 2, "")
        assert "usage: wick agent" in got.err, got
    check(await wick("--help"), 0)


@server_case("--token", "s3cret")
async def tokens(server):
    check(await wick(server.url, "x", "--token", "s3cret"), 0, "x")
    check(await wick(server.url, "x", "--token", "wrong"), 3, "", "given up: the token is missing or wrong")
    check(await wick(server.url, "x"), 3, "", "given up: the token is missing or wrong")
    check(await wick(server.url, "x", "--quiet-mode"), 3, "", "401")


@case
async def nobody_is_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: refused
        began = time.monotonic()
        check(await wick(f"ws://127.0.0.1:{unused.getsockname()[1]}{PATH}", "x"), 3, "", "given up: there is no connection")
        assert time.monotonic() - began < 10


@server_case()
async def not_an_endpoint(server):
    check(await wick(server.url + "s", "x"), 3, "", ("404", "given up: there is no agent endpoint"))


@server_case()
async def interrupted(server):
    for how, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        for mode in ((), ("--quiet-mode",)):
            process = await start(server.url, "tok ", "--surface", "experience_pillar", "--context",
                                  '{"tokens":4000,"rate":50}', *mode)
            await heard(process, b"tok tok ")
            process.send_signal(how)
            check(await finish(process), status, err="CANCELLED")
            assert server.health()["invocations"] == 0, server.health()


@server_case()
async def the_output_is_not_read(server):
    process = await start(server.url, "tok ", "--surface", "experience_pillar", "--context", '{"tokens":4000,"rate":50}')
    await heard(process, b"tok ")
    process._transport.get_pipe_transport(1).close()
    assert await asyncio.wait_for(process.wait(), 20) == 1
    assert server.health()["invocations"] == 0, server.health()


async def at_a_terminal(url, keys, *arguments):
    """Run at a terminal of its own; press keys when a question is there. Gives exit status and all that was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(f"{BUILD}/bin/wick", ["wick", "agent", url, *arguments])
    shown, loop, pressed = b"", asyncio.get_running_loop(), False
    # Ctrl-C throws away what the terminal has not shown yet, which may be what wick says of it.
    attributes = termios.tcgetattr(terminal)
    attributes[3] |= termios.NOFLSH
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    try:
        while True:
            try:
                piece = await asyncio.wait_for(loop.run_in_executor(None, os.read, terminal, 4096), 20)
            except OSError:
                break
            if not piece:
                break
            shown += piece
            if b"\n" in shown.partition(b"question: ")[2] and not pressed:
                pressed = True
                os.write(terminal, keys)
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


@server_case()
async def a_terminal(server):
    where = ("where?\x1b[2J", "--surface", "operations_pillar")
    for keys, status, part in ((b"to the left\n", 0, "The answer is: to the left"), (b"\x04", 0, "question declined"),
                               (b"\x03", 130, "CANCELLED")):
        got = await at_a_terminal(server.url, keys, *where)
        assert got[0] == status and part in got[1], (keys, got)
        assert "where?\\x1b[2J" in got[1] and "\x1b" not in got[1], got
    got = await at_a_terminal(server.url, b"", "a\x1b[2Jb", "--surface", "experience_pillar")
    assert got[0] == 0 and "a\\x1b[2Jb" in got[1] and "\x1b" not in got[1], got
    lines = got[1].replace("\r\n", "\n").split("\n")
    assert any(line.startswith("completed") for line in lines), lines  # not behind the text


# ---- A proxy that cuts


@server_case()
async def a_run_through_cuts(server):
    rng = random.Random(SEED)
    async with Proxy(server.port) as proxy:
        # Fewer events than the server keeps: however long a wait is, none may be missed.
        process = await start(proxy.url, "t\u00f6k\U0001f642 ", "--surface", "experience_pillar", "--context",
                              '{"tokens":1000,"rate":250}')
        run = asyncio.ensure_future(finish(process))
        await asyncio.sleep(0.1)
        await proxy.cut_at_random(rng, 12)
        got = check(await run, 0, "t\u00f6k\U0001f642 " * 1000, "connected again, nothing is lost")
        assert "events were missed" not in got.err and proxy.count > 2, (SEED, proxy.count, str(got))
    assert server.health()["invocations"] == 0


@server_case()
async def a_run_through_a_long_absence(server):
    async with Proxy(server.port) as proxy:
        process = await start(proxy.url, "t\u00f6k\U0001f642 ", "--surface", "experience_pillar", "--context",
                              '{"tokens":4000,"rate":2000}')
        run = asyncio.ensure_future(finish(process))
        await asyncio.sleep(0.3)
        proxy.closed = True
        proxy.cut(True)
        await asyncio.sleep(1.2)  # more events than the server keeps
        proxy.closed = False
        check(await run, 0, "t\u00f6k\U0001f642 " * 4000, "events were missed: window_expired")


@server_case()
async def a_question_through_a_cut(server):
    async with Proxy(server.port) as proxy:
        process = await start(proxy.url, "where?", "--surface", "operations_pillar", stdin=subprocess.PIPE)
        err = await heard(process, b"question: ", "stderr")
        proxy.cut(True)
        process.stdin.write(b"through\n")  # while there is no connection, and after it has come back
        got = await finish(process, b"not asked\n")
        got.err = err.decode() + got.err
        check(got, 0, "The answer is: through")
        assert got.err.count("question: ") == 1, got


@server_case()
async def given_up(server):
    async with Proxy(server.port) as proxy:
        for arguments, why in ((("--retry", "1"), "no connection for too long"), (("--quiet-mode",), "the run is lost")):
            proxy.closed = False
            process = await start(proxy.url, "tok ", "--surface", "experience_pillar", "--context",
                                  '{"tokens":400,"rate":20}', *arguments)
            await heard(process, b"tok ")
            proxy.closed = True
            proxy.cut(False)
            check(await finish(process, timeout=20), 3, err=("given up: ", why))


@case
async def the_server_starts_anew():
    first, second = Server(), Server()
    try:
        async with Proxy(first.port) as proxy:
            process = await start(proxy.url, "tok ", "--surface", "experience_pillar", "--context",
                                  '{"tokens":400,"rate":20}')
            await heard(process, b"tok ")
            proxy.target = second.port
            first.stop(signal.SIGKILL)
            check(await finish(process), 3, err="the server does not know the run any more")
    finally:
        first.stop()
        assert second.stop() == 0


# ---- Servers made to misbehave


class Script:
    """A server of our own: play(session, connection number) is called for each connection that has opened a session."""

    def __init__(self, play, subprotocols=(PROFILE,), **options):
        self.play, self.count, self.problems, self.opens = play, 0, [], []
        self.subprotocols, self.options, self.messages = subprotocols, options, []

    async def __aenter__(self):
        self.server = await websockets.serve(self.serve, "127.0.0.1", 0, subprotocols=self.subprotocols, **self.options)
        self.url = f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}{PATH}"
        return self

    async def __aexit__(self, kind, *_):
        self.server.close()
        await self.server.wait_closed()
        if self.problems and kind is None:
            raise self.problems[0]

    async def serve(self, ws, *_):
        self.count += 1
        self.ws = ws
        try:
            if ws.subprotocol:
                opening = await self.hear()
                assert opening["type"] == "session.open" and opening["payload"]["versions"] == ["1.0"], opening
                self.opens.append(opening["payload"])
            await self.play(self, self.count)
        except websockets.ConnectionClosed:
            pass
        except Exception as error:
            self.problems.append(error)

    async def hear(self, *types):
        while True:
            message = json.loads(await asyncio.wait_for(self.ws.recv(), 10))
            if not types or message["type"] in types:
                self.messages.append(message)
                return message

    async def say(self, type, payload=None, **head):
        await self.ws.send(json.dumps({**head, "type": type, "payload": payload or {}}))

    async def opened(self, recovered=False, **payload):
        await self.say("session.opened", {
            "version": "1.0", "session_id": "s1", "epoch": 7, "head_seq": 0, "resume_token": f"t{self.count}",
            "recovered": recovered, "heartbeat": {"interval_ms": 25000, "timeout_ms": 20000},
            "limits": {"max_message_bytes": 1 << 20, "resume_window_ms": 120000, "max_invocations": 4}, **payload})

    async def begin(self):
        await self.opened()
        asked = await self.hear("agent.message")
        self.run = asked["payload"]["invocation_id"]
        await self.say("accepted", {"invocation_id": self.run}, re=asked["id"])
        await self.event(1, "agent.started")

    async def event(self, seq, type, payload=None, **head):
        await self.say(type, payload, seq=seq, invocation_id=self.run, agent_id="a.b", **head)

    async def token(self, seq, text, **head):
        await self.event(seq, "agent.token", {"message_id": "m", "text": text}, **head)

    async def complete(self, seq):
        await self.event(seq, "agent.completed")
        closing = await self.hear("session.close")
        await self.say("accepted", re=closing["id"])


@case
async def gaps_and_duplicates():
    async def play(server, count):
        if count == 1:
            await server.begin()
            await server.token(2, "a")
            await server.token(2, "a")
            await server.token(1, "never")
            await server.token(3, "b")
            await server.token(5, "after a gap")
            await server.token(6, "and more")
            await server.ws.wait_closed()
            assert server.ws.close_code == 4510, server.ws.close_code
        else:
            await server.opened(True)
            await server.token(5, "cd", first_seq=4)
            await server.complete(6)

    async with Script(play) as server:
        check(await wick(server.url, "x"), 0, "abcd", "events are missing")
        resumed = server.opens[1]
        assert (resumed["session_id"], resumed["resume_token"], resumed["epoch"], resumed["last_seq"]) == ("s1", "t1", 7, 3)
        assert sum(m["type"] == "agent.message" for m in server.messages) == 1


@case
async def the_same_id_again():
    async def play(server, count):
        await server.opened(count > 1)
        asked = await server.hear("agent.message")
        if count < 3:
            server.ws.transport.abort()
            return
        server.run = asked["payload"]["invocation_id"]
        await server.say("accepted", {"duplicate": True, "invocation_id": server.run}, re=asked["id"])
        await server.event(1, "agent.started")
        await server.token(2, "once")
        await server.complete(3)

    async with Script(play) as server:
        check(await wick(server.url, "x", "--id", "mine", "--context", '{"a":1}', "--surface", "s", "--deadline", "9000"),
              0, "once")
        asked = [m for m in server.messages if m["type"] == "agent.message"]
        assert len(asked) == 3 and asked[0] == asked[1] == asked[2], asked
        assert asked[0]["id"] == "mine" and asked[0]["payload"]["context"] == {"surface": "s", "a": 1}, asked
        assert asked[0]["payload"]["text"] == "x" and asked[0]["payload"]["deadline_ms"] == 9000


@case
async def close_codes():
    for code, status, connections in ((4401, 3, 1), (4403, 3, 1), (4409, 3, 1), (4429, 3, 1), (1008, 3, 1), (1000, 3, 1),
                                      (1001, 0, 2), (1011, 0, 2), (4500, 0, 2), (4508, 0, 2), (4509, 0, 2), (3000, 0, 2)):
        async def play(server, count):
            if count == 1:
                await server.begin()
                await server.ws.close(code, "NAME: why")
            else:
                await server.opened(True)
                await server.token(2, "on")
                await server.complete(3)

        async with Script(play) as server:
            got = check(await wick(server.url, "x"), status, "on" if status == 0 else "", (str(code), "closed: NAME: why"))
            assert server.count == connections, (code, server.count, str(got))


@case
async def a_reset_with_a_snapshot():
    for text, ended, out in (("ab\u00e9d", True, "ab\u00e9d"), ("ab", False, "ab+"), ("xyz", False, "abxyz+")):
        async def play(server, count):
            if count == 1:
                await server.begin()
                await server.token(2, "ab")
                server.ws.transport.abort()
                return
            await server.opened(False, head_seq=40)
            await server.say("session.reset", {
                "reason": "window_expired", "epoch": 7, "head_seq": 40, "snapshot": {"invocations": [
                    {"invocation_id": "another", "agent_id": "a.b", "status": "failed", "messages": []},
                    {"invocation_id": server.run, "agent_id": "a.b", "status": "completed" if ended else "running",
                     "messages": [{"message_id": "m", "role": "assistant", "text": text, "done": ended}]}]}})
            if not ended:
                await server.token(41, "+")
                await server.complete(42)
            else:
                await server.hear("session.close")

        async with Script(play) as server:
            check(await wick(server.url, "x"), 0, out, "events were missed: window_expired")


@case
async def errors_and_strange_messages():
    async def play(server, count):
        await server.begin()
        await server.ws.send("no json")
        await server.ws.send(b"binary")
        await server.say("ping", id="p")
        assert (await server.hear("pong"))["re"] == "p"
        await server.event(2, "x.mine", {"a": [1]})
        await server.event(3, "agent.token", {"text": 5})
        await server.event(4, "agent.thought", {"message_id": "t", "text": "two\nlines\x1b[2J"})
        await server.token(5, "\x1b[2J")
        await server.say("error", {"code": "RATE_LIMITED", "message": "slowly", "retryable": True}, re="other")
        await server.complete(6)

    async with Script(play) as server:
        got = check(await wick(server.url, "x"), 0, "\x1b[2J", ("not understood", 'x.mine {"a": [1]}', "RATE_LIMITED: slowly",
                                                              "thought: two\\x0alines\\x1b[2J"))
        assert "\x1b" not in got.err and server.count == 1, got

    async def refuse(server, count):
        await server.opened()
        asked = await server.hear("agent.message")
        await server.say("error", {"code": "TOO_MANY_INVOCATIONS", "message": "full", "retryable": True}, re=asked["id"])
        await server.hear("session.close")

    async with Script(refuse) as server:
        check(await wick(server.url, "x"), 1, "", "error TOO_MANY_INVOCATIONS: full")


@case
async def without_the_profile():
    """Servers that know no subprotocol: one ignores it, one refuses it and says so."""
    async def play(server, count):
        assert server.ws.subprotocol is None
        assert (await server.hear())["type"] == "agent.message"
        for message in ({"type": "agent.started"}, {"type": "agent.token", "payload": {"message_id": "m", "text": "plain"}},
                        {"type": "agent.completed"}):
            await server.ws.send(json.dumps({**message, "invocation_id": "its own"}))
        await server.ws.wait_closed()

    async def refuse(path, headers):
        if "Sec-WebSocket-Protocol" in headers:
            return http.HTTPStatus.BAD_REQUEST, [("Content-Type", "application/problem+json")], b'{"code":"SUBPROTOCOL_NOT_ACCEPTABLE"}'
        return None

    async with Script(play, None) as server:
        check(await wick(server.url, "x"), 0, "plain", "no sessions here")
        assert server.count == 1
    async with Script(play, None, process_request=refuse) as server:
        check(await wick(server.url, "x"), 0, "plain", "no sessions here")


main("wick_agent")
