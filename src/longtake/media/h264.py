# SPDX-License-Identifier: Apache-2.0
"""The few parts of H.264 that the cut needs: parameter sets, the avcC box, and two ways to frame NAL units.

Sources: ITU-T H.264 7.3.2.1 (sequence parameter set), 7.4.1 (emulation prevention), annex B (byte stream);
ISO/IEC 14496-15 5.3.3 (AVCDecoderConfigurationRecord).
"""

from __future__ import annotations

from dataclasses import dataclass

from longtake.errors import MediaError

NAL_SPS = 7
NAL_PPS = 8
_CHROMA_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose parameter set says chroma format and bit depth (7.3.2.1.1)."""
_MAX_SPS_ID = 31
_SLICES = frozenset({1, 5})
"""Coded slices of a picture that is none, and one, that decoding can begin with (table 7-1)."""
_SLICE_HEADER_BYTES = 512
"""More than a slice header of a key picture takes."""
_LENGTH_BYTES = 4
MOST_SETS = 31
"""Sequence parameter sets that an avcC record can hold (its count has five bits)."""


class _Bits:
    """Reads bits and Exp-Golomb codes of a NAL unit's payload."""

    def __init__(self, payload: bytes) -> None:
        self._bits = int.from_bytes(payload, "big")
        self._left = len(payload) * 8

    def take(self, count: int) -> int:
        """The next `count` bits as a number. Raises MediaError past the end."""
        if count > self._left:
            raise MediaError("an H.264 parameter set is cut off; the file is damaged")
        self._left -= count
        return (self._bits >> self._left) & ((1 << count) - 1)

    def unsigned(self) -> int:
        """ue(v) of 9.1."""
        zeros = 0
        while self.take(1) == 0:
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """se(v) of 9.1.1."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What a sequence parameter set says, as far as it matters for a cut."""

    identifier: int
    profile: int
    level: int
    chroma_format: int
    bit_depth: int
    macroblocks: tuple[int, int]
    """Width and height as they are coded, in units of 16 pixels, before cropping."""
    progressive: bool
    """Every picture is a whole frame, never fields (frame_mbs_only_flag)."""


def read_sps(nal: bytes) -> SequenceParameters:
    """Read a sequence parameter set NAL unit. Raises MediaError if it is cut off."""
    payload = nal[1:].replace(b"\0\0\3", b"\0\0")
    bits = _Bits(payload)
    profile = bits.take(8)
    bits.take(8)
    level = bits.take(8)
    identifier = bits.unsigned()
    chroma_format, luma_depth, chroma_depth = 1, 8, 8
    if profile in _CHROMA_PROFILES:
        chroma_format = bits.unsigned()
        if chroma_format == 3:  # noqa: PLR2004 - 4:4:4 says whether its planes are coded apart
            bits.take(1)
        luma_depth, chroma_depth = 8 + bits.unsigned(), 8 + bits.unsigned()
        bits.take(1)
        if bits.take(1):
            _skip_scaling_lists(bits, 8 if chroma_format != 3 else 12)  # noqa: PLR2004
    bits.unsigned()
    order_type = bits.unsigned()
    if order_type == 0:
        bits.unsigned()
    elif order_type == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.unsigned(), 255)):
            bits.signed()
    bits.unsigned()
    bits.take(1)
    macroblocks = bits.unsigned() + 1, bits.unsigned() + 1
    return SequenceParameters(
        identifier=identifier,
        profile=profile,
        level=level,
        chroma_format=chroma_format,
        bit_depth=max(luma_depth, chroma_depth),
        macroblocks=macroblocks,
        progressive=bits.take(1) == 1,
    )


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    """Step over the scaling lists (7.3.2.1.1.1)."""
    for index in range(count):
        if not bits.take(1):
            continue
        last, following = 8, 8
        for _ in range(16 if index < 6 else 64):  # noqa: PLR2004 - six 4x4 lists come first
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


def pps_identifier(nal: bytes) -> int:
    """The number of a picture parameter set."""
    return _Bits(nal[1:12].replace(b"\0\0\3", b"\0\0")).unsigned()


@dataclass(frozen=True, slots=True)
class DecoderConfiguration:
    """An avcC box: the parameter sets of a track and the size of its NAL length fields."""

    length_bytes: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]


def read_configuration(extradata: bytes) -> DecoderConfiguration:
    """Read an avcC record. Raises MediaError if it is none."""
    if len(extradata) < 8 or extradata[0] != 1:  # noqa: PLR2004 - its fixed part and one count
        raise MediaError("the H.264 track has no avcC record")

    def sets(at: int, count: int) -> tuple[tuple[bytes, ...], int]:
        found: list[bytes] = []
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2], "big")
            found.append(extradata[at + 2 : at + 2 + size])
            at += 2 + size
        if at > len(extradata) or not all(found):
            raise MediaError("the H.264 track's avcC record is cut off; the file is damaged")
        return tuple(found), at

    sps, at = sets(6, extradata[5] & 31)
    pps, _ = sets(at + 1, extradata[at] if at < len(extradata) else 0)
    return DecoderConfiguration(length_bytes=(extradata[4] & 3) + 1, sps=sps, pps=pps)


def write_configuration(sps: tuple[bytes, ...], pps: tuple[bytes, ...]) -> bytes:
    """An avcC record with 4-byte lengths that announces the highest profile and level of the sets (8-bit 4:2:0)."""
    parsed = [read_sps(nal) for nal in sps]
    lead = max(parsed, key=lambda one: (one.profile in _CHROMA_PROFILES, one.profile))
    constraints = sps[parsed.index(lead)][2]
    record = bytearray((1, lead.profile, constraints, max(one.level for one in parsed), 0xFF, 0xE0 | len(sps)))
    for nal in sps:
        record += len(nal).to_bytes(2, "big") + nal
    record.append(len(pps))
    for nal in pps:
        record += len(nal).to_bytes(2, "big") + nal
    if lead.profile in _CHROMA_PROFILES:
        record += bytes((0xFC | 1, 0xF8, 0xF8, 0))
    return bytes(record)


def free_identifier(configuration: DecoderConfiguration) -> int:
    """The highest number that neither a sequence nor a picture parameter set of the track uses.

    Raises MediaError if there is none.
    """
    used = {read_sps(nal).identifier for nal in configuration.sps}
    used |= {pps_identifier(nal) for nal in configuration.pps}
    for number in range(_MAX_SPS_ID, 0, -1):
        if number not in used:
            return number
    raise MediaError("the H.264 track uses every parameter set number")


def split_byte_stream(data: bytes) -> list[bytes]:
    """The NAL units of an annex B byte stream, without start codes and trailing zeros."""
    units: list[bytes] = []
    start = data.find(b"\0\0\1")
    while start >= 0:
        following = data.find(b"\0\0\1", start + 3)
        unit = data[start + 3 : following if following >= 0 else len(data)].rstrip(b"\0")
        if unit:
            units.append(unit)
        start = following
    return units


def with_lengths(data: bytes) -> bytes:
    """An annex B access unit as a sample of an MP4 track: 4-byte lengths in place of start codes."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in split_byte_stream(data))


def opening_of(data: bytes) -> bytes:
    """A sample of an MP4 track (4-byte lengths) as far as the header of its first slice: what says how it is coded."""
    at = 0
    while at + _LENGTH_BYTES < len(data):
        begin = at + _LENGTH_BYTES
        end = begin + int.from_bytes(data[at:begin], "big")
        if data[begin] & 31 in _SLICES:
            unit = data[begin : min(end, begin + _SLICE_HEADER_BYTES)]
            return data[:at] + len(unit).to_bytes(_LENGTH_BYTES, "big") + unit
        at = end
    return data


def parameter_sets(extradata: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The sequence and picture parameter sets of an encoder's annex B header."""
    units = split_byte_stream(extradata)
    return (
        tuple(unit for unit in units if unit[0] & 31 == NAL_SPS),
        tuple(unit for unit in units if unit[0] & 31 == NAL_PPS),
    )
