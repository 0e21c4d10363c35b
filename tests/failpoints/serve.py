# SPDX-License-Identifier: Apache-2.0
"""`longtake serve` that kills itself at a write: `python -m tests.failpoints.serve REPORT EDGE MOMENT serve ...`.

Only the database's own connection is watched, so that everything else is the product as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import apsw
from tests.failpoints.edges import Moment
from tests.failpoints.trap import Trap

from longtake.__main__ import main
from longtake.store.sqlite import adapter


def set_trap(report: Path, edge: str, moment: Moment) -> None:
    """Have the next store of this process die there."""
    trap = Trap((edge, moment), report)
    connect = adapter.connect_writer

    def watched(path: Path, max_pages: int) -> apsw.Connection:
        connection = connect(path, max_pages)
        trap.watch(connection)
        return connection

    adapter.connect_writer = watched


if __name__ == "__main__":
    set_trap(Path(sys.argv[1]), sys.argv[2], Moment(sys.argv[3]))
    sys.argv = ["longtake", *sys.argv[4:]]
    raise SystemExit(main())
