# SPDX-License-Identifier: Apache-2.0
"""What this engine will make of the prompt of an extension, for who asks before."""

from __future__ import annotations

from longtake.engines.classic.steering.schedule import script_for
from longtake.engines.classic.steering.wording import told


def understood(prompt: str, new_s: float) -> str:
    """What the answer will say of the prompt (a PromptReader of longtake.engines.readers)."""
    return told(script_for(prompt, new_s, past_s=new_s), prompt)
