# SPDX-License-Identifier: Apache-2.0
"""Scenes that are painted from noise, gradients and light: one file each, chosen by the words of a prompt."""
