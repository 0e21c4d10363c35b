# SPDX-License-Identifier: Apache-2.0
"""The record: the port in base.py, one adapter per database, SQL as files."""
