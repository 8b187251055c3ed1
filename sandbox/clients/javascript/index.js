// A client of the sandbox's control API, without dependencies: starts the program, acts as the
// people on the server, waits for what they see, arranges faults.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Milliseconds that anything may take by default. */
const LIMIT = 30_000;

/** A running sandbox, and the bots started on it. */
export class Sandbox {
  #program;
  #bots = [];
  #output = "";

  /** Starts the program: `DISCORD_SANDBOX`, or `discord-sandbox` on the `PATH`. */
  static async start(args = []) {
    const command = process.env.DISCORD_SANDBOX ?? "discord-sandbox";
    const program = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    const failed = new Promise((_, reject) => {
      program.once("error", (error) => {
        reject(new Error(`${command}: ${error.message}; set DISCORD_SANDBOX to its path`));
      });
      program.once("exit", (code) => reject(new Error(`${command} ended with ${code}`)));
    });
    // After the start nobody waits for it any more.
    failed.catch(() => {});
    const lines = createInterface(program.stdout);
    const [line] = await Promise.race([once(lines, "line"), failed]);
    return new Sandbox(program, JSON.parse(line));
  }

  constructor(program, addresses) {
    this.#program = program;
    /** The addresses, with the ids of channels and people by name, and the bot's token. */
    this.addresses = addresses;
  }

  /** Ends the bots and the sandbox. */
  async stop() {
    const all = [...this.#bots, this.#program];
    const ends = all.filter((one) => one.exitCode === null).map((one) => once(one, "exit"));
    this.#bots.forEach((bot) => bot.kill("SIGKILL"));
    this.#program.kill();
    await Promise.all(ends);
  }

  /** Starts a bot's script with this Node. It gets the addresses in `SANDBOX`. */
  runBot(script, args = [], environment = {}) {
    const env = { ...process.env, SANDBOX: JSON.stringify(this.addresses), ...environment };
    const bot = spawn(process.execPath, [script, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [bot.stdout, bot.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (this.#output += text));
    }
    this.#bots.push(bot);
  }

  /** What the bots printed so far. */
  botOutput() {
    return this.#output;
  }

  /** The hand of a person, by user name. */
  user(name) {
    return new Person(this, name);
  }

  /** The id of a channel by its name; what is no name is taken for an id. */
  channel(name) {
    return this.addresses.channels[name] ?? name;
  }

  /** What a person sees: channels with messages, notifications, commands. */
  view(user) {
    return this.call("GET", `state?user=${encodeURIComponent(user)}`);
  }

  /** All requests and gateway payloads with a number greater than `since`. */
  journal(since = 0) {
    return this.call("GET", `journal?since=${since}`);
  }

  /** The journal as lines to read. */
  async transcript(since = 0) {
    return (await this.#request("GET", `transcript?since=${since}`)).text();
  }

  /** Arranges a fault; `GET /_sandbox` lists them all. */
  fault(body) {
    return this.call("POST", "fault", body);
  }

  /** Removes all faults. */
  clearFaults() {
    return this.call("DELETE", "fault");
  }

  /** Changes the server, as a moderator would; `GET /_sandbox` lists how. */
  world(body) {
    return this.call("POST", "world", body);
  }

  /** Adds a person, as in the file of a world, and returns their id. */
  addUser(user) {
    return this.#add("add_user", user);
  }

  /** Adds a role to a guild, by default the first, and returns its id. */
  addRole(role, guild) {
    return this.#add("add_role", { guild, role });
  }

  /** Adds a channel to a guild, by default the first, and returns its id. */
  addChannel(channel, guild) {
    return this.#add("add_channel", { guild, channel });
  }

  /**
   * Puts the world back as it was at the start: without messages, commands, faults and journal.
   * Connected bots get an invalid session and identify anew.
   */
  async reset() {
    await this.call("POST", "reset");
    await this.#readNames();
  }

  /** Keeps the world as it is now, commands included, and returns the snapshot's id. */
  async snapshot() {
    return (await this.call("POST", "snapshot")).id;
  }

  /**
   * Puts the world back as it was at a snapshot. Connected bots get an invalid session and identify
   * anew.
   */
  async restore(snapshot) {
    await this.call("POST", "restore", { id: snapshot });
    await this.#readNames();
  }

  /** Moves the sandbox's clock forward, past deadlines and rate limits. */
  advance(ms) {
    return this.call("POST", "advance", { ms });
  }

  async #add(path, body) {
    const { id } = await this.call("POST", path, body);
    await this.#readNames();
    return id;
  }

  async #readNames() {
    const { channels, roles, users, more_guilds } = await this.call("GET", "addresses");
    Object.assign(this.addresses, { channels, roles, users, more_guilds });
  }

  /** Calls `probe` now and after each change until its result is true, and returns that. */
  async waitFor(what, probe, limit = LIMIT) {
    const signal = AbortSignal.timeout(limit);
    try {
      const changes = await this.#request("GET", "live", undefined, signal);
      for await (const _ of changes.body) {
        const found = await probe();
        if (found) return found;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    throw new Error(`waited ${limit} ms without success for ${what}`);
  }

  /** Waits until a person sees a message with this content in a channel. */
  waitForMessage(channel, content, user, limit = LIMIT) {
    const id = this.channel(channel);
    return this.waitFor(`the message ${JSON.stringify(content)}`, async () => {
      const { channels } = await this.view(user);
      const messages = channels.find((one) => one.id === id)?.messages ?? [];
      return messages.find((message) => message.content === content);
    }, limit);
  }

  /** Waits until a person is offered a command, and the bot is connected. */
  waitForCommand(name, user, limit = LIMIT) {
    return this.waitFor(`the command ${name}`, async () => {
      const view = await this.view(user);
      return view.bot_online && view.commands.find((command) => command.name === name);
    }, limit);
  }

  /** Calls the control API at a path below `/_sandbox/`. */
  async call(method, path, body) {
    return (await this.#request(method, path, body)).json();
  }

  async #request(method, path, body, signal) {
    const url = `${this.addresses.page}_sandbox/${path}`;
    const answer = await fetch(url, { method, body: body && JSON.stringify(body), signal });
    if (!answer.ok) throw new Error(await answer.text());
    return answer;
  }
}

/**
 * A person on the server. Each action returns the person's view of what came of it, once the bot has
 * answered: `ok`, `error`, `message`, `modal`, `choices`. `more` may have `timeout_ms`.
 */
export class Person {
  #sandbox;

  constructor(sandbox, name) {
    this.#sandbox = sandbox;
    this.name = name;
  }

  /** Any action; `GET /_sandbox` lists them. */
  act(action, more) {
    return this.#sandbox.call("POST", "act", { user: this.name, action, ...more });
  }

  /** Writes in a channel, by name or id. */
  message(channel, content, more) {
    return this.act("message", { channel: this.#sandbox.channel(channel), content, ...more });
  }

  /** Uses a slash command. */
  command(channel, name, options = {}, more) {
    return this.act("command", { channel: this.#sandbox.channel(channel), name, options, ...more });
  }

  /** Types into an option of a slash command. */
  complete(channel, name, options, focused, more) {
    const typed = { channel: this.#sandbox.channel(channel), name, options, focused };
    return this.act("complete", { ...typed, ...more });
  }

  /** Clicks a button of a message. */
  click(message, customId, more) {
    return this.act("click", { message_id: message.id, custom_id: customId, ...more });
  }

  /** Chooses values of a select menu of a message. */
  select(message, customId, values, more) {
    return this.act("select", { message_id: message.id, custom_id: customId, values, ...more });
  }

  /** Submits a form that an action opened. */
  submit(modal, values, more) {
    return this.act("submit", { modal_id: modal.modal_id, values, ...more });
  }
}

/**
 * A `test` whose body gets a sandbox of its own. Takes that of Vitest, Jest or `node:test`. What bot
 * and sandbox said is added to the error of a test that fails.
 */
export function withSandbox(test, args = []) {
  return (name, body, ...rest) => {
    test(name, async () => {
      const sandbox = await Sandbox.start(args);
      try {
        await body(sandbox);
      } catch (error) {
        const said = `${await sandbox.transcript()}\noutput of the bot:\n${sandbox.botOutput()}`;
        error.message += `\n\nbot and sandbox:\n${said}`;
        throw error;
      } finally {
        await sandbox.stop();
      }
    }, ...rest);
  };
}
