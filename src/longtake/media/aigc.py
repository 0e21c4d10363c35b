# SPDX-License-Identifier: Apache-2.0
"""The implicit label of GB 45438-2025: the metadata tag `AIGC` of a file, one JSON object of seven texts."""

from __future__ import annotations

from pathlib import Path

import msgspec

from longtake.errors import LongtakeError
from longtake.media.open import DEFAULT_LIMITS, MediaLimits, open_media
from longtake.types import Value

TAG = "AIGC"
GENERATED = "1"
"""Of `Label`: made by a generator; 2 and 3 are for content that is only taken for it."""
_LONGEST = 4096
"""Characters of a foreign label; a longer one is no label."""
_LONGEST_PART = 512


class AigcLabel(Value, frozen=True, omit_defaults=False, rename="pascal"):
    """The label's texts, by the names that Annex E gives them."""

    label: str = ""
    content_producer: str = ""
    """Name or code of the service that generated it."""
    produce_id: str = msgspec.field(default="", name="ProduceID")
    """That service's number of it."""
    reserved_code1: str = ""
    content_propagator: str = ""
    """Name or code of the service that passed it on."""
    propagate_id: str = msgspec.field(default="", name="PropagateID")
    """That service's number of it."""
    reserved_code2: str = ""

    def text(self) -> str:
        """The tag's value."""
        return msgspec.json.encode(self).decode()


def label_in(path: Path, limits: MediaLimits = DEFAULT_LIMITS) -> AigcLabel | None:
    """The label that a file carries; None without one that can be read, or where the file itself cannot."""
    try:
        with open_media(path, limits, probing="headers") as container:
            text = next((value for name, value in container.metadata.items() if name.upper() == TAG), "")
    except LongtakeError:
        return None
    if not text or len(text) > _LONGEST:
        return None
    try:
        found = msgspec.json.decode(text, type=AigcLabel)
    except msgspec.DecodeError:
        return None
    return found if found.label and max(map(len, msgspec.structs.astuple(found))) <= _LONGEST_PART else None


def labelled(producer: str, number: str, source: AigcLabel | None = None) -> AigcLabel:
    """The label of what `producer` made as its work `number`.

    Where it goes on from a labelled source, the source's label stays traceable: who last passed that on, else who made
    it, stands as the one from whom it came.
    """
    made, own = AigcLabel(label=GENERATED, content_producer=producer, produce_id=number), (producer, number)
    if source is None or (source.content_producer, source.produce_id) == own:
        return source or made  # an earlier segment of the same work
    last = (source.content_propagator, source.propagate_id)
    by, under = last if any(last) and last != own else (source.content_producer, source.produce_id)
    return msgspec.structs.replace(
        made, content_propagator=by, propagate_id=under, reserved_code2=source.reserved_code2
    )  # fmt: skip


def passed_on(label: AigcLabel, propagator: str, number: str) -> AigcLabel:
    """The label of what another service made and `propagator` hands on as its work `number`."""
    return msgspec.structs.replace(label, content_propagator=propagator, propagate_id=number)
