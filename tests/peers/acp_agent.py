"""An agent on the editor's side of things: `initialize` as MCP has it, but with an integer protocol version.

A request is answered after a notification of its own kind (`session/update`).
"""

import json
import sys

RESULTS = {
    "initialize": {"protocolVersion": 1, "agentCapabilities": {"loadSession": False}, "authMethods": []},
    "session/new": {"sessionId": "s1"},
    "session/prompt": {"stopReason": "end_turn"},
}


def write(message):
    """One line."""
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


for line in sys.stdin:
    call = json.loads(line)
    if call["method"] == "session/prompt":
        update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "hi"}}
        write({"method": "session/update", "params": {"sessionId": "s1", "update": update}})
    write({"id": call["id"], "result": RESULTS[call["method"]]})
