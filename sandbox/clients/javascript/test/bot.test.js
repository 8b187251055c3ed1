// The bot of thirty lines, tested as its author would; and what a failing test tells.
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

import { withSandbox } from "../index.js";

const BOT = fileURLToPath(new URL("bot.cjs", import.meta.url));
const LIMIT = 60_000;
const sandboxTest = withSandbox(test);

async function start(sandbox) {
  sandbox.runBot(BOT);
  await sandbox.waitForCommand("greet", "maya");
  return sandbox.user("maya");
}

sandboxTest("it greets", async (sandbox) => {
  const maya = await start(sandbox);
  const outcome = await maya.command("general", "greet", { name: "Jonas" });
  expect(outcome.message.content).toBe("Hello, Jonas!");
}, LIMIT);

sandboxTest("it waits when it is told to", async (sandbox) => {
  const maya = await start(sandbox);
  const match = { method: "POST", path: "/channels/*/messages" };
  await sandbox.fault({ do: "status", status: 429, ms: 100, match });
  await maya.message("general", `<@${sandbox.addresses.application_id}> are you there?`);
  await sandbox.waitForMessage("general", "At your service.", "maya");
  const posts = (await sandbox.journal()).filter(
    (entry) => entry.method === "POST" && entry.path.endsWith("/messages"),
  );
  expect(posts.map((post) => post.status)).toEqual([429, 200]);
}, LIMIT);

sandboxTest("the world can be added to and put back", async (sandbox) => {
  const maya = await start(sandbox);
  const before = await sandbox.snapshot();
  await sandbox.addRole({ name: "Crew" });
  const olga = await sandbox.addUser({ name: "olga", roles: ["Crew"] });
  expect(sandbox.addresses.users.olga).toBe(olga);
  await sandbox.addChannel({ name: "staff" });
  const words = `<@${sandbox.addresses.application_id}> hello?`;
  await sandbox.user("olga").message("staff", words);
  await sandbox.waitForMessage("staff", "At your service.", "olga");
  await sandbox.restore(before);
  expect(sandbox.addresses.channels.staff).toBeUndefined();
  // The bot identifies anew, and its command is still there.
  await sandbox.waitForCommand("greet", "maya");
  expect((await maya.command("general", "greet", { name: "Sven" })).ok).toBe(true);
  await sandbox.reset();
  expect((await sandbox.view("maya")).commands).toEqual([]);
}, LIMIT);

test("a failure tells what was said", async () => {
  let body;
  withSandbox((_, wrapped) => (body = wrapped))("fails", async (sandbox) => {
    await start(sandbox);
    throw new Error("as it must");
  });
  await expect(body()).rejects.toThrow(/as it must[^]*POST \/applications\/\d+\/commands .*-> 201/);
}, LIMIT);
