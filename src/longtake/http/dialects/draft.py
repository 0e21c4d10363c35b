# SPDX-License-Identifier: Apache-2.0
"""A request under the names that all dialects share, read into a Submission (wire.md 1.1, 1.3, 5.4, 5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from longtake.errors import (
    InvalidRequest,
    InvalidSize,
    InvalidStartTime,
    OperationNotSupported,
    UrlInputNotEnabled,
)
from longtake.http.dialects.fields import Fields
from longtake.http.dialects.inputs import MediaInput, OwnAsset, read_media, read_media_list
from longtake.http.dialects.lenient import (
    StagedFile,
    read_aspect,
    read_bool,
    read_integer,
    read_seconds_us,
    read_size,
    read_text,
    show,
)
from longtake.tasks.parameters import picture_param
from longtake.types import Aspect, ExactSize, Fit, Operation, Role, SizeWish, Submission

MOST_PROMPT_CHARS = 32_000
MOST_MODEL_CHARS = 128
MOST_IMAGES = 16
_ASPECT_TOLERANCE = 0.03

_FITS: Mapping[str, Fit] = {
    "cover": Fit.COVER,
    "crop": Fit.COVER,
    "fill": Fit.COVER,
    "contain": Fit.CONTAIN,
    "pad": Fit.CONTAIN,
    "letterbox": Fit.CONTAIN,
    "blur": Fit.BLUR,
}
_SIZES = ("size", "resolution", "resolution_name", "quality")
_ASPECTS = ("aspect_ratio", "aspectRatio", "ratio", "orientation")
_LENGTHS = ("duration", "seconds", "length", "video_length", "duration_ms")
_STARTS = ("start_time", "start", "start_time_ms", "startTime")
_UPSCALES = ("upscale", "enable_upsample")
_CALLBACKS = ("callback_url", "callback", "webhook_url", "webhook", "notify_hook", "notify_url")
NAMED_SOURCES = ("task_id", "taskId", "video_id", "video", "video_url", "source_video", "input_video")
"""Fields that can mean nothing but the video to go on with."""

# `id` and `source` last: metadata, which is read too, holds them of other things.
SOURCE_FIELDS = (*NAMED_SOURCES, "id", "source")
"""What names or holds the video to go on with."""
_FIRST_FRAMES = ("first_frame_image", "first_image_url", "first_frame", "first_frame_url")
_LAST_FRAMES = ("last_frame_image", "last_image_url", "last_frame", "last_frame_url", "image_end")
_REFERENCES = ("reference_images", "reference_image", "input_references")
_IMAGES = ("images", "image", "image_url", "image_urls", "input_reference")
_VIDEO_FILES = ("file", "video_file")
_CHARACTERS = ("characters", "character_ids", "character_id", "character_url")

FILE_FIELDS = frozenset((*SOURCE_FIELDS, *_FIRST_FRAMES, *_LAST_FRAMES, *_REFERENCES, *_IMAGES, *_VIDEO_FILES))
"""Form fields that may be files."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that was read, with what it names or carries still to be looked up and stored."""

    submission: Submission
    source: MediaInput | None
    images: tuple[tuple[Role, MediaInput], ...]


def read_draft(operation: Operation, fields: Fields, own_asset: OwnAsset, *, dialect: str, needs_model: bool) -> Draft:
    """Read a request of one operation. Raises InvalidRequest and its kin, each naming the field as the caller wrote it.

    `needs_model` says whether a request without source has to name a model; sources know theirs (wire.md 5.4).
    """
    has_source = operation is not Operation.CREATE
    prompt = _required_text(fields, "prompt", MOST_PROMPT_CHARS)
    model = _model(fields, required=needs_model and not has_source)
    start_us = _start_us(fields) if operation is Operation.EXTEND else None
    size, aspect, warnings = _geometry(fields)
    upscale = _flag(fields, *_UPSCALES)
    file = _file(fields)
    source = _source(fields, file, own_asset) if has_source else None
    # The documented fields are read by now: with none left unread, looking for the rest costs next to nothing.
    new_us = _length_us(fields)
    _refuse_callback(fields)
    _refuse_many(fields)
    _refuse_characters(fields)
    images = _images(fields, None if has_source else file, own_asset, has_source=has_source)
    submission = Submission(
        operation=operation,
        dialect=dialect,
        prompt=prompt,
        model=model,
        start_us=start_us,
        new_us=new_us,
        size=size,
        aspect=aspect,
        upscale=upscale,
        fit=_fit(fields),
        seed=_seed(fields),
        wait_for_source=_flag(fields, "wait_for_source"),
        extra=fields.unread(),
        warnings=warnings,
        written=fields.written,
    )
    return Draft(submission, source, images)


def _required_text(fields: Fields, name: str, most: int) -> str:
    found = fields.take(name)
    if found is None:
        raise InvalidRequest(f"{name} is missing: send a text", param=name)
    return read_text(found[1], name, most=most)


def _model(fields: Fields, *, required: bool) -> str | None:
    found = fields.take("model", "model_name")
    if found is None:
        if required:
            raise InvalidRequest(
                "model is missing: send a name from GET /v1/models, such as longtake-cpu", param="model"
            )
        return None
    return read_text(found[1], found[0], most=MOST_MODEL_CHARS).strip()


def _flag(fields: Fields, *names: str) -> bool:
    found = fields.take(*names)
    return found is not None and read_bool(found[1], found[0])


def _start_us(fields: Fields) -> int | None:
    found = fields.take(*_STARTS)
    if found is None:
        return None
    name, value = found
    try:
        start_us = read_seconds_us(value, name)
    except InvalidRequest as error:
        raise InvalidStartTime(error.message, param=name) from error
    if start_us < 0:
        raise InvalidStartTime(f"{name} is {show(value)}: send a second of the source, from 0 on", param=name)
    return start_us


def _length_us(fields: Fields) -> int | None:
    found = fields.take(*_LENGTHS)
    if found is None:
        return None
    name, value = found
    new_us = read_seconds_us(value, name)
    if new_us <= 0:
        raise InvalidRequest(f"{name} is {show(value)}: send seconds above 0", param=name)
    return new_us


def _geometry(fields: Fields) -> tuple[SizeWish | None, Aspect | None, tuple[str, ...]]:
    sized, shaped = fields.take(*_SIZES), fields.take(*_ASPECTS)
    wish = read_size(sized[1], sized[0]) if sized else None
    aspect = read_aspect(shaped[1], shaped[0]) if shaped else None
    wish = wish or _width_height(fields)
    if isinstance(wish, Aspect):
        if aspect is not None and _differ(wish.width / wish.height, aspect):
            names = fields.name_of("size"), fields.name_of("aspect_ratio")
            return None, aspect, (f"{names[0]} {wish} was set aside for {names[1]} {aspect}",)
        return None, aspect or wish, ()
    if isinstance(wish, ExactSize) and aspect is not None:
        if _differ(wish.width / wish.height, aspect):
            names = fields.name_of("aspect_ratio"), fields.name_of("size")
            return wish, None, (f"{names[0]} {aspect} was set aside for {names[1]} {wish.width}x{wish.height}",)
        return wish, None, ()
    return wish, aspect, ()


def _width_height(fields: Fields) -> SizeWish | None:
    width, height = fields.take("width"), fields.take("height")
    if width is None and height is None:
        return None
    if width is None or height is None:
        raise InvalidSize(
            "width and height go together: send both, or size", param="width" if width is None else "height"
        )
    text = f"{read_integer(width[1], 'width')}x{read_integer(height[1], 'height')}"
    wish = read_size(text, "width")
    if not isinstance(wish, ExactSize):
        raise InvalidSize(f"width and height are {text}: send pixels", param="width")
    fields.note("size", width[0])
    return wish


def _differ(ratio: float, aspect: Aspect) -> bool:
    return abs(ratio * aspect.height / aspect.width - 1) > _ASPECT_TOLERANCE


def _fit(fields: Fields) -> Fit:
    found = fields.take("fit")
    if found is None:
        return Fit.COVER
    value = found[1]
    fit = _FITS.get(value.strip().lower()) if isinstance(value, str) else None
    if fit is None:
        raise InvalidRequest(f"fit is {show(value)}: send cover, contain or blur", param="fit")
    return fit


def _seed(fields: Fields) -> int | None:
    found = fields.take("seed")
    if found is None:
        return None
    seed = read_integer(found[1], "seed")
    if seed < -1:
        raise InvalidRequest(f"seed is {show(found[1])}: send a number from 0 on, or -1 for any", param="seed")
    return None if seed == -1 else seed


def _refuse_callback(fields: Fields) -> None:
    found = fields.take(*_CALLBACKS)
    if found is not None:
        raise UrlInputNotEnabled(
            f"{found[0]} is not enabled on this server: leave it out and poll GET /v1/video/query", param=found[0]
        )


def _refuse_many(fields: Fields) -> None:
    found = fields.take("n")
    if found is not None and read_integer(found[1], "n") != 1:
        raise InvalidRequest(f"n is {show(found[1])}: one request makes one video, so send several", param="n")


def _refuse_characters(fields: Fields) -> None:
    found = fields.take(*_CHARACTERS)
    if found is not None:
        # Without "unsupported": on extend a client would take it for a model that cannot extend at all (wire.md R9).
        raise OperationNotSupported(
            f"{found[0]} names a character, and no model here keeps any: describe it in the prompt instead",
            message_zh="此服务器的模型不支持角色，请在提示词中描述",
            param=found[0],
        )


def _file(fields: Fields) -> tuple[str, StagedFile] | None:
    found = fields.take(*_VIDEO_FILES)
    if found is None:
        return None
    name, value = found
    if not isinstance(value, StagedFile):
        raise InvalidRequest(f"{name} is {show(value)}: send a file part of a multipart form", param=name)
    return name, value


def _is_image(file: StagedFile) -> bool:
    return file.asset.facts is not None and file.asset.facts.is_image


def _source(fields: Fields, file: tuple[str, StagedFile] | None, own_asset: OwnAsset) -> MediaInput:
    found = fields.take(*SOURCE_FIELDS) or file
    if found is None:
        name = fields.name_of("task_id")
        raise InvalidRequest(
            f"{name} is missing: send the id of the video to work on; POST /v1/files uploads one", param=name
        )
    name, value = found
    fields.note("task_id", name)
    if isinstance(value, StagedFile) and _is_image(value):
        raise InvalidRequest(f"{name} is a picture: a video is needed here; create takes pictures", param=name)
    return read_media(value, name, own_asset)


def _images(
    fields: Fields, file: tuple[str, StagedFile] | None, own_asset: OwnAsset, *, has_source: bool
) -> tuple[tuple[Role, MediaInput], ...]:
    found: list[tuple[Role, MediaInput]] = []
    for names, role in (
        (_FIRST_FRAMES, Role.FIRST_FRAME),
        (_LAST_FRAMES, Role.LAST_FRAME),
        (_REFERENCES, Role.REFERENCE),
    ):
        part = fields.take(*names)
        if part is not None:
            fields.note(picture_param(role), part[0])
            found += [(role, media) for media in read_media_list(part[1], part[0], own_asset)]
    listed = fields.take(*_IMAGES) or file
    if listed is not None:
        name, value = listed
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, StagedFile) and not _is_image(item):
                raise InvalidRequest(f"{name} is a video: this route takes pictures here", param=name)
        medias = read_media_list(value, name, own_asset)
        roles = _roles(len(medias), has_source=has_source)
        fields.note("images", name)
        for role in roles:
            fields.note(picture_param(role), name)
        found += zip(roles, medias, strict=True)
    if len(found) > MOST_IMAGES:
        name = fields.name_of("images")
        raise InvalidRequest(f"{name} has {len(found)} pictures: send at most {MOST_IMAGES}", param=name)
    return tuple(found)


def _roles(count: int, *, has_source: bool) -> list[Role]:
    """What a plain list of pictures means (wire.md 1.1): one starts the clip, two frame it, more are references."""
    if has_source or count > 2:  # noqa: PLR2004
        return [Role.REFERENCE] * count
    return [Role.FIRST_FRAME, Role.LAST_FRAME][:count]
