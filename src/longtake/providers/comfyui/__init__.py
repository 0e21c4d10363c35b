# SPDX-License-Identifier: Apache-2.0
"""ComfyUI as a maker: a workflow with named slots, filled in and queued."""
