# SPDX-License-Identifier: Apache-2.0
"""The file of a key: when it is read again, and which keys are masked after others were put into it."""

from __future__ import annotations

import os

from longtake.egress.access import Access
from longtake.routing.key_files import MOST_OLDER, KeyFile

URL = "https://maker.example"


def access_with(key: str) -> Access:
    return Access.to(URL, headers={"Authorization": f"Bearer {key}"} if key else None, key=key)


def test_a_file_is_read_again_only_when_it_is_another_or_was_written(tmp_path):
    path = tmp_path / "key"
    file = KeyFile(path, "", access_with)
    assert file.read_if_changed() == ""
    path.write_text("first-key\n", encoding="utf-8")
    assert file.read_if_changed() == "first-key"
    assert file.read_if_changed() == "", "it was not opened again"
    beside, stamp = tmp_path / "beside", path.stat()
    beside.write_text("other-key\n", encoding="utf-8")
    os.utime(beside, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    beside.replace(path)
    assert file.read_if_changed() == "other-key", "of the same length and time, but another file"
    path.unlink()
    assert file.read_if_changed() == ""
    path.mkdir()
    assert file.read_if_changed() == "", "what cannot be read is no key"
    assert file.read() == ""


def test_what_could_not_be_read_is_read_once_it_can(tmp_path):
    path = tmp_path / "key"
    file = KeyFile(path, "", access_with)
    path.write_bytes(b"\xff" * 9)
    stamp = path.stat()
    assert file.read_if_changed() == ""
    path.write_bytes(b"first-key")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert file.read_if_changed() == "first-key"


def test_a_file_that_gets_another_key_of_the_same_length_and_time_is_read(tmp_path):
    path = tmp_path / "key"
    path.write_text("first-key", encoding="utf-8")
    file, stamp = KeyFile(path, "", access_with), path.stat()
    assert file.read_if_changed() == "first-key"
    path.write_text("other-key", encoding="utf-8")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert file.read_if_changed() == "other-key"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "key")
    file = KeyFile(tmp_path / "key", "", access_with)
    assert (file.read(), file.read_if_changed()) == ("", "")


def test_a_key_is_taken_once_and_those_of_before_stay_masked_as_far_as_they_are_kept(tmp_path):
    keys = [f"sk-number-{number}-of-many" for number in range(MOST_OLDER + 2)]
    file = KeyFile(tmp_path / "key", keys[0], access_with)
    assert not file.take(keys[0])
    assert not file.take("")
    for key in keys[1:]:
        assert file.take(key)
    assert file.access.headers == {"Authorization": f"Bearer {keys[-1]}"}
    masked = [file.access.secrets.mask(key) for key in keys]
    assert masked == [keys[0], *(f"~key-{number}~" for number in range(1, MOST_OLDER + 1)), "~key~"]
    assert not any(key in repr(file.access) for key in keys)
