# SPDX-License-Identifier: Apache-2.0
"""The unified dialect's reading: aliases, meanings, refusals."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longtake.errors import InvalidMedia, InvalidRequest, LongtakeError
from longtake.http.dialects.draft import FILE_FIELDS, MOST_PROMPT_CHARS, NAMED_SOURCES
from longtake.http.dialects.fields import MOST_UNKNOWN_BYTES
from longtake.http.dialects.inputs import FileElsewhere, InlineBytes, KnownAsset, KnownTask
from longtake.http.dialects.unified import parse
from longtake.http.videos import task_id
from longtake.types import Aspect, ExactSize, Fit, Operation, Role, ShortSide

SEED = {
    "model": "grok-video-3",
    "prompt": "play with another white cat",
    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
    "size": "1080p",
    "start_time": 3,
    "upscale": False,
}
OWN = "http://127.0.0.1:8420/v1/assets/a1/x.mp4?expires=1&signature=s"
PICTURE = base64.b64encode(b"\x89PNG" + bytes(range(100))).decode()


def own_asset(url):
    return "a1" if url == OWN else None


def extend(**changes: Any):
    values = {name: value for name, value in {**SEED, **changes}.items() if value is not ...}
    return parse(Operation.EXTEND, values, own_asset)


def create(**changes: Any):
    return parse(Operation.CREATE, {"model": "grok-video-3", "prompt": "a cat", **changes}, own_asset)


def test_the_seed_request():
    draft = extend()
    submission = draft.submission
    assert draft.source == KnownTask("task_id", "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb")
    assert (submission.model, submission.prompt) == ("grok-video-3", "play with another white cat")
    assert (submission.start_us, submission.size, submission.upscale) == (3_000_000, ShortSide(pixels=1080), False)
    assert submission.dialect == "unified"
    assert not submission.extra
    assert draft.images == ()


UUID = "7fd641dc-437f-44c3-97a2-e3778e0e10fb"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (f"grok%3A{UUID}", f"grok:{UUID}"),
        (f"grok%3a{UUID}", f"grok:{UUID}"),
        (UUID, UUID),
        (f"video_{UUID}", UUID),
        (f"task_{UUID.upper()}", UUID.upper()),
        (f" grok:{UUID}\n", f"grok:{UUID}"),
        (f"task_own:{UUID}", f"task_own:{UUID}"),
    ],
)
def test_a_task_id_in_many_forms(sent, meant):
    assert extend(task_id=sent).source == KnownTask("task_id", meant)
    assert task_id(sent, "id") == meant


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"model": " grok-video-3 "}, "model", "grok-video-3"),
        ({"model": ...}, "model", None),
        ({"start_time": ...}, "start_us", None),
        ({"start_time": None}, "start_us", None),
        ({"start_time": ""}, "start_us", None),
        ({"start_time": ..., "start": "2.5s"}, "start_us", 2_500_000),
        ({"start_time": ..., "start_time_ms": 2500}, "start_us", 2_500_000),
        ({"start_time": 0}, "start_us", 0),
        ({"duration": "10"}, "new_us", 10_000_000),
        ({"seconds": 4}, "new_us", 4_000_000),
        ({"video_config": {"seconds": "8"}}, "new_us", 8_000_000),
        ({"size": "", "aspect_ratio": ""}, "size", None),
        ({"size": ..., "resolution": "720P"}, "size", ShortSide(pixels=720)),
        ({"size": ..., "metadata": '{"resolution": "480p"}'}, "size", ShortSide(pixels=480)),
        ({"size": ..., "width": "1280", "height": 720}, "size", ExactSize(width=1280, height=720)),
        ({"size": "16x9"}, "aspect", Aspect(width=16, height=9)),
        ({"ratio": "2:3"}, "aspect", Aspect(width=2, height=3)),
        ({"orientation": "portrait"}, "aspect", Aspect(width=9, height=16)),
        ({"upscale": "yes"}, "upscale", True),
        ({"upscale": ..., "enable_upsample": 1}, "upscale", True),
        ({"wait_for_source": "true"}, "wait_for_source", True),
        ({"fit": "pad"}, "fit", Fit.CONTAIN),
        ({"seed": "42"}, "seed", 42),
        ({"seed": -1}, "seed", None),
    ],
)  # fmt: skip
def test_a_field_under_its_many_names(changes, field, expected):
    assert getattr(extend(**changes).submission, field) == expected


@pytest.mark.parametrize(
    "changes",
    [{"task_id": ..., "video_id": "grok:1"}, {"task_id": ..., "id": " grok:1 "},
     {"task_id": ..., "video": {"id": "grok:1"}},
     {"task_id": ..., "video": {"url": "grok:1"}}, {"task_id": ..., "video": "grok:1"}],
)  # fmt: skip
def test_a_source_under_its_many_names(changes):
    source = extend(**changes).source
    assert isinstance(source, KnownTask)
    assert source.task_id == "grok:1"


def test_our_own_signed_url_is_a_source():
    assert extend(task_id=OWN).source == KnownAsset("task_id", "a1")
    assert extend(task_id=..., video={"url": OWN}).source == KnownAsset("video", "a1")


def test_an_exact_size_outweighs_an_aspect_and_says_so():
    submission = extend(size="1280x720", aspect_ratio="3:2").submission
    assert submission.size == ExactSize(width=1280, height=720)
    assert submission.aspect is None
    assert "aspect_ratio" in submission.warnings[0]
    assert not extend(size="1280x720", aspect_ratio="16:9").submission.warnings


def test_unknown_fields_are_kept_as_they_came():
    extra = extend(watermark=False, my={"deep": [1, "é"]}).submission.extra
    assert msgspec.json.decode(extra["my"]) == {"deep": [1, "é"]}
    assert list(extra) == ["watermark", "my"]
    one, other = (extend(my=value).submission.extra["my"] for value in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert bytes(one) == bytes(other)
    with pytest.raises(InvalidRequest) as refused:
        extend(watermark=False, picture_of_mine="x" * MOST_UNKNOWN_BYTES)
    assert refused.value.param == "picture_of_mine"


def test_pictures_by_number_and_name():
    data = f"data:image/png;base64,{PICTURE}"
    one = create(images=[data]).images
    assert [(role, type(media)) for role, media in one] == [(Role.FIRST_FRAME, InlineBytes)]
    assert isinstance(one[0][1], InlineBytes)
    assert one[0][1].decode().startswith(b"\x89PNG")
    two = create(images=[PICTURE, {"url": OWN}]).images
    assert [role for role, _ in two] == [Role.FIRST_FRAME, Role.LAST_FRAME]
    assert [role for role, _ in create(images=[OWN] * 3).images] == [Role.REFERENCE] * 3
    assert [role for role, _ in create(first_frame_image=OWN, last_image_url=OWN).images] == [
        Role.FIRST_FRAME,
        Role.LAST_FRAME,
    ]
    assert [role for role, _ in create(metadata={"image_end": OWN}).images] == [Role.LAST_FRAME]
    assert [role for role, _ in extend(images="upload:018f").images] == [Role.REFERENCE]
    assert create(images=[], image="", image_url=None).images == ()


def test_arrays_and_objects_may_be_json_texts_since_forms_have_neither():
    data = f"data:image/png;base64,{PICTURE}"
    listed = create(images=json.dumps([data, {"url": OWN}])).images
    assert [(role, type(media)) for role, media in listed] == [
        (Role.FIRST_FRAME, InlineBytes),
        (Role.LAST_FRAME, KnownAsset),
    ]
    assert create(images="[]").images == ()
    assert create(image=f' {{"url": "{OWN}"}}').images == ((Role.FIRST_FRAME, KnownAsset("image", "a1")),)
    assert extend(task_id=..., video='{"id": "grok:1"}').source == KnownTask("video", "grok:1")
    for broken in ("[1,", '["a"', "{", "[" * 100_000, "[" + "1," * 100_001 + "1]"):
        with pytest.raises(InvalidRequest) as refused:
            create(images=broken)
        assert refused.value.param == "images"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"prompt": ...}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"prompt": "x" * (MOST_PROMPT_CHARS + 1)}, "prompt"),
        ({"model": 3}, "model"),
        ({"model": "m" * 129}, "model"),
        ({"task_id": ...}, "task_id"),
        ({"task_id": 7}, "task_id"),
        ({"task_id": "no such/id"}, "task_id"),
        ({"task_id": {"x": 1}}, "task_id"),
        ({"start_time": -1}, "start_time"),
        ({"start_time": True}, "start_time"),
        ({"start_time": {}, "start": [1]}, "start"),
        ({"start_time": "soon"}, "start_time"),
        ({"start_time": 1e999}, "start_time"),
        ({"size": "999p"}, "size"),
        ({"size": "31x31"}, "size"),
        ({"size": ..., "width": 640}, "height"),
        ({"aspect_ratio": "9:1"}, "aspect_ratio"),
        ({"duration": 0}, "duration"),
        ({"seconds": "-4"}, "seconds"),
        ({"upscale": "perhaps"}, "upscale"),
        ({"fit": "stretch"}, "fit"),
        ({"seed": -2}, "seed"),
        ({"n": 2}, "n"),
        ({"callback_url": "https://example.com/x"}, "callback_url"),
        ({"images": ["ftp://example.com/x.png"]}, "images"),
        ({"images": ["file:///etc/passwd"]}, "images"),
        ({"images": [{"nothing": 1}]}, "images"),
        ({"images": [1]}, "images"),
        ({"images": [OWN] * 17}, "images"),
        ({"image": "data:image/png,plain"}, "image"),
        ({"metadata": "{broken"}, "metadata"),
        ({"odd": float("inf")}, "odd"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field(changes, param):
    with pytest.raises(LongtakeError) as refused:
        extend(**changes)
    assert refused.value.param == param
    assert refused.value.status in {400, 404}


def test_create_needs_a_model_and_takes_no_source():
    with pytest.raises(InvalidRequest) as refused:
        parse(Operation.CREATE, {"prompt": "a cat"}, own_asset)
    assert refused.value.param == "model"
    for name in NAMED_SOURCES:
        with pytest.raises(InvalidRequest, match="/v1/video/extend") as refused:
            create(**{name: "grok:1"})
        assert refused.value.param == name
    # What a caller notes for itself is no source, and neither is a field that is empty.
    assert create(metadata={"video": "mine", "task_id": "grok:1"}, id="my-own", task_id=None).source is None


def test_urls_are_told_from_ids_and_bytes_in_every_form():
    url = "https://example.com/a%20b.png?signature=c3VyZQ"
    for value in (url, f" {url} ", [url], {"url": url}, [{"image_url": {"url": url}}]):
        [(role, media)] = create(images=value).images
        assert (role, media) == (Role.FIRST_FRAME, FileElsewhere("images", url))
    for value in (url, {"url": url}):
        assert extend(task_id=..., video=value).source == FileElsewhere("video", url)
    assert "example.com" not in repr(extend(task_id=url).source)


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=90) | st.just(OWN)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
)
_OTHER_NAMES = (
    "prompt model size aspect_ratio duration start_time metadata video_config upscale seed n fit width height odd"
)
_NAMES = st.sampled_from([*sorted(FILE_FIELDS), *_OTHER_NAMES.split(), "callback_url", "wait_for_source"])


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_no_value_of_any_field_breaks_the_reader(changes):
    for operation in (Operation.EXTEND, Operation.CREATE):
        try:
            parse(operation, {**SEED, **changes}, own_asset)
        except LongtakeError as error:
            assert error.status in {400, 404}  # noqa: PT017
            assert error.param  # noqa: PT017


@pytest.mark.parametrize("text", ["!" * 80, "é" * 80, "A" * 65])
def test_what_is_not_base64_is_no_media(text):
    with pytest.raises(InvalidMedia):
        InlineBytes("image", text).decode()


def test_base64_in_its_many_forms():
    raw = bytes(range(256))
    usual, safe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    for text in (
        usual,
        usual.rstrip("="),
        safe,
        "\n".join(usual[start : start + 76] for start in range(0, len(usual), 76)),
    ):
        assert InlineBytes("image", text).decode() == raw
