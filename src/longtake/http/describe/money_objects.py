# SPDX-License-Identifier: Apache-2.0
"""Prices, balances and the ledger."""

from __future__ import annotations

from longtake.http.describe.answer_fields import MADE_BY, MODEL
from longtake.http.describe.terms import Field, Shape, Words, always, one_of


def _money(name: str, en: str, zh: str, *, nullable: bool = False) -> tuple[Field, Field]:
    micro_zh = "同上，单位为百万分之一美元。"
    return (
        always(name, "string", en, zh, nullable=nullable),
        always(f"{name}_microusd", "integer", "The same in millionths of a dollar.", micro_zh, nullable=nullable),
    )


QUOTE = Shape(
    name="Quote",
    words=Words("What a request would cost. Nothing was made or held.", "请求的报价；未生成也未冻结任何费用。"),
    fields=(
        one_of("object", ("quote",), "The kind of object.", "对象类型。"),
        one_of("operation", ("create", "extend", "remix"), "What was understood.", "识别出的操作。"),
        MODEL,
        *MADE_BY[::-1],
        one_of("currency", ("USD",), "Of all amounts.", "所有金额的币种。"),
        *_money("price", "What it would cost; at most, while provisional.", "价格；provisional 时为最高价。"),
        *_money("hold", "What is held from its submission on.", "提交时冻结的金额。"),
        always("priced", "boolean", "False: nobody has set a price for this.", "false 表示尚未设置价格。"),
        always("provisional", "boolean", "Whether the source is not known yet.", "源视频是否尚未确定。"),
        always("covered", "boolean", "Whether the balance covers it now.", "当前余额是否足够。"),
        always("rule", "string", "The version of the prices.", "价格规则版本。"),
        always("breakdown", "array", "The parts; their sum is the price.", "价格明细，合计为总价。", of="QuoteLine"),
    ),
)
QUOTE_LINE = Shape(
    name="QuoteLine",
    words=Words("A part of a price.", "一项费用。"),
    fields=(
        one_of("item", ("new_seconds", "input_seconds", "images", "request"), "What it is for.", "费用项目。"),
        always("quantity", "number", "How many.", "数量。"),
        *_money("unit_price", "For each, in dollars.", "单价（美元）。"),
        *_money("price", "For all of them.", "小计。"),
    ),
)
BALANCE = Shape(
    name="Balance",
    words=Words("What a tenant has. Amounts are exact decimal dollars.", "租户余额；金额为精确的美元小数。"),
    fields=(
        one_of("object", ("balance",), "The kind of object.", "对象类型。"),
        always("tenant", "string", "Whose it is.", "所属租户。"),
        one_of("currency", ("USD",), "Of all amounts.", "所有金额的币种。"),
        always("prepaid", "boolean", "Whether a balance limits it.", "是否受余额限制。"),
        *_money("balance", "What may still be spent; null = no limit.", "可用余额；null 表示不限。", nullable=True),
        *_money("held", "Held for tasks that are not settled.", "未结算任务冻结的金额。"),
        *_money("spent", "Spent so far.", "已花费。"),
        *_money("granted", "All credit so far.", "累计充值。"),
    ),
)
LEDGER_CHECK = Shape(
    name="LedgerCheck",
    words=Words("Whether all of the money adds up.", "账目是否相符。"),
    fields=(
        one_of("object", ("ledger_check",), "The kind of object.", "对象类型。"),
        always("good", "boolean", "Whether there is no problem.", "是否没有问题。"),
        always("prepaid_tenants", "integer", "Tenants with a balance.", "有余额的租户数。"),
        always("tasks", "integer", "Tasks that were looked at.", "检查的任务数。"),
        always("unsettled", "integer", "Tasks whose cost is not known yet.", "尚未结算的任务数。"),
        always("rows", "integer", "Rows of the ledger.", "账目行数。"),
        always("problems", "array", "What does not add up, up to 100.", "不符之处，最多 100 条。", of="LedgerProblem"),
    ),
)
LEDGER_PROBLEM = Shape(
    name="LedgerProblem",
    words=Words("Something that does not add up.", "一处不符。"),
    fields=(
        always("kind", "string", "Which rule is broken.", "违反的规则。"),
        always("subject", "string", "The task or tenant.", "任务或租户。"),
        always("found", "integer", "What stands there.", "实际值。"),
        always("wanted", "integer", "What should.", "应有值。"),
    ),
)
