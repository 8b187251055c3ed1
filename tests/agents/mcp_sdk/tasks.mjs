// Tasks and long waits at the revision 2026-07-28, through the protocol's own client for tasks (npm `@modelcontextprotocol/ext-tasks`)
// and the TypeScript SDK (npm `@modelcontextprotocol/client`), found by NODE_PATH. What it was told comes as JSON in the one argument.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// An import does not look at NODE_PATH.
const folder = process.env.NODE_PATH.split(':').find((path) => existsSync(join(path, '@modelcontextprotocol/ext-tasks')));
const load = (path) => import(pathToFileURL(join(folder, '@modelcontextprotocol', path)).href);
const { Client, StreamableHTTPClientTransport } = await load('client/dist/index.mjs');
const { createTaskSessionFromClient } = await load('ext-tasks/dist/client/index.js');

const told = JSON.parse(process.argv[2]);
const clientInfo = { name: 'ext-tasks', version: '1' };
const framing = { protocolVersion: '2026-07-28', clientInfo, clientCapabilities: {} };

async function connect() {
  const client = new Client(clientInfo, { versionNegotiation: { mode: { pin: framing.protocolVersion } } });
  const requestInit = { headers: { Authorization: `Bearer ${told.token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(told.url), { requestInit }));
  return client;
}

let last = 0;

// The request as the session has framed it, over HTTP.
async function rawDispatch(request) {
  last += 1;
  const name = request.params.name ?? request.params.taskId;
  const headers = {
    Authorization: `Bearer ${told.token}`,
    Accept: 'application/json, text/event-stream',
    'Content-Type': 'application/json',
    'MCP-Protocol-Version': framing.protocolVersion,
    'Mcp-Method': request.method,
    ...(name === undefined ? {} : { 'Mcp-Name': name }),
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: last, ...request });
  const answered = await (await fetch(told.url, { method: 'POST', headers, body })).text();
  const messages = answered.split('\n').map((line) => line.replace(/^data:/, '').trim());
  const message = messages.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)).find((one) => one.id === last);
  return message.error ? { kind: 'error', error: message.error } : { kind: 'result', result: message.result };
}

const client = await connect();
const session = createTaskSessionFromClient(client, { endpointId: 'gander', rawDispatch, v2RequestFraming: framing });

const asked = await session.callTool('request_approval', { title: 'Deploy from a task?' });
assert.equal(asked.kind, 'task');
console.log('WAITING 1');
const { outcome, lastTask } = await asked.settle();
assert.equal(outcome.status, 'completed', JSON.stringify(outcome));
assert.equal(outcome.result.structuredContent.stands, 'approved', JSON.stringify(outcome));
assert.equal(lastTask.retentionMs, null);

const second = await session.callTool('request_approval', { title: 'Never mind?' });
await second.cancel();
const cancelled = (await second.settle()).outcome;
assert.equal(cancelled.status, 'cancelled', JSON.stringify(cancelled));
await session.close();

// A client without tasks waits four minutes in one call, of which the SDK makes rounds.
const filed = await client.callTool({ name: 'request_approval', arguments: { title: 'Kept open?' } });
assert.equal(filed.structuredContent.stands, 'pending', JSON.stringify(filed));
const waited = await client.callTool({ name: 'await_decision', arguments: { id: 3, seconds: 240 } });
assert.equal(waited.structuredContent.stands, 'pending', JSON.stringify(waited));
await client.close();
console.log(JSON.stringify({ statuses: [outcome.status, cancelled.status], waited: waited.structuredContent.stands }));
