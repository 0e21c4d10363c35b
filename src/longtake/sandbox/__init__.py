# SPDX-License-Identifier: Apache-2.0
"""Child processes that die with their parent, and their limits."""
