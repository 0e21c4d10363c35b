# SPDX-License-Identifier: Apache-2.0
"""What is known of files."""

from __future__ import annotations

from fractions import Fraction

from longtake.types.value import Value

_OFF_WHOLE = Fraction(201, 200)


class Rate(Value, frozen=True):
    """Frames a second as an exact fraction."""

    num: int
    den: int = 1

    @property
    def fraction(self) -> Fraction:
        """The rate as a Fraction, frames a second."""
        return Fraction(self.num, self.den)

    @classmethod
    def of(cls, rate: Fraction) -> Rate:
        """The Rate of a Fraction."""
        return cls(num=rate.numerator, den=rate.denominator)

    def within(self, most: int | None) -> Rate:
        """This rate, or the most where it is larger: by more than television's rates lie off whole numbers."""
        return self if most is None or self.fraction <= most * _OFF_WHOLE else Rate(most)


class ColorTags(Value, frozen=True):
    """H.273 code points (ITU-T H.273, tables 2 to 4); 2 means unspecified."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False


class VideoFacts(Value, frozen=True):
    """What a probe found in the picture. Width and height are as displayed: rotation and sample aspect applied."""

    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    frames: int
    fps: Rate
    """1 / median frame duration of the whole clip."""
    variable_rate: bool = False
    rotation_deg: int = 0
    pixel_format: str = "yuv420p"
    bit_depth: int = 8
    interlaced: bool = False
    color: ColorTags = ColorTags()


class AudioFacts(Value, frozen=True):
    """What a probe found in the sound."""

    codec: str
    rate_hz: int
    channels: int
    layout: str


class MediaFacts(Value, frozen=True):
    """What a probe found in a file. An image has video facts with one frame and duration 0."""

    container: str
    duration_us: int
    video: VideoFacts
    audio: AudioFacts | None = None

    @property
    def is_image(self) -> bool:
        """Whether this is a still picture."""
        return self.duration_us == 0


class Asset(Value, frozen=True):
    """One stored file. Its id is also its blob key and is never shared between tenants."""

    id: str
    tenant_id: str
    mime: str
    size_bytes: int
    sha256: str
    created_ms: int
    filename: str = ""
    facts: MediaFacts | None = None
