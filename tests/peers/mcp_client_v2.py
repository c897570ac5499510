"""Drives an MCP server with the Python SDK 2.x, in either protocol era.

usage: mcp_client_v2.py legacy|auto stdio CWD CMD [ARG...] | legacy|auto http URL

`legacy` opens with `initialize`; `auto` asks `server/discover` first and speaks the stateless form where the
server does. Reports as mcp_client_v1.py.
"""

import os
import sys

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import Implementation

from driver import STEP_SECONDS, call_arguments, pick_tool, report, stdin_lines


def target_of(transport, target):
    """What `Client` connects to."""
    if transport == "http":
        return target[0]
    cwd, command, *args = target
    return stdio_client(StdioServerParameters(command=command, args=args, cwd=cwd, env=dict(os.environ)))


async def exchange(client):
    """One tools/list and one tools/call."""
    with anyio.fail_after(STEP_SECONDS):
        tools = (await client.list_tools(cache_mode="bypass")).tools
        tool = pick_tool([t.name for t in tools])
        result = await client.call_tool(tool, call_arguments(tool))
    text = next((c.text for c in result.content if c.type == "text"), "")
    return {"tools": len(tools), "call": text[:200]}


async def main(era, transport, target):
    """The whole session."""
    info = Implementation(name="py-client-v2", version="2.0")
    async with Client(target_of(transport, target), mode=era, client_info=info) as client:
        server = client.server_info
        first = await exchange(client)
        report(
            "READY",
            {
                "client": info.name,
                "protocol": client.protocol_version,
                "server": {"name": server.name, "version": server.version} if server else None,
                **first,
            },
        )
        async for _ in stdin_lines():
            report("AGAIN", await exchange(client))


anyio.run(main, sys.argv[1], sys.argv[2], sys.argv[3:])
