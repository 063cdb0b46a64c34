"""What a client asks of a proxy, as a browser would, and wick doctor."""
import http.client
import json
import ssl
import zlib

import wire
from agent_lib import PATH
from proxy import SOON

def request_head(port, path=PATH, headers=None, method="GET", upgrade=True):
    """A browser's handshake: Origin is the page's own server, which is the proxy."""
    fields = {"Host": f"127.0.0.1:{port}", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
    if upgrade:
        fields.update({"Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                       "Sec-WebSocket-Key": wire.KEY, "Origin": f"http://127.0.0.1:{port}"})
    fields.update({"Accept-Encoding": "gzip, deflate, br", "Cookie": "theme=dark"})
    fields.update(headers or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


class Peer(wire.Peer):
    """wire.Peer with a browser's handshake; head and body of whatever comes instead of 101."""

    def __init__(self, port, path=PATH, headers=None, timeout=SOON):
        super().__init__(port, timeout=timeout, connect=False)
        self.body = b""
        try:
            self.send(request_head(port, path, headers))
            self.head = self.read_head()
            if self.status() != 101:
                self.read_body()
        except BaseException:
            self.socket.close()
            raise

    def read_body(self):
        length = self.field("Content-Length")
        if length is not None:
            self.body = self.take(int(length))
        elif "chunked" in (self.field("Transfer-Encoding") or ""):
            while True:
                size = self.line()
                piece = self.take(int(size, 16) + 2)[:-2]
                self.body += piece
                if not piece:
                    break
        else:
            self.body = self.read_all()
        if self.field("Content-Encoding") == "gzip":
            self.body = zlib.decompress(self.body, 31)

    def line(self):
        while b"\r\n" not in self.kept:
            self.fill(len(self.kept) + 1)
        line, self.kept = self.kept.split(b"\r\n", 1)
        return line

    def problem(self):
        assert (self.field("Content-Type") or "").startswith("application/problem+json"), (self.head, self.body)
        return json.loads(self.body)


class TlsPeer(Peer):
    """The same through TLS; any certificate will do."""

    def send(self, data):
        if not isinstance(self.socket, ssl.SSLSocket):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        super().send(data)


def ask(port, method, path, body=None, **headers):
    """One request, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    data = None if body is None else json.dumps(body)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers, content


def message(text, **context):
    return {"type": "agent.message", "payload": {"text": text, "context": {"surface": "experience_pillar", **context}}}


def begin(port, text, **context):
    """POST a message; give the query of its session and the answer."""
    status, _, body = ask(port, "POST", PATH, message(text, **context), Content_Type="application/json")
    assert status == 202, (status, body)
    answer = json.loads(body)
    return f"session_id={answer['session_id']}&resume_token={answer['resume_token']}", answer


class Lines:
    """An open stream, a line at a time."""

    def __init__(self, port, path, method="GET", body=None, timeout=SOON, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Accept-Encoding", "gzip, deflate, br")
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        self.response = self.connection.getresponse()
        if self.response.status != 200:
            raise OSError(self.response.status, self.response.read()[:300])
        coding = self.response.headers.get("Content-Encoding", "identity")
        assert coding == "identity", f"Content-Encoding: {coding}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.response.close()  # it holds the socket, too
        self.connection.close()

    def line(self):
        return self.response.readline().decode()

    def event(self, start="data: "):
        """The next event, None at the end; a last line that is cut off is not one."""
        while (line := self.line()) != "":
            if line.startswith(start + "{") and line.endswith("\n"):
                return json.loads(line[len(start):])
        return None
