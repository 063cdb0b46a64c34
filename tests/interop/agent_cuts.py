"""A run of 4,000 tokens whose client's connection is killed a hundred times, by RST and by FIN, at random moments: within the
handshake, within a frame, between two. On WebSocket; and on another transport each time. Nothing is lost or heard twice.

TEST_SEED=N repeats the choices of a run that failed."""
import functools
import os
import random
import tempfile
import threading
import time

from agent_lib import TERMINAL, Server, case, main, types
from agent_raw import Cut, Story, http

SEED = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))
TOKENS, KILLS, CLIENTS = 4000, 100, 3
# Every token is another one. The last ones wait until the kills are done, so that a slow machine changes nothing.
AGENT = r"""import json, os, sys, time
input = json.loads(sys.stdin.readline())["input"]
begun = time.monotonic()
for n in range(%d):
    while n / 500 > time.monotonic() - begun or n > 3900 and not os.path.exists(input["go"]):
        time.sleep(0.002)
    print(json.dumps({"type": "agent.token", "payload": {"message_id": "m", "text": input["text"] + str(n)}}), flush=True)
""" % TOKENS
TEXT = "t\u00f6k\U0001f642 \\\"\n"


def one_life(rng, story, ways):
    """A connection until it is killed, or the run is over."""
    if rng.random() < 0.5:
        wire = {"bytes_left": rng.choice((rng.randrange(1, 700), rng.randrange(1, 8000)))}
    else:
        wire = {"until": time.monotonic() + rng.uniform(0, 0.08)}
    try:
        for _ in rng.choice(ways)(story, **wire):
            if story.done():
                break
    except (Cut, EOFError):
        pass
    story.wire.kill(rng.random() < 0.5)


def through_kills(port, seed, ways, go, result):
    """Ask, be killed a hundred times, hear the end, and compare."""
    try:
        rng, story = random.Random(seed), Story(port)
        status, answer = http(port, "POST", "/api/runtime/agent", {"type": "agent.message", "payload": {
            "text": TEXT, "context": {"surface": "demo", "go": go}}})
        assert status == 202, answer
        story.enter(answer)
        for _ in range(KILLS):
            one_life(rng, story, ways)
        assert not story.done() and 0 < story.last < TOKENS, story.last
        with open(go, "w"):
            pass
        story.follow(ways[0])
        assert story.text() == "".join(f"{TEXT}{n}" for n in range(TOKENS))
        assert story.last == TOKENS + 2 and sum(t in TERMINAL for t in types(story.events)) == 1
        assert types(story.events)[-1] == "agent.completed" and types(story.events)[0] == "agent.started"
        result.append(story.heard)
    except BaseException as error:
        result.append(error)


WAYS = {"websocket": [Story.websocket], "hopping": [Story.websocket, Story.stream, Story.poll, Story.ndjson]}


@functools.lru_cache()
def kill_all():
    """All clients of both kinds at once, as the tokens come slowly. Gives, by kind, what became of each."""
    results = {kind: [[] for _ in range(CLIENTS)] for kind in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("routes", "demo * * demo.count\n"), ("agent.py", AGENT)):
            with open(f"{folder}/{name}", "w") as file:
                file.write(content)
        server = Server("--agent", f"demo.count=exec python3 {folder}/agent.py", "--route", f"{folder}/routes")
        threads = [threading.Thread(target=through_kills,
                                    args=(server.port, f"{SEED} {kind} {n}", WAYS[kind], f"{folder}/{kind}{n}", result))
                   for kind in WAYS for n, result in enumerate(results[kind])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        status = server.stop()
    assert status == 0, f"exit status {status}\n{server.log()}"
    return results


def check(kind):
    for n, (result,) in enumerate(kill_all()[kind]):
        assert isinstance(result, dict), f"TEST_SEED={SEED}, client {n}: {result!r}"
        assert len(result) == len(WAYS[kind]), result


@case
def killed_a_hundred_times():
    check("websocket")


@case
def killed_a_hundred_times_while_hopping():
    check("hopping")


class Retold(Story):
    """One that may be told how things stand, instead of what happened."""

    def __init__(self, port):
        super().__init__(port)
        self.whole, self.over, self.resets, self.may_miss = "", False, 0, True

    def take(self, message, transport):
        if message["type"] != "session.reset":
            message = super().take(message, transport)
            if message["type"] == "agent.token":
                self.whole += message["payload"]["text"]
            self.over |= message["type"] in TERMINAL
            return message
        reset = message["payload"]
        run, = reset["snapshot"]["invocations"]
        assert reset["reason"] in ("window_expired", "slow_consumer") and reset["epoch"] == self.epoch and "truncated" not in run
        self.whole = "".join(said["text"] for said in run["messages"])
        self.last, self.over = reset["head_seq"], run["status"] == "completed"
        self.resets += 1
        return message

    def done(self):
        return self.over


@case
def killed_a_hundred_times_behind_a_run_that_was_quicker():
    """As fast as it goes: the run is over before the client is there, and the log does not hold 4,000 events. The snapshot does."""
    server = Server()
    try:
        for kind, ways in WAYS.items():
            rng = random.Random(f"{SEED} behind {kind}")
            story = Retold(server.port)
            status, answer = http(server.port, "POST", "/api/runtime/agent", {"type": "agent.message", "payload": {
                "text": TEXT, "context": {"surface": "experience_pillar", "tokens": TOKENS}}})
            assert status == 202, answer
            story.enter(answer)
            for _ in range(KILLS):
                if story.done():  # a client that has lost its memory begins again
                    story.last, story.whole, story.over = 0, "", False
                wire = {"bytes_left": rng.choice((rng.randrange(1, 1000), rng.randrange(1, 60000)))}
                try:
                    for _ in rng.choice(ways)(story, **wire):
                        if story.done():
                            break
                except (Cut, EOFError):
                    pass
                story.wire.kill(rng.random() < 0.5)
            story.follow(ways[0])
            assert story.whole == TEXT * TOKENS and story.last == TOKENS + 2 and story.resets >= 1, (
                f"TEST_SEED={SEED}", kind, len(story.whole), story.last, story.resets)
    finally:
        status = server.stop()
    assert status == 0, f"exit status {status}\n{server.log()}"


print(f"# TEST_SEED={SEED}", flush=True)
main("agent_cuts")
