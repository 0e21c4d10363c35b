# SPDX-License-Identifier: Apache-2.0
"""Small ONNX files, written byte by byte after onnx.proto: nets whose answers a test can foretell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

FLOAT, INTS, INT, STRING = 1, 7, 2, 3
Attributes = Mapping[str, int | str | Sequence[int]]
Node = tuple[str, Sequence[str], str, Attributes]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _attribute(name: str, value: int | str | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, INT)
    if isinstance(value, str):
        return _field(1, name) + _field(4, value) + _field(20, STRING)
    return _field(1, name) + b"".join(_field(8, one) for one in value) + _field(20, INTS)


def _node(kind: str, inputs: Sequence[str], output: str, attributes: Attributes) -> bytes:
    named = b"".join(_field(5, _attribute(name, value)) for name, value in attributes.items())
    return b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, kind) + named


def _tensor(name: str, values: np.ndarray) -> bytes:
    data = np.asarray(values, np.float32)
    return (
        b"".join(_field(1, side) for side in data.shape)
        + _field(2, FLOAT)
        + _field(8, name)
        + _field(9, data.tobytes())
    )


def _value(name: str, channels: int) -> bytes:
    sides = (_field(2, f"{name}_n"), _field(1, channels), _field(2, f"{name}_h"), _field(2, f"{name}_w"))
    shape = b"".join(_field(1, side) for side in sides)
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, shape)))


def write_net(
    path: Path,
    nodes: Sequence[Node],
    tensors: dict[str, np.ndarray],
    channels: int,
) -> Path:
    """A net from `x` to `y`, of any size."""
    graph = b"".join(_field(1, _node(*node)) for node in nodes) + _field(2, "test")
    graph += b"".join(_field(5, _tensor(name, values)) for name, values in tensors.items())
    graph += _field(11, _value("x", channels)) + _field(12, _value("y", channels))
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13)))
    return path


def enlarging_net(
    path: Path, channels: int = 1, scale: int = 2, *, brighter: float = 0.0, gain: float = 1.0, inner: int = 0
) -> Path:
    """Repeats each pixel, a little sharper than it was (by the 5x5 around it), times `gain`, and `brighter`.

    `inner` wide layers between cost memory and change nothing.
    """
    spots = scale * scale
    weights = np.zeros((channels * spots, channels, 5, 5))
    for channel in range(channels):
        weights[channel * spots : (channel + 1) * spots, channel] = -0.2 / 24
        weights[channel * spots : (channel + 1) * spots, channel, 2, 2] = 1.2
    tensors = {"w": weights * gain, "b": np.full(channels * spots, brighter)}
    nodes: list[Node] = []
    source = "x"
    if inner:
        spread, gather = np.zeros((inner, channels, 1, 1)), np.zeros((channels, inner, 1, 1))
        for channel in range(channels):
            spread[channel, channel] = gather[channel, channel] = 1
        tensors |= {"spread": spread, "gather": gather}
        layers: tuple[Node, ...] = (
            ("Conv", ("x", "spread"), "wide", {"kernel_shape": (1, 1)}),
            ("Tanh", ("wide",), "bent", {}),
            ("Add", ("wide", "bent"), "both", {}),
            ("Sub", ("both", "bent"), "same", {}),
            ("Conv", ("same", "gather"), "narrow", {"kernel_shape": (1, 1)}),
        )
        nodes.extend(layers)
        source = "narrow"
    nodes.append(("Conv", (source, "w", "b"), "many", {"kernel_shape": (5, 5), "pads": (2, 2, 2, 2)}))
    nodes.append(("DepthToSpace", ("many",), "y", {"blocksize": scale, "mode": "CRD"}))
    return write_net(path, nodes, tensors, channels)
