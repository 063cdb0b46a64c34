"""agent_server with agent-events.v1: sessions that are cut off, taken over, resumed elsewhere, read too slowly, ended."""
import asyncio
import base64
import json
import random
import signal

import websockets
from agent_kit import PROFILE, SEED, Session, server_case
from agent_lib import TERMINAL, Server, case, main, until


@server_case()
async def a_run_through_a_hundred_cuts(server):
    rng = random.Random(SEED)
    client = Session(server.url)
    await client.open()
    await client.ask("t\u00f6k\U0001f642 \\\"", {"surface": "experience_pillar", "tokens": 4000, "rate": 1300})
    cuts = 0
    while not any(e["type"] in TERMINAL for e in client.events):
        if cuts < 100:
            try:
                end = asyncio.get_running_loop().time() + rng.uniform(0, 0.03)
                while (left := end - asyncio.get_running_loop().time()) > 0:
                    await client.hear(left)
            except asyncio.TimeoutError:
                pass
            client.cut(rng.random() < 0.5)
            cuts += 1
            if rng.random() < 0.2:  # one that does not even wait for the answer
                await client.connect()
                await client.say({"type": "session.open", "payload": {
                    "session_id": client.id, "resume_token": client.token, "epoch": client.epoch,
                    "last_seq": client.last}})
                client.cut(rng.random() < 0.5)
            opened = await client.open()
            assert opened["recovered"], (SEED, opened)
        else:
            await client.hear()
    assert cuts == 100, cuts
    assert client.text() == "t\u00f6k\U0001f642 \\\"" * 4000, f"seed {SEED}"
    assert sum(e["type"] in TERMINAL for e in client.events) == 1 and not client.resets
    assert client.last == 4002 and client.events[-1]["type"] == "agent.completed"
    await client.ws.close()


@server_case()
async def the_same_id_five_times(server):
    client = Session(server.url)
    await client.open()
    ids = set()
    for turn in range(5):
        await client.ask("one run", {"surface": "experience_pillar"}, id="same")
        if turn % 2 == 0:
            client.cut(turn % 4 == 0)
            await client.open()
            await client.ask("one run", {"surface": "experience_pillar"}, id="same")
        reply = await client.reply("same")
        assert reply["type"] == "accepted" and (turn == 0 or reply["payload"]["duplicate"] is True), reply
        ids.add(reply["payload"]["invocation_id"])
        client.cut(turn % 2)
        await client.open()
    await client.ask("another", {"surface": "experience_pillar"}, id="other")
    while sum(e["type"] == "agent.completed" for e in client.events) < 2:
        await client.hear()
    assert len(ids) == 1
    assert sum(e["type"] == "agent.started" for e in client.events) == 2
    await client.ws.close()


@server_case()
async def a_question_waits_for_its_answer(server):
    client = Session(server.url)
    await client.open()
    await client.ask("which way?", {"surface": "operations_pillar"})
    asked = (await client.until("agent.input_request"))["payload"]
    client.cut(True)
    await until(lambda: server.health()["detached"] == 1)
    assert server.health()["pending_inputs"] == 1
    opened = await client.open()
    assert opened["recovered"] and [q["request_id"] for q in opened["pending_inputs"]] == [asked["request_id"]]
    again = opened["pending_inputs"][0]
    assert again["question"] == asked["question"] and again["agent_id"] == "guide.operations", again
    assert again["invocation_id"] == client.events[-1]["invocation_id"], again
    answer = {"type": "agent.input_response", "payload": {"request_id": asked["request_id"], "content": "left, \u2190"}}
    await client.say({**answer, "id": "a"})
    assert (await client.reply("a"))["type"] == "accepted"
    await client.until("agent.completed")
    assert any("left, \u2190" in json.dumps(e, ensure_ascii=False) for e in client.events
               if e["type"] in ("agent.output", "agent.token", "agent.completed"))
    await client.say({**answer, "id": "b"})
    assert (await client.reply("b"))["payload"].get("duplicate") is True
    answer["payload"]["content"] = "right"
    await client.say({**answer, "id": "c"})
    assert (await client.reply("c"))["payload"]["code"] == "INPUT_ALREADY_RESOLVED"
    await client.ws.close()


@server_case()
async def taken_over(server):
    older = Session(server.url)
    await older.open()
    await older.ask("x", {"surface": "experience_pillar", "tokens": 50, "rate": 50})
    await older.until("agent.token")
    newer = Session(server.url)
    newer.id, newer.token, newer.epoch, newer.last = older.id, older.token, older.epoch, older.last
    start = older.last
    assert (await newer.open())["recovered"]
    assert await older.closed() == 4409
    assert older.ws.close_reason.startswith("SESSION_TAKEN_OVER: ")
    await newer.until("agent.completed")
    newer.events = [e for e in older.events if e["seq"] <= start] + newer.events
    assert newer.text() == "x" * 50
    await newer.ws.close()


@server_case()
async def what_is_refused(server):
    client = Session(server.url)
    await client.open()
    for change in ({"resume_token": "0" * 32}, {"resume_token": None}, {"resume_token": client.token[:-1]}):
        thief = Session(server.url)
        await thief.connect()
        await thief.say({"type": "session.open", "id": "o", "payload": {
            "session_id": client.id, "epoch": client.epoch, "last_seq": 0, "resume_token": client.token, **change}})
        assert (await thief.reply("o"))["payload"]["code"] == "SESSION_FORBIDDEN"
        assert await thief.closed() == 4403
    for first, code in (({"type": "agent.message", "payload": {"text": "x"}}, 4401), ("no json", 4401),
                        ({"type": "session.open", "payload": {"versions": ["2.0"]}}, 4406)):
        other = Session(server.url)
        await other.connect()
        await other.say({"type": "ping"})
        assert (await other.hear())["type"] == "pong"
        await other.say(first)
        assert await other.closed() == code, code
    await client.say({"type": "session.open", "payload": {}})
    assert await client.closed() == 4429
    try:
        await websockets.connect(server.url, subprotocols=["agent-events.v9"])
        raise AssertionError("an unknown profile was taken")
    except websockets.InvalidStatusCode as refused:
        assert refused.status_code == 400


@server_case()
async def closed_for_good(server):
    client = Session(server.url)
    await client.open()
    await client.ask("x", {"surface": "experience_pillar", "tokens": 1000, "rate": 10})
    await client.until("agent.token")
    await client.say({"type": "session.close", "id": "z"})
    assert (await client.reply("z"))["type"] == "accepted"
    assert await client.closed() == 1000
    await until(lambda: server.health()["invocations"] == 0 and server.health()["sessions"] == 0)
    client.ws = None
    opened = await client.open()
    assert not opened["recovered"]


@case
async def another_life_of_the_server():
    first = Server()
    client = Session(first.url)
    await client.open()
    await client.ask("x y z", {"surface": "experience_pillar"})
    await client.until("agent.completed")
    epoch = client.epoch
    assert first.stop(signal.SIGKILL) in (-9, 137)
    second = Server()
    try:
        client.url, client.ws = second.url, None
        opened = await client.open()
        assert not opened["recovered"] and opened["epoch"] != epoch and opened["session_id"] == client.id
        await client.until("session.reset")
        assert client.resets[-1]["reason"] == "epoch_changed" and client.resets[-1]["snapshot"] == {"invocations": []}
        await client.ask("again", {"surface": "experience_pillar"})
        await client.until("agent.completed")
        assert client.last >= 3
        await client.ws.close()
    finally:
        assert second.stop() == 0


@server_case("--token", "s3cret")
async def tokens(server):
    for how in ({"extra_headers": {"Authorization": "Bearer s3cret"}}, {"extra_headers": {"Cookie": "session_token=s3cret"}},
                {"subprotocols": (PROFILE, "agent-events.bearer." + base64.urlsafe_b64encode(b"s3cret").decode().rstrip("="))}):
        client = Session(server.url)
        await client.connect(**how)
        await client.open()
        await client.ws.close()
    client = Session(server.url)
    await client.open(auth={"scheme": "bearer", "token": "s3cret"})
    await client.ask("x", {"surface": "experience_pillar"})
    await client.until("agent.completed")
    await client.ws.close()
    for auth, code in ((None, "AUTH_REQUIRED"), ({"scheme": "bearer", "token": "wrong"}, "AUTH_INVALID")):
        client = Session(server.url)
        await client.connect()
        await client.say({"type": "session.open", "id": "o", "payload": {"auth": auth}})
        assert (await client.reply("o"))["payload"]["code"] == code
        assert await client.closed() == 4401
    for options in ({"extra_headers": {"Authorization": "Bearer wrong"}, "subprotocols": [PROFILE]}, {}):
        try:
            await websockets.connect(server.url, **options)
            raise AssertionError("let in")
        except websockets.InvalidStatusCode as refused:
            assert refused.status_code == 401


@server_case()
async def a_slow_reader_holds_nobody_up(server):
    slow, quick = Session(server.url), Session(server.url)
    await slow.open()
    await quick.open()
    slow.ws.transport.pause_reading()
    text = "z" * 1000
    await slow.ask(text, {"surface": "experience_pillar", "tokens": 20000}, id="flood")
    await until(lambda: server.health()["invocations"] == 1)
    before = asyncio.get_running_loop().time()
    await quick.ask("quick", {"surface": "experience_pillar"})
    await quick.until("agent.completed")
    assert asyncio.get_running_loop().time() - before < 2
    await until(lambda: server.health()["invocations"] == 0, what="the agent is not held up by its reader")
    assert server.memory_kib() < 96 << 10, server.memory_kib()
    slow.ws.transport.resume_reading()
    await slow.until("session.reset")
    reset = slow.resets[-1]
    assert reset["reason"] == "slow_consumer" and slow.last == reset["head_seq"] == 20002
    run, = reset["snapshot"]["invocations"]
    assert run["status"] == "completed"
    await slow.ask("after", {"surface": "experience_pillar"})
    await slow.until("agent.completed")
    await slow.ws.close()
    await quick.ws.close()


@server_case()
async def a_room_of_two_hundred(server):
    members = [Session(server.url) for _ in range(200)]
    for number, member in enumerate(members):
        await member.open()
        await member.say({"type": "room.join", "id": "j", "payload": {"room": "all"}})
        assert (await member.reply("j"))["type"] == "accepted"
        joined = await member.until("room.joined")
        assert joined["payload"] == {"room": "all", "members": number + 1}, joined
    deaf, away, speaker = members[0], members[1], members[2]
    deaf.ws.transport.pause_reading()
    away.cut(True)
    await until(lambda: server.health()["detached"] == 1)
    before = asyncio.get_running_loop().time()
    data = {"text": "m" * 500}
    for number in range(50):
        await speaker.say({"type": "room.publish", "id": f"p{number}", "payload": {
            "room": "all", "data": {**data, "number": number}}})

    async def hears(member):
        while sum(e["type"] == "room.message" for e in member.events) < 50:
            await member.hear()
        heard = [e["payload"] for e in member.events if e["type"] == "room.message"]
        assert [h["data"]["number"] for h in heard] == list(range(50))
        assert [h["room_seq"] for h in heard] == list(range(1, 51))

    await asyncio.gather(*(hears(member) for member in members[2:]))
    assert asyncio.get_running_loop().time() - before < 10
    assert (await away.open())["recovered"]
    await hears(away)
    deaf.ws.transport.resume_reading()
    await hears(deaf)
    late = Session(server.url)
    await late.open()
    await late.say({"type": "room.join", "payload": {"room": "all", "history": 3}})
    while len(late.events) < 3:
        await late.hear()
    assert [e["payload"]["room_seq"] for e in late.events] == [48, 49, 50]
    assert server.memory_kib() < 96 << 10, server.memory_kib()
    for member in members + [late]:
        member.cut(False)


@server_case()
async def many_at_once(server):
    clients = [Session(server.url) for _ in range(300)]

    async def one(client, number):
        await client.open()
        await client.ask(f"run {number}", {"surface": "experience_pillar"})
        await client.until("agent.completed")
        assert client.text() == f"run {number}"

    await asyncio.gather(*(one(client, number) for number, client in enumerate(clients)))
    assert server.health()["sessions"] == 300
    memory = server.memory_kib()
    assert memory < 64 << 10, memory
    for client in clients:
        client.cut(True)
    await until(lambda: server.health()["detached"] == 300)


@case
async def a_drain_tells_everybody():
    server = Server()
    clients = [Session(server.url) for _ in range(50)]
    for client in clients:
        await client.open()
        await client.ask("x", {"surface": "experience_pillar", "tokens": 10000, "rate": 20})
    await asyncio.gather(*(client.until("agent.token") for client in clients))
    server.process.send_signal(signal.SIGTERM)
    codes = await asyncio.gather(*(client.closed() for client in clients))
    assert set(codes) == {1001}, codes
    for client in clients:
        assert any(r["type"] == "session.closing" for r in client.replies), client.replies
        assert client.events[-1]["type"] == "agent.failed"
        assert client.events[-1]["payload"]["error"]["code"] == "DRAINING"
    assert server.stop() == 0


if __name__ == "__main__":
    main("agent_resume")
