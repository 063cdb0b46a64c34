"""/.well-known/agent-events and its JSON Schema, against python3-jsonschema and what the server really says."""
import http.client
import json
import re

from agent_lib import PATH, Server, case, main
from jsonschema import Draft202012Validator

SCHEMA = "/.well-known/agent-events/schema.json"


def with_server(function):
    def wrapped():
        server = Server()
        try:
            function(server)
        finally:
            assert server.stop() == 0, server.log()
    wrapped.__name__ = function.__name__
    return case(wrapped)


def validator(server):
    response, body = server.get(SCHEMA)
    assert response.status == 200, response.status
    schema = json.loads(body)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@with_server
def the_schema_takes_what_the_server_says(server):
    check = validator(server)
    said = []
    for surface in ("content_pillar", "data_pillar", "experience_pillar"):
        for text in ("Summarize this. And that.", "a,b\n1,2\n3,4\n"):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            connection.request("POST", PATH, json.dumps({"type": "agent.message", "payload": {
                "text": text, "context": {"surface": surface}}}), {"Accept": "text/event-stream"})
            said += [json.loads(line[6:]) for line in connection.getresponse().read().splitlines()
                     if line.startswith(b"data: ")]
            connection.close()
    assert len({message["type"] for message in said}) >= 4, {message["type"] for message in said}
    for message in said:
        check.validate(message)


@with_server
def the_schema_takes_the_documented_messages(server):
    check = validator(server)
    count = 0
    with open("docs/protocol.md") as page:
        for block in re.findall(r"```json\n(.*?)```", page.read(), re.S):
            for line in block.splitlines():
                message = json.loads(line)
                if "type" in message:
                    check.validate(message)
                    count += 1
    assert count >= 10, count


@with_server
def the_schema_takes_what_the_reader_takes(server):
    """Every vector that the reader accepts, but for null, which only a receiver takes as absent."""
    check = validator(server)
    count = 0
    for name in ("client", "envelope", "runtime"):
        with open(f"tests/vectors/event/{name}.txt") as vectors:
            for vector in vectors.read().split("\n\n"):
                found = re.search(r"^message (\{.*)\nstatus OK$", vector, re.M)
                if not found or "null" in found[1] or "\nflags agent" in vector:
                    continue
                try:
                    message = json.loads(found[1])
                except ValueError:
                    continue  # a vector of its own syntax
                if "type" in message:
                    errors = [error.message for error in check.iter_errors(message)]
                    assert not errors, f"{vector}: {errors}"
                    count += 1
    assert count > 40, count


@with_server
def the_schema_refuses_what_is_wrong(server):
    check = validator(server)
    good = {"type": "agent.token", "seq": 1, "payload": {"message_id": "m", "text": "a"}}
    assert check.is_valid(good)
    assert check.is_valid({"type": "x.mine", "payload": {"anything": 1}}) and check.is_valid({"type": "new.type"})
    for wrong in ({}, [], {**good, "seq": 0}, {**good, "seq": "1"}, {**good, "type": "9"}, {**good, "payload": 1},
                  {"type": "agent.token"}, {**good, "payload": {"message_id": "m"}},
                  {**good, "payload": {"message_id": "m", "text": ""}}, {**good, "agent_id": "A b"},
                  {**good, "payload": {"message_id": "m" * 129, "text": "a"}}, {**good, "mission_id": 1.5},
                  {"type": "agent.action", "payload": {"call_id": "c", "phase": "later"}},
                  {"type": "agent.failed", "payload": {"error": {"code": "X", "message": "m"}}},
                  {"type": "coordinator.metrics", "payload": {"metrics": {"a": "b"}}},
                  {"type": "agent.input_response", "payload": {"content": 1}}, {"type": "accepted"}):
        assert not check.is_valid(wrong), wrong
    for alias in ("request_id", "requestId"):
        assert check.is_valid({"type": "agent.input_response", "payload": {alias: "r", "content": None}})


@with_server
def what_the_server_says_of_itself(server):
    response, body = server.get("/.well-known/agent-events")
    said = json.loads(body)
    assert response.status == 200 and said["versions"] == ["1.0"] and "agent-events.v1" in said["profiles"], said
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    for name, path in said["endpoints"].items():
        path = re.sub(r"\{\w+\}", "1", path)
        got, answer = server.get(path, "OPTIONS")
        assert got.status == 204 and not answer, (name, got.status)
    assert server.get(said["endpoints"]["schema"])[0].status == 200
    assert all(isinstance(limit, int) and limit > 0 for limit in said["limits"].values()), said
    assert {"guide.content", "guide.operations", "liaison.data", "liaison.experience"} <= set(said["agents"]), said
    response, body = server.get(SCHEMA, "HEAD")
    assert response.status == 200 and not body and int(response.headers["Content-Length"]) > 10000


main("agent_schema")
