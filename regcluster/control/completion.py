"""``regcluster completion``: what makes a shell complete our words, the names of settings too.

click does the work: the shell runs us with ``VARIABLE`` set, and is told what might come next.
"""

import click
from click.shell_completion import get_completion_class

from regcluster.config.fields import FIELDS
from regcluster.config.reload import is_changeable

SHELLS = ("bash", "zsh", "fish")

PROGRAM = "regcluster"
VARIABLE = "_REGCLUSTER_COMPLETE"
"""Set, it has the program complete words instead of running (click's name for it)."""

HOWTO = """\b
Put this into the file that the shell reads at its start:
  bash  ~/.bashrc                   eval "$(regcluster completion bash)"
  zsh   ~/.zshrc                    eval "$(regcluster completion zsh)"
  fish  ~/.config/fish/config.fish  regcluster completion fish | source
"""


@click.command(epilog=HOWTO)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Write what makes SHELL complete verbs, options and settings."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())


def changeable_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The settings that a running node may be told and whose names begin so."""
    keys = [key for key, field in FIELDS.items() if is_changeable(field)]
    return [key for key in keys if key.startswith(incomplete)]
