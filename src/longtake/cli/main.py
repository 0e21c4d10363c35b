# SPDX-License-Identifier: Apache-2.0
"""The `longtake` group. Commands are imported when they are used, so that help and completion stay quick."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import signal
import sys
from collections.abc import Sequence

import click

from longtake import __version__
from longtake.cli.exits import MEANINGS, CommandFailed, Exit

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("longtake.cli.serve:serve", "Run the server."),
    "open": ("longtake.cli.open:open_studio", "Open the studio in a browser, signed in."),
    "demo": ("longtake.cli.demo:demo", "Extend the sample video, or yours, and show how."),
    "create": ("longtake.cli.video:create", "Make a video from words or a picture."),
    "extend": ("longtake.cli.video:extend", "Continue a video file or task from any second."),
    "remix": ("longtake.cli.video:remix", "Make a video anew after another prompt."),
    "get": ("longtake.cli.tasks:get", "Show a task; save its video."),
    "export": ("longtake.cli.export:export", "Save the path of a video, and who made what of it."),
    "watch": ("longtake.cli.tasks:watch", "Follow a task to its end."),
    "list": ("longtake.cli.tasks:list_tasks", "List tasks, newest first."),
    "cancel": ("longtake.cli.tasks:cancel", "Cancel a task."),
    "delete": ("longtake.cli.tasks:delete", "Delete ended tasks with their files."),
    "models": ("longtake.cli.models:models", "List models and what makes them here."),
    "keys": ("longtake.cli.keys:keys", "Create, list and revoke API keys, and give credit."),
    "ledger": ("longtake.cli.ledger:ledger", "Check that all money adds up."),
    "providers": ("longtake.cli.providers:providers", "List, test and switch off accounts at providers."),
    "route": ("longtake.cli.providers:route", "Say who would make a model's video, and why."),
    "doctor": ("longtake.cli.doctor:doctor", "Check this machine and the settings."),
}
EPILOG = "Exit statuses: " + "; ".join(f"{int(status)} {meaning}" for status, meaning in MEANINGS.items()) + "."


class LazyGroup(click.Group):
    """A group whose commands are named in a table and imported at their first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the nearest name when there is no such command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else " See: longtake --help"
            ctx.fail(f"there is no command {args[0]!r}.{guess}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their lines from the table: nothing is imported for it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="longtake", message="%(prog)s %(version)s")
def longtake() -> None:
    """Continue any finished video from any second.

    \b
    Examples:
      longtake demo
      longtake extend cat.mp4 --at 3 --prompt "it runs on" -o longer.mp4
      longtake serve --port 8420

    Without LONGTAKE_URL the commands use the server that runs on this machine for the same home, else they do the
    work themselves.
    """  # noqa: D301  (click's mark for text that keeps its lines)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; the exit status. All failures are said on standard error, here and only here."""
    with contextlib.suppress(ValueError):  # not the main thread: somebody else's signals
        # So that half-written files and private servers go away with us; `serve` installs handlers of its own.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = longtake.main(args=list(arguments), prog_name="longtake", standalone_mode=False)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.FAILED)
    except Exception as error:  # noqa: BLE001  (raised again if it is none of ours)
        return _say(error)
    except KeyboardInterrupt:
        return _say(click.Abort())
    return status if isinstance(status, int) else int(Exit.OK)


def _say(error: Exception) -> int:
    """Say a failure on standard error; its exit status. What nobody foresaw is raised again with its traceback."""
    match error:
        case CommandFailed():
            message, hint, status = error.message, error.hint, int(error.status)
        case click.ClickException():
            error.show(sys.stderr)
            return error.exit_code
        case click.Abort():
            message, hint, status = "stopped", "", int(Exit.INTERRUPTED)
        case _:
            # Imported only now, for help does not need the trees.
            from longtake.cli.failures import command_failure  # noqa: PLC0415
            from longtake.errors import ConfigurationError, LongtakeError  # noqa: PLC0415
            from longtake_client import ClientError  # noqa: PLC0415

            if isinstance(error, ClientError):
                failure = command_failure(error)
                message, hint, status = failure.message, failure.hint, int(failure.status)
            elif isinstance(error, LongtakeError):
                is_usage = isinstance(error, ConfigurationError)
                message, hint, status = error.message, "", int(Exit.USAGE if is_usage else Exit.FAILED)
            else:
                raise error
    click.echo(f"longtake: {message}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)
    return status
