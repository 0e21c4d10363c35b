# SPDX-License-Identifier: Apache-2.0
"""Whether the net of LONGTAKE_UPSCALE_MODEL can enlarge pictures, tried in a child with a render child's limits.

This process loads no media library, and a file that crashes one does not end the server.
"""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from longtake.errors import ConfigurationError
from longtake.sandbox.environment import clean_environment
from longtake.sandbox.limits import apply_job_limits
from longtake.sandbox.process import describe_exit
from longtake.types import Value

_LONGEST_S = 120.0


class NetTrial(Value, frozen=True):
    """What came of it: why the net cannot be used, or what it is."""

    refused: str = ""
    name: str = ""
    channels: int = 0
    scale: int = 0
    time_s: float = 0.0
    """What a picture of 640x360 takes, on all cores."""


def try_net(wish: str, memory_bytes: int) -> NetTrial:
    """Try the net of that setting. Raises ConfigurationError that says why it cannot be used."""
    try:
        done = subprocess.run(  # noqa: S603  (our own module; the path is the operator's)
            [sys.executable, "-P", "-m", __name__, str(memory_bytes), wish],
            capture_output=True,
            env=clean_environment(os.environ),
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refusal(wish, f"trying it did not end ({error})") from error
    try:
        trial = msgspec.json.decode(done.stdout, type=NetTrial)
    except msgspec.MsgspecError as error:
        raise _refusal(wish, f"trying it ended with {describe_exit(done.returncode)}") from error
    if trial.refused:
        raise ConfigurationError(trial.refused, param="upscale_model")
    return trial


def _refusal(wish: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"LONGTAKE_UPSCALE_MODEL is {wish!r}: {why}. Set it to another ONNX file, or leave it empty",
        param="upscale_model",
    )


def main(arguments: list[str]) -> None:
    """In the child: try the net named second, within the memory named first, and print a NetTrial."""
    import cv2  # noqa: PLC0415  (only in the child)

    from longtake.media.net import load_net, reason, time_s  # noqa: PLC0415

    apply_job_limits(memory_bytes=int(arguments[0]), file_bytes=0)
    try:
        net = load_net(arguments[1])
        facts = net.facts
        trial = NetTrial(name=facts.name, channels=facts.channels, scale=facts.scale, time_s=time_s(net))
    except ConfigurationError as error:
        trial = NetTrial(refused=error.message)
    except (cv2.error, MemoryError) as error:
        trial = NetTrial(refused=_refusal(arguments[1], f"it fails on a picture ({reason(error)})").message)
    sys.stdout.buffer.write(msgspec.json.encode(trial))


if __name__ == "__main__":
    main(sys.argv[1:])
