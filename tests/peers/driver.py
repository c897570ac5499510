"""What the Python client drivers share."""

import json
import sys

import anyio

# A step that takes longer than this has failed; the machine may be slow, a server may be cold.
STEP_SECONDS = 90


def pick_tool(names):
    """A harmless tool that every server under test is known to have one of."""
    for tool in ("echo", "list_allowed_directories"):
        if tool in names:
            return tool
    raise SystemExit(f"no known tool among {names}")


def call_arguments(tool):
    """Arguments for `pick_tool`'s choice."""
    return {"message": "hello"} if tool == "echo" else {}


def report(word, facts):
    """One line on stderr for the test that started us."""
    sys.stderr.write(f"{word} {json.dumps(facts)}\n")
    sys.stderr.flush()


async def stdin_lines():
    """Lines of our stdin until it closes."""
    while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
        yield line
