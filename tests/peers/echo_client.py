"""Has a server echo messages. usage: echo_client.py URL FILE

FILE holds a JSON list of messages. Ends well if every one came back as it was.
"""

import json
import sys

import anyio
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation


async def main(url, messages):
    """The whole session."""
    async with streamable_http_client(url) as (reader, writer, _session_id):
        info = Implementation(name="echo-client", version="1.0")
        async with ClientSession(reader, writer, client_info=info) as session:
            await session.initialize()
            for message in messages:
                result = await session.call_tool("echo", {"message": message})
                assert result.content[0].text == message, "the message came back as another"


with open(sys.argv[2], encoding="utf-8") as file:
    anyio.run(main, sys.argv[1], json.load(file))
