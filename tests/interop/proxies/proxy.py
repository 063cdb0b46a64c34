"""A proxy to start, with a configuration out of docs/proxies.md: there a comment <!-- config: NAME --> stands before each block.
Only addresses, and what a case changes on purpose, differ."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from agent_lib import BUILD, PATH

DOC = "docs/proxies.md"
# The addresses that the documentation uses.
BACKEND = "127.0.0.1:8080"
# How long anything may take that should be done at once.
SOON = 15


def config(name):
    """The block of docs/proxies.md with that name."""
    with open(DOC) as file:
        match = re.search(r"<!-- config: %s -->\n+```\w*\n(.*?)\n```" % re.escape(name), file.read(), re.S)
    if not match:
        raise RuntimeError(f"{DOC} has no configuration {name}")
    return match[1] + "\n"


def example():
    """The refusal that the page shows, as a document."""
    with open(DOC) as file:
        return json.loads(re.search(r"\n```json\n(.*?)\n```", file.read(), re.S)[1])


def without(text, *patterns):
    """Leave the lines out that match; each pattern has to match one at least."""
    for pattern in patterns:
        text, count = re.subn(r"^[^\n]*(?:%s)[^\n]*\n" % pattern, "", text, flags=re.M)
        assert count, f"no line {pattern!r} in\n{text}"
    return text


def instead(text, old, new):
    assert old in text, f"no {old!r} in\n{text}"
    return text.replace(old, new)


def free_port():
    """A port below those that the kernel gives to clients, whose connections may stay for a while."""
    while True:
        port = random.randrange(12000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def wait_for(condition, what, seconds=SOON):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Proxy:
    """A proxy in a folder of its own. What differs is in the classes made of it: frame(), command() and reload()."""

    name = "proxy"
    known_as = ()  # what the server may call it
    stop_signal = signal.SIGTERM

    def __init__(self, text, backend=None, extra=""):
        self.folder = tempfile.mkdtemp(prefix=f"{self.name}-", dir=os.path.abspath(f"{BUILD}/tmp"))
        os.chmod(self.folder, 0o755)
        self.backend, self.text, self.extra, self.process = backend, text, extra, None
        # The port may be taken between asking for it and using it.
        for attempt in range(3):
            self.port = free_port()
            self.write()
            try:
                self.start()
                return
            except AssertionError:
                if attempt == 2 or "ddress already in use" not in self.log():
                    shutil.rmtree(self.folder, True)
                    raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, True)

    def write(self):
        text = self.text
        if self.backend is not None:
            text = text.replace(BACKEND, f"127.0.0.1:{self.backend}")
        text = text.replace(" cert;", f" {self.folder}/cert;").replace(" key;", f" {self.folder}/key;")
        self.file = os.path.join(self.folder, "config")
        with open(self.file, "w") as file:
            file.write(self.frame(text))

    def start(self):
        """Until it listens. One that is started again may find its port in use by children of the one before."""
        end = time.monotonic() + 2
        while not self.started():
            if time.monotonic() > end or "ddress already in use" not in self.log():
                raise AssertionError(f"{self.name} does not start: {self.log()[-1500:]}")
            time.sleep(0.1)

    def started(self):
        with open(os.path.join(self.folder, "out"), "ab") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            cwd=self.folder, env={**os.environ, **self.environment()},
                                            start_new_session=True)
        end = time.monotonic() + SOON
        while not listens(self.port):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                return False
            time.sleep(0.02)
        return True

    def environment(self):
        return {"HOME": self.folder}

    def log(self):
        said = ""
        for name in ("out", "error.log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    said += file.read()
        return said

    def change(self, text):
        """Another configuration, and have it in use when this returns."""
        self.text = text
        self.write()
        self.reload()

    def kill(self):
        """kill -9, the workers too: the group is the proxy's own."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}{PATH}"


def make_certificate(folder):
    """A key and a certificate of its own for 127.0.0.1, as key and cert in the folder."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    f"{folder}/key", "-out", f"{folder}/cert", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
