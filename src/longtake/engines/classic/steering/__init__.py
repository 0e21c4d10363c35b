# SPDX-License-Identifier: Apache-2.0
"""Prompt steering: a prompt's words become moves of camera, time, light and weather, laid over any pictures.

`read_prompt` finds the wishes, `schedule` gives each its time, `lay` changes the pictures. Nothing here knows how
the pictures beneath are made: a continuation, a painted scene and a whole video that is made anew are steered alike.
"""
