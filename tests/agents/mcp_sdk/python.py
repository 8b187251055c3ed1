"""Everything that `gander mcp` and /mcp offer, through the Python SDK (PyPI `mcp`). What it was told comes as JSON in the one argument;
what it saw goes to standard output, the last line as JSON."""

import asyncio
import json
import sys

from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

told = json.loads(sys.argv[1])


def client(token, updates):
    """A client in the name of whoever holds the token."""

    async def heard(message):
        updates.append(type(message).__name__)

    if told.get("url"):
        http = create_mcp_http_client(headers={"Authorization": f"Bearer {token}"})
        server = streamable_http_client(told["url"], http_client=http)
    else:
        server = StdioServerParameters(command=told["command"], args=told["args"], env={"GANDER_TOKEN": token}, cwd=told["cwd"])
    return Client(server, mode=told["mode"], message_handler=heard)


async def call(connected, called, name, **arguments):
    """The data of a tool's result, which the SDK has checked against the tool's schema."""
    result = await connected.call_tool(name, arguments, progress_callback=progress)
    called.add(name)
    assert not result.is_error, f"{name}: {result}"
    assert result.content and result.content[0].text, name
    return result.structured_content


steps = 0


async def progress(done, total, message):
    global steps
    steps += 1


async def ask(agent, called, title):
    return (await call(agent, called, "request_approval", title=title, risk="low", agent={"name": "python"}))["decision"]["id"]


async def agents_part(agent, called):
    first = await ask(agent, called, "Deploy from Python?")
    print(f"WAITING {first}", flush=True)
    waited = await call(agent, called, "await_decision", id=first, seconds=60)
    assert waited["stands"] == "approved", waited
    reported = await call(agent, called, "report_outcome", id=first, outcome="succeeded", text="live")
    assert reported["decision"]["outcome"]["text"] == "live", reported
    second = await ask(agent, called, "Never mind?")
    assert (await call(agent, called, "withdraw", id=second))["stands"] == "withdrawn"
    if not told.get("url"):
        result = await agent.call_tool("permission_prompt", {"tool_name": "Bash", "input": {"command": "ls"}, "tool_use_id": "t"})
        called.add("permission_prompt")
        assert json.loads(result.content[0].text)["behavior"] == "allow", result


async def persons_part(agent, person, called):
    yes, no = await ask(agent, called, "Yes?"), await ask(agent, called, "No?")
    await call(person, called, "factory_assign_priority", id=no, priority="urgent")
    waiting = await call(person, called, "factory_get_pending_tasks")
    assert [one["id"] for one in waiting["items"]] == [no, yes], waiting
    assert (await call(person, called, "factory_get_blockers"))["waiting"] == 2
    given = await call(person, called, "factory_approve_task", id=yes, revision=1)
    assert given["stands"] == "approved" and given["decision"]["via"] == "mcp", given
    assert (await call(person, called, "factory_reject_task", id=no, revision=1, reason="not now"))["stands"] == "rejected"
    assert (await call(person, called, "factory_search", query="Deploy"))["count"] == 1
    refused = await person.call_tool("factory_approve_task", {"id": yes, "revision": 1})
    assert refused.is_error and "already decided" in refused.content[0].text, refused


async def main():
    updates, called, read = [], set(), []
    async with client(told["agent"], []) as agent, client(told["assistant"], updates) as person:
        tools = {tool.name for one in (agent, person) for tool in (await one.list_tools()).tools}
        if told["mode"] == "legacy":
            await person.subscribe_resource("factory://dashboard/summary")
        await agents_part(agent, called)
        await persons_part(agent, person, called)
        kept = await ask(agent, called, "Kept open?")
        templates = (await person.list_resource_templates()).resource_templates
        for resource in (await person.list_resources()).resources:
            contents = (await person.read_resource(resource.uri)).contents
            assert json.loads(contents[0].text), resource
            read.append(str(resource.uri))
        got = []
        for prompt in (await person.list_prompts()).prompts:
            messages = (await person.get_prompt(prompt.name, {})).messages
            assert messages[0].content.text, prompt
            got.append(prompt.name)
        saw = {
            "protocol": str(person.session.protocol_version),
            "tools": sorted(tools),
            "called": sorted(called),
            "read": read,
            "templates": [template.uri_template for template in templates],
            "prompts": got,
            "progress": steps,
            "updates": sorted(set(updates)),
            "kept": kept,
        }
        print(json.dumps(saw), flush=True)


asyncio.run(main())
