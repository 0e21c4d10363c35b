# SPDX-License-Identifier: Apache-2.0
"""Local makers: the port in base.py, one folder per engine."""
