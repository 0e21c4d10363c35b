# SPDX-License-Identifier: Apache-2.0
"""Weather over pictures: particles in layers of depth and drifting fog, drawn anew for each."""
