"""agent_server over HTTP, byte for byte: events as SSE, NDJSON and long poll, messages by POST, missions, CORS."""
import http.client
import json
import re
import signal
import socket
import threading
import time

from agent_lib import GROWTH_KIB, PATH, Server, case, main, text_of, types

LONG = " ".join(f"word{i}" for i in range(400))


def server_case(*options):
    def wrap(function):
        def wrapped():
            server = Server(*options)
            try:
                function(server)
            finally:
                status = server.stop()
            assert status == 0, f"exit status {status}\n{server.log()}"
        wrapped.__name__ = function.__name__
        return case(wrapped)
    return wrap


def request(server, method, path, body=None, **headers):
    """One request on a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
    connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers, content


def problem(server, method, path, code, status, body=None, **headers):
    got, fields, content = request(server, method, path, body, **headers)
    assert got == status, f"{method} {path}: {got} {content}"
    assert fields["Content-Type"] == "application/problem+json", fields["Content-Type"]
    said = json.loads(content)
    assert said["code"] == code and said["status"] == status and said["title"] and said["detail"], said
    return said


def message(text, context=None, **more):
    return {"type": "agent.message", "payload": {"text": text, "context": context or {}}, **more}


def start(server, text, context=None):
    """POST a message: what to enter the session with, and the answer."""
    status, _, body = request(server, "POST", PATH, message(text, context))
    assert status == 202, body
    answer = json.loads(body)
    assert set(answer) == {"session_id", "invocation_id", "cursor", "resume_token"}, answer
    return f"session_id={answer['session_id']}&resume_token={answer['resume_token']}", answer


class Stream:
    """An open stream: frames as they come."""

    def __init__(self, server, path, method="GET", body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Accept", "text/event-stream")
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, (self.response.status, self.response.read())
        self.id = None

    def line(self):
        return self.response.readline().decode()

    def frame(self):
        """The next event, or None at the end of the body. Strict about the bytes."""
        while True:
            lines = []
            while (line := self.line()) not in ("\n", ""):
                assert line.endswith("\n") and "\r" not in line, repr(line)
                lines.append(line[:-1])
            if line == "" and not lines:
                return None
            if lines == ["retry: 2000"] or lines[0].startswith(":"):
                continue
            assert len(lines) in (1, 2) and lines[-1].startswith("data: {"), lines
            if len(lines) == 2:
                assert re.fullmatch(r"id: \d+:\d+", lines[0]), lines
                self.id = lines[0][4:]
            event = json.loads(lines[-1][6:])
            assert event["type"] == "session.reset" or self.id.endswith(f":{event['seq']}"), (self.id, event)
            return event

    def rest(self):
        events = []
        while (event := self.frame()) is not None:
            events.append(event)
        return events

    def until(self, *ends):
        events = []
        while not events or events[-1]["type"] not in ends:
            events.append(self.frame())
            assert events[-1] is not None, events
        return events

    def close(self):
        self.connection.close()


def poll(server, query, cursor=None, wait_ms=5000):
    after = f"&after={cursor}" if cursor else ""
    status, fields, body = request(server, "GET", f"/api/events?{query}{after}&wait_ms={wait_ms}",
                                   Accept="application/json")
    assert status == 200 and fields["Content-Type"] == "application/json", body
    answer = json.loads(body)
    assert set(answer) == {"epoch", "events", "next"}, answer
    assert answer["next"].startswith(f"{answer['epoch']}:"), answer
    return answer


def check_seqs(events, last=0):
    for event in events:
        assert event.get("first_seq", event["seq"]) == last + 1, f"{event} after {last}"
        last = event["seq"]
    return last


# ---- Events ----

@server_case()
def sse_byte_for_byte(server):
    with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
        body = json.dumps(message("Summarize this file"))
        raw.sendall(f"POST {PATH} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nConnection: close\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        data = b""
        while piece := raw.recv(65536):
            data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    fields = head.decode().split("\r\n")
    assert fields[0] == "HTTP/1.1 200 OK"
    for field in ("Content-Type: text/event-stream", "Cache-Control: no-cache, no-transform", "X-Accel-Buffering: no",
                  "Transfer-Encoding: chunked"):
        assert field in fields, fields
    text = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            break
        text, rest = text + rest[:int(size, 16)], rest[int(size, 16) + 2:]
    assert rest == b"\r\n", rest
    frame = rb"id: \d+:\d+\ndata: \{[^\n]*\}\n\n"
    assert re.fullmatch(rb"retry: 2000\n\n(" + frame + rb")+", text), text
    assert b"\r" not in text and b"event:" not in text
    assert re.findall(rb'"type":"([^"]+)"', text)[-1] == b"agent.completed"


@server_case()
def the_answer_to_a_post_is_that_run_alone(server):
    query, _ = start(server, "first")
    session = dict(pair.split("=") for pair in query.split("&"))
    stream = Stream(server, PATH, "POST", message("second"), Session_Id=session["session_id"],
                    X_Resume_Token=session["resume_token"])
    assert stream.response.headers["Session-Id"] == session["session_id"]
    events = stream.rest()
    assert types(events)[0] == "agent.started" and types(events)[-1] == "agent.completed"
    assert text_of(events) == "second" and len({event["invocation_id"] for event in events}) == 1
    ndjson = Stream(server, PATH, "POST", message("third"), Accept="application/x-ndjson")
    assert ndjson.response.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in ndjson.response.read().decode().splitlines()]
    assert text_of(lines) == "third" and check_seqs(lines) == lines[-1]["seq"]


@server_case()
def every_cursor_on_every_transport(server):
    query, answer = start(server, LONG)
    path = f"/api/events?{query}"
    stream = Stream(server, path)
    events = stream.until("agent.completed")
    stream.close()
    assert text_of(events) == LONG
    head = check_seqs(events)
    epoch = answer["cursor"].split(":")[0]
    assert answer["cursor"] == f"{epoch}:0"
    for after in [0, 1, 2, head // 2, head - 1]:
        cursor = f"{epoch}:{after}"
        for tail, headers in (("", {"Last_Event_ID": cursor}), (f"&last_event_id={epoch}%3A{after}", {}),
                              (f"&after={cursor}", {}), ("&after=1:1", {"Last_Event_ID": cursor})):
            stream = Stream(server, path + tail, **headers)
            assert check_seqs(stream.until("agent.completed"), after) == head
            stream.close()
        assert check_seqs(poll(server, query, cursor)["events"], after) == head
        lines = Stream(server, f"{path}&after={cursor}", Accept="application/x-ndjson")
        first = json.loads(lines.line())
        assert first.get("first_seq", first["seq"]) == after + 1
        lines.close()
    begun = time.monotonic()
    nothing = poll(server, query, f"{epoch}:{head}", 300)
    assert nothing["events"] == [] and nothing["next"] == f"{epoch}:{head}"
    assert 0.2 < time.monotonic() - begun < 3


@server_case()
def hopping_loses_and_repeats_nothing(server):
    query, answer = start(server, LONG, {"surface": "content_pillar"})
    cursor, last, text = answer["cursor"], 0, ""
    done = False
    for turn in range(10000):
        if turn % 2:
            stream = Stream(server, f"/api/events?{query}", Last_Event_ID=cursor)
            got = [stream.frame()]
            cursor = stream.id
            stream.close()
        else:
            answered = poll(server, query, cursor)
            got, cursor = answered["events"], answered["next"]
        last = check_seqs(got, last)
        text += text_of(got)
        done = any(event["type"] == "agent.completed" for event in got)
        if done:
            break
    assert done and text == LONG, text[:200]


@server_case()
def a_cursor_that_cannot_be_served(server):
    query, answer = start(server, "short")
    epoch = int(answer["cursor"].split(":")[0])
    for cursor in (f"{epoch + 1}:0", f"{epoch}:4000"):
        stream = Stream(server, f"/api/events?{query}&after={cursor}")
        event = stream.frame()
        assert event["type"] == "session.reset" and event["payload"]["epoch"] == epoch, event
        assert stream.id == f"{epoch}:{event['payload']['head_seq']}"
        assert event["payload"]["snapshot"]["invocations"][0]["messages"][0]["text"] == "short"
        stream.close()
        assert poll(server, query, cursor)["events"][0]["type"] == "session.reset"
    for cursor in ("7", "a:b", "1:", "-1:2"):
        problem(server, "GET", f"/api/events?{query}&after={cursor}", "INVALID_PAYLOAD", 400)


@server_case()
def a_stranger_gets_in_nowhere(server):
    query, answer = start(server, "secret")
    identity, token = answer["session_id"], answer["resume_token"]
    other = start(server, "mine")[1]["resume_token"]
    for wrong in ("", f"session_id={identity}", f"resume_token={token}", f"session_id={identity}&resume_token={other}",
                  f"session_id=s_none&resume_token={token}", f"session_id={identity}&resume_token={token[:-1]}",
                  f"session_id={identity}&resume_token={'a' * 5000}"):
        problem(server, "GET", f"/api/events?{wrong}", "SESSION_FORBIDDEN", 403)
        problem(server, "POST", f"/api/events?{wrong}", "SESSION_FORBIDDEN", 403, message("x"))
    assert poll(server, query)["events"]


@server_case()
def posts_are_answered_in_order(server):
    query, answer = start(server, "first")
    path = f"/api/events?{query}"
    batch = [message("a", id="c1"), {"type": "nope", "id": "c2"}, message("b", id="c1"), 5, "text", message("c"),
             {"type": "agent.cancel", "id": "c3", "payload": {"invocation_id": answer["invocation_id"]}}]
    status, _, body = request(server, "POST", path, batch)
    replies = json.loads(body)["accepted"]
    assert status == 202 and [reply["type"] for reply in replies] == [
        "accepted", "error", "accepted", "error", "error", "accepted", "accepted"], body
    assert [reply.get("re") for reply in replies] == ["c1", "c2", "c1", None, None, None, "c3"], body
    assert replies[2]["payload"] == {"duplicate": True, "invocation_id": replies[0]["payload"]["invocation_id"]}
    assert replies[1]["payload"]["code"] == "UNKNOWN_TYPE" and replies[3]["payload"]["code"] == "INVALID_ENVELOPE"
    status, _, body = request(server, "POST", path, message("alone", id="c9"))
    assert status == 202 and [reply["re"] for reply in json.loads(body)["accepted"]] == ["c9"]
    cancel = {"type": "agent.cancel", "payload": {"invocation_id": answer["invocation_id"]}}
    status, _, body = request(server, "POST", path, [cancel] * 64)
    assert status == 202 and len(json.loads(body)["accepted"]) == 64
    assert request(server, "POST", path, [])[2] == b'{"accepted":[]}\n'
    problem(server, "POST", path, "INVALID_PAYLOAD", 400, [cancel] * 65)
    for wrong in ("", "{", '{"type":"ping"', "[1,]", '{"a":"\\ud800"} x', b'{"type":"x","id":"\xff"}'):
        problem(server, "POST", path, "INVALID_JSON", 400, wrong)
    problem(server, "POST", path, "INVALID_ENVELOPE", 400, "7")
    problem(server, "POST", path, "PAYLOAD_TOO_LARGE", 413, b'"' + b"a" * (2 << 20) + b'"')


@server_case()
def what_a_post_to_the_agent_refuses(server):
    problem(server, "POST", PATH, "INVALID_JSON", 400, "{")
    problem(server, "POST", PATH, "INVALID_PAYLOAD", 400, {"type": "agent.message", "payload": {}})
    problem(server, "POST", PATH, "UNKNOWN_TYPE", 400, {"type": "nope"})
    problem(server, "POST", PATH, "UNKNOWN_TYPE", 400, {"type": "agent.cancel", "payload": {"invocation_id": "x"}})
    problem(server, "POST", PATH + "?session_id=a&resume_token=b", "SESSION_FORBIDDEN", 403, message("x"))
    problem(server, "PUT", PATH, "METHOD_NOT_ALLOWED", 405, "x")
    problem(server, "POST", PATH + "s", "ROUTE_NOT_FOUND", 404, message("x"))
    assert server.health()["sessions"] == 0, server.health()


@server_case()
def a_question_is_answered_on_another_connection(server):
    query, answer = start(server, "Delete it", {"surface": "operations_pillar"})
    stream = Stream(server, f"/api/events?{query}")
    asked = stream.until("agent.input_request")[-1]["payload"]
    respond = {"type": "agent.input_response", "payload": {"requestId": asked["request_id"], "content": "Go."}}
    status, _, body = request(server, "POST", f"/api/events?{query}", respond)
    assert status == 202 and json.loads(body)["accepted"][0]["type"] == "accepted", body
    events = stream.until("agent.completed")
    assert events[0]["payload"]["outcome"] == "answered" and "Go." in text_of(events)
    stream.close()


# ---- Readers that are slow, or gone ----

@server_case()
def readers_that_went_are_forgotten(server):
    query, _ = start(server, "x")
    streams = [Stream(server, f"/api/events?{query}") for _ in range(20)]
    waiting = socket.create_connection(("127.0.0.1", server.port))
    cursor = poll(server, query)["next"]
    waiting.sendall(f"GET /api/events?{query}&after={cursor}&wait_ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    time.sleep(0.2)
    assert server.health()["detached"] == 0
    for stream in streams:
        stream.frame()
        stream.close()
    waiting.close()
    for _ in range(100):
        if server.health()["detached"] == 1:
            return
        time.sleep(0.05)
    raise AssertionError(server.health())


@server_case()
def a_slow_reader_delays_nobody(server):
    query, _ = start(server, "x")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    slow.connect(("127.0.0.1", server.port))
    slow.sendall(f"GET /api/events?{query} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n".encode())
    before = server.memory_kib()
    longest, cursor = 0, poll(server, query)["next"]
    for _ in range(24):
        begun = time.monotonic()
        request(server, "POST", f"/api/events?{query}", message("y" * 200000))
        done = False
        while not done:
            answered = poll(server, query, cursor)
            cursor = answered["next"]
            done = any(event["type"] == "agent.completed" or event["type"] == "session.reset" and
                       all(run["status"] == "completed" for run in event["payload"]["snapshot"]["invocations"])
                       for event in answered["events"])
        longest = max(longest, time.monotonic() - begun)
    assert longest < 5, longest
    assert server.memory_kib() - before < 2 * GROWTH_KIB, server.memory_kib() - before
    text = b""
    slow.settimeout(2)
    try:
        while piece := slow.recv(1 << 20):
            text += piece
    except socket.timeout:
        pass
    slow.close()
    assert b'"session.reset"' in text or text.count(b'"agent.completed"') == 25, len(text)


@server_case()
def a_comment_breaks_the_silence(server):
    query, _ = start(server, "x")
    stream = Stream(server, f"/api/events?{query}")
    stream.until("agent.completed")
    begun = time.monotonic()
    assert stream.line().startswith(":") and stream.line() == "\n"
    assert 14 < time.monotonic() - begun < 17, time.monotonic() - begun
    stream.close()


@case
def the_end_of_the_server_ends_every_stream():
    server = Server()
    query, _ = start(server, "x", {"surface": "operations_pillar"})
    stream = Stream(server, f"/api/events?{query}")
    stream.until("agent.input_request")
    mission = json.loads(request(server, "POST", "/api/mission/start", {"agents": ["guide.operations"]})[2])
    watch = Stream(server, mission["stream_url"])
    server.process.send_signal(signal.SIGTERM)
    assert types(stream.rest())[-1] == "agent.failed"
    last = watch.rest()[-1]
    assert last["event"] == "mission.status" and last["status"] == "failed", last
    status = server.stop()
    assert status == 0, (status, server.log())


# ---- Missions ----

@server_case()
def a_mission_from_start_to_end(server):
    status, _, body = request(server, "POST", "/api/mission/start",
                              {"agents": ["guide.content", "guide.operations"], "plan": "Tidy up",
                               "files": ["a.txt"], "processType": "sequential"})
    answer = json.loads(body)
    assert status == 200 and answer["mission_id"] == 1 and answer["status"] == "started", body
    stream = Stream(server, answer["stream_url"])
    events = stream.until("HUMAN_INPUT_REQUEST")
    assert events[0] == {"type": "SYSTEM", "mission_id": 1, "seq": 1, "ts": events[0]["ts"], "status": "running",
                         "content": events[0]["content"], "event": "mission.status"}, events[0]
    asked = events[-1]
    assert asked["request_id"] == asked["requestId"] and "Tidy up" in asked["content"], asked
    now = json.loads(request(server, "GET", answer["status_url"])[2])
    assert now["status"] == "waiting_input" and now["pending_inputs"][0]["request_id"] == asked["request_id"], now
    path = "/api/mission/1/human-input"
    problem(server, "POST", path, "INPUT_NOT_FOUND", 404, {"requestId": "req_0", "content": "x"})
    problem(server, "POST", path, "INVALID_PAYLOAD", 400, {"requestId": "req_0"})
    problem(server, "POST", path, "INVALID_JSON", 400, "{")
    for name in ("requestId", "request_id"):
        status, _, body = request(server, "POST", path, {name: asked["request_id"], "content": "Do it."})
        assert status == 200 and json.loads(body) == {"status": "received"}, body
    problem(server, "POST", path, "INPUT_ALREADY_RESOLVED", 409, {"requestId": asked["request_id"], "content": "No."})
    events += stream.rest()
    assert check_seqs(events) == events[-1]["seq"] and all(event["mission_id"] == 1 for event in events)
    assert [e["agent_id"] for e in events if e.get("event") == "agent.started"] == ["guide.content",
                                                                                    "guide.operations"]
    last = events[-1]
    assert last["type"] == "SYSTEM" and last["event"] == "mission.status" and last["status"] == "completed", last
    now = json.loads(request(server, "GET", answer["status_url"])[2])
    assert now["status"] == "completed" and now["head_seq"] == last["seq"] and now["result"] == "Do it.", now
    assert stream.id == f"{now['epoch']}:{now['head_seq']}"
    status, _, body = request(server, "GET", answer["stream_url"], Last_Event_ID=stream.id)
    assert (status, body) == (204, b""), (status, body)
    again = Stream(server, answer["stream_url"], Last_Event_ID=f"{now['epoch']}:1")
    assert check_seqs(again.rest(), 1) == last["seq"]
    lines = Stream(server, answer["stream_url"], Accept="application/x-ndjson").response.read().decode().splitlines()
    assert json.loads(lines[-1]) == last


@server_case()
def a_mission_is_cancelled(server):
    start_it = lambda: json.loads(request(server, "POST", "/api/mission/start",
                                          {"agents": ["guide.operations"] * 3, "plan": "x"})[2])
    first, second = start_it(), start_it()
    assert (first["mission_id"], second["mission_id"]) == (1, 2)
    stream = Stream(server, first["stream_url"])
    stream.until("HUMAN_INPUT_REQUEST")
    for _ in range(2):
        assert request(server, "POST", "/api/mission/1/cancel")[0] == 202
    events = stream.rest()
    assert "ERROR" in types(events) and events[-1]["status"] == "cancelled", events
    assert next(e for e in events if e["type"] == "ERROR")["code"] == "CANCELLED"
    assert json.loads(request(server, "GET", "/api/mission/1/status")[2])["status"] == "cancelled"
    assert json.loads(request(server, "GET", "/api/mission/2/status")[2])["status"] == "waiting_input"
    assert request(server, "POST", "/api/mission/1/cancel")[0] == 202


@server_case()
def a_mission_that_fails(server):
    answer = json.loads(request(server, "POST", "/api/mission/start", {"agents": ["no.such", "guide.content"]})[2])
    events = Stream(server, answer["stream_url"]).rest()
    assert next(e for e in events if e["type"] == "ERROR")["code"] == "AGENT_NOT_FOUND", events
    assert events[-1]["status"] == "failed" and "guide.content" not in json.dumps(events), events
    now = json.loads(request(server, "GET", answer["status_url"])[2])
    assert now["status"] == "failed" and now["error"]["code"] == "AGENT_NOT_FOUND", now


@server_case()
def missions_that_are_refused(server):
    path = "/api/mission/start"
    for wrong in ({}, {"agents": []}, {"agents": "guide.content"}, {"agents": [1]}, {"agents": ["A b"]},
                  {"agents": ["a"] * 65}, {"agents": ["a"], "plan": 7}, {"agents": ["a"], "processType": "tree"}):
        problem(server, "POST", path, "INVALID_PAYLOAD", 400, wrong)
    for wrong in ("", "{", "[]", "7", " "):
        problem(server, "POST", path, "INVALID_JSON", 400, wrong)
    for identity in ("1", "0", "x", "-1", "01", "99999999999999999999999", "1.0"):
        for tail, method in (("stream", "GET"), ("status", "GET"), ("human-input", "POST"), ("cancel", "POST")):
            problem(server, method, f"/api/mission/{identity}/{tail}", "MISSION_NOT_FOUND", 404)
    problem(server, "GET", path, "METHOD_NOT_ALLOWED", 405)
    problem(server, "GET", "/api/mission/1", "ROUTE_NOT_FOUND", 404)
    assert server.health()["sessions"] == 0


# ---- Silence ----

@server_case("--comment-interval", "100", "--ping-interval", "100")
def silence_is_filled(server):
    query, answer = start(server, "a")
    poll(server, query)
    cursor = {"Last_Event_ID": poll(server, query)["next"]}
    for accept, line in (("text/event-stream", ": keep-alive\n"), ("application/x-ndjson", "\n")):
        stream = Stream(server, f"/api/events?{query}", Accept=accept, **cursor)
        assert stream.response.headers["Content-Encoding"] == "identity"
        before = time.monotonic()
        lines = [stream.line() for _ in range(6)]
        took = time.monotonic() - before
        stream.close()
        assert lines.count(line) >= 2 and took > 0.15, (took, lines)
        assert set(lines) <= {line, "retry: 2000\n", "\n"}, lines
    with socket.create_connection(("127.0.0.1", server.port), 5) as raw:
        raw.sendall(f"GET {PATH} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        data = b""
        for turn in range(3):
            while not data.endswith(b"\x89\x00"):
                data += raw.recv(1000)
            assert turn or data.startswith(b"HTTP/1.1 101 "), data
            data = b""
            raw.sendall(b"\x8a\x80abcd")


# ---- Who may ----

@server_case("--origin", "https://app.example")
def pages_of_other_origins(server):
    own = f"http://127.0.0.1:{server.port}"
    for path, methods in ((PATH, "GET, POST, OPTIONS"), ("/api/events", "GET, POST, OPTIONS"),
                          ("/api/mission/start", "POST, OPTIONS"), ("/api/mission/1/stream", "GET, OPTIONS"),
                          ("/health", "GET, HEAD, OPTIONS")):
        for origin in (own, "https://app.example"):
            status, fields, body = request(server, "OPTIONS", path, Origin=origin, Access_Control_Request_Method="POST")
            assert status == 204 and not body and fields["Access-Control-Allow-Origin"] == origin, (path, fields)
            assert fields["Access-Control-Allow-Methods"] == methods, fields["Access-Control-Allow-Methods"]
            assert "Content-Type" in fields["Access-Control-Allow-Headers"] and fields["Vary"] == "Origin"
    status, fields, _ = request(server, "OPTIONS", PATH, Origin="https://evil.example")
    assert status == 204 and "Access-Control-Allow-Origin" not in fields
    problem(server, "OPTIONS", "/nowhere", "ROUTE_NOT_FOUND", 404, Origin=own)
    problem(server, "POST", PATH, "ORIGIN_NOT_ALLOWED", 403, message("x"), Origin="https://evil.example")
    problem(server, "POST", "/nowhere", "ROUTE_NOT_FOUND", 404, message("x"), Origin="https://evil.example")
    # Where a proxy rewrites Host, the browser's own word counts; no page can set this field.
    for site in ("cross-site", "same-site", "none", "same-origin, same-origin"):
        problem(server, "POST", PATH, "ORIGIN_NOT_ALLOWED", 403, message("x"), Origin="https://evil.example", Sec_Fetch_Site=site)
    status, fields, _ = request(server, "POST", PATH, message("x"), Origin="https://front.example", Sec_Fetch_Site="same-origin")
    assert status == 202, status
    stream = Stream(server, PATH, "POST", message("x"), Origin="https://app.example")
    assert stream.response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert types(stream.rest())[-1] == "agent.completed"
    query, _ = start(server, "x")
    cursor = poll(server, query)["next"]
    fields = request(server, "GET", f"/api/events?{query}&after={cursor}&wait_ms=50", Accept="application/json",
                     Origin="https://app.example")[1]
    assert fields["Access-Control-Allow-Origin"] == "https://app.example", fields
    assert request(server, "GET", "/health", Origin="https://evil.example")[1]["Access-Control-Allow-Origin"] == "*"


@server_case("--token", "s3cret")
def a_token_is_needed(server):
    token = {"Authorization": "Bearer s3cret"}
    problem(server, "POST", PATH, "AUTH_REQUIRED", 401, message("x"))
    problem(server, "POST", PATH, "AUTH_INVALID", 401, message("x"), Authorization="Bearer other")
    problem(server, "POST", "/api/mission/start", "AUTH_REQUIRED", 401, {"agents": ["guide.content"]})
    status, _, body = request(server, "POST", PATH, message("x"), **token)
    answer = json.loads(body)
    query = f"session_id={answer['session_id']}&resume_token={answer['resume_token']}"
    assert poll(server, query)["events"], "the resume token is enough"
    problem(server, "GET", f"/api/events?{query}", "AUTH_INVALID", 401, Authorization="Bearer other")
    mission = json.loads(request(server, "POST", "/api/mission/start", {"agents": ["guide.content"]}, **token)[2])
    for path in (mission["stream_url"], mission["status_url"]):
        problem(server, "GET", path, "AUTH_REQUIRED", 401)
        assert request(server, "GET", path, **token)[0] == 200
    assert request(server, "OPTIONS", PATH)[0] == 204 and request(server, "GET", "/health")[0] == 200


@server_case()
def many_at_once(server):
    failed = []

    def one(number):
        text = f"number {number} " + "word " * number
        try:
            events = Stream(server, PATH, "POST", message(text)).rest()
            assert text_of(events).split() == text.split() and check_seqs(events) == events[-1]["seq"]
        except Exception as error:
            failed.append(error)
    threads = [threading.Thread(target=one, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]


main("agent_http")
