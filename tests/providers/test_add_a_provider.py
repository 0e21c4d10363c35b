# SPDX-License-Identifier: Apache-2.0
"""docs/howto/add-a-provider.md, followed to the letter: its adapter is installed, found by its kind, and works."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.tinymaker import install
from tests.providers.exchange import account, answer, job, trouble_in, update_of

from longtake.errors import ConfigurationError
from longtake.providers.base import InputKind, Provider, Refused, Trouble, Unclear, VideoInput
from longtake.providers.registry import find_provider, kinds
from longtake.types import Operation

WHO = account("https://api.tinymaker.example")
SHIPPED = {"unified", "openai_videos", "xai", "fal", "comfyui"}


@pytest.fixture
def tinymaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The page's package, installed."""
    install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return find_provider("tinymaker")


def test_the_pages_adapter_is_found_beside_those_shipped(tinymaker: Provider) -> None:
    assert isinstance(tinymaker, Provider)
    assert tinymaker.kind == "tinymaker"
    assert {"tinymaker"} | SHIPPED <= set(kinds())


def test_the_pages_adapter_asks_and_reads(tinymaker: Provider) -> None:
    source = VideoInput(kind=InputKind.INLINE, value="data:video/mp4;base64,AAAA")
    wish = job(Operation.EXTEND, source=source, new_us=60_000_000)
    asked = tinymaker.submit(WHO, wish)
    assert asked.url == "https://api.tinymaker.example/jobs"
    assert asked.json == {"prompt": "a cat", "key": wish.caller_key, "seconds": 10, "video": source.value}
    assert tinymaker.credential(WHO, "k") == {"Authorization": "Token k"}
    assert update_of(tinymaker.read_submit(WHO, wish, answer({"id": "7"}))).handle == "7"
    assert isinstance(tinymaker.read_submit(WHO, wish, answer({"error": "no"}, 400)), Refused)
    assert isinstance(tinymaker.read_submit(WHO, wish, answer(None, 502)), Unclear)
    assert update_of(tinymaker.read_poll(WHO, "7", answer({"status": "cooking"}))).unknown_status == "cooking"
    done = update_of(tinymaker.read_poll(WHO, "7", answer({"status": "done", "video_url": "https://v.example/7.mp4"})))
    assert done.video is not None
    assert done.video.url == "https://v.example/7.mp4"
    assert trouble_in(tinymaker.read_poll(WHO, "7", answer(None, 429))) is Trouble.RATE_LIMITED


@pytest.mark.parametrize("kind", sorted(SHIPPED))
def test_every_shipped_kind_is_found(kind: str) -> None:
    found = find_provider(kind)
    assert isinstance(found, Provider)
    assert found.kind == kind


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="comfyui") as caught:
        find_provider("sora")
    assert all(kind in caught.value.message for kind in SHIPPED)
