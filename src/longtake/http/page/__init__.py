# SPDX-License-Identifier: Apache-2.0
"""The page at /docs and /llms.txt, made from the field table; it works offline and asks nobody but this server."""
