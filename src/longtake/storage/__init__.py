# SPDX-License-Identifier: Apache-2.0
"""The bytes: the port in base.py, one adapter per place."""
