# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PLR2004  (sizes of kernels, tones and shares say themselves)
# pyright: basic, reportMissingImports=false
"""Train the small net that enlarges luma twofold, and write it as ONNX.

    pip install jax onnx scikit-image scikit-learn opencv-python-headless av
    python scripts/train_upscaler.py --pictures FOLDER... --held-out CLIP... --output NET.onnx

Needs none of longtake. FOLDER is searched for the pictures named in PICTURES, which ship in the packages named beside
them, all free to use for anything (public domain, CC0, CC BY, BSD, Apache); what is not found is said and left out.
CLIPs are only measured, never trained on. The seed fixes patches and first weights.

The net: a linear 5x5 convolution that begins as Lanczos, and beside it a 5x5, some 3x3 and a last 3x3 one, all at the
small size, which add what Lanczos misses; four values for each pixel then become 2x2 pixels, and what lies far outside
of the small pixels around is cut off (after the training). 0 is black, 1 is 255.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import jax
import jax.numpy as jnp
import numpy as np
import onnx
from jax import lax
from onnx import TensorProto, helper, numpy_helper

Weights = dict[str, np.ndarray]
State = tuple[dict[str, jax.Array], dict[str, jax.Array], dict[str, jax.Array], dict[str, jax.Array]]
"""Weights, both moments of Adam, and the weights' running mean."""

PICTURES = {
    "scikit-image (PyPI)": (
        "astronaut.png brick.png camera.png chelsea.png coffee.png coins.png grass.png gravel.png "
        "hubble_deep_field.jpg moon.png page.png retina.jpg rocket.jpg text.png"
    ),
    "scikit-learn (PyPI)": "china.jpg flower.jpg",
    "lomiri-wallpapers-16.04 (Debian), those under CC BY 4.0 and CC0": (
        "aitzgorri_by_Aitzol_Berasategi.jpg friends_by_Aitzol_Berasategi.jpg life_by_Aitzol_Berasategi.jpg "
        "picosdeeuropa_by_Aitzol_Berasategi.jpg Picture_0B_by_freespace.jpg Picture_1A_by_freespace.jpg "
        "seeding_by_Clements_Engelhardt.jpg sunset_by_Aitzol_Berasategi.jpg umang_by_Abhishek_Mudgal.jpg "
        "Wine_by_Jakkub_Mede.jpg"
    ),
    "opencv-doc (Debian)": (
        "aloeL.jpg apple.jpg basketball1.png Blender_Suzanne1.jpg board.jpg box_in_scene.png building.jpg "
        "butterfly.jpg cards.png chicky_512.png ela_original.jpg fruits.jpg graf1.png home.jpg leuvenA.jpg orange.jpg "
        "rubberwhale1.png smarties.png squirrel_cls.jpg stuff.jpg sudoku.png"
    ),
}
DRAWN = 8
"""Pictures of lines, shapes and letters drawn here."""
SHORT_SIDES = (1080, 720, 480)
"""Large pictures are shrunk to these first, which makes them as sharp as a small video."""
PATCH, BATCH, MARGIN = 64, 16, 8
WIDTH, DEPTH = 24, 4
FLAT = 3.0
COMPRESSED = 0.3
"""The share of small pictures that went through a coder, as every video did."""
ROOM = 2 / 255
"""How far the result may lie outside of what the small 3x3 pixels around it hold: halos are cut off there."""
RINGS = 2.0
"""How much more a pixel counts that lies outside of what the real 5x5 pixels around it hold."""

SHRINKERS = {
    "area": (0.4, np.array([1, 1])),
    "bicubic": (0.4, None),
    "triangle": (0.1, np.array([1, 3, 3, 1])),
    "Lanczos": (0.1, None),
}


def cubic(at: np.ndarray) -> np.ndarray:
    """FFmpeg's bicubic (a = -0.6)."""
    a, x = -0.6, np.abs(at)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    return np.where(x < 1, near, np.where(x < 2, a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a, 0))


def lanczos(at: np.ndarray) -> np.ndarray:
    """Three lobes."""
    return np.where(np.abs(at) < 3, np.sinc(at) * np.sinc(at / 3), 0)


def kernel(name: str) -> np.ndarray:
    """The weights by which a shrinker halves a line."""
    taps = SHRINKERS[name][1]
    if taps is None:
        at = (np.arange(12) - 5.5) / 2
        taps = cubic(at) if name == "bicubic" else lanczos(at)
    return (taps / taps.sum()).astype(np.float32)


def shrink(picture: np.ndarray, name: str) -> np.ndarray:
    """Half the size."""
    taps = kernel(name)
    first = len(taps) // 2 - 1
    soft = cv2.sepFilter2D(picture, -1, taps, taps, anchor=(first, first), borderType=cv2.BORDER_REFLECT)
    return soft[::2, ::2]


def luma(picture: np.ndarray) -> np.ndarray:
    """8-bit luma in the limited range, as videos have it."""
    weights = np.array([0.114, 0.587, 0.299] if picture.ndim == 3 else [1.0])
    grey = picture[..., :3] @ weights if picture.ndim == 3 else picture.astype(float)
    return np.clip(np.rint(16 + grey * 219 / 255), 0, 255).astype(np.uint8)


def drawn(rng: np.random.Generator) -> np.ndarray:
    """Lines, shapes and letters over a soft ground."""
    plane = cv2.resize(rng.integers(30, 225, (4, 6), np.uint8), (1280, 720), interpolation=cv2.INTER_CUBIC)
    for _ in range(160):
        x, y, tone = int(rng.integers(1280)), int(rng.integers(720)), int(rng.integers(256))
        kind, thick = int(rng.integers(4)), int(rng.integers(1, 6))
        if kind == 0:
            cv2.line(plane, (x, y), (int(rng.integers(1280)), int(rng.integers(720))), tone, thick, cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(plane, (x, y), int(rng.integers(3, 60)), tone, thick if rng.random() < 0.5 else -1, cv2.LINE_AA)
        elif kind == 2:
            axes = (int(rng.integers(4, 70)), int(rng.integers(4, 70)))
            cv2.ellipse(plane, (x, y), axes, float(rng.integers(180)), 0, 360, tone, -1, cv2.LINE_AA)
        else:
            text = "".join(chr(int(code)) for code in rng.integers(33, 126, 9))
            font, size = int(rng.integers(8)), float(rng.uniform(0.5, 2))
            cv2.putText(plane, text, (x, y), font, size, tone, min(thick, 3), cv2.LINE_AA)
    return plane


def gather(folders: list[Path], rng: np.random.Generator) -> list[list[np.ndarray]]:
    """For each picture its planes, by size."""
    found = []
    for package, names in PICTURES.items():
        for name in names.split():
            path = next((hit for folder in folders for hit in sorted(folder.rglob(name))), None)
            if path is None:
                print(f"{name} is not here: it ships in {package}")
                continue
            picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            assert picture is not None, path
            plane = luma(picture)
            short = min(plane.shape)
            planes = []
            for side in SHORT_SIDES:
                if short >= side * 1.4:
                    width, height = (round(length * side / short) for length in plane.shape[::-1])
                    planes.append(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))
            found.append(planes or [plane])
    return found + [[drawn(rng)] for _ in range(DRAWN)]


def batches(pictures: list[list[np.ndarray]], rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Small and real patches, 0 to 1."""
    names = list(SHRINKERS)
    odds = np.array([SHRINKERS[name][0] for name in names])
    side = PATCH + 4 * MARGIN
    while True:
        small, real = [], []
        while len(real) < BATCH:
            planes = pictures[int(rng.integers(len(pictures)))]
            plane = planes[int(rng.integers(len(planes)))]
            if min(plane.shape) <= side:
                continue
            top, left = (int(rng.integers(length - side)) for length in plane.shape)
            patch = plane[top : top + side, left : left + side]
            if patch.std() < FLAT and rng.random() < 0.9:
                continue
            patch = np.rot90(patch, int(rng.integers(4)))
            patch = np.ascontiguousarray(patch[:, ::-1] if rng.random() < 0.5 else patch).astype(np.float32)
            half = shrink(patch, names[int(rng.choice(len(names), p=odds))])
            half = np.clip(np.rint(half), 0, 255).astype(np.uint8)
            if rng.random() < COMPRESSED:
                coded = cv2.imencode(".jpg", half, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 98))])[1]
                half = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))
            small.append(half[MARGIN:-MARGIN, MARGIN:-MARGIN])
            real.append(patch[2 * MARGIN : -2 * MARGIN, 2 * MARGIN : -2 * MARGIN])
        yield (np.stack(small)[..., None].astype(np.float32) / 255, np.stack(real)[..., None].astype(np.float32) / 255)


def first_weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Small random ones; the linear way begins as Lanczos (of two lobes, which fits 5x5)."""

    def spread(size: int, inside: int, outside: int, gain: float = 1.0) -> np.ndarray:
        return rng.normal(0, gain * np.sqrt(2 / (size * size * inside)), (size, size, inside, outside))

    at = np.arange(-2, 3)
    taps = [np.sinc(at - shift) * np.sinc((at - shift) / 2) * (np.abs(at - shift) < 2) for shift in (-0.25, 0.25)]
    phases = [
        np.outer(taps[row] / taps[row].sum(), taps[column] / taps[column].sum()) for row in (0, 1) for column in (0, 1)
    ]
    weights = {"linear": np.stack(phases, -1)[:, :, None, :], "first": spread(5, 1, WIDTH)}
    weights |= {f"middle{number}": spread(3, WIDTH, WIDTH) for number in range(DEPTH)}
    weights |= {"last": spread(3, WIDTH, 4, 0.1)}
    biases = {f"{name}_bias": np.zeros(value.shape[-1]) for name, value in weights.items() if name != "linear"}
    return {name: value.astype(np.float32) for name, value in (weights | biases).items()}


def enlarge(weights: dict[str, jax.Array], small: jax.Array) -> jax.Array:
    """The net."""

    def layer(values: jax.Array, name: str) -> jax.Array:
        numbers = ("NHWC", "HWIO", "NHWC")
        made = lax.conv_general_dilated(values, weights[name], (1, 1), "SAME", dimension_numbers=numbers)
        return made + weights[f"{name}_bias"] if name != "linear" else made

    first = jax.nn.relu(layer(small, "first"))
    inner = first
    for number in range(DEPTH):
        inner = jax.nn.relu(layer(inner, f"middle{number}"))
    four = layer(inner + first, "last") + layer(small, "linear")
    count, high, wide, _ = four.shape
    return four.reshape(count, high, wide, 2, 2).transpose(0, 1, 3, 2, 4).reshape(count, 2 * high, 2 * wide, 1)


def loss(weights: dict[str, jax.Array], small: jax.Array, real: jax.Array) -> jax.Array:
    """The error, and once more what lies outside of the real surroundings; without the patch's edge."""
    edge = 8
    made = enlarge(weights, small)
    window, steps = (1, 5, 5, 1), (1, 1, 1, 1)
    most = lax.reduce_window(real, -jnp.inf, lax.max, window, steps, "SAME")
    least = lax.reduce_window(real, jnp.inf, lax.min, window, steps, "SAME")
    outside = jax.nn.relu(made - most) + jax.nn.relu(least - made)
    error = jnp.sqrt((made - real) ** 2 + 0.01**2) + RINGS * outside
    return error[:, edge:-edge, edge:-edge].mean()


def train(
    pictures: list[list[np.ndarray]], held_out: list[np.ndarray], steps: int, rng: np.random.Generator
) -> Weights:
    """Adam, a rate that falls as a cosine; the weights' running mean is what is kept."""
    weights = {name: jnp.asarray(value) for name, value in first_weights(rng).items()}
    zeros = jax.tree.map(jnp.zeros_like, weights)

    @jax.jit
    def step(state: State, small: np.ndarray, real: np.ndarray, number: int) -> tuple[State, jax.Array]:
        weights, first, second, kept = state
        value, slope = jax.value_and_grad(loss)(weights, small, real)
        rate = 2e-3 * jnp.minimum(1, number / 200) * 0.5 * (1 + jnp.cos(jnp.pi * number / steps)) + 2e-6
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        rise, rise2 = 1 - 0.9**number, 1 - 0.999**number
        weights = jax.tree.map(
            lambda w, m, v: w - rate * (m / rise) / (jnp.sqrt(v / rise2) + 1e-8), weights, first, second
        )
        share = jnp.minimum(0.999, number / (number + 10))
        return (weights, first, second, jax.tree.map(lambda k, w: share * k + (1 - share) * w, kept, weights)), value

    state, began, recent = (weights, zeros, zeros, weights), time.monotonic(), 0.0
    for number, (small, real) in enumerate(batches(pictures, rng), 1):
        state, value = step(state, small, real, number)
        recent += float(value)
        if number % 1000 == 0 or number == steps:
            gains = " ".join(f"{gain:+.2f}" for gain in gains_over_lanczos(state[3], held_out))
            print(
                f"{number:>6} {time.monotonic() - began:5.0f} s  loss {recent:.3f}  dB over Lanczos: {gains}",
                flush=True,
            )
            recent = 0.0
        if number >= steps:
            return {name: np.asarray(value) for name, value in state[3].items()}
    raise AssertionError


def read_luma(path: Path) -> np.ndarray:
    """Picture 30 of a clip."""
    with av.open(str(path)) as container:
        frame = next(frame for number, frame in enumerate(container.decode(video=0)) if number >= 30)
        planes = frame.reformat(format="yuv420p").to_ndarray()
    return np.ascontiguousarray(planes[: frame.height // 4 * 4, : frame.width // 4 * 4])


_enlarge_whole = jax.jit(enlarge)


def gains_over_lanczos(weights: dict[str, jax.Array], pictures: list[np.ndarray]) -> Iterator[float]:
    """In dB, for pictures shrunk by area."""
    for real in pictures:
        small = np.rint(shrink(real.astype(np.float32), "area")).astype(np.uint8)
        plain = cv2.resize(small, real.shape[::-1], interpolation=cv2.INTER_LANCZOS4)
        made = np.asarray(_enlarge_whole(weights, jnp.asarray(small[None, :, :, None], jnp.float32) / 255))[0, :, :, 0]
        made = np.clip(np.rint(255 * made), 0, 255)
        errors = [np.square(one.astype(float) - real)[16:-16, 16:-16].mean() for one in (plain, made)]
        yield float(10 * np.log10(errors[0] / errors[1]))


def write_onnx(weights: dict[str, np.ndarray], path: Path) -> None:
    """The net as ONNX, of any size."""
    tensors, nodes = [], []

    def layer(source: str, name: str, result: str) -> None:
        names = [name] + ([f"{name}_bias"] if name != "linear" else [])
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(weights[name].transpose(3, 2, 0, 1)), name))
        tensors.extend(numpy_helper.from_array(weights[bias], bias) for bias in names[1:])
        size = weights[name].shape[0]
        nodes.append(
            helper.make_node("Conv", [source, *names], [result], pads=[size // 2] * 4, kernel_shape=[size] * 2)
        )

    layer("luma", "linear", "plain")
    layer("luma", "first", "first_sum")
    nodes.append(helper.make_node("Relu", ["first_sum"], ["first_out"]))
    inner = "first_out"
    for number in range(DEPTH):
        layer(inner, f"middle{number}", f"sum{number}")
        nodes.append(helper.make_node("Relu", [f"sum{number}"], [f"out{number}"]))
        inner = f"out{number}"
    nodes.append(helper.make_node("Add", [inner, "first_out"], ["both"]))
    layer("both", "last", "detail")
    nodes.append(helper.make_node("Add", ["plain", "detail"], ["four"]))
    nodes.append(helper.make_node("DepthToSpace", ["four"], ["free"], blocksize=2, mode="CRD"))
    tensors.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))
    tensors.append(numpy_helper.from_array(np.array([ROOM], np.float32), "room"))
    around = {"kernel_shape": [3, 3], "pads": [1] * 4}
    linear = {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}
    nodes += [
        helper.make_node("MaxPool", ["luma"], ["most"], **around),
        helper.make_node("Neg", ["luma"], ["negative"]),
        helper.make_node("MaxPool", ["negative"], ["negative_least"], **around),
        helper.make_node("Neg", ["negative_least"], ["least"]),
        helper.make_node("Resize", ["most", "", "twice"], ["most_large"], **linear),
        helper.make_node("Resize", ["least", "", "twice"], ["least_large"], **linear),
        helper.make_node("Add", ["most_large", "room"], ["highest"]),
        helper.make_node("Sub", ["least_large", "room"], ["lowest"]),
        helper.make_node("Min", ["free", "highest"], ["below"]),
        helper.make_node("Max", ["below", "lowest"], ["enlarged"]),
    ]
    sizes = (["n", 1, "height", "width"], ["n", 1, "height_2", "width_2"])
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, size)
        for name, size in zip(("luma", "enlarged"), sizes, strict=True)
    ]
    graph = helper.make_graph(nodes, "longtake-x2", values[:1], values[1:], tensors)
    model = helper.make_model(
        graph, producer_name="longtake", opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    model.doc_string = "SPDX-License-Identifier: Apache-2.0. Doubles luma of 0 to 1. Made by scripts/train_upscaler.py."
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def main() -> None:
    """Gather, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, nargs="+", required=True)
    parser.add_argument("--held-out", type=Path, nargs="*", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    wishes = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(wishes.seed)
    pictures = gather(wishes.pictures, rng)
    weights = train(pictures, [read_luma(path) for path in wishes.held_out], wishes.steps, rng)
    write_onnx(weights, wishes.output)
    count = sum(value.size for value in weights.values())
    print(f"{wishes.output}: {count} weights, {wishes.output.stat().st_size} bytes, from {len(pictures)} pictures")


if __name__ == "__main__":
    main()
