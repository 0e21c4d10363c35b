# SPDX-License-Identifier: Apache-2.0
"""Functions over video files: index, cut, assemble, encode, sound, scale, thumbnails, seam. No task words."""
