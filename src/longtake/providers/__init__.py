# SPDX-License-Identifier: Apache-2.0
"""Makers behind an API. Adapters build requests and read answers, without I/O, and do not know each other."""
