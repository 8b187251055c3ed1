// Where a person writes: a message, or a slash command.

import { CommandForm, flatten } from "./command.js";
import { avatar, el, fill, icon } from "./dom.js";
import { pickEmoji } from "./emoji.js";
import { chooseFiles, fileChip, onDrop, tooLarge } from "./files.js";
import { openMenu } from "./overlay.js";
import { Suggest } from "./suggest.js";

const LONGEST = 2000;
const MOST_FILES = 10;

export class Composer {
  /**
   * `host`: `model()`, `channel()`, `user()`, `sendMessage(text, {replyTo, files})`,
   * `runCommand(command, options)`, `upload(file)`, `createThread(anchor)`, `onReply()`.
   */
  constructor(node, host) {
    this.node = node;
    this.host = host;
    this.form = null;
    this.replyTo = null;
    this.attached = [];
    const list = el("div", { class: "suggest", data: { testid: "suggestions" } });
    this.suggest = new Suggest(list);
    this.input = el("textarea", {
      rows: 1,
      maxlength: LONGEST,
      data: { testid: "composer" },
      "aria-label": "Message",
    });
    this.slot = el("div", { class: "composer-slot" }, this.input);
    this.strip = el("div", { class: "composer-strip", data: { testid: "replying" }, hidden: true });
    this.files = el("div", { class: "composer-files" });
    const button = (name, label, testid, act) =>
      el(
        "button",
        {
          class: testid === "send" ? "icon-button send" : "icon-button",
          type: "button",
          title: label,
          "aria-label": label,
          "aria-expanded": testid === "send" ? null : "false",
          data: { testid },
          on: { click: (event) => act(event.currentTarget) },
        },
        icon(name, 22),
      );
    this.box = el(
      "div",
      { class: "composer-box" },
      button("plus", "More to send", "composer-more", (at) => this.offerMore(at)),
      this.slot,
      button("react", "Emoji", "composer-emoji", (at) => this.insertEmoji(at)),
      button("apps", "Use a command", "open-commands", () => this.startCommand()),
      button("send", "Send", "send", () => this.send()),
    );
    fill(node, list, this.strip, this.files, this.box);
    this.listen();
  }

  listen() {
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (files.length) this.attach(files);
    });
    onDrop(this.box, (files) => this.attach(files));
    // Clicking elsewhere closes the list; it opens again with the next letter.
    this.node.addEventListener(
      "focusout",
      (event) => this.node.contains(event.relatedTarget) || this.suggest.hide(),
    );
  }

  /** Tells the composer that another channel or user is shown. */
  refresh({ fresh, title, enabled }) {
    if (fresh) {
      this.cancelCommand(false);
      this.clear();
    }
    this.input.placeholder = enabled ? `Message ${title}` : "No channel";
    this.input.disabled = !enabled;
  }

  focus() {
    if (this.form) this.form.focus();
    else this.input.focus();
  }

  key(event) {
    if (event.isComposing || this.suggest.handleKey(event)) return;
    if (event.key === "Escape" && this.replyTo && !this.suggest.open) {
      event.preventDefault();
      this.reply(null);
    }
    if (event.key === "Escape") this.suggest.hide();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    this.send();
  }

  typed() {
    this.resize();
    const text = this.input.value;
    if (/^\/[^\n]*$/.test(text)) return this.offerCommands(text.slice(1).toLowerCase());
    const before = text.slice(0, this.input.selectionStart);
    const word = /(?:^|\s)([@#])([\p{L}\p{N}_.-]*)$/u.exec(before);
    if (word) this.offerMentions(word[1], word[2].toLowerCase());
    else this.suggest.hide();
  }

  /** Grows with the text up to half of the window. */
  resize() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, innerHeight / 2)}px`;
    const filled = this.input.value.trim() || this.form || this.attached.length;
    this.box.classList.toggle("filled", Boolean(filled));
  }

  send() {
    if (this.form) return this.form.run();
    const text = this.input.value.trim();
    if ((!text && !this.attached.length) || this.input.disabled) return;
    // A lone slash is a command in the making, never a message.
    if (/^\/\w/.test(text) && this.tryCommand(text)) return;
    const written = withMentions(text, this.host.model());
    this.host.sendMessage(written, { replyTo: this.replyTo?.id, files: this.attached });
    this.clear();
  }

  clear() {
    this.input.value = "";
    this.attached = [];
    this.drawFiles();
    this.reply(null);
    this.suggest.hide();
    this.resize();
  }

  // ---- replies, files, emoji ----------------------------------------------

  /** What is written next answers `message`; null: nothing. */
  reply(message) {
    if (!message && !this.replyTo) return;
    this.replyTo = message;
    this.strip.hidden = !message;
    const author = message && this.host.model().author(message).display;
    const cancel = () => {
      this.reply(null);
      this.focus();
    };
    fill(
      this.strip,
      message && el("span", {}, "Replying to ", el("b", {}, author)),
      message &&
        el(
          "button",
          {
            class: "icon-button",
            type: "button",
            "aria-label": "Do not reply",
            data: { testid: "cancel-reply" },
            on: { click: cancel },
          },
          icon("close", 18),
        ),
    );
    this.host.onReply();
    if (message) this.focus();
  }

  async offerMore(anchor) {
    const item = (value, label, name) => ({ value, label, face: () => icon(name, 20) });
    const items = [
      item("file", "Upload a File", "file"),
      this.host.channel()?.kind === "guild" && item("thread", "Create Thread", "thread"),
      item("command", "Use a Command", "apps"),
    ].filter(Boolean);
    const shown = { anchor, title: "Send", items, testid: "composer-menu", width: 220 };
    const [value] = (await openMenu(shown)) ?? [];
    if (value === "file") chooseFiles(true, (files) => this.attach(files));
    if (value === "thread") this.host.createThread(anchor);
    if (value === "command") this.startCommand();
  }

  attach(files) {
    this.attached = [...this.attached, ...files].slice(0, MOST_FILES);
    this.drawFiles();
    this.resize();
    this.input.focus();
  }

  drawFiles() {
    const remove = (file) => () => {
      this.attached = this.attached.filter((one) => one !== file);
      this.drawFiles();
      this.resize();
    };
    const problem = this.attached.map(tooLarge).find(Boolean);
    fill(
      this.files,
      this.attached.map((file) => fileChip(file, remove(file))),
      problem && el("p", { class: "command-problem", role: "alert" }, problem),
    );
  }

  async insertEmoji(anchor) {
    const sign = await pickEmoji(anchor);
    if (!sign || this.form) return;
    this.input.setRangeText(sign, this.input.selectionStart, this.input.selectionEnd, "end");
    this.input.focus();
    this.resize();
  }

  // ---- mentions -----------------------------------------------------------

  offerMentions(sign, typed) {
    const model = this.host.model();
    const people = model.everyone.map((user) => ({
      label: user.display,
      description: user.name,
      face: () => avatar(user, 24),
    }));
    const roles = model.roles.map((role) => ({
      label: role.name,
      description: "role",
      face: () => icon("at", 20),
    }));
    const here = model.guildOf(this.host.channel()).id;
    const channels = model.channelsOf(here).map((channel) => ({
      label: channel.name,
      face: () => icon("hash", 20),
    }));
    const items = (sign === "@" ? [...people, ...roles] : channels).filter((item) =>
      `${item.label} ${item.description ?? ""}`.toLowerCase().includes(typed),
    );
    // Nothing to offer for a name that is already complete: Enter sends.
    if (!items.some((item) => item.label.toLowerCase() !== typed)) return this.suggest.hide();
    this.suggest.show({
      field: this.input,
      title: sign === "@" ? "Members and roles" : "Channels",
      items: items
        .slice(0, 8)
        .map((item) => ({ ...item, data: { testid: "choice", value: item.label } })),
      pick: (item) => this.insert(typed.length, item.label),
    });
  }

  insert(typed, text) {
    const at = this.input.selectionStart;
    this.input.setRangeText(`${text} `, at - typed, at, "end");
    this.suggest.hide();
    this.resize();
  }

  // ---- commands -----------------------------------------------------------

  startCommand() {
    this.cancelCommand(false);
    this.input.value = "/";
    this.input.focus();
    this.typed();
  }

  commands() {
    return flatten(this.host.model().commandsAt(this.host.channel()));
  }

  offerCommands(typed) {
    const model = this.host.model();
    const all = this.commands();
    const begins = all.filter((command) => command.name.startsWith(typed));
    const within = all.filter(
      (command) => !command.name.startsWith(typed) && command.name.includes(typed.trim()),
    );
    this.suggest.show({
      field: this.input,
      title: "Commands",
      items: [...begins, ...within].map((command) => ({ ...commandItem(command, model), command })),
      note: all.length
        ? begins.length + within.length
          ? null
          : "No such command"
        : "The bot has registered no commands",
      pick: (item) => this.choose(item.command),
    });
  }

  /** "/name" typed in full and sent: as good as chosen from the list. */
  tryCommand(text) {
    const command = this.commands().find((one) => `/${one.name}` === text);
    if (command) this.choose(command);
    return Boolean(command);
  }

  choose(command) {
    this.suggest.hide();
    this.form = new CommandForm(command, {
      suggest: this.suggest,
      user: this.host.user(),
      channelId: this.host.channel().id,
      model: this.host.model,
      upload: this.host.upload,
      onRun: (values) => {
        this.cancelCommand(true);
        this.host.runCommand(command, values);
      },
      onCancel: () => this.cancelCommand(true),
    });
    this.input.value = "";
    fill(this.slot, this.form.node);
    this.resize();
    this.form.focus();
  }

  cancelCommand(refocus) {
    if (!this.form) return;
    this.form = null;
    this.suggest.hide();
    fill(this.slot, this.input);
    this.resize();
    if (refocus) this.input.focus();
  }
}

function commandItem(command, model) {
  const required = command.options.filter((option) => option.required);
  const optional = command.options.length - required.length;
  const options = el(
    "span",
    { class: "suggestion-options" },
    required.map((option) => el("span", { class: "option-chip" }, option.name)),
    optional > 0 && el("span", {}, `+${optional} optional`),
  );
  return {
    label: [el("b", {}, `/${command.name}`), options],
    description: command.description,
    detail: model.botOf(command).name,
    face: () => avatar(model.botOf(command), 32),
    data: { testid: "command", command: command.name },
  };
}

/**
 * "@Name" and "#channel" as written by people, in whatever case, in the form that pings. Longer
 * names win.
 */
function withMentions(text, model) {
  const names = [
    ...model.everyone.flatMap((user) => [
      [`@${user.display}`, `<@${user.id}>`],
      [`@${user.name}`, `<@${user.id}>`],
    ]),
    ...model.roles.map((role) => [`@${role.name}`, `<@&${role.id}>`]),
    ...model.guildChannels.map((channel) => [`#${channel.name}`, `<#${channel.id}>`]),
  ].sort((a, b) => b[0].length - a[0].length);
  const folded = text.toLowerCase();
  let out = "";
  for (let at = 0; at < text.length;) {
    const starts = at === 0 || /\s/.test(text[at - 1]);
    const found =
      starts &&
      names.find(
        ([name]) =>
          folded.startsWith(name.toLowerCase(), at) &&
          !/[\p{L}\p{N}_-]/u.test(text[at + name.length] ?? ""),
      );
    out += found ? found[1] : text[at];
    at += found ? found[0].length : 1;
  }
  return out;
}
