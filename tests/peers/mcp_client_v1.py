"""Drives an MCP server with the Python SDK 1.x, then holds the session until its own stdin closes.

usage: mcp_client_v1.py stdio CWD CMD [ARG...] | http URL | sse URL

On stderr: `READY {json}` after handshake, tools/list and one tools/call; `AGAIN {json}` after each further
exchange, one per line read from stdin.
"""

import contextlib
import os
import sys

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation

from driver import STEP_SECONDS, call_arguments, pick_tool, report, stdin_lines


@contextlib.asynccontextmanager
async def connect(transport, target):
    """Yields the session's two streams."""
    if transport == "stdio":
        cwd, command, *args = target
        server = StdioServerParameters(command=command, args=args, cwd=cwd, env=dict(os.environ))
        async with stdio_client(server) as (reader, writer):
            yield reader, writer
    elif transport == "http":
        async with streamable_http_client(target[0]) as (reader, writer, _session_id):
            yield reader, writer
    else:
        async with sse_client(target[0]) as (reader, writer):
            yield reader, writer


async def exchange(session):
    """One tools/list and one tools/call."""
    with anyio.fail_after(STEP_SECONDS):
        tools = (await session.list_tools()).tools
        tool = pick_tool([t.name for t in tools])
        result = await session.call_tool(tool, call_arguments(tool))
    text = next((c.text for c in result.content if c.type == "text"), "")
    return {"tools": len(tools), "call": text[:200]}


async def main(transport, target):
    """The whole session."""
    async with connect(transport, target) as (reader, writer):
        info = Implementation(name="py-client-v1", version="1.0")
        async with ClientSession(reader, writer, client_info=info) as session:
            with anyio.fail_after(STEP_SECONDS):
                opened = await session.initialize()
            server = {"name": opened.serverInfo.name, "version": opened.serverInfo.version}
            first = await exchange(session)
            report("READY", {"client": info.name, "protocol": opened.protocolVersion, "server": server, **first})
            async for _ in stdin_lines():
                report("AGAIN", await exchange(session))


anyio.run(main, sys.argv[1], sys.argv[2:])
