"""The edge process: features come from the devices, and the tails run."""

from __future__ import annotations

import hmac
import socket
from typing import Any

from lyaopt.live.frames import HELLO, Frame, FrameError, read_frame
from lyaopt.live.messages import Channel
from lyaopt.live.networks import LiveNetwork
from lyaopt.live.roles import Events, clock, fail, in_background, load_networks, pin, settle
from lyaopt.live.waiting_tasks import Waiting, WaitingTasks, seconds_left
from lyaopt.model.profiles import format_profile


class Edge:
    """The work of the edge server.

    Parameters
    ----------
    config : dict
        `networks` of the services of each device, the `secret` of the devices, and the `core`.
    channel : Channel
        To the controller.
    """

    def __init__(self, config: dict[str, Any], channel: Channel) -> None:
        pin(config["core"])
        self._channel, self._secret = channel, config["secret"]
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        # Told before the networks are loaded, so that devices load theirs meanwhile.
        channel.send({"port": self._server.getsockname()[1]})
        counts = [len(services) for services in config["networks"]]
        all_networks = iter(load_networks([each for services in config["networks"] for each in services]))
        self._networks = [[next(all_networks) for _ in range(count)] for count in counts]
        self.unequal = {
            network.profile.name: warm_up(network) for services in self._networks for network in services
        }
        self._tails = WaitingTasks(clock, seconds_left(clock))
        self._tail_s: list[list[list[float]]] = []
        self._events = Events()

    def serve(self) -> None:
        """Work until the controller closes the channel."""
        self._channel.send({"ready": True} | self._about())
        settle()
        in_background(self._channel, self._obey)
        in_background(self._channel, self._accept)
        try:
            while True:
                waiting = self._tails.take(None)
                if waiting is not None:
                    self._run_tail(waiting)
                    self._tails.end()
        except Exception as error:
            fail(self._channel, error)

    def _about(self) -> dict[str, Any]:
        """What the controller has to know of the networks, by device and service."""
        return {
            "digests": [[network.digest() for network in services] for services in self._networks],
            "unequal": self.unequal,
            "profiles": [[format_profile(each.profile) for each in services] for services in self._networks],
            "whole_s": [[whole_s(each) for each in services] for services in self._networks],
        }

    def _obey(self) -> None:
        while True:
            for message in self._channel.receive():
                getattr(self, f"_on_{message.pop('do')}")(**message)

    def _on_begin(self, start_s: float, tail_s: list[list[list[float]]]) -> None:
        """Start a run, with the seconds of each tail as they were measured."""
        self._events.start_s, self._tail_s = start_s, tail_s
        self._channel.send({"began": True})

    def _on_status(self) -> None:
        """Tell what waits, and what became of tasks."""
        self._channel.send({"edge": self._tails.backlog(), "events": self._events.take()})

    def _accept(self) -> None:
        """Take connections; those that do not know the secret are closed."""
        while True:
            connection, _ = self._server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                connection.settimeout(10.0)
                hello = read_frame(connection.recv_into, 1024)
            except (OSError, FrameError):
                hello = None
            if hello is None or not self._knows(hello):
                connection.close()
                continue
            connection.settimeout(None)
            device = hello.service
            in_background(self._channel, lambda c=connection, m=device: self._read_features(c, m))  # type: ignore[misc]

    def _knows(self, hello: Frame) -> bool:
        right = hmac.compare_digest(hello.task.to_bytes(8, "big"), int(self._secret).to_bytes(8, "big"))
        return hello.kind == HELLO and right and hello.service < len(self._networks)

    def _read_features(self, connection: socket.socket, device: int) -> None:
        """Read frames until the device closes its end; one that is cut short is an error, as is any other."""
        while True:
            try:
                frame = read_frame(connection.recv_into)
            except ConnectionError:  # the device died, which the controller sees
                return
            if frame is None:
                return
            services = self._networks[device]
            if frame.service >= len(services) or frame.cut >= services[frame.service].last_cut:
                raise FrameError(f"device {device} sent a frame of service {frame.service}, cut {frame.cut}")
            seconds = self._tail_s[device][frame.service][frame.cut]
            self._tails.put(Waiting((device, frame.service), seconds, frame))

    def _run_tail(self, waiting: Waiting) -> None:
        frame: Frame = waiting.content
        assert isinstance(waiting.queue, tuple)
        device, service = waiting.queue
        network = self._networks[device][service]
        started = clock()
        outputs = network.tail(frame.cut)(frame.tensors)
        done = clock()
        equal = network.agrees(frame.cut, frame.task, outputs)
        self._events.add(device, service, frame.task, tail_started=started, tail_done=done, equal=equal)


def warm_up(network: LiveNetwork) -> list[int]:
    """Run all halves of a `network` once, and return the cuts whose outputs are not those of the whole."""
    wrong = []
    for cut in range(network.last_cut):
        outputs = network.tail(cut)(network.head(cut)(network.inputs[0]))
        if not network.agrees(cut, 0, outputs):
            wrong.append(cut)
    return wrong


def whole_s(network: LiveNetwork) -> float:
    """Seconds that the whole `network` takes, the least of three runs."""
    times = []
    for _ in range(3):
        started = clock()
        network.run_whole(network.inputs[0])
        times.append(clock() - started)
    return min(times)
