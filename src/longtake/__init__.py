# SPDX-License-Identifier: Apache-2.0
"""longtake: a self-hosted video router whose headline verb is extend."""

__version__ = "0.1.0"
