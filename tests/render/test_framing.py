# SPDX-License-Identifier: Apache-2.0
"""Messages survive any cutting of the stream; what is no message is refused, never waited for in vain."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longtake.sandbox.framing import MAX_MESSAGE_BYTES, FramingError, frame, read_frame


class Dribble(io.BytesIO):
    """Gives one to `most` bytes a read, as a pipe may."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self.most = most

    def read(self, count: int | None = -1, /) -> bytes:
        return super().read(min(count or 0, self.most))


@given(st.lists(st.binary(max_size=200)), st.integers(1, 50))
def test_messages_come_back_whole_and_in_order(messages: list[bytes], most: int):
    stream = Dribble(b"".join(map(frame, messages)), most)
    assert [read_frame(stream.read) for _ in messages] == messages
    assert read_frame(stream.read) is None


@given(st.binary(min_size=1, max_size=50), st.data())
def test_an_end_amid_a_message_is_an_error(message: bytes, data: st.DataObject):
    whole = frame(message)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(FramingError):
        read_frame(io.BytesIO(whole[:cut]).read)


def test_impossible_lengths_are_refused_both_ways():
    with pytest.raises(FramingError):
        frame(bytes(MAX_MESSAGE_BYTES + 1))
    with pytest.raises(FramingError):
        read_frame(io.BytesIO((MAX_MESSAGE_BYTES + 1).to_bytes(4, "big")).read)
