"""agent_server in quiet mode, driven by python3-websockets: the four agents, errors, cancel, questions, many at once."""
import asyncio
import json
import random
import re
import signal

from agent_lib import GROWTH_KIB, Client, Server, case, check_run, main, text_of, types, until

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def server_case(function):
    async def wrapped():
        server = Server()
        try:
            await function(server)
        finally:
            status = server.stop()
        assert status == 0, f"exit status {status}\n{server.log()}"
    wrapped.__name__ = function.__name__
    return case(wrapped)


@server_case
async def the_users_message(server):
    async with Client(server.url) as client:
        await client.say('{"type":"agent.message","payload":{"text":"Summarize this file","context":'
                         '{"surface":"content_pillar","project_id":"123"}}}')
        events = check_run(await client.rest(), "guide.content")
        assert set(types(events)) == {"agent.started", "agent.token", "agent.completed"}, types(events)
        assert text_of(events) == "Summarize this file"
        assert UUID4.fullmatch(events[0]["invocation_id"])
        assert abs(events[0]["ts"] / 1000 - __import__("time").time()) < 5


@server_case
async def nothing_is_said_unasked(server):
    async with Client(server.url) as client:
        try:
            await asyncio.wait_for(client.ws.recv(), 0.3)
            raise AssertionError("something was said")
        except asyncio.TimeoutError:
            pass


@server_case
async def a_summary_is_whole_sentences(server):
    sentences = [f"Sentence {i} is about {'herons and rivers' if i % 3 else 'nothing'} (really)." for i in range(40)]
    async with Client(server.url) as client:
        summary = text_of(check_run(await client.run(" ".join(sentences)), "guide.content"))
        kept = re.findall(r"[^.]*\.", summary)
        assert 1 <= len(kept) < 40 and all(sentence.strip() in sentences for sentence in kept), kept
        assert [s.strip() for s in kept] == sorted((s.strip() for s in kept), key=sentences.index)
        for text in ("", "   ", "no end", "\u3053\u308c\u306f\u3002\u305d\u308c\u306f\u3002", "a" * 200000, "x. " * 50000):
            check_run(await client.run(text))


@server_case
async def operations_asks_and_says_word_for_word(server):
    for answer in ("yes, \"all\" of it \u00e9\u4e2d\U0001f600\\ \n\t", "", 42, {"a": [1, None]}, "\u0000x"):
        async with Client(server.url) as client:
            async def on_event(event):
                if event["type"] == "agent.input_request":
                    question = event["payload"]
                    assert re.fullmatch(r"req_\d+(_\d+)?", question["request_id"])
                    assert question["timeout_ms"] == 300000 and question["expires_at"] >= event["ts"] + 299000
                    await client.say({"type": "agent.input_response", "payload": {
                        "request_id": question["request_id"], "content": answer}})
            events = check_run(await client.run("Delete?", {"surface": "operations_pillar"}, on_event), "guide.operations")
            outputs = [e["payload"]["content"] for e in events if e["type"] == "agent.output"]
            assert outputs == [answer], outputs
            resolved = [e["payload"]["outcome"] for e in events if e["type"] == "agent.input_resolved"]
            assert resolved == ["answered"]
            if isinstance(answer, str):
                assert answer in text_of(events), text_of(events)


@server_case
async def a_question_expires(server):
    async with Client(server.url) as client:
        events = check_run(await client.run("Delete?", {"surface": "operations_pillar", "timeout_ms": 200}))
        assert "Timeout: No user response" in text_of(events) and events[-1]["type"] == "agent.completed"
        assert [e["payload"]["outcome"] for e in events if e["type"] == "agent.input_resolved"] == ["timeout"]
        request = next(e["payload"]["request_id"] for e in events if e["type"] == "agent.input_request")
        response = {"type": "agent.input_response", "id": "late", "payload": {"requestId": request, "content": "x"}}
        assert (await client.expect_error(response, "INPUT_EXPIRED"))["re"] == "late"


@server_case
async def a_question_is_answered_once(server):
    async with Client(server.url) as client, Client(server.url) as stranger:
        await client.ask("Delete?", {"surface": "operations_pillar"})
        await client.hear()
        request = (await client.hear())["payload"]["request_id"]
        answer = {"type": "agent.input_response", "payload": {"request_id": request, "content": "one"}}
        await stranger.expect_error(answer, "INPUT_NOT_FOUND")
        await client.say(answer)
        await client.rest()
        await client.say(answer)  # a repetition is not an error, and gets no answer here
        await client.alive()
        answer["payload"]["content"] = "two"
        await client.expect_error(answer, "INPUT_ALREADY_RESOLVED")


@server_case
async def data_computes(server):
    async with Client(server.url) as client:
        for text, total, mean in (("1 2 3 4", 10, 2.5), ("a,b\nx,1.5\ny,2.5\nz,-1", 3, 1), ("0.1 and 0.2", 0.3, 0.15),
                                  ("12,5;3\nt", 20, 20 / 3), ("1e3 -1000 5", 5, 5 / 3)):
            events = check_run(await client.run(text, {"surface": "data_pillar"}), "liaison.data")
            result = events[-1]["payload"]["result"]
            assert abs(result["sum"] - total) < 1e-9 and abs(result["mean"] - mean) < 1e-9, (text, result)
            assert f"{total:g}" in text_of(events), text_of(events)
            phases = [e["payload"]["phase"] for e in events if e["type"] == "agent.action"]
            assert phases == ["start", "end", "result"]
            progress = [e["payload"]["progress"] for e in events if e["type"] == "agent.progress"]
            assert progress and progress == sorted(set(progress))
        for text in ("", "no numbers", "NaN inf", "1e308 1e308 1e308", ",\n,\n", "\u0663", "9" * 400):
            assert check_run(await client.run(text, {"surface": "data_pillar"}))[-1]["type"] == "agent.completed"


@server_case
async def experience_says_it_back(server):
    async with Client(server.url) as client:
        where = {"surface": "experience_pillar"}
        for text in ("a b  c\n\nd ", "\u4e2d\u6587" * 500, "x" * 262144, "nul \u0000 and \ud800", "\"\\\u001f\u2028"):
            events = check_run(await client.run(text, where), "liaison.experience")
            assert text_of(events) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), text[:20]
        events = await client.run("again ", {**where, "tokens": 4000})
        assert types(events).count("agent.token") == 4000 and text_of(events) == "again " * 4000
        loop = asyncio.get_running_loop()
        start = loop.time()
        events = await client.run("tick ", {**where, "tokens": 20, "rate": 50})
        assert types(events).count("agent.token") == 20 and 0.3 < loop.time() - start < 3
        for context in ({"tokens": -1}, {"tokens": "x"}, {"rate": -1}, {"tokens": 1.5}):
            assert (await client.run("x", {**where, **context}))[-1]["payload"]["error"]["code"] == "INVALID_PAYLOAD"


@server_case
async def routes_by_surface(server):
    async with Client(server.url) as client:
        for context, agent in ((None, "guide.content"), ({}, "guide.content"), ({"surface": "other"}, "guide.content"),
                               ({"surface": 7}, "guide.content"), ({"surface": "content_pillar"}, "guide.content"),
                               ({"surface": "data_pillar"}, "liaison.data"),
                               ({"surface": "experience_pillar"}, "liaison.experience")):
            check_run(await client.run("1", context), agent)


@server_case
async def many_at_once_on_one_socket(server):
    async with Client(server.url) as client:
        want = {f"run-{i}": f"text {i} " for i in range(100)}
        for name, text in want.items():
            await client.ask(text, {"surface": "experience_pillar", "tokens": 30, "rate": 200}, invocation_id=name)
        got, over, changes, last = {name: "" for name in want}, set(), 0, None
        while len(over) < len(want):
            event = await client.hear()
            name = event["invocation_id"]
            assert name not in over
            if event["type"] == "agent.token":
                got[name] += event["payload"]["text"]
                changes += name != last
                last = name
            if event["type"] == "agent.completed":
                over.add(name)
        assert got == {name: text * 30 for name, text in want.items()}
        assert changes > 1000, f"the runs hardly took turns: {changes}"


@server_case
async def many_clients(server):
    async def one(i):
        async with Client(server.url) as client:
            assert text_of(check_run(await client.run(f"client {i}", {"surface": "experience_pillar"}))) == f"client {i}"
    await asyncio.gather(*(one(i) for i in range(200)))
    await until(lambda: server.health()["sessions"] == 0, what="no sessions")


@server_case
async def pings(server):
    async with Client(server.url) as client:
        for text in ('{"type":"ping"}', ' {\n"type" :\t"ping" } ', '{"payload":{},"type":"ping"}'):
            await client.say(text)
            reply = await client.ws.recv()
            assert json.loads(reply)["type"] == "pong"
        await client.alive()
        await client.say('{"type":"ping","id":"p1","payload":{"n": 1}}')
        assert json.loads(await client.ws.recv()) == {"type": "pong", "re": "p1", "payload": {"n": 1}}
        for _ in range(100):
            await client.say('{"type":"ping"}')
        codes = [json.loads(await client.ws.recv()) for _ in range(100)]
        assert any(c["type"] == "error" and c["payload"]["code"] == "RATE_LIMITED" for c in codes)


@server_case
async def bad_messages_get_errors(server):
    bad = (("nonsense", "INVALID_JSON", ""), ("[]", "INVALID_ENVELOPE", ""), ("{", "INVALID_JSON", ""),
           ("{}", "INVALID_ENVELOPE", "type"), ('{"type":1}', "INVALID_ENVELOPE", "type"),
           ('{"type":"ping"}x', "INVALID_JSON", ""), ('{"type":"ping","type":"ping"}', "INVALID_ENVELOPE", "type"),
           ('{"type":"no.such"}', "UNKNOWN_TYPE", ""), ('{"type":"agent.token","payload":{}}', "UNKNOWN_TYPE", ""),
           ('{"type":"agent.message"}', "INVALID_PAYLOAD", "payload.text"),
           ('{"type":"agent.message","payload":[]}', "INVALID_PAYLOAD", "payload"),
           ('{"type":"agent.message","payload":{"text":5}}', "INVALID_PAYLOAD", "payload.text"),
           ('{"type":"agent.message","payload":{"text":"x","context":"y"}}', "INVALID_PAYLOAD", "payload.context"),
           ('{"type":"agent.message","payload":{"text":"x","deadline_ms":"1"}}', "INVALID_PAYLOAD", "payload.deadline_ms"),
           ('{"type":"agent.message","payload":{"text":"x","on_disconnect":"maybe"}}', "INVALID_PAYLOAD",
            "payload.on_disconnect"),
           ('{"type":"agent.message","id":"' + "x" * 65 + '","payload":{"text":"x"}}', "INVALID_ENVELOPE", "id"),
           (json.dumps({"type": "agent.message", "payload": {"text": "x" * 262145}}), "INVALID_PAYLOAD", "payload.text"),
           (json.dumps({"type": "agent.message", "payload": {"text": "", "context": {"a": "x" * 65536}}}),
            "INVALID_PAYLOAD", "payload.context"),
           ('{"type":"agent.cancel","payload":{"invocation_id":"none"}}', "INVOCATION_NOT_FOUND", ""),
           ('{"type":"agent.input_response","payload":{"request_id":"none","content":1}}', "INPUT_NOT_FOUND", ""))
    async with Client(server.url) as client:
        for message, code, field in bad:
            reply = await client.expect_error(message, code)
            assert field in reply["payload"]["message"], (message[:60], reply)
            await client.alive()
        reply = await client.expect_error('{"type":"no.such","id":"m-1"}', "UNKNOWN_TYPE")
        assert reply["re"] == "m-1"
        await client.expect_error(b"\x00\x01", "INVALID_JSON")
        await client.say('{"type":"x.application","payload":{"a":1}}')
        await client.alive()


@server_case
async def the_third_offence_closes(server):
    import websockets
    async with Client(server.url) as client:
        for _ in range(3):
            await client.expect_error("not json", "INVALID_JSON")
        try:
            await asyncio.wait_for(client.ws.recv(), 5)
        except websockets.ConnectionClosed as closed:
            assert closed.code == 4400 and closed.reason.startswith("BAD_MESSAGE"), closed


@server_case
async def too_large_closes_1009(server):
    import websockets
    async with Client(server.url) as client:
        try:
            await client.say(json.dumps({"type": "ping", "x": "y" * (1 << 20)}))
            await asyncio.wait_for(client.ws.recv(), 5)
        except websockets.ConnectionClosed as closed:
            assert closed.code == 1009, closed
        else:
            raise AssertionError("not closed")


@server_case
async def runs_are_cancelled(server):
    async with Client(server.url) as client, Client(server.url) as stranger:
        await client.ask("t ", {"surface": "experience_pillar", "tokens": 100000, "rate": 100}, invocation_id="mine")
        await client.hear()
        await client.hear()
        await stranger.expect_error({"type": "agent.cancel", "payload": {"invocation_id": "mine"}}, "INVOCATION_NOT_FOUND")
        await stranger.expect_error({"type": "agent.message", "payload": {"text": "x", "invocation_id": "mine"}},
                                    "INVOCATION_CONFLICT")
        await client.say({"type": "agent.cancel", "payload": {"invocation_id": "mine", "reason": "enough"}})
        last = (await client.rest())[-1]
        assert last["payload"]["error"] == {"code": "CANCELLED", "message": "enough", "retryable": False}, last
        await client.say({"type": "agent.cancel", "payload": {"invocation_id": "mine"}})
        await client.alive()
        await client.expect_error({"type": "agent.message", "payload": {"text": "x", "invocation_id": "mine"}},
                                  "INVOCATION_CONFLICT")
        # A cancelled question needs no answer any more.
        await client.ask("?", {"surface": "operations_pillar"}, invocation_id="asks")
        await client.hear()
        request = (await client.hear())["payload"]["request_id"]
        await client.say({"type": "agent.cancel", "payload": {"invocation_id": "asks"}})
        await client.rest()
        await client.expect_error({"type": "agent.input_response", "payload": {"request_id": request, "content": 1}},
                                  "INPUT_ALREADY_RESOLVED")


@server_case
async def deadlines_end_runs(server):
    async with Client(server.url) as client:
        events = check_run(await client.run("t ", {"surface": "experience_pillar", "tokens": 1000, "rate": 10},
                                            deadline_ms=300))
        assert events[-1]["payload"]["error"]["code"] == "DEADLINE_EXCEEDED" and len(events) < 10
        events = check_run(await client.run("?", {"surface": "operations_pillar"}, deadline_ms=200))
        assert events[-1]["payload"]["error"]["code"] == "DEADLINE_EXCEEDED"


@server_case
async def too_many_runs(server):
    async with Client(server.url) as client:
        for i in range(129):
            await client.ask("t", {"surface": "operations_pillar"}, invocation_id=f"i{i}")
        errors = []
        for _ in range(2 * 128 + 1):
            event = await client.hear()
            if event["type"] == "error":
                errors.append(event["payload"])
        assert [e["code"] for e in errors] == ["TOO_MANY_INVOCATIONS"] and errors[0]["retryable"] is True
        await client.say({"type": "agent.cancel", "payload": {"invocation_id": "i0"}})
        await client.rest()
        check_run(await client.run("t"))


@server_case
async def disconnect_is_not_cancel(server):
    where = {"surface": "experience_pillar", "tokens": 30, "rate": 20}
    async with Client(server.url) as client:
        await client.ask("t", where)
        await client.hear()
    await until(lambda: server.health()["connections"] == 0)
    assert server.health()["invocations"] == 1 and server.health()["detached"] == 1
    await until(lambda: server.health()["invocations"] == 0, what="the run ends by itself")
    assert server.health()["sessions"] == 0


@server_case
async def on_disconnect_cancel(server):
    async with Client(server.url) as client:
        await client.ask("t", {"surface": "experience_pillar", "tokens": 100000, "rate": 10}, on_disconnect="cancel")
        await client.hear()
    await asyncio.sleep(3)
    assert server.health()["invocations"] == 1, "5 s are not over"
    await until(lambda: server.health()["invocations"] == 0, what="cancelled after 5 s")


@server_case
async def a_slow_reader_holds_its_runs(server):
    async with Client(server.url) as client, Client(server.url) as other:
        base = server.memory_kib()
        client.ws.transport.pause_reading()
        await client.ask("x" * 1000, {"surface": "experience_pillar", "tokens": 100000})
        for _ in range(20):
            check_run(await other.run("quick"))
        await asyncio.sleep(0.5)
        grown = server.memory_kib() - base
        assert grown < GROWTH_KIB, f"{grown} KiB for one slow reader"
        client.ws.transport.resume_reading()
        events = await client.rest(timeout=60)
        assert types(events).count("agent.token") == 100000


@server_case
async def random_messages(server):
    """Whatever comes, the server lives, and a new client is served."""
    rng = random.Random(7)
    pieces = ['{', '}', '[', ']', '"', ':', ',', 'type', 'agent.message', 'payload', 'text', '\\u0000', '\\ud800', '1e999',
              'null', 'true', ' ', '\u00e9', '{"type":"agent.message","payload":{"text":"x"', '}}', 'context', 'a' * 300]
    import websockets
    for _ in range(40):
        try:
            async with Client(server.url) as client:
                for _ in range(50):
                    await client.say("".join(rng.choice(pieces) for _ in range(rng.randint(0, 12))))
                    if rng.random() < 0.1:
                        await client.say(rng.randbytes(rng.randint(0, 100)))
        except websockets.ConnectionClosed:
            pass
    async with Client(server.url) as client:
        check_run(await client.run("still there"))


@case
async def sigterm_ends_runs_cleanly():
    import websockets
    server = Server()
    clients = [Client(server.url) for _ in range(20)]
    for i, client in enumerate(clients):
        await client.__aenter__()
        for _ in range(5):
            await client.ask("t ", {"surface": "operations_pillar" if i % 2 else "experience_pillar", "tokens": 100000,
                                    "rate": 50})
        await client.hear()
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        failed = 0
        try:
            while True:
                event = await client.hear()
                failed += event["type"] == "agent.failed" and event["payload"]["error"]["code"] == "DRAINING"
        except websockets.ConnectionClosed as closed:
            assert closed.code == 1001, closed
        assert failed == 5, failed
    status = server.stop()
    assert status == 0, (status, server.log())


main("agent_session")
