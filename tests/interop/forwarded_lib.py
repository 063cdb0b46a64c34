"""What the tests of forwarded headers share: a client with an address of its own, and real proxies to start."""
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from agent_lib import BUILD, Server
from wire import KEY

# Where the client connects from: another address than the proxies, which connect from 127.0.0.1.
CLIENT = "127.0.0.9"
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v2(body=b"", command=0x21, family=0x11):
    return V2 + bytes([command, family]) + struct.pack(">H", len(body)) + body


def v2_tcp4(source, port, tlvs=b""):
    return v2(socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", port, 443) + tlvs)


class Peer:
    """A connection from an address, which speaks as it is told."""

    def __init__(self, port, source="127.0.0.1", to="127.0.0.1"):
        self.socket = socket.create_connection((to, port), 10, (source, 0))
        self.name = "%s:%d" % self.socket.getsockname()[:2]
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, slowly=False):
        if not slowly:
            self.socket.sendall(data)
            return
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            self.socket.sendall(data[i:i + 1])
            time.sleep(0.001)

    def answer(self):
        """One response: its status and its body, which has a length or ends with the connection."""
        while b"\r\n\r\n" not in self.bytes:
            self.more()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        status = int(head.split()[1])
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        length = 0 if status == 101 or not length else int(length[1])
        while len(self.bytes) < length:
            self.more()
        body, self.bytes = self.bytes[:length], self.bytes[length:]
        return status, body.decode()

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise AssertionError("the connection ended: %r" % self.bytes)
        self.bytes += data

    def ended(self):
        """Whether the server ends the connection."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def ask(self, extra="", path="/health", host="127.0.0.1"):
        self.send(get(extra, path, host))
        return self.answer()

    def upgrade(self, extra="", path="/api/runtime/agent", host="127.0.0.1"):
        self.send(get("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: %s\r\n%s" % (KEY, extra), path, host))
        return self.answer()


def get(extra="", path="/health", host="127.0.0.1"):
    return ("GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (path, host, extra)).encode()


def names(server):
    """Who has asked, by the log: the first word of each line about a request."""
    return re.findall(r'(?m)^(?:\S+ \S+ )?(\S+) - ', server.log())


def wait_for(condition, what, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (seconds, what() if callable(what) else what))
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Proxy:
    """A real proxy with a configuration: PORT, BACKEND and FOLDER in its text are replaced. Stopped by its process id."""

    def __init__(self, text, backend, command):
        os.makedirs(BUILD + "/tmp", exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="forwarded-", dir=os.path.abspath(BUILD + "/tmp"))
        os.chmod(self.folder, 0o755)
        self.err = open(self.folder + "/err", "w+")
        for attempt in range(3):  # somebody else may take the port before the proxy does
            self.port = free_port()
            self.start(text, backend, command)
            if self.process.poll() is None:
                return
            if attempt == 2 or "in use" not in self.log():
                why = self.log()
                self.__exit__()
                raise AssertionError("the proxy does not start: " + why)

    def start(self, text, backend, command):
        for old, new in (("PORT", self.port), ("BACKEND", backend), ("FOLDER", self.folder)):
            text = text.replace(old, str(new))
            command = [word.replace(old, str(new)) for word in command]
        with open(self.folder + "/config", "w") as out:
            out.write(text)
        self.process = subprocess.Popen(command, stdout=self.err, stderr=self.err, stdin=subprocess.DEVNULL)
        wait_for(lambda: self.process.poll() is not None or listens(self.port), self.log)

    def log(self):
        self.err.seek(0)
        return self.err.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.err.close()
        shutil.rmtree(self.folder, True)


def certificate(folder):
    """A certificate for app.example and its key, in one file."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=app.example", "-addext", "subjectAltName=DNS:app.example", "-keyout", folder + "/key.pem",
                    "-out", folder + "/cert.pem"], check=True, capture_output=True)
    with open(folder + "/both.pem", "w") as out:
        for name in ("cert.pem", "key.pem"):
            with open(folder + "/" + name) as part:
                out.write(part.read())
    return folder + "/both.pem"


def authority(folder, name="localhost"):
    """A certificate authority, and a certificate of it for a name (localhost: for its addresses too) and its key."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    path = [folder + "/" + file for file in ("ca.pem", "cert.pem", "key.pem")]
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=an authority of " + name, "-keyout", folder + "/ca.key", "-out", path[0])
    openssl("req", *key, "-subj", "/CN=" + name, "-keyout", path[2], "-out", folder + "/request.pem")
    with open(folder + "/extensions", "w") as out:
        out.write("basicConstraints=CA:FALSE\nsubjectAltName=DNS:%s%s\n" % (name, ",IP:127.0.0.1,IP:::1" if name == "localhost" else ""))
    openssl("x509", "-req", "-in", folder + "/request.pem", "-CA", path[0], "-CAkey", folder + "/ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", folder + "/extensions", "-out", path[1])
    return path
