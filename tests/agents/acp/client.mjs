// A client that is made of the protocol's own library.
// client.mjs LIBRARY MODE COMMAND …: sends one prompt to the agent behind the command, says why it
// stopped, and says so if it is asked for permission itself.
import { spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";

const [library, mode, command, ...args] = process.argv.slice(2);
const acp = await import(library);
const agent = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
const stream = acp.ndJsonStream(Writable.toWeb(agent.stdin), Readable.toWeb(agent.stdout));
const refuse = () => {
  console.log("asked the client");
  return { outcome: { outcome: "cancelled" } };
};
await acp
  .client({ name: "a-client" })
  .onRequest(acp.methods.client.session.requestPermission, refuse)
  .onNotification(acp.methods.client.session.update, () => {})
  .connectWith(stream, async (context) => {
    await context.request(acp.methods.agent.initialize, {
      protocolVersion: acp.PROTOCOL_VERSION,
      clientCapabilities: {},
    });
    const { sessionId } = await context.request(acp.methods.agent.session.new, {
      cwd: process.cwd(),
      mcpServers: [],
    });
    if (mode) {
      await context.request(acp.methods.agent.session.setMode, { sessionId, modeId: mode });
    }
    const prompt = [{ type: "text", text: "go" }];
    const { stopReason } = await context.request(acp.methods.agent.session.prompt, {
      sessionId,
      prompt,
    });
    console.log(`stopped: ${stopReason}`);
  });
agent.stdin.end();
