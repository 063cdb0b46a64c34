"""Cases that run side by side: each has its own proxy, and its own server. Each prints one line."""
import concurrent.futures
import os
import threading
import time
import traceback

from agent_lib import BUILD

# Cases at a time: they wait more than they work.
SIDE_BY_SIDE = 8
CASES = []


def case(function):
    CASES.append(function)
    return function


def eventually(check, seconds=5):
    """A proxy may serve with the old configuration for a moment."""
    end = time.monotonic() + seconds
    while True:
        try:
            return check()
        except (AssertionError, OSError, EOFError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def main(name, only=()):
    """Run all cases, some at a time; print each when it is done, and leave with 1 if one failed."""
    os.makedirs(f"{BUILD}/tmp", exist_ok=True)
    lock, failed = threading.Lock(), []

    def run(function):
        before = time.monotonic()
        try:
            function()
            with lock:
                print(f"ok {name}/{function.__name__} ({time.monotonic() - before:.1f} s)", flush=True)
        except Exception as error:  # every failure is one line, its place below it
            said = str(error).replace("\n", " | ")[:1800]
            with lock:
                failed.append(function)
                print(f"not ok {name}/{function.__name__}: {type(error).__name__}: {said}")
                for frame in traceback.extract_tb(error.__traceback__):
                    if "tests/interop" in frame.filename:
                        print(f"    {frame.filename}:{frame.lineno} {frame.name}: {frame.line}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(run, [f for f in CASES if not only or f.__name__ in only]))
    return 1 if failed else 0
