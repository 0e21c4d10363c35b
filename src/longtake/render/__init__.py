# SPDX-License-Identifier: Apache-2.0
"""Heavy work in children: the job message, the child that does it, the slot that watches it, the fleets."""
