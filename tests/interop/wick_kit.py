"""What tests of `wick agent` share: to run it and to look at what came of it."""
import asyncio
import subprocess

from agent_lib import BUILD


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out.decode(), err.decode()

    def __str__(self):
        return f"exit {self.status}, stdout {self.out[:200]!r}, stderr {self.err[-600:]!r}"


async def start(*arguments, stdin=subprocess.DEVNULL):
    return await asyncio.create_subprocess_exec(f"{BUILD}/bin/wick", "agent", *arguments, stdin=stdin,
                                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


async def finish(process, data=None, timeout=60):
    try:
        out, err = await asyncio.wait_for(process.communicate(data), timeout)
    except asyncio.TimeoutError:
        process.kill()
        raise
    return Result(process.returncode, out, err)


async def wick(*arguments, answers=None):
    process = await start(*arguments, stdin=subprocess.DEVNULL if answers is None else subprocess.PIPE)
    return await finish(process, None if answers is None else answers.encode())


def check(result, status, out=None, err=()):
    assert result.status == status, f"want exit {status}: {result}"
    assert out is None or result.out == out, f"want {out[:200]!r}: {result}"
    for part in (err,) if isinstance(err, str) else err:
        assert part in result.err, f"want {part!r}: {result}"
    return result


async def heard(process, part, stream="stdout"):
    """Read until this has come."""
    data = b""
    while part not in data:
        piece = await asyncio.wait_for(getattr(process, stream).read(4096), 20)
        assert piece, f"ended after {data!r}"
        data += piece
    return data
