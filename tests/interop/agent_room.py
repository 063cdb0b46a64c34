"""A room of 200: one member does not read, one is away and comes back. Nobody else is delayed, nothing is lost, memory has a
bound. Delays are measured, and compared with those of the same room when everybody reads."""
import statistics
import time

from agent_crowd import HEAD, OPEN, Client, gather, open_many, until
from agent_lib import GROWTH_KIB, Server, case, main
from agent_raw import Story

MEMBERS, CALM, MESSAGES, SIZE = 200, 50, 600, 700
FLOOD, FLOOD_SIZE = 50, 100000


class Member(Client):
    """Knows the messages of the room that it has heard, each checked to be the next."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.heard, self.seq, self.resets, self.joined, self.opened_with = 0, 0, [], False, None

    def receive(self):
        super().receive()
        for message in self.messages:
            if message["type"] == "room.message":
                assert message["seq"] == self.seq + 1 and message["payload"]["room_seq"] == self.heard + 1, message["seq"]
                assert message["payload"]["data"]["n"] == self.heard
                self.heard += 1
            elif message["type"] == "session.reset":
                self.resets.append(message["payload"])
            elif message["type"] == "room.joined":
                self.joined = True
            elif message["type"] == "session.opened":
                self.opened_with = message["payload"]
            self.seq = message.get("seq", self.seq)
        self.messages.clear()


def enter(port, number, buffer=None):
    member = Member(port, number, buffer)
    member.socket.sendall(HEAD + OPEN)
    gather([member], lambda m: m.opened_with)
    member.say({"type": "room.join", "payload": {"room": "all"}})
    gather([member], lambda m: m.joined)
    return member


def talk(members, speaker, numbers, size):
    """Publish one message after another, the next when all of these have heard the last. Gives how long each took."""
    took = []
    for n in numbers:
        begun = time.monotonic()
        speaker.say({"type": "room.publish", "payload": {"room": "all", "data": {"n": n, "text": "x" * size}}})
        gather(members, lambda member: member.heard > n)
        took.append(time.monotonic() - begun)
    return took


def come_back(member, port):
    """On a new connection, with the cursor that it has."""
    opened, old = member.opened_with, member
    member = Member(port, 0)
    member.heard, member.seq = old.heard, old.seq
    member.socket.sendall(HEAD)
    member.say({"type": "session.open", "payload": {"session_id": opened["session_id"], "epoch": opened["epoch"],
                                                    "resume_token": opened["resume_token"], "last_seq": old.seq}})
    return member


@case
def two_hundred_members():
    server = Server()
    try:
        deaf = enter(server.port, 0, buffer=8192)
        members = [enter(server.port, n) for n in range(1, MEMBERS)]
        away, speaker, present = members[0], members[1], members[1:]
        calm = talk([deaf] + members, speaker, range(CALM), SIZE)
        away.socket.close()
        until(lambda: server.health()["detached"] == 1, "the loss is noticed")
        upset = talk(present, speaker, range(CALM, CALM + MESSAGES), SIZE)
        assert all(member.heard == CALM + MESSAGES and not member.resets for member in present)
        memory = server.memory_kib()
        print(f"# a message to {MEMBERS} members: {statistics.median(calm) * 1000:.1f} ms, with one deaf and one away "
              f"{statistics.median(upset) * 1000:.1f} ms (at most {max(upset) * 1000:.0f}); {memory >> 10} MiB", flush=True)
        # Waiting for either of the two would take seconds; a machine that is busy with something else, a few times as long.
        assert statistics.median(upset) < 4 * statistics.median(calm) + 0.02, (calm, upset)
        assert max(upset) < 5 and memory < 300 << 10, (max(upset), memory)
        # Who was away, and who has not read: all of it, in order, nothing twice.
        away = come_back(away, server.port)
        gather([away, deaf], lambda member: member.heard == CALM + MESSAGES)
        assert away.opened_with["recovered"] and not away.resets and not deaf.resets
        everybody = present + [away, deaf]
        talk(everybody, speaker, [CALM + MESSAGES], SIZE)
        for member in everybody:
            member.socket.close()
    finally:
        status = server.stop()
    assert status == 0, server.log()[-2000:]


@case
def more_than_is_kept():
    """Megabytes past one that does not read: the others hear all of it, it is told that it has missed something, and memory
    stays below what logs may have."""
    server = Server("--log-memory", "64M")
    try:
        deaf = enter(server.port, 0, buffer=8192)
        members = [enter(server.port, n) for n in range(1, MEMBERS)]
        away, speaker, present = members[0], members[1], members[1:]
        away.socket.close()
        took = talk(present, speaker, range(FLOOD), FLOOD_SIZE)
        memory = server.memory_kib()
        print(f"# {FLOOD} messages of {FLOOD_SIZE} bytes to {MEMBERS} members: {statistics.median(took) * 1000:.1f} ms each; "
              f"{memory >> 10} MiB", flush=True)
        assert memory < (88 << 10) + GROWTH_KIB, memory
        away = come_back(away, server.port)
        gather([away], lambda member: member.resets)
        gather([deaf], lambda member: member.resets)
        assert away.resets[0]["reason"] == "window_expired" and deaf.resets[0]["reason"] == "slow_consumer"
        assert "all" in str(away.resets[0]["snapshot"]["rooms"]), away.resets
        for member in (away, deaf):
            member.heard, member.seq = FLOOD, member.resets[-1]["head_seq"]
        everybody = present + [away, deaf]
        talk(everybody, speaker, [FLOOD], SIZE)
        for member in everybody:
            member.socket.close()
    finally:
        status = server.stop()
    assert status == 0, server.log()[-2000:]


main("agent_room")
