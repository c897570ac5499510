"""Asks an MCP server over HTTP with either Python SDK: the list of tools, the tool `echo`, the list again, the tool `secret`.

usage: placed_client.py URL

Says on standard output what came of each: what the model would read, or the error.
"""

import asyncio
import json
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

SECONDS = 20


async def came(what):
    """What is told of an answer, or the code of an error."""
    try:
        answer = await asyncio.wait_for(what, SECONDS)
    except TimeoutError:
        return "nothing"
    except Exception as error:
        code = getattr(getattr(error, "error", error), "code", None)
        return code if code is not None else repr(error)
    if hasattr(answer, "tools"):
        return [tool.description for tool in answer.tools]
    return [content.text for content in answer.content]


async def main(url):
    """The whole session."""
    async with streamable_http_client(url) as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await asyncio.wait_for(session.initialize(), SECONDS)
            told = {
                # Calls of tools that were never listed would list them.
                "first": await came(session.list_tools()),
                "echo": await came(session.call_tool("echo", {})),
                "list": await came(session.list_tools()),
                "secret": await came(session.call_tool("secret", {})),
            }
            print(json.dumps(told))


asyncio.run(main(sys.argv[1]))
