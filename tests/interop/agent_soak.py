"""Sessions that come and go in every way, by the thousand: what they took is given back. Memory, descriptors and children are
looked at after a quarter and at the end; under a sanitizer the exit status tells of leaks.

WICK_SOAK is how many (3000); TEST_SEED=N repeats the choices."""
import os
import random
import tempfile
import threading
import time

from agent_lib import GROWTH_KIB, PATH, Server, case, main
from agent_raw import Cut, Http, Story, WebSocket, http

COUNT = int(os.environ.get("WICK_SOAK", 3000))
SEED = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))
THREADS, SESSIONS = 6, 300


def ask(rng, surface="experience_pillar"):
    context = {"surface": surface, "tokens": rng.choice((1, 5, 50)), "rate": rng.choice((200, 5000))}
    return {"type": "agent.message", "id": "m", "payload": {"text": "x" * rng.choice((1, 30, 3000)), "context": context}}


def some(rng, messages, most=20):
    """Hear a few messages."""
    for _, _ in zip(range(rng.randrange(most)), messages):
        pass


def socket_closed(rng, port):
    story = Story(port)
    story.open()
    story.wire.say(ask(rng))
    some(rng, story.wire.messages(), 5)
    story.wire.say({"type": "session.close", "id": "z"})
    for _ in story.wire.messages():
        pass
    assert story.wire.close_code == 1000
    story.wire.kill(False)


def socket_killed(rng, port):
    story = Story(port)
    story.open()
    story.wire.say(ask(rng))
    some(rng, (story.take(m, "websocket") for m in story.wire.messages()), 3)
    story.wire.kill(rng.random() < 0.5)


def socket_taken_over(rng, port):
    story = Story(port)
    story.open()
    story.wire.say(ask(rng))
    older = story.wire
    story.open()
    some(rng, story.wire.messages(), 3)
    older.kill(rng.random() < 0.5)
    story.wire.kill(rng.random() < 0.5)


def socket_quiet(rng, port):
    wire = WebSocket(port).shake(rng.choice((PATH, "/ws")), None)
    wire.say(ask(rng))
    some(rng, wire.messages(), 3)
    wire.kill(rng.random() < 0.5)


def socket_in_part(rng, port):
    """It goes within the handshake, or within a frame."""
    wire = WebSocket(port, bytes_left=rng.randrange(300))
    try:
        wire.shake()
        wire.send(b"\x81\xfe\x10"[:rng.randrange(4)])
    except Cut:
        pass
    wire.kill(rng.random() < 0.5)


def posted_and_read(rng, port):
    story = Story(port)
    _, answer = http(port, "POST", PATH, ask(rng))
    story.enter(answer)
    try:
        for _ in rng.choice((Story.stream, Story.ndjson, Story.poll))(story, bytes_left=rng.choice((100, 700, 5000))):
            if story.done():
                break
    except Cut:
        pass
    story.wire.kill(rng.random() < 0.5)


def posted_and_left_waiting(rng, port):
    """A long poll that nobody waits for to the end."""
    story = Story(port)
    _, answer = http(port, "POST", PATH, ask(rng, "operations_pillar"))
    story.enter(answer)
    while not story.events or story.events[-1]["type"] != "agent.input_request":
        for _ in story.poll():
            pass
        story.wire.socket.close()
    wire = Http(port, until=time.monotonic() + 0.01)
    try:
        wire.ask("GET", f"/api/events?{story.query}&after={story.cursor}&wait_ms=60000", Accept="application/json")
    except Cut:
        pass
    wire.kill(rng.random() < 0.5)
    run = story.events[0]["invocation_id"]
    http(port, "POST", f"/api/events?{story.query}", {"type": "agent.cancel", "payload": {"invocation_id": run}})


def posted_stream(rng, port):
    wire = Http(port).ask("POST", PATH, ask(rng), Accept=rng.choice(("text/event-stream", "application/x-ndjson")))
    some(rng, wire.messages(), 60)
    wire.kill(rng.random() < 0.5)


def mission(rng, port):
    agents = rng.choice((["guide.content"], ["guide.content", "guide.operations"], ["test.child"]))
    status, answer = http(port, "POST", "/api/mission/start", {"agents": agents, "plan": "A plan. " * rng.randrange(1, 30)})
    if status == 429:
        return  # all of them are running
    assert status == 200, answer
    wire = Http(port).ask("GET", answer["stream_url"], Accept=rng.choice(("text/event-stream", "application/x-ndjson")))
    some(rng, wire.messages(), 6)
    wire.kill(rng.random() < 0.5)
    http(port, "POST", f"/api/mission/{answer['mission_id']}/cancel")


def room(rng, port):
    story = Story(port)
    story.open()
    name = f"room{rng.randrange(40)}"
    story.wire.say({"type": "room.join", "id": "j", "payload": {"room": name, "history": 10}})
    for n in range(rng.randrange(5)):
        story.wire.say({"type": "room.publish", "id": f"p{n}", "payload": {"room": name, "data": "d" * 200}})
    some(rng, story.wire.messages(), 3)
    if rng.random() < 0.5:
        story.wire.say({"type": "room.leave", "payload": {"room": name}})
    story.wire.kill(rng.random() < 0.5)


def child(rng, port):
    """A process that is told to go, or that ends by itself."""
    if rng.random() < 0.9:
        socket_killed(rng, port)
        return
    story = Story(port)
    story.open()
    story.wire.say(ask(rng, rng.choice(("test_child", "test_forever"))))
    for message in story.wire.messages():
        if message["type"] == "agent.started":
            run = message["invocation_id"]
            break
    story.wire.say({"type": "agent.cancel", "payload": {"invocation_id": run}})
    story.wire.kill(False)


def refused(rng, port):
    wire = Http(port)
    if rng.random() < 0.3:
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * rng.randrange(2000))
    else:
        wire.ask(*rng.choice((("GET", "/nothing"), ("POST", PATH, {"type": "nope"}), ("GET", "/ws"), ("GET", "/"),
                              ("GET", "/api/events?session_id=a&resume_token=b"), ("GET", "/api/websocket/health"))))
    wire.kill(rng.random() < 0.5)


WAYS = (socket_closed, socket_killed, socket_taken_over, socket_quiet, socket_in_part, posted_and_read,
        posted_and_left_waiting, posted_stream, mission, room, child, refused)


def come_and_go(server, numbers):
    """As many at a time as there are threads."""
    numbers, failures = iter(numbers), []

    def work():
        for number in numbers:
            rng = random.Random(f"{SEED} {number}")
            way = rng.choice(WAYS)
            try:
                way(rng, server.port)
            except BaseException as error:
                failures.append(f"TEST_SEED={SEED}, {number}, {way.__name__}: {error!r}")
            if failures:
                return
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:2]
    limit = time.monotonic() + 30
    while True:
        health = server.health()
        if health["connections"] == 0 and health["invocations"] == 0 and not children(server):
            break
        assert time.monotonic() < limit, f"not given back within 30 s: {health}, {len(children(server))} children"
        time.sleep(0.05)
    assert health["sessions"] <= SESSIONS and health["pending_inputs"] == 0, health
    time.sleep(0.1)  # the connection that has just asked is gone too
    return server.memory_kib(), len(os.listdir(f"/proc/{server.process.pid}/fd"))


def children(server):
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as file:
        return file.read().split()


class Numbers:
    """Counts for several threads."""

    def __init__(self, first, last):
        self.numbers, self.lock = iter(range(first, last)), threading.Lock()

    def __iter__(self):
        return self

    def __next__(self):
        with self.lock:
            return next(self.numbers)


@case
def what_comes_and_goes_leaves_nothing_behind():
    with tempfile.NamedTemporaryFile("w", suffix=".routes") as routes:
        routes.write("test_child * * test.child\ntest_forever * * test.forever\n")
        routes.flush()
        server = Server("--max-sessions", str(SESSIONS), "--agent", "test.child=echo out; echo err >&2", "--agent",
                        "test.forever=exec sleep 1000", "--route", routes.name)
        try:
            begun = time.monotonic()
            early, early_open = come_and_go(server, Numbers(0, COUNT // 4))
            late, late_open = come_and_go(server, Numbers(COUNT // 4, COUNT))
            print(f"# {COUNT} in {time.monotonic() - begun:.0f} s, TEST_SEED={SEED}: {early} KiB and {early_open} descriptors "
                  f"after a quarter, {late} KiB and {late_open} at the end", flush=True)
            assert late - early < GROWTH_KIB and late_open <= early_open, (early, late, early_open, late_open)
        finally:
            status = server.stop()
        assert status == 0, f"exit status {status}\n{server.log()[-3000:]}"


main("agent_soak")
