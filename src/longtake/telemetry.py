# SPDX-License-Identifier: Apache-2.0
"""Logs: where they go and how a line looks.

Log names are `longtake.<part>`; no line carries a key, a body or a signature.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Literal, TextIO

# What a log record always has; anything else was given by `extra=` and belongs into the line.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


def extras_of(record: logging.LogRecord) -> dict[str, object]:
    """What a caller added by `extra=`."""
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD}


class JsonLine(logging.Formatter):
    """One JSON object a line: ts (Unix seconds), level, logger, message, extras, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, object] = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **extras_of(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextLine(logging.Formatter):
    """A line for people: time, level, logger, message, extras as name=value."""

    converter = time.gmtime

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, a traceback below it."""
        extras = " ".join(f"{name}={value}" for name, value in extras_of(record).items())
        first, newline, rest = super().format(record).partition("\n")
        return f"{first} {extras}{newline}{rest}" if extras else f"{first}{newline}{rest}"


def configure_logging(
    log_format: Literal["auto", "text", "json"] = "auto", *, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Send all logs to standard error (or stream), replacing what was configured before.

    `auto` is text on a terminal and JSON elsewhere.
    """
    target = sys.stderr if stream is None else stream
    wants_text = log_format == "text" or (log_format == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(TextLine() if wants_text else JsonLine())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    # Start and stop are said by us; a request's line by longtake.http. Their warnings are about what callers send (no
    # HTTP, an Upgrade, a form without sense): whoever sends it is told, and nobody without a key may fill the log.
    for name in ("uvicorn", "uvicorn.error", "asyncio", "python_multipart"):
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
