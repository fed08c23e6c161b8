"""A device process: tasks are born, heads run, and what crosses is sent at the rate of the trace."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from typing import Any

from lyaopt.live.frames import FEATURES, HELLO, Frame, encode_frame
from lyaopt.live.messages import Channel
from lyaopt.live.networks import LiveNetwork, Tensors
from lyaopt.live.roles import Events, clock, fail, in_background, load_networks, pin, settle
from lyaopt.live.token_bucket import TokenBucket
from lyaopt.live.waiting_tasks import Waiting, WaitingTasks, seconds_left

_CHUNK = 4096
"""Bytes that leave at once."""


class Device:
    """The work of one device.

    Parameters
    ----------
    config : dict
        Number of the `device`, `networks` of its services, `port` and `secret` of the edge, and the `core`.
    channel : Channel
        To the controller.
    """

    def __init__(self, config: dict[str, Any], channel: Channel) -> None:
        pin(config["core"])
        self._number, self._channel = config["device"], channel
        self._networks = load_networks(config["networks"])
        for network in self._networks:
            warm_up(network)
        self._edge = _connect(config["port"], config["device"], config["secret"])
        self._heads = WaitingTasks(clock, seconds_left(clock))
        self._radio = WaitingTasks(clock, lambda task, since_s: task.content["left"])
        self._births: deque[list[Any]] = deque()
        self._lock = threading.Lock()
        self._born = [0] * len(self._networks)
        self._cuts = [0] * len(self._networks)
        self._head_s: list[list[float]] = []
        self._bucket: TokenBucket | None = None
        self._events = Events()

    def serve(self) -> None:
        """Work until the controller closes the channel."""
        digests = [network.digest() for network in self._networks]
        self._channel.send({"ready": True, "digests": digests})
        settle()
        in_background(self._channel, self._obey)
        in_background(self._channel, self._send_features)
        try:
            self._run_heads()
        except Exception as error:
            fail(self._channel, error)

    def _obey(self) -> None:
        while True:
            for message in self._channel.receive():
                getattr(self, f"_on_{message.pop('do')}")(**message)

    def _on_begin(
        self,
        start_s: float,
        births: list[list[Any]],
        cuts: list[int],
        head_s: list[list[float]],
        rates_bps: list[float],
        slot_s: float,
    ) -> None:
        """Start a run: tasks at times since its start, with cuts of their own or those in force."""
        with self._lock:
            self._events.start_s, self._cuts, self._head_s = start_s, cuts, head_s
            self._bucket = TokenBucket(rates_bps, slot_s, start_s)
            self._births = deque([start_s + at, service, cut] for at, service, cut in births)
        self._look_around()
        self._channel.send({"began": True})

    def _on_cut(self, cuts: list[int]) -> None:
        """Put cuts into force for the tasks that are born from now on."""
        self._admit()
        with self._lock:
            self._cuts = cuts
        self._channel.send({"cut": True})

    def _on_status(self) -> None:
        """Tell what waits, and what became of tasks."""
        self._admit()
        backlogs = {"local": self._heads.backlog(), "radio": self._radio.backlog()}
        self._channel.send(backlogs | {"events": self._events.take(), "unborn": len(self._births)})

    def _on_end(self) -> None:
        """No more tasks are born."""
        with self._lock:
            self._births.clear()
        self._channel.send({"ended": True})

    def _look_around(self) -> None:
        self._heads.wake()
        self._radio.wake()

    def _admit(self) -> float | None:
        """Let the tasks that are due be born; return the time until the next one."""
        with self._lock:
            while self._births and self._births[0][0] <= clock():
                at, service, cut = self._births.popleft()
                self._bear(at, service, self._cuts[service] if cut is None else cut)
            return self._births[0][0] - clock() if self._births else None

    def _bear(self, at: float, service: int, cut: int) -> None:
        task = self._born[service]
        self._born[service] += 1
        self._events.add(self._number, service, task, cut=cut, born=at)
        network = self._networks[service]
        if cut == 0:
            self._put_on_radio(service, task, _framed(service, task, 0, network.input_of(task)))
        else:
            self._heads.put(Waiting(service, self._head_s[service][cut], (task, cut)))

    def _run_heads(self) -> None:
        while True:
            wait_s = self._admit()
            waiting = self._heads.take(None if wait_s is None else max(wait_s, 0.0))
            if waiting is not None:
                self._run_head(waiting)
                self._heads.end()

    def _run_head(self, waiting: Waiting) -> None:
        (task, cut), service = waiting.content, waiting.queue
        assert isinstance(service, int)
        network = self._networks[service]
        started = clock()
        found = network.head(cut)(network.input_of(task))
        told: dict[str, Any] = {"head_started": started}
        if cut == network.last_cut:
            told |= {"head_done": clock(), "equal": network.agrees(cut, task, found)}
        else:
            data = _framed(service, task, cut, found)
            told["head_done"] = clock()
            self._put_on_radio(service, task, data)
        self._events.add(self._number, service, task, **told)

    def _put_on_radio(self, service: int, task: int, data: bytes) -> None:
        content = {"task": task, "data": data, "left": 8 * len(data)}
        self._radio.put(Waiting(service, 8 * len(data), content))

    def _send_features(self) -> None:
        while True:
            wait_s = self._admit()
            waiting = self._radio.take(None if wait_s is None else max(wait_s, 0.0))
            if waiting is not None:
                self._send(waiting)
                self._radio.end()

    def _send(self, waiting: Waiting) -> None:
        content, service = waiting.content, waiting.queue
        assert self._bucket is not None
        assert isinstance(service, int)
        data = memoryview(content["data"])
        for first in range(0, len(data), _CHUNK):
            chunk = data[first : first + _CHUNK]
            # Asked for when the frame was ready: a thread that wakes late loses nothing of the rate.
            leaves = self._bucket.take(8 * len(chunk), waiting.since_s)
            time.sleep(max(leaves - clock(), 0.0))
            self._edge.sendall(chunk)
            content["left"] -= 8 * len(chunk)
        self._events.add(self._number, service, content["task"], sent=clock(), bits=8 * len(data))


def _framed(service: int, task: int, cut: int, tensors: Tensors) -> bytes:
    return encode_frame(Frame(FEATURES, service, cut, task, tensors))


def warm_up(network: LiveNetwork) -> None:
    """Run all heads of a `network` once: first runs are slow."""
    for cut in range(1, len(network.profile.cuts)):
        network.head(cut)(network.inputs[0])


def _connect(port: int, device: int, secret: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30.0)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(encode_frame(Frame(HELLO, device, 0, secret)))
    return connection
