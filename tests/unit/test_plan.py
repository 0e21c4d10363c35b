# SPDX-License-Identifier: Apache-2.0
"""What the fields mean (DESIGN 2), as tables: one row a rule, and laws that hold for every request."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longtake.catalog.catalog import LONGTAKE_CPU, shipped_catalog
from longtake.errors import InvalidRequest, LongtakeError, RequestError
from longtake.routing.makers import Makers
from longtake.tasks.plan import Limits, SourceFacts, plan
from longtake.types import (
    SECOND_US,
    Aspect,
    Capability,
    ExactSize,
    Fit,
    ImageInput,
    Maker,
    MediaFacts,
    Mode,
    Operation,
    Plan,
    Rate,
    Role,
    ShortSide,
    SizeWish,
    Submission,
    VideoFacts,
)

MAKERS = Makers(shipped_catalog(), stand_in=True)
LIMITS = Limits()
FILM = Rate(num=24)


def seconds(value: float) -> int:
    return round(value * SECOND_US)


def source(
    width: int = 1280,
    height: int = 720,
    *,
    length_s: float = 9.0,
    fps: Rate = FILM,
    made_size: SizeWish | None = None,
    made_aspect: Aspect | None = None,
) -> SourceFacts:
    video = VideoFacts(
        codec="h264",
        width=width,
        height=height,
        coded_width=width,
        coded_height=height,
        frames=max(1, round(length_s * fps.fraction)),
        fps=fps,
    )
    media = MediaFacts(container="mp4", duration_us=seconds(length_s), video=video)
    return SourceFacts(asset_id="a", media=media, made_size=made_size, made_aspect=made_aspect)


def extend(
    clip: SourceFacts | None = None, *, model: str = LONGTAKE_CPU, limits: Limits = LIMITS, **fields: object
) -> Plan:
    clip = clip or source()
    given_fields = {"operation": Operation.EXTEND, "dialect": "unified", "prompt": "go on", "model": model, **fields}
    submission = msgspec.convert(given_fields, Submission)
    choice = MAKERS.choose(model, Operation.EXTEND)
    return plan(submission, clip, choice.maker, choice.capability, limits)


def create(image: tuple[int, int] | None = None, *, model: str = LONGTAKE_CPU, **fields: object) -> Plan:
    given_fields = {"operation": Operation.CREATE, "dialect": "unified", "prompt": "the sea", "model": model, **fields}
    submission = msgspec.convert(given_fields, Submission)
    choice = MAKERS.choose(model, Operation.CREATE)
    leading = source(*image, length_s=0).media if image else None
    return plan(submission, None, choice.maker, choice.capability, LIMITS, leading_image=leading)


def remix(clip: SourceFacts | None = None, **fields: object) -> Plan:
    given_fields = {"operation": Operation.REMIX, "dialect": "unified", "prompt": "at night", "model": LONGTAKE_CPU}
    choice = MAKERS.choose(LONGTAKE_CPU, Operation.REMIX)
    return plan(msgspec.convert(given_fields | fields, Submission), clip, choice.maker, choice.capability, LIMITS)


# ---- remix -----------------------------------------------------------------------------------------------------------


def test_a_remix_is_as_long_as_its_source_and_keeps_its_shape():
    made = remix(source(640, 360, length_s=75.5))
    assert (made.new_us, made.start_us, made.width, made.height) == (seconds(75.5), 0, 640, 360)
    assert made.geometry_kept
    assert not made.provisional
    assert made.warnings == ()


def test_a_remix_may_be_shorter_or_of_another_size():
    made = remix(source(length_s=9), new_us=seconds(2), size={"type": "short_side", "pixels": 1080})
    assert (made.new_us, made.width, made.height, made.geometry_kept) == (seconds(2), 1920, 1080, False)
    assert "set aside" in remix(source(length_s=9), new_us=seconds(20)).warnings[0]


def test_a_remix_takes_no_pictures_and_can_wait():
    with pytest.raises(InvalidRequest) as refused:
        remix(source(), images=[{"role": "reference", "asset_id": "a"}])
    assert refused.value.param == "reference_images"
    assert remix().provisional
    with pytest.raises(InvalidRequest):
        remix(source(length_s=901))


# ---- start_time ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length_s", "asked_s", "begins_s", "warned"),
    [
        pytest.param(9.0, 3, 3, False, id="inside"),
        pytest.param(9.0, 0, 0, False, id="zero keeps the first frame as anchor"),
        pytest.param(9.0, None, 9.0, False, id="absent is the end"),
        pytest.param(9.0, 9, 9.0, False, id="the very end"),
        pytest.param(8.04, 8.04, 8.04, False, id="the end, not a whole second"),
        pytest.param(8.04, 9, 8.04, True, id="the next whole second is meant as the end"),
        pytest.param(6.0, 6.041667, 6.0, True, id="relays send a little more than the nominal length"),
        pytest.param(6.0, 6.5, 6.0, True, id="half a second is the last that counts"),
        pytest.param(0.2, 1, 0.2, True, id="a very short clip has its next whole second as well"),
    ],
)
def test_start_time(length_s, asked_s, begins_s, warned):
    made = extend(source(length_s=length_s), start_us=None if asked_s is None else seconds(asked_s))
    assert made.start_us == seconds(begins_s)
    assert any("start_time" in warning for warning in made.warnings) is warned


@pytest.mark.parametrize(
    ("length_s", "asked_s"), [(6.0, 6.6), (8.04, 9.1), (9.0, 10), (9.0, -1), (0.2, 1.01), (9.0, 1e9)]
)
def test_start_time_outside_is_refused(length_s, asked_s):
    with pytest.raises(RequestError) as refused:
        extend(source(length_s=length_s), start_us=seconds(asked_s))
    assert (refused.value.code, refused.value.param) == ("invalid_start_time", "start_time")


# ---- duration --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "asked_s", "made_s"),
    [
        ("longtake-cpu", None, 6),
        ("longtake-cpu", 0.5, 0.5),
        ("longtake-cpu", 30, 30),
        ("grok-video-3", None, 6),
        ("grok-video-3-pro", None, 10),
        ("grok-video-3-10s", None, 10),
        ("grok-video-3-max", None, 15),
        ("grok-video-3-15s", None, 15),
        ("grok-video-3-15s", 4, 4),
        ("sora-2", None, 4),
    ],
)
def test_duration(model, asked_s, made_s):
    made = extend(model=model, new_us=None if asked_s is None else seconds(asked_s))
    assert made.new_us == seconds(made_s)


@pytest.mark.parametrize("asked_s", [0, -3, 30.5, 0.00001, 1e7])
def test_duration_that_cannot_be_made_is_refused(asked_s):
    with pytest.raises(RequestError) as refused:
        extend(new_us=seconds(asked_s) or 1 if asked_s > 0 else seconds(asked_s))
    assert refused.value.param == "duration"


def test_result_may_not_be_longer_than_the_limit():
    limits = Limits(result_us=seconds(12))
    assert extend(source(length_s=9), start_us=seconds(9), new_us=seconds(3), limits=limits).new_us == seconds(3)
    with pytest.raises(RequestError) as refused:
        extend(source(length_s=9), start_us=seconds(9), new_us=seconds(3.5), limits=limits)
    assert refused.value.param == "duration"
    with pytest.raises(RequestError) as refused:
        extend(source(length_s=20), start_us=seconds(15), limits=limits)
    assert refused.value.param == "start_time"


# ---- size, aspect_ratio, upscale -------------------------------------------------------------------------------------

P720, P1080, P480 = ShortSide(pixels=720), ShortSide(pixels=1080), ShortSide(pixels=480)
WIDE, TALL, SQUARE = Aspect(width=16, height=9), Aspect(width=2, height=3), Aspect(width=1, height=1)


@pytest.mark.parametrize(
    ("clip", "size", "aspect", "upscale", "expected"),
    [
        pytest.param((1920, 1080), None, None, False, ((1920, 1080), True, False), id="absent is as the source"),
        pytest.param((1920, 1080), P1080, None, False, ((1920, 1080), True, False), id="the same size"),
        pytest.param((1920, 1088), P1080, None, False, ((1920, 1088), True, False), id="size within 5 %"),
        pytest.param((752, 416), None, WIDE, False, ((752, 416), True, False), id="aspect within 3 %"),
        pytest.param((752, 416), P480, None, False, ((868, 480), False, False), id="480p is more than 5 % away"),
        pytest.param((1280, 720), P1080, None, False, ((1920, 1080), False, False), id="larger, no enhancing"),
        pytest.param((1280, 720), P1080, None, True, ((1920, 1080), False, True), id="larger, enhancing"),
        pytest.param((1280, 720), None, None, True, ((1920, 1080), False, True), id="upscale alone is the next size"),
        pytest.param((752, 416), None, None, True, ((868, 480), False, True), id="the next size up from 416"),
        pytest.param((854, 480), None, None, True, ((1280, 720), False, True), id="480p goes to 720p"),
        pytest.param(
            (1920, 1080), P720, None, True, ((1280, 720), False, False), id="upscale cannot enhance a smaller one"
        ),
        pytest.param((1920, 1080), P1080, None, True, ((1920, 1080), True, False), id="nothing to enlarge"),
        pytest.param((3840, 2160), None, None, True, ((3840, 2160), True, False), id="no size above"),
        pytest.param(
            (1920, 1080), None, SQUARE, False, ((1080, 1080), False, False), id="aspect alone keeps the short side"
        ),
        pytest.param((1280, 720), None, TALL, False, ((720, 1080), False, False), id="2:3 of a wide clip"),
        pytest.param((1280, 720), P1080, SQUARE, False, ((1080, 1080), False, False), id="both"),
        pytest.param((1280, 720), None, SQUARE, True, ((1080, 1080), False, True), id="aspect and the next size"),
        pytest.param((720, 1280), P1080, None, False, ((1080, 1920), False, False), id="portrait"),
        pytest.param(
            (1280, 720), ExactSize(width=1280, height=720), None, False, ((1280, 720), True, False), id="exact"
        ),
        pytest.param(
            (1278, 720), ExactSize(width=1280, height=720), None, False, ((1280, 720), False, False), id="WxH is exact"
        ),
        pytest.param((320, 180), None, None, False, ((320, 180), True, False), id="a small source is kept"),
        pytest.param((321, 181), None, None, False, ((320, 180), True, False), id="odd sides become even"),
    ],
)
def test_picture(clip, size, aspect, upscale, expected):
    picture, kept, enhance = expected
    made = extend(source(*clip), size=size, aspect=aspect, upscale=upscale, start_us=seconds(3))
    assert (made.width, made.height) == picture
    assert (made.geometry_kept, made.enhance) == (kept, enhance)
    assert any("head_reencoded" in warning for warning in made.warnings) is not kept
    assert any("upscale" in warning.split(":")[0] for warning in made.warnings) is (upscale and not enhance)


def test_what_a_source_was_made_for_it_is():
    made_for = source(752, 416, made_size=P480, made_aspect=Aspect(width=2, height=1))
    assert extend(made_for, size=P480).geometry_kept
    assert extend(made_for, size=P480, aspect=Aspect(width=2, height=1)).geometry_kept
    assert not extend(made_for, size=P720).geometry_kept


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"size": ShortSide(pixels=360)}, "size"),
        ({"size": ShortSide(pixels=4320)}, "size"),
        ({"size": ShortSide(pixels=901)}, "size"),
        ({"size": ExactSize(width=1279, height=720)}, "size"),
        ({"size": ExactSize(width=640, height=32)}, "size"),
        ({"size": ExactSize(width=4000, height=480)}, "size"),
        ({"size": ExactSize(width=8000, height=2160)}, "size"),
        ({"aspect": Aspect(width=5, height=1)}, "aspect_ratio"),
        ({"aspect": Aspect(width=0, height=1)}, "aspect_ratio"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"seed": -2}, "seed"),
        ({"images": [{"role": "reference", "asset_id": "i"}]}, "reference_images"),
        ({"images": [{"role": "first_frame", "asset_id": "i"}]}, "first_frame_image"),
        ({"images": [{"role": "last_frame", "asset_id": "i"}] * 3}, "images"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(fields, param):
    with pytest.raises(RequestError) as refused:
        extend(**fields)
    assert refused.value.param == param
    assert refused.value.status == 400


def test_exact_size_overrules_an_aspect_and_says_so():
    made = extend(size=ExactSize(width=1280, height=720), aspect=SQUARE)
    assert made.geometry_kept
    assert any("aspect_ratio 1:1 was set aside" in warning for warning in made.warnings)


# ---- create ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "fields", "picture"),
    [
        pytest.param(None, {}, (1280, 720), id="720p 16:9"),
        pytest.param((1000, 1500), {}, (720, 1080), id="a picture gives the aspect"),
        pytest.param((1000, 1500), {"aspect": SQUARE}, (720, 720), id="aspect_ratio comes before the picture"),
        pytest.param((9000, 1000), {}, (2880, 720), id="a strip is cropped to 4:1"),
        pytest.param(None, {"size": P1080}, (1920, 1080), id="1080p"),
        pytest.param(None, {"aspect": TALL}, (720, 1080), id="2:3"),
        pytest.param(None, {"size": ExactSize(width=720, height=1280)}, (720, 1280), id="exact"),
    ],
)
def test_create(image, fields, picture):
    made = create(image, **fields)
    assert (made.width, made.height) == picture
    assert made.fps == Rate(num=24)
    assert not made.geometry_kept
    assert not made.provisional
    assert made.start_us == 0


def test_create_with_upscale_says_that_there_is_nothing_to_enlarge():
    assert any("upscale" in warning for warning in create(upscale=True).warnings)


def test_source_not_known_yet_makes_a_provisional_plan():
    submission = Submission(
        operation=Operation.EXTEND, dialect="unified", prompt="go on", start_us=seconds(3), size=P1080
    )
    choice = MAKERS.choose(LONGTAKE_CPU, Operation.EXTEND)
    made = plan(submission, None, choice.maker, choice.capability, LIMITS)
    assert made.provisional
    assert (made.width, made.height, made.new_us, made.start_us) == (1920, 1080, seconds(6), seconds(3))
    assert made.source_asset_id is None


def test_last_frame_of_an_extension_is_taken():
    image = ImageInput(role=Role.LAST_FRAME, asset_id="i")
    assert extend(images=[msgspec.to_builtins(image)]).images == (image,)


def test_source_longer_than_the_limit_is_refused():
    assert extend(source(length_s=600), start_us=0).start_us == 0
    for clip in (source(length_s=601), source(length_s=599, fps=Rate(num=61))):
        with pytest.raises(RequestError) as refused:
            extend(clip, start_us=0)
        assert (refused.value.code, refused.value.param) == ("source_unusable", "task_id")


def test_picture_as_source_is_refused():
    with pytest.raises(RequestError) as refused:
        extend(source(length_s=0))
    assert (refused.value.code, refused.value.param) == ("source_unusable", "task_id")


# ---- laws ------------------------------------------------------------------------------------------------------------

sides = st.integers(64, 4000)
sizes = st.none() | st.builds(ShortSide, pixels=st.integers(1, 5000)) | st.builds(ExactSize, width=sides, height=sides)
aspects = st.none() | st.builds(Aspect, width=st.integers(0, 40), height=st.integers(0, 40))
rates = st.builds(Rate, num=st.integers(1, 240), den=st.sampled_from([1, 1001]))
submissions = st.builds(
    Submission,
    operation=st.sampled_from([Operation.EXTEND, Operation.CREATE]),
    dialect=st.just("unified"),
    prompt=st.text(max_size=8),
    start_us=st.none() | st.integers(-SECOND_US, 700 * SECOND_US),
    new_us=st.none() | st.integers(-SECOND_US, 40 * SECOND_US),
    size=sizes,
    aspect=aspects,
    upscale=st.booleans(),
    fit=st.sampled_from(list(Fit)),
    seed=st.none() | st.integers(-3, 2**70),
)
clips = st.builds(
    source,
    width=sides,
    height=sides,
    length_s=st.floats(0.01, 600),
    fps=rates,
    made_size=sizes,
    made_aspect=aspects,
)


@given(submission=submissions, clip=clips, model=st.sampled_from(["longtake-cpu", "grok-video-3", "sora-2"]))
def test_every_request_is_planned_within_the_limits_or_refused_by_name(submission, clip, model):
    choice = MAKERS.choose(model, submission.operation)
    given_source = clip if submission.operation is Operation.EXTEND else None
    refused: LongtakeError | None = None
    made: Plan | None = None
    try:
        made = plan(submission, given_source, choice.maker, choice.capability, LIMITS)
    except RequestError as error:
        refused = error
    if made is None:
        assert refused is not None
        assert refused.param in {"prompt", "seed", "start_time", "duration", "size", "aspect_ratio", "task_id"}
        assert refused.message
        return
    assert made == plan(submission, given_source, choice.maker, choice.capability, LIMITS)
    assert made.width % 2 == 0
    assert made.height % 2 == 0
    assert min(made.width, made.height) >= 2
    assert 0 < made.new_us <= choice.capability.max_new_us
    assert made.start_us + made.new_us <= LIMITS.result_us
    assert round(made.new_us * made.fps.fraction / SECOND_US) >= 1
    assert not (made.enhance and made.geometry_kept)
    if submission.operation is Operation.EXTEND:
        assert 0 <= made.start_us <= clip.media.duration_us
        if made.geometry_kept:
            assert abs(made.width - clip.media.video.width) <= 1
            assert abs(made.height - clip.media.video.height) <= 1
        else:
            assert made.width * made.height <= LIMITS.pixels
            if submission.aspect is not None and not isinstance(submission.size, ExactSize):
                wished = Fraction(submission.aspect.width, submission.aspect.height)
                assert abs(Fraction(made.width, made.height) / wished - 1) < Fraction(1, 20)
    if isinstance(submission.size, ExactSize) and not made.geometry_kept:
        assert (made.width, made.height) == (submission.size.width, submission.size.height)


@pytest.mark.parametrize(
    ("size", "aspect", "decides"),
    [
        (None, None, "picture"),
        (None, Aspect(width=3, height=2), "size"),
        (ShortSide(pixels=720), None, ""),
    ],
)
def test_a_makers_own_picture_is_not_made_another_unless_somebody_asked(size, aspect, decides):
    choice = MAKERS.choose(LONGTAKE_CPU, Operation.CREATE)
    asked = Submission(operation=Operation.CREATE, dialect="unified", prompt="a cat", size=size, aspect=aspect)
    remote = msgspec.structs.replace(choice.maker, provider="relay", engine="")
    assert plan(asked, None, remote, choice.capability, LIMITS).maker_decides == decides
    assert plan(asked, None, choice.maker, choice.capability, LIMITS).maker_decides == ""


# ---- in segments -----------------------------------------------------------------------------------------------------

LONG = Capability(
    operations=frozenset({Operation.CREATE, Operation.EXTEND}),
    default_new_us=seconds(6),
    max_new_us=seconds(15),
    lengths_us=(seconds(6), seconds(10), seconds(15)),
    most_segments=4,
)
REMOTE = Maker(provider="relay-a", model="grok-video-3", engine="", mode=Mode.NATIVE)


def parted(wished_s: float | None, *, able: Capability = LONG, limits: Limits = LIMITS, **fields: object) -> Plan:
    given_fields = {"operation": Operation.EXTEND, "dialect": "unified", "prompt": "go on", **fields}
    if wished_s is not None:
        given_fields["new_us"] = seconds(wished_s)
    submission = msgspec.convert(given_fields, Submission)
    clip = None if submission.operation is Operation.CREATE else source()
    return plan(submission, clip, REMOTE, able, limits)


@pytest.mark.parametrize(
    ("wished_s", "parts_s"),
    [(None, ()), (15, ()), (15.5, (14.5, 1)), (20, (15, 5)), (30, (15, 15)), (40, (15, 15, 10)), (60, (15,) * 4)],
)
def test_more_than_a_model_makes_at_once_is_made_in_parts(wished_s, parts_s):
    made = parted(wished_s)
    assert made.segments == tuple(seconds(part_s) for part_s in parts_s)
    assert sum(made.segments) == (made.new_us if parts_s else 0)
    assert any(warning.startswith("segments: ") for warning in made.warnings) == bool(parts_s)


def test_a_long_new_part_has_bounds_of_its_own():
    with pytest.raises(InvalidRequest, match=r"at most 15 s at once, and 60 s in 4 parts") as refused:
        parted(60.5)
    assert refused.value.param == "duration"
    with pytest.raises(InvalidRequest, match="result would be"):
        parted(60, limits=Limits(result_us=seconds(50)))
    # What cannot go on from its own clip, and the engine here, make one piece.
    with pytest.raises(InvalidRequest, match=r"at most 15 s at once$"):
        parted(20, able=msgspec.structs.replace(LONG, most_segments=1))
    with pytest.raises(InvalidRequest, match=r"at most 30 s at once$"):
        extend(new_us=seconds(31))


def test_a_last_picture_ends_what_is_created_at_once():
    picture = {"role": "last_frame", "asset_id": "a"}
    assert parted(15, operation="create", images=[picture]).segments == ()
    with pytest.raises(InvalidRequest) as refused:
        parted(20, operation="create", images=[picture])
    assert refused.value.param == "last_frame_image"


@given(st.floats(min_value=0.1, max_value=60))
def test_parts_are_as_long_as_a_model_makes_them_and_together_as_long_as_was_asked_for(wished_s):
    made = parted(wished_s)
    assert sum(made.segments) in {0, made.new_us}
    assert len(made.segments) == (0 if made.new_us <= LONG.max_new_us else -(-made.new_us // LONG.max_new_us))
    assert all(SECOND_US <= part_us <= LONG.max_new_us for part_us in made.segments)
