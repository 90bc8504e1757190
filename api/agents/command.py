"""``mathgloss mcp``: the published snapshot for agents, over standard input and output."""

from __future__ import annotations

import click


@click.command(name="mcp")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Speak the Model Context Protocol over stdin and stdout.

    For an agent on this machine: give it this command. The server over HTTP has the same tools at
    /mcp; there a run of an experiment waits for its turn, here it begins at once. A snapshot
    published later is used without a restart.
    """
    from api.agents.server import LOCAL_TOOLS, build_server
    from api.published import Published
    from mathgloss.commands._shared import settings_of

    holder = Published(settings_of(ctx))
    build_server(lambda: holder.get().answers, LOCAL_TOOLS).run("stdio")
