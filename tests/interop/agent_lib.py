"""What the tests of agent_server share: a server to start, a client, cases that print ok or not ok."""
import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import traceback

# What a server's memory may grow by; a sanitizer keeps freed blocks for a while.
GROWTH_KIB = 65536 if os.environ.get("WICK_SANITIZED") else 8192
BUILD = os.environ.get("B", "build")
PATH = "/api/runtime/agent"
TERMINAL = ("agent.completed", "agent.failed")


class Server:
    """agent_server, or another program, with options, on a free port. Stopped by its process id."""

    def __init__(self, *options, program="agent_server", port=0):
        self.err = tempfile.TemporaryFile()
        self.process = subprocess.Popen([f"{BUILD}/bin/{program}", "--port", str(port), *options],
                                        stdout=subprocess.PIPE, stderr=self.err)
        line = self.process.stdout.readline().decode()
        match = re.match(r"listening on (http|ws)s?://(.*):(\d+)(/.*)$", line.strip())
        if not match:
            raise RuntimeError(f"does not listen: {line!r} {self.log()}")
        self.port = int(match[3])
        # A server of pages prints its front page, a Runtime the URL itself.
        self.url = f"ws://127.0.0.1:{self.port}{PATH if match[1] == 'http' else match[4]}"

    def log(self):
        self.err.seek(0)
        return self.err.read().decode(errors="replace")

    def stop(self, how=signal.SIGTERM, timeout=20):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "killed"

    def get(self, path, method="GET", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def post(self, path, body, headers=None):
        """POST JSON: the status, and the body, read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", path, json.dumps(body), headers or {})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def health(self):
        return json.loads(self.get("/api/websocket/health")[1])

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


class Client:
    """A quiet session: one WebSocket, events by invocation."""

    def __init__(self, url, **options):
        self.url, self.options, self.seq = url, options, 0

    async def __aenter__(self):
        import websockets
        self.ws = await websockets.connect(self.url, max_size=None, **self.options)
        return self

    async def __aexit__(self, *_):
        await self.ws.close()

    async def say(self, message):
        await self.ws.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    async def hear(self, timeout=10):
        message = json.loads(await asyncio.wait_for(self.ws.recv(), timeout))
        if "seq" in message:
            assert message["seq"] == self.seq + 1, f"seq {message['seq']} after {self.seq}"
            self.seq = message["seq"]
            assert list(message)[0] == "seq" and isinstance(message["ts"], int) and message["session_id"]
        return message

    async def ask(self, text, context=None, **payload):
        payload["text"] = text
        if context is not None:
            payload["context"] = context
        await self.say({"type": "agent.message", "payload": payload})

    async def run(self, text, context=None, on_event=None, timeout=20, **payload):
        """Ask, and collect the events up to the last one."""
        await self.ask(text, context, **payload)
        return await self.rest(on_event, timeout)

    async def rest(self, on_event=None, timeout=20):
        events = []
        while not events or events[-1]["type"] not in TERMINAL + ("error",):
            events.append(await self.hear(timeout))
            if on_event:
                await on_event(events[-1])
        return events

    async def expect_error(self, message, code):
        await self.say(message)
        reply = await self.hear()
        assert reply["type"] == "error", reply
        assert reply["payload"]["code"] == code, f"{message!r} gets {reply['payload']}"
        assert isinstance(reply["payload"]["retryable"], bool) and reply["payload"]["message"]
        return reply

    async def alive(self):
        await self.say({"type": "ping"})
        reply = await asyncio.wait_for(self.ws.recv(), 10)
        assert reply == '{"type":"pong"}', reply


def types(events):
    return [event["type"] for event in events]


def text_of(events):
    return "".join(event["payload"]["text"] for event in events if event["type"] == "agent.token")


def check_run(events, agent_id=None):
    """The order that every run keeps."""
    assert events[0]["type"] == "agent.started", types(events)
    assert events[-1]["type"] in TERMINAL, types(events)
    assert sum(t in TERMINAL for t in types(events)) == 1 and types(events).count("agent.started") == 1
    assert len({event["invocation_id"] for event in events}) == 1
    if agent_id:
        assert {event["agent_id"] for event in events} == {agent_id}, events[0]
    return events


async def until(condition, timeout=10, what="condition"):
    for _ in range(int(timeout / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {timeout} s: {what}")


UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


def upgrade(server, path=PATH, **headers):
    """Status, headers and body of a handshake, written by hand: http.client does not know 101."""
    fields = {"Host": f"127.0.0.1:{server.port}", **UPGRADE, **{k.replace("_", "-"): v for k, v in headers.items()}}
    lines = "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        got = {k.lower(): v for k, v in re.findall(r"^([^:\r\n]+): (.*?)\r?$", head.decode(), re.M)}
        while status != 101 and len(body) < int(got.get("content-length", 0)):
            body += s.recv(65536)
    return status, got, body


def problem(answer, status, code):
    got, headers, body = answer
    assert got == status, (got, body)
    assert headers["content-type"] == "application/problem+json", headers
    document = json.loads(body)
    assert document["status"] == status and document["code"] == code and document["title"] and document["detail"], document
    return document, headers


CASES = []


def case(function):
    CASES.append(function)
    return function


def main(name):
    failed = 0
    only = sys.argv[1:]
    for function in CASES:
        if only and function.__name__ not in only:
            continue
        try:
            result = function()
            if asyncio.iscoroutine(result):
                asyncio.run(asyncio.wait_for(result, 120))
            print(f"ok {name}/{function.__name__}", flush=True)
        except Exception as error:  # every failure is one line, its place below it
            failed = 1
            said = str(error).replace("\n", " | ")[:300]
            print(f"not ok {name}/{function.__name__}: {type(error).__name__}: {said}")
            for frame in traceback.extract_tb(error.__traceback__):
                if "tests/interop" in frame.filename and frame.name not in ("main", "wrapped"):
                    print(f"    {frame.filename}:{frame.lineno} {frame.name}: {frame.line}", flush=True)
    sys.exit(failed)
