# SPDX-License-Identifier: Apache-2.0
"""The entry of `longtake` and `python -m longtake`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; its exit status."""
    from longtake.cli.main import run  # noqa: PLC0415  (render children import this package without the command line)

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
