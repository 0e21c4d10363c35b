# SPDX-License-Identifier: Apache-2.0
"""The bodies of uploads, keys and credit."""

from __future__ import annotations

from longtake.http.describe.terms import Field, Words

_REFERENCE = Field(
    name="reference",
    kind="string",
    most=200,
    example="invoice-2026-117",
    default=Words("none: each request counts", "无：每次请求都计入"),
    words=Words("A payment's number: the same again counts once.", "付款编号：相同编号只计一次。"),
)
UPLOAD = (
    Field(
        name="file",
        kind="file",
        required=True,
        also=("video", "image", "upload"),
        spellings=("a file part of a form", "base64 or a data URI in JSON", "the bytes as the whole body"),
        words=Words(
            "MP4, MOV, MKV, WebM or AVI, or a PNG, JPEG, WebP or GIF picture.",
            "MP4、MOV、MKV、WebM、AVI 视频，或 PNG、JPEG、WebP、GIF 图片。",
        ),
    ),
    Field(
        name="filename",
        kind="string",
        example="cat.mp4",
        words=Words("What its owner calls it.", "文件名。"),
    ),
)
KEY = (
    Field(
        name="name",
        kind="string",
        most=100,
        example="laptop",
        words=Words("To tell keys apart.", "便于区分密钥的名称。"),
    ),
    Field(
        name="tenant",
        kind="string",
        least=1,
        most=64,
        example="default",
        default=Words("your own", "与当前密钥相同"),
        words=Words(
            "Whose key it is; a tenant is made by its first key. Letters, digits, '.', '_' and '-'.",
            "密钥所属租户，首个密钥会创建租户。可用字母、数字、“.”、“_”、“-”。",
        ),
    ),
    Field(
        name="admin",
        kind="boolean",
        example=False,
        default=Words("false", "false"),
        words=Words("Whether it may manage keys.", "是否可以管理密钥。"),
    ),
    Field(
        name="adopt",
        kind="boolean",
        example=False,
        default=Words("false", "false"),
        words=Words(
            "Whether it may extend and remix videos by ids that a provider of this server knows and this server does "
            "not: they are copied, and are its tenant's from then on.",
            "是否可以使用上游已有而本服务器没有的视频 id 进行续写与重制：视频会复制到本服务器，此后归该租户所有。",
        ),
    ),
    Field(
        name="credit_usd",
        kind="string",
        example="25.00",
        default=Words("no credit: the tenant stays as it is", "不充值，租户保持不变"),
        words=Words(
            "Credit for the tenant in US dollars, as a text; the first one makes it prepaid, also 0.",
            "为租户充值的美元金额（文本）；首次充值（包括 0）后该租户即为预付费。",
        ),
    ),
    _REFERENCE,
)
CREDIT = (
    Field(
        name="tenant",
        kind="string",
        required=True,
        least=1,
        most=64,
        example="studio-7",
        words=Words("Who gets it.", "充值的租户。"),
    ),
    Field(
        name="amount_usd",
        kind="string",
        example="25.00",
        spellings=('"25.00"', '"-3.5"', "25"),
        words=Words(
            "US dollars as a decimal text; a negative amount takes credit back.",
            "美元金额（小数文本）；负数表示扣回。",
        ),
    ),
    _REFERENCE,
    Field(
        name="prepaid",
        kind="boolean",
        default=Words("true: the tenant pays in advance", "true：该租户为预付费"),
        words=Words(
            "false, without an amount: no balance limits the tenant any more, and what is left of it is taken back.",
            "false（不带金额）：该租户不再受余额限制，剩余额度收回。",
        ),
    ),
)
