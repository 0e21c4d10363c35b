# SPDX-License-Identifier: Apache-2.0
"""The only door out: what is said to other servers, and the guarded client that says it."""
