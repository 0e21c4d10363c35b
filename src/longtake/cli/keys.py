# SPDX-License-Identifier: Apache-2.0
"""`longtake keys`: API keys of this machine's server, or of LONGTAKE_URL with an admin key."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import click

from longtake.cli.connect import connect, home_option
from longtake.cli.output import Output, output_options, table_of
from longtake.cli.reply import Reply
from longtake.cli.runfile import RUN_KEY_NAME


@click.group()
def keys() -> None:
    """Create, list and revoke API keys, and give credit."""


@keys.command("create")
@click.option("--name", default="", help="To tell keys apart.")
@click.option("--tenant", default="", help="Whose key; a new name makes a new tenant [yours].")
@click.option("--admin", is_flag=True, help="A key that may manage keys.")
@click.option("--adopt", is_flag=True, help="A key that may extend videos by ids that only a provider knows.")
@click.option("--credit", metavar="USD", default="", help="Credit for the tenant; the first one, also 0, limits it.")
@click.option("--reference", default="", help="The payment's number: with the same again its credit counts once.")
@home_option
@output_options
def create_key(
    name: str,
    tenant: str,
    admin: bool,
    adopt: bool,
    credit: str,
    reference: str,
    home: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a key. Its secret is shown this once and never again."""
    output = Output(as_json=as_json, quiet=quiet)
    with connect(home) as connection:
        body = {"name": name, "tenant": tenant, "admin": admin, "adopt": adopt}
        if credit:
            body["credit_usd"] = credit
        if reference:
            body["reference"] = reference
        key = Reply(connection.client.request("POST", "/v1/keys", body=body))
    output.talk(f"{key.text('id')} of tenant {key.text('tenant')}. Keep the secret: it is not stored.")
    output.data(key.raw, key.text("secret"), key.text("secret"))


@keys.command("credit", context_settings={"ignore_unknown_options": True})
@click.argument("amount_usd", metavar="USD")
@click.option("--tenant", required=True, help="Who gets it.")
@click.option("--reference", default="", help="A payment's number: the same again counts once.")
@home_option
@output_options
def give_credit(
    amount_usd: str,
    tenant: str,
    reference: str,
    home: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Give a tenant credit in US dollars, or with a negative amount take some back.

    The first credit makes a tenant prepaid: from then on its balance limits what it may spend.
    """
    with connect(home) as connection:
        # A number of its own, so that a request that is sent again after a lost answer counts once.
        body = {"tenant": tenant, "amount_usd": amount_usd, "reference": reference or f"cli-{uuid4()}"}
        reply = Reply(connection.client.request("POST", "/v1/balance", body=body))
    balance = reply.text("balance")
    Output(as_json=as_json, quiet=quiet).data(reply.raw, f"{tenant} has ${balance}", balance)


@keys.command("unlimited")
@click.argument("tenant")
@home_option
@output_options
def end_prepayment(tenant: str, home: Path | None, as_json: bool, quiet: bool) -> None:
    """Let a tenant spend without a balance again. What is left of its credit is taken back."""
    with connect(home) as connection:
        reply = Reply(connection.client.request("POST", "/v1/balance", body={"tenant": tenant, "prepaid": False}))
    Output(as_json=as_json, quiet=quiet).data(reply.raw, f"no balance limits {tenant}", reply.text("spent"))


@keys.command("list")
@home_option
@output_options
def list_keys(home: Path | None, as_json: bool, quiet: bool) -> None:
    """List keys, without their secrets."""
    with connect(home) as connection:
        page = Reply(connection.client.request("GET", "/v1/keys"))
    # The key of a run belongs to the commands of this machine, not to people.
    shown = [key for key in page.items("data") if key.text("name") != RUN_KEY_NAME]
    rows = [
        (key.text("id"), f"…{key.text('hint')}", key.text("tenant"), _rights(key),
         "revoked" if key.at("revoked_at") else "good", key.text("name"))
        for key in shown
    ]  # fmt: skip
    human = table_of(("KEY", "ENDS WITH", "TENANT", "MAY", "STATE", "NAME"), rows) if rows else "no keys yet"
    ids = "\n".join(key.text("id") for key in shown)
    listed: dict[str, object] = {**page.raw, "data": [key.raw for key in shown]}
    Output(as_json=as_json, quiet=quiet).data(listed, human, ids)


def _rights(key: Reply) -> str:
    rights = ["admin" if key.at("admin") else "use", *(["adopt"] if key.at("adopt") else [])]
    return ", ".join(rights)


@keys.command("revoke")
@click.argument("key_id", metavar="KEY")
@home_option
@output_options
def revoke_key(key_id: str, home: Path | None, as_json: bool, quiet: bool) -> None:
    """Revoke a key by its id (not its secret). Requests with it are refused from now on."""
    with connect(home) as connection:
        reply = Reply(connection.client.request("DELETE", f"/v1/keys/{quote(key_id, safe='')}"))
    Output(as_json=as_json, quiet=quiet).data(reply.raw, f"{key_id} is revoked", key_id)
