# SPDX-License-Identifier: Apache-2.0
"""Child processes that die with their parent, and their limits.

Two sides: `process` and `environment` are the parent's, `limits` and `pipes` the child's, `framing` is shared.
"""
