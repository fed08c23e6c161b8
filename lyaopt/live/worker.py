"""A process of a run: ``python -m lyaopt.live.worker DESCRIPTOR``, started by the controller."""

from __future__ import annotations

import os
import socket
import sys

from lyaopt.live.messages import Channel
from lyaopt.live.roles import fail


def main(descriptor: int) -> None:
    """Play the role that the first message names.

    Parameters
    ----------
    descriptor : int
        Of the socket to the controller.
    """
    channel = Channel(socket.socket(fileno=descriptor))
    try:
        config = channel.wait()
        if config["role"] == "edge":
            from lyaopt.live.edge import Edge

            Edge(config, channel).serve()
        else:
            from lyaopt.live.device import Device

            Device(config, channel).serve()
    except EOFError:  # the controller is gone
        os._exit(0)
    except Exception as error:
        fail(channel, error)


if __name__ == "__main__":
    main(int(sys.argv[1]))
