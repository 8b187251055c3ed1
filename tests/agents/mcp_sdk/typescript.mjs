// Everything that `gander mcp` and /mcp offer, through the TypeScript SDK (npm `@modelcontextprotocol/sdk`, found by NODE_PATH). What it
// was told comes as JSON in the one argument; what it saw goes to standard output, the last line as JSON.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
const types = require('@modelcontextprotocol/sdk/types.js');

const told = JSON.parse(process.argv[2]);
const updates = new Set();
let steps = 0;

async function connect(token) {
  const client = new Client({ name: 'typescript', version: '1' });
  for (const schema of [types.ResourceUpdatedNotificationSchema, types.ResourceListChangedNotificationSchema]) {
    client.setNotificationHandler(schema, (heard) => void updates.add(heard.method));
  }
  const transport = told.url
    ? new StreamableHTTPClientTransport(new URL(told.url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } })
    : new StdioClientTransport({ command: told.command, args: told.args, env: { GANDER_TOKEN: token }, cwd: told.cwd });
  await client.connect(transport);
  return client;
}

const called = new Set();

// The data of a tool's result, which the SDK has checked against the tool's schema.
async function call(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args }, undefined, { onprogress: () => void (steps += 1) });
  called.add(name);
  assert.ok(!result.isError, `${name}: ${JSON.stringify(result)}`);
  assert.ok(result.content[0].text, name);
  return result.structuredContent;
}

const agent = await connect(told.agent);
const person = await connect(told.assistant);
const ask = async (title) => {
  const filed = await call(agent, 'request_approval', { title, risk: 'low', agent: { name: 'typescript' } });
  return filed.decision.id;
};

const tools = new Set();
for (const client of [agent, person]) for (const tool of (await client.listTools()).tools) tools.add(tool.name);
await person.subscribeResource({ uri: 'factory://dashboard/summary' });

const first = await ask('Deploy from TypeScript?');
console.log(`WAITING ${first}`);
assert.equal((await call(agent, 'await_decision', { id: first })).stands, 'approved');
const reported = await call(agent, 'report_outcome', { id: first, outcome: 'succeeded', text: 'live' });
assert.equal(reported.decision.outcome.text, 'live');
assert.equal((await call(agent, 'withdraw', { id: await ask('Never mind?') })).stands, 'withdrawn');
if (!told.url) {
  const input = { tool_name: 'Bash', input: { command: 'ls' }, tool_use_id: 't' };
  const result = await agent.callTool({ name: 'permission_prompt', arguments: input });
  called.add('permission_prompt');
  assert.equal(JSON.parse(result.content[0].text).behavior, 'allow');
}

const [yes, no] = [await ask('Yes?'), await ask('No?')];
await call(person, 'factory_assign_priority', { id: no, priority: 'urgent' });
const waiting = await call(person, 'factory_get_pending_tasks');
assert.deepEqual(waiting.items.map((one) => one.id), [no, yes]);
assert.equal((await call(person, 'factory_get_blockers')).waiting, 2);
const given = await call(person, 'factory_approve_task', { id: yes, revision: 1 });
assert.deepEqual([given.stands, given.decision.via], ['approved', 'mcp']);
assert.equal((await call(person, 'factory_reject_task', { id: no, revision: 1, reason: 'not now' })).stands, 'rejected');
assert.equal((await call(person, 'factory_search', { query: 'Deploy' })).count, 1);
const refused = await person.callTool({ name: 'factory_approve_task', arguments: { id: yes, revision: 1 } });
assert.ok(refused.isError && refused.content[0].text.includes('already decided'));

const kept = await ask('Kept open?');
const read = [];
for (const { uri } of (await person.listResources()).resources) {
  assert.ok(JSON.parse((await person.readResource({ uri })).contents[0].text));
  read.push(uri);
}
const templates = (await person.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate);
const prompts = [];
for (const { name } of (await person.listPrompts()).prompts) {
  assert.ok((await person.getPrompt({ name, arguments: {} })).messages[0].content.text);
  prompts.push(name);
}
const protocol = person.transport?.protocolVersion ?? person.getNegotiatedProtocolVersion?.() ?? 'handshake';
const sorted = (names) => [...names].sort();
console.log(JSON.stringify({ protocol, tools: sorted(tools), called: sorted(called), read, templates, prompts, progress: steps, updates: sorted(updates), kept }));
await agent.close();
await person.close();
