"""An MCP server with one tool, which asks the client's user before it answers."""

import json
import sys

SCHEMA = {
    "type": "object",
    "properties": {
        "queue": {"type": "string", "title": "Queue", "enum": ["ops", "web"]},
        "urgent": {"type": "boolean"},
    },
    "required": ["queue", "urgent"],
}


def say(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


call = None
for line in sys.stdin:
    message = json.loads(line)
    method, number = message.get("method"), message.get("id")
    if method == "initialize":
        version = message["params"]["protocolVersion"]
        info = {"name": "tickets", "version": "1"}
        say({"id": number, "result": {
            "protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}})
    elif method == "tools/list":
        tool = {"name": "file", "description": "Files a ticket", "inputSchema": {"type": "object"}}
        say({"id": number, "result": {"tools": [tool]}})
    elif method == "tools/call":
        call = number
        say({"id": "ask-1", "method": "elicitation/create", "params": {
            "message": "Which queue?", "requestedSchema": SCHEMA}})
    elif number == "ask-1":
        text = json.dumps(message.get("result") or message.get("error"), sort_keys=True)
        say({"id": call, "result": {"content": [{"type": "text", "text": text}]}})
    elif number is not None and method:
        say({"id": number, "error": {"code": -32601, "message": "unknown"}})
