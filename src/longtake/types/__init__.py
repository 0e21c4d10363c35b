# SPDX-License-Identifier: Apache-2.0
"""The vocabulary: what every layer says to every other, without I/O.

Times inside a video are integer microseconds on the display clock: 0 is the first displayed frame, the duration is the
end of the last one. Moments in the world are integer milliseconds since the Unix epoch. Money is integer micro-USD.
"""

from longtake.seam_report import SeamReport
from longtake.types.media import Asset, AudioFacts, ColorTags, MediaFacts, Rate, VideoFacts
from longtake.types.plan import Adoption, Capability, Look, Maker, Plan, PlaneRange, SizePrice, Tariff
from longtake.types.report import (
    Fault,
    HeadReport,
    JoinReport,
    MadeFile,
    ProvenanceReport,
    RenderReport,
    SegmentReport,
    StagedHead,
)
from longtake.types.request import (
    Aspect,
    AssetSource,
    ExactSize,
    ImageInput,
    Principal,
    ShortSide,
    SizeWish,
    Source,
    Submission,
    TaskSource,
    UrlSource,
)
from longtake.types.task import Task
from longtake.types.value import SECOND_US, Value
from longtake.types.words import Fit, Mode, Operation, Role, State, Step

__all__ = [
    "SECOND_US",
    "Adoption",
    "Aspect",
    "Asset",
    "AssetSource",
    "AudioFacts",
    "Capability",
    "ColorTags",
    "ExactSize",
    "Fault",
    "Fit",
    "HeadReport",
    "ImageInput",
    "JoinReport",
    "Look",
    "MadeFile",
    "Maker",
    "MediaFacts",
    "Mode",
    "Operation",
    "Plan",
    "PlaneRange",
    "Principal",
    "ProvenanceReport",
    "Rate",
    "RenderReport",
    "Role",
    "SeamReport",
    "SegmentReport",
    "ShortSide",
    "SizePrice",
    "SizeWish",
    "Source",
    "StagedHead",
    "State",
    "Step",
    "Submission",
    "Tariff",
    "Task",
    "TaskSource",
    "UrlSource",
    "Value",
    "VideoFacts",
]
