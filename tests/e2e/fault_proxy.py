# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy on loopback that stands before a store and fails as networks and servers do.

It runs in a process of its own, so that the load of a test does not slow it down. FaultProxy is the
test's end; commands go over its pipe as lines of JSON.
"""
import asyncio
import json
import os
import select
import socket
import struct
import subprocess
import sys

CHUNK = 65536
ANSWER_WAIT_S = 2
CONTROL_S = 10

# ---- Commands in a stream of questions ----


class RawFrames:
    """Bytes as they come: nothing is counted."""

    def feed(self, data):
        return [data]

    def is_command(self, _frame):
        return False

    def has_rows(self, _answer):
        return False


class MysqlFrames:
    """Packets of MySQL's protocol; a command is one with the sequence number 0."""

    UNANSWERED = (0x01, 0x18, 0x19)  # quit, send long data, close a statement
    LIE = bytes([7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])  # OK, no rows: where rows are due

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        frames, self.rest = [], self.rest + data
        while len(self.rest) >= 4:
            end = 4 + int.from_bytes(self.rest[:3], "little")
            if len(self.rest) < end:
                break
            frames.append(self.rest[:end])
            self.rest = self.rest[end:]
        return frames

    def is_command(self, frame):
        return frame[3] == 0 and frame[4] not in self.UNANSWERED

    def has_rows(self, answer):
        """Whether it begins a result set: neither OK nor an error nor the greeting of a server."""
        return len(answer) > 4 and answer[3] == 1 and answer[4] not in (0x00, 0x0a, 0xfe, 0xff)


class RedisFrames:
    """Commands of Redis, each an array of bulk strings."""

    LIE = b":1\r\n"

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        frames, self.rest = [], self.rest + data
        while (end := self._end()) is not None:
            frames.append(self.rest[:end])
            self.rest = self.rest[end:]
        return frames

    def _end(self):
        """Where the first command ends; None while it is not whole."""
        at = self.rest.find(b"\r\n")
        if at < 0:
            return None
        n_words, at = int(self.rest[1:at]), at + 2
        for _ in range(n_words):
            line_end = self.rest.find(b"\r\n", at)
            if line_end < 0:
                return None
            at = line_end + 2 + int(self.rest[at + 1:line_end]) + 2
        return at if at <= len(self.rest) else None

    def is_command(self, _frame):
        return True

    def has_rows(self, answer):
        """Whether a bulk or an array is due: a number in place of a number nobody could tell."""
        return answer[:1] in (b"$", b"*")


FRAMES = {"raw": RawFrames, "mysql": MysqlFrames, "redis": RedisFrames}


# ---- The proxy's own process ----


async def wait_at_most(event, seconds):
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        pass


class Cut(Exception):
    """The connection ends here, by RST."""


def close(sock, hard):
    if hard and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Link:
    """One connection of a client and its twin to the store."""

    def __init__(self, proxy, client):
        self.proxy, self.client, self.store = proxy, client, None
        self.frames = FRAMES[proxy.protocol]()
        self.is_lost = False  # bytes were, so what goes on would be out of step
        self.n_answered = 0   # bytes, since the fault began
        self.answer_came = asyncio.Event()
        self.is_cut = False
        self.task = proxy.loop.create_task(self.run())

    async def run(self):
        hard, pumps = True, []
        try:
            if self.proxy.has("black_hole"):
                self.is_lost = True
            else:
                self.store = await self.connect()
            pumps = [asyncio.ensure_future(pump) for pump in self.pumps()]
            ended, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            hard = any(pump.exception() for pump in ended)
        except OSError:
            pass
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self.proxy.links.discard(self)
            for sock in filter(None, (self.client, self.store)):
                close(sock, hard)

    async def connect(self):
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self.proxy.loop.sock_connect(sock, self.proxy.target)
        except OSError:
            sock.close()
            raise
        return sock

    def pumps(self):
        return [self.pump_questions(), *([self.pump_answers()] if self.store else [])]

    async def pump_questions(self):
        while data := await self.proxy.loop.sock_recv(self.client, CHUNK):
            await self.proxy.released()
            if self.proxy.has("black_hole") or not self.store:
                self.is_lost = True
                continue
            for frame in self.frames.feed(data):
                await self.pass_question(frame)

    async def pass_question(self, frame):
        cut = self.frames.is_command(frame) and self.proxy.count_command()
        if cut != "question":
            self.is_cut = cut == "answer"
            self.answer_came.clear()
            await self.proxy.loop.sock_sendall(self.store, frame)
        if self.is_cut:
            await wait_at_most(self.answer_came, ANSWER_WAIT_S)
        if cut:
            self.proxy.has_cut()
            raise Cut

    async def pump_answers(self):
        while data := await self.proxy.loop.sock_recv(self.store, CHUNK):
            self.answer_came.set()
            await self.proxy.released()
            if self.is_cut or self.proxy.has("black_hole"):
                self.is_lost = True
            else:
                await self.pass_answer(data)

    async def pass_answer(self, data):
        proxy = self.proxy
        if proxy.has("latency"):
            await proxy.pause(proxy.fault["seconds"])
        if proxy.has("trickle"):
            data = await self.drip(data)
        if proxy.has("garbage"):
            data, self.is_lost = b"\xee" * len(data), True
        if proxy.has("wrong") and self.frames.has_rows(data):
            data, self.is_lost = self.frames.LIE, True
        if proxy.has("reset"):
            data = data[:proxy.fault["after"] - self.n_answered]
        self.n_answered += len(data)
        await self.answer(data)
        if proxy.has("reset") and self.n_answered >= proxy.fault["after"]:
            raise Cut

    async def drip(self, data):
        """What is left when the fault is over."""
        while data and self.proxy.has("trickle"):
            await self.answer(data[:1])
            data = data[1:]
            await self.proxy.pause(1)
        return data

    async def answer(self, data):
        await self.proxy.loop.sock_sendall(self.client, data)


class Proxy:
    """Accepts, and knows which fault is on."""

    def __init__(self, host, port, protocol):
        self.target, self.protocol = (host, port), protocol
        self.loop = asyncio.get_running_loop()
        self.links = set()
        self.fault = {"mode": "pass"}
        self.changed = asyncio.Event()
        self.n_commands = self.n_cut = self.n_accepted = 0
        # An explicit port stays bound while the socket does not listen: refused, and nobody else's.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = probe.getsockname()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        self.listener.setblocking(False)
        self.listens = False
        self.listen(True)

    def listen(self, wanted):
        if wanted and not self.listens:
            self.listener.listen(512)
            self.loop.add_reader(self.listener, self.accept)
        elif self.listens and not wanted:
            self.loop.remove_reader(self.listener)
            self.listener.shutdown(socket.SHUT_RD)
        self.listens = wanted

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.n_accepted += 1
        self.links.add(Link(self, client))

    def has(self, mode):
        return self.fault["mode"] == mode

    async def released(self):
        while self.has("hold"):
            await self.pause(3600)

    async def pause(self, seconds):
        """Until then, or until the fault changes."""
        await wait_at_most(self.changed, seconds)

    def count_command(self):
        """Where this command is to be cut: "question", "answer" or nowhere."""
        self.n_commands += 1
        if self.has("cut") and self.n_commands == self.fault["at"]:
            return self.fault["side"]
        return None

    def has_cut(self):
        self.n_cut += 1
        if self.fault.get("for_good"):
            self.set({"mode": "refuse"})

    def set(self, fault):
        """The new fault; a link that lost bytes, or whose store is not there, cannot go on."""
        self.fault = fault
        self.n_commands = 0
        self.changed.set()
        self.changed = asyncio.Event()
        self.listen(fault["mode"] != "refuse")
        for link in list(self.links):
            link.n_answered = 0
            if fault["mode"] == "refuse" or link.is_lost:
                link.task.cancel()

    def report(self):
        return {"links": len(self.links), "commands": self.n_commands, "cut": self.n_cut,
                "accepted": self.n_accepted}


async def serve(host, port, protocol):
    proxy = Proxy(host, int(port), protocol)
    orders = asyncio.StreamReader()
    await proxy.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print(json.dumps({"port": proxy.address[1]}), flush=True)
    while line := await orders.readline():
        order = json.loads(line)
        if order:
            proxy.n_cut = 0
            proxy.set(order)
        print(json.dumps(proxy.report()), flush=True)


# ---- The test's end ----


class FaultProxy:
    """protocol is "mysql", "redis" or "raw"; the last knows no commands and tells no lies."""

    def __init__(self, host, port, protocol="raw"):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), host, str(port), protocol],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = self._line()["port"]

    def _line(self):
        readable, _, _ = select.select([self.process.stdout], [], [], CONTROL_S)
        assert readable, "the proxy does not answer"
        return json.loads(self.process.stdout.readline())

    def _order(self, order=None):
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        return self._line()

    def set(self, mode, **more):
        return self._order({"mode": mode, **more})

    def heal(self):
        return self.set("pass")

    def refuse(self):
        """No port is open, and the connections there are were reset."""
        return self.set("refuse")

    def black_hole(self):
        """Takes everything, says nothing, forwards nothing; connections too that were there before."""
        return self.set("black_hole")

    def hold(self):
        """Nothing moves, and all of it arrives once healed: late questions, late answers."""
        return self.set("hold")

    def reset_after(self, n_bytes):
        """Each connection ends after so many bytes of answers."""
        return self.set("reset", after=n_bytes)

    def latency(self, seconds):
        return self.set("latency", seconds=seconds)

    def trickle(self):
        """Answers come at one byte a second."""
        return self.set("trickle")

    def garbage(self):
        return self.set("garbage")

    def wrong(self):
        """Where rows or bulks are due there comes another well-formed reply."""
        return self.set("wrong")

    def cut(self, at, side="question", for_good=False):
        """Ends the connection at the at-th command from now: before the store has it ("question"), or
        when its answer is there ("answer"). for_good: nothing is reached any more after it."""
        return self.set("cut", at=at, side=side, for_good=for_good)

    def report(self):
        """links open now, commands since the last order, connections cut since then."""
        return self._order()

    def close(self):
        self.process.stdin.close()
        self.process.wait(CONTROL_S)
        self.process.stdout.close()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
