# SPDX-License-Identifier: Apache-2.0
"""The environment of a child: what it needs to find Python and its libraries, and nothing secret.

An allow-list: a variable that nobody thought of stays with the parent, whatever its name.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path

KEPT = frozenset(
    {
        *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUTF8", "VIRTUAL_ENV"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "USERPROFILE"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"),
        *("MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"),
        *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_OFFLINE"),
        "LONGTAKE_CI_MARK",  # a test run finds its processes by it
    }
)
KEPT_PREFIX = "LC_"
_PICTURE_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""glibc, which would give the memory of every picture back to the system and take it anew, page by page, for the next:
half of what weather costs. With this it keeps up to 128 MiB, and takes it in huge pages where the system lends them
(transparent_hugepage is madvise or always): a short extension of 1080p had 13,000 page faults, and has 2,600."""


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a child inherits of `environ`, with this very package importable.

    numpy's OpenBLAS would reserve a buffer for each core at import, which counts against the child's memory limit and
    which nothing here uses; so it gets one thread, and glibc keeps some memory, unless the operator says otherwise.
    """
    kept = {name: text for name, text in environ.items() if name.upper() in KEPT or name.startswith(KEPT_PREFIX)}
    for name, text in ({"OPENBLAS_NUM_THREADS": "1"} | _PICTURE_MEMORY).items():
        kept.setdefault(name, text)
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [path for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path]
    installed = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("purelib", "platlib")}
    if package_root not in installed and package_root not in paths:
        paths.append(package_root)
    if paths:
        kept["PYTHONPATH"] = os.pathsep.join(paths)
    return kept
