"""wick connect --session against agent_server: what is typed, what is shown, cuts, resuming in another process."""
import asyncio
import json
import random
import re
import signal
import subprocess

from agent_kit import SEED, Proxy, Session, server_case
from agent_lib import BUILD, Server, main
from wick_kit import check, finish, heard

TOKEN = "t\u00f6k\U0001f642 "


async def start(*arguments):
    return await asyncio.create_subprocess_exec(f"{BUILD}/bin/wick", "connect", *arguments, stdin=subprocess.PIPE,
                                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


async def session(url, typed, *options):
    process = await start(url, "--session", *options)
    return await finish(process, "".join(line + "\n" for line in typed).encode())


def message(text, surface="experience_pillar", **context):
    return json.dumps({"type": "agent.message", "payload": {"text": text, "context": {"surface": surface, **context}}})


def lines(got, pattern):
    return [line for line in got.out.splitlines() if re.match(pattern, line)]


@server_case()
async def what_is_typed(server):
    got = check(await session(server.url, [
        "One sentence.", '{"type":"ping","id":"p"}', '{"type":"room.join","payload":{"room":"all"}}',
        ' {"type":"room.publish","id":"mine","payload":{"room":"all","data":{"x":1}}}', '{"type":"nope"}', '{"type":"x.mine"}', "/answer no",
        "", "/cancelling is text"]), 0)
    for pattern in (r"session\.opened s_\w+, epoch \d+, new, head 0", r"accepted wick-\w+-1, run [-0-9a-f]{36}$", r"pong$",
                    r'room\.joined \{"room":"all","members":1\}$', r"accepted mine$", r'\d+ room\.message \{.*"x":1',
                    r"error to wick-\w+-\d+: UNKNOWN_TYPE: ", r"\d+ agent\.started [-0-9a-f]{36}$",
                    r"[-0-9]+ agent\.token [-0-9a-f]{36}: One ", r"\d+ agent\.completed [-0-9a-f]{36} .*stop"):
        assert lines(got, pattern), (pattern, got.out)
    assert "no question is open" in got.err and len(lines(got, r"\d+ agent.completed")) == 2, str(got) + got.out
    assert server.health()["sessions"] == 0, server.health()
    got = check(await session(server.url, ['{"type":', "{}", '{"type":"room.join","payload":{}}', "\x1b[2J"]), 0)
    assert got.err.count("not sent: ") == 3 and "\x1b" not in got.out, str(got)


@server_case()
async def questions(server):
    process = await start(server.url, "--session", "--surface", "operations_pillar")
    process.stdin.write(b"where?\n")
    out = await heard(process, b"(/answer TEXT)")
    process.stdin.write("/answer t\u00f6 the left\n".encode())
    got = check(await finish(process, b""), 0)
    assert b"How shall I go on with this: where?" in out and "t\u00f6 the left" in got.out, (out, got)
    process = await start(server.url, "--session", "--surface", "operations_pillar")
    process.stdin.write(b"where?\n")
    await heard(process, b"(/answer TEXT)")
    process.stdin.write(b"/cancel\n")
    got = check(await finish(process, b""), 0)
    assert "CANCELLED" in got.out, got


@server_case()
async def json_and_what_is_wanted(server):
    got = check(await session(server.url, [message(TOKEN, tokens=40)], "--json", "--want", "agent.completed,room.*"), 0)
    messages = [json.loads(line) for line in got.out.splitlines()]
    assert [m["type"] for m in messages] == ["session.opened", "accepted", "agent.completed", "accepted"], got.out
    for wrong in (("--resume", "x"), ("--resume", "a,b,c"), ("--surface", "s")):
        process = await start(server.url, *wrong)
        check(await finish(process, b""), 2)


@server_case("--token", "s3cret")
async def tokens(server):
    got = check(await session(server.url, [message("x")], "--token", "s3cret"), 0)
    assert lines(got, r"\d+ agent\.completed"), got.out
    for options in ((), ("--token", "wrong")):
        got = check(await session(server.url, ["x"], *options), 1)
        assert "4401" in got.err and "agent" not in got.out, got


@server_case()
async def through_cuts(server):
    rng = random.Random(SEED)
    async with Proxy(server.port) as proxy:
        process = await start(proxy.url, "--session", "--json")
        process.stdin.write((message(TOKEN, tokens=700, rate=250) + "\n").encode())
        run = asyncio.ensure_future(finish(process, b""))
        await proxy.cut_at_random(rng, 8, 0.1, 0.4)
        got = check(await run, 0, err="trying again in ")
        messages = [json.loads(line) for line in got.out.splitlines()]
        last = 0
        for event in (m for m in messages if "seq" in m):
            assert event.get("first_seq", event["seq"]) == last + 1, (SEED, event, last)
            last = event["seq"]
        text = "".join(m["payload"]["text"] for m in messages if m["type"] == "agent.token")
        assert text == TOKEN * 700 and messages[-1]["type"] == "accepted", SEED
        assert sum(m["type"] == "session.opened" for m in messages) > 1 and proxy.count > 1, SEED


@server_case()
async def typed_without_a_connection(server):
    async with Proxy(server.port) as proxy:
        process = await start(proxy.url, "--session")
        out = await heard(process, b"session.opened")
        proxy.closed = True
        proxy.cut(True)
        err = await heard(process, b"trying again in ", "stderr")
        process.stdin.write((message("said meanwhile") + "\n").encode())
        await asyncio.sleep(0.3)
        proxy.closed = False
        got = check(await finish(process, b""), 0)
        assert len(lines(got, r"\d+ agent\.started")) == 1, (out, err, got.out)


@server_case()
async def left_and_gone_on_with(server):
    process = await start(server.url, "--session", "--surface", "operations_pillar")
    process.stdin.write(b"where?\n")
    await heard(process, b"(/answer TEXT)")
    process.send_signal(signal.SIGINT)
    got = await finish(process, b"")
    check(got, 0, err="to go on: --resume ")
    resume = re.search(r"--resume (\S+)", got.err)[1]
    assert server.health()["sessions"] == 1 and server.health()["detached"] == 1, server.health()
    process = await start(server.url, "--resume", resume)
    await heard(process, b"recovered")
    process.stdin.write(b"/answer later\n")
    got = check(await finish(process, b""), 0)
    assert "later" in got.out and lines(got, r"\d+ agent\.completed") and server.health()["sessions"] == 0, got.out
    # A token that has been used by somebody else.
    got = check(await finish(await start(server.url, "--resume", resume), b"x\n"), 0)
    assert "new, head 0" in got.out, got.out


@server_case()
async def taken_over(server):
    process = await start(server.url, "--session", "--json")
    opened = json.loads((await heard(process, b"\n")).splitlines()[0])["payload"]
    other = Session(server.url)
    other.id, other.token, other.epoch = opened["session_id"], opened["resume_token"], opened["epoch"]
    await other.open()
    got = await finish(process, b"")
    check(got, 1, err=("4409", "SESSION_TAKEN_OVER"))
    await other.ws.close()


@server_case(program="echo_server")
async def a_server_without_sessions(server):
    got = check(await session(server.url, ["x"]), 1, "", "does not speak agent-events.v1")
    assert got.out == "", got


main("wick_session")
