// A slash command being filled in: its name and one field per option. Knows what the
// options demand, not how the command is sent.

import { act } from "./api.js";
import { avatar, el, icon, plural } from "./dom.js";
import { chooseFiles, tooLarge, uploadAll } from "./files.js";

const Option = {
  SUB: 1,
  GROUP: 2,
  STRING: 3,
  INTEGER: 4,
  BOOLEAN: 5,
  USER: 6,
  CHANNEL: 7,
  ROLE: 8,
  MENTIONABLE: 9,
  NUMBER: 10,
  FILE: 11,
};

/** Commands as they are typed, `{name: "queue list", description, options}`: each subcommand. */
export function flatten(commands) {
  return commands.flatMap((command) => leaves(command, command.name));
}

function leaves(part, name) {
  const subs = (part.options ?? []).filter(
    (option) => option.type === Option.SUB || option.type === Option.GROUP,
  );
  const { description = "", options = [], application_id } = part;
  if (!subs.length) return [{ name, description, options, application_id }];
  return subs.flatMap((sub) => leaves({ ...sub, application_id }, `${name} ${sub.name}`));
}

export class CommandForm {
  /**
   * `host`: `suggest`, `onRun(values)`, `onCancel()`, `upload(file)`, `user`, `channelId`,
   * `model()`.
   */
  constructor(command, host) {
    this.command = command;
    this.host = host;
    this.fields = [];
    this.asked = 0;
    this.slots = el("span", { class: "command-slots" });
    this.extra = el("span", { class: "command-extra" });
    const problem = { class: "command-problem", role: "alert", data: { testid: "command-error" } };
    this.problem = el("p", problem);
    this.node = el(
      "div",
      {
        class: "command-form",
        role: "group",
        "aria-label": `Command /${command.name}`,
        data: { testid: "command-form", command: command.name },
      },
      el("span", { class: "command-name" }, `/${command.name}`),
      this.slots,
      this.extra,
      this.problem,
    );
    this.node.addEventListener("keydown", (event) => this.key(event));
    for (const option of command.options.filter((one) => one.required)) this.add(option);
    this.refreshExtra();
  }

  /** Optional options wait as buttons until they are wanted. */
  refreshExtra() {
    const unused = this.command.options.filter(
      (option) => !this.fields.some((field) => field.option === option),
    );
    this.extra.replaceChildren(
      ...unused.map((option) =>
        el(
          "button",
          {
            class: "command-add",
            type: "button",
            title: option.description,
            data: { testid: "command-option-add", option: option.name },
            on: { click: () => this.add(option).input.focus() },
          },
          icon("plus", 14),
          option.name,
        ),
      ),
    );
  }

  add(option) {
    return option.type === Option.FILE ? this.addFile(option) : this.addText(option);
  }

  /** The field of a file is a button that chooses one. */
  addFile(option) {
    const input = el(
      "button",
      {
        class: "file-pick",
        type: "button",
        "aria-label": `${option.name}: choose a file`,
        data: { testid: "command-option", option: option.name },
      },
      "Choose a file",
    );
    const field = { option, input, file: null, picked: null };
    field.take = ([file]) => {
      field.file = file ?? null;
      input.textContent = file?.name ?? "Choose a file";
      this.complain(null);
      input.focus();
    };
    input.addEventListener("click", () => chooseFiles(false, field.take));
    input.addEventListener("focus", () => this.host.suggest.hide());
    return this.place(field);
  }

  addText(option) {
    const input = el("input", {
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": `${option.name}: ${option.description ?? ""}`,
      data: { testid: "command-option", option: option.name },
    });
    const field = { option, input, picked: null };
    input.addEventListener("focus", () => this.offer(field));
    input.addEventListener("input", () => {
      field.picked = null;
      this.complain(null);
      this.offer(field);
    });
    return this.place(field);
  }

  place(field) {
    field.node = el(
      field.file === undefined ? "label" : "span",
      { class: "command-option" },
      el("span", { class: "command-option-name" }, field.option.name),
      field.input,
    );
    this.fields.push(field);
    this.slots.append(field.node);
    this.refreshExtra();
    return field;
  }

  focus() {
    const field = this.fields.find((one) => !one.input.value && !one.file) ?? this.fields[0];
    if (field) return field.input.focus();
    // Without fields the form itself takes Enter and Escape.
    this.node.tabIndex = 0;
    this.node.focus();
    this.host.suggest.hide();
  }

  key(event) {
    if (event.isComposing) return;
    const field = this.fields.find((one) => one.input === event.target);
    const exact = event.key === "Enter" && field && this.exact(field);
    if (!exact && this.host.suggest.handleKey(event)) return;
    // Enter on an empty field of a file chooses one, as on any button.
    const chooses = field?.file === null;
    if (event.key === "Enter" && !chooses && (field || event.target === this.node)) {
      event.preventDefault();
      this.run();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.host.onCancel();
    } else if (event.key === "Backspace" && !event.target.value && !field?.file) {
      event.preventDefault();
      this.remove(field);
    }
  }

  /** Backspace in an empty field takes an optional option back, and a required one the command. */
  remove(field) {
    if (!field || field.option.required) return this.host.onCancel();
    this.fields = this.fields.filter((one) => one !== field);
    field.node.remove();
    this.refreshExtra();
    this.focus();
  }

  // ---- choices ------------------------------------------------------------

  async offer(field) {
    const turn = ++this.asked;
    // What stood for the previous field or text must not be taken for this one.
    this.show(field, field.picked ? [] : this.known(field));
    if (!field.option.autocomplete || field.picked) return;
    await new Promise((resolve) => setTimeout(resolve, 120));
    if (turn !== this.asked) return;
    const outcome = await act({
      user: this.host.user,
      action: "complete",
      channel: this.host.channelId,
      name: this.command.name,
      bot: this.host.model().botOf(this.command).name,
      options: this.partial(),
      focused: field.option.name,
    });
    if (turn !== this.asked || !this.node.isConnected) return;
    const choices = outcome.choices ?? [];
    field.offered = choices.map((choice) => ({ label: choice.name, value: choice.value }));
    this.show(field, field.offered, outcome.ok ? null : "Loading options failed");
  }

  /** Choices that need no question to the bot, narrowed down by what was typed. */
  known(field) {
    if (field.option.autocomplete) return [];
    const typed = field.input.value.toLowerCase();
    return this.all(field.option).filter((item) => item.label.toLowerCase().includes(typed));
  }

  all(option) {
    const model = this.host.model();
    const people = () =>
      model.everyone.map((user) => ({
        label: user.display,
        description: user.name,
        value: user.id,
        face: () => avatar(user, 24),
      }));
    const roles = () => model.roles.map((role) => ({ label: `@${role.name}`, value: role.id }));
    switch (option.type) {
      case Option.BOOLEAN:
        return [
          { label: "True", value: true },
          { label: "False", value: false },
        ];
      case Option.USER:
        return people();
      case Option.ROLE:
        return roles();
      case Option.MENTIONABLE:
        return [...people(), ...roles()];
      case Option.CHANNEL:
        return this.channels().map((one) => ({ label: `#${one.name}`, value: one.id }));
      default:
        return (option.choices ?? []).map(({ name, value }) => ({ label: name, value }));
    }
  }

  channels() {
    const model = this.host.model();
    return model.channelsOf(model.guildOf(model.channel(this.host.channelId)).id);
  }

  show(field, items, note) {
    const { option, input } = field;
    this.host.suggest.show({
      field: input,
      title: el(
        "span",
        {},
        el("b", {}, option.name),
        ` ${option.description ?? ""}`,
        option.required ? null : el("i", {}, " optional"),
      ),
      items: items
        .slice(0, 25)
        .map((item) => ({ ...item, data: { testid: "choice", value: item.value } })),
      first: Boolean(option.required || input.value),
      note,
      pick: (item) => this.pick(field, item),
    });
  }

  pick(field, item) {
    field.picked = item;
    field.input.value = item.label;
    this.asked++;
    this.host.suggest.hide();
    this.complain(null);
    const next = this.fields.find((one) => one.option.required && !one.input.value);
    if (next) next.input.focus();
    else this.show(field, []);
  }

  /** The choice that the typed text names in full: Enter then runs without a detour. */
  exact(field) {
    if (field.picked) return field.picked;
    const typed = field.input.value.trim().toLowerCase();
    const items = field.option.autocomplete ? (field.offered ?? []) : this.all(field.option);
    return (
      items.find((item) =>
        [String(item.value), item.label, item.label.replace(/^[@#]/, "")].some(
          (text) => text.toLowerCase() === typed,
        ),
      ) ?? null
    );
  }

  // ---- values -------------------------------------------------------------

  async run() {
    const values = {};
    for (const field of this.fields) {
      const { value, error } = this.read(field);
      if (error) return this.complain(field, error);
      if (value !== undefined) values[field.option.name] = value;
    }
    for (const field of this.fields.filter((one) => one.file)) {
      try {
        [values[field.option.name]] = await uploadAll([field.file], this.host.upload);
      } catch (error) {
        return this.complain(field, error.message);
      }
    }
    this.host.onRun(values);
  }

  complain(field, error = "") {
    for (const one of this.fields) one.node.classList.toggle("invalid", one === field);
    this.problem.textContent = error && `${field.option.name}: ${error}`;
    field?.input.focus();
  }

  read(field) {
    if (field.file !== undefined) return readFile(field);
    const text = field.input.value.trim();
    if (!text) return field.option.required ? { error: "This option is required." } : {};
    const hit = this.exact(field);
    if (hit) return { value: hit.value };
    if (this.all(field.option).length && !field.option.autocomplete)
      return { error: "Choose one of the list." };
    return fromText(text, field.option);
  }

  /** What is typed so far, unchecked: completion works on unfinished input. */
  partial() {
    const values = {};
    for (const field of this.fields) {
      if (field.file !== undefined) continue;
      const value = field.picked?.value ?? field.input.value;
      if (value !== "" || field.input === document.activeElement) values[field.option.name] = value;
    }
    return values;
  }
}

/** Its value is an id that there is only once the file is handed over. */
function readFile({ file, option }) {
  if (!file) return option.required ? { error: "This option is required." } : {};
  const error = tooLarge(file);
  return error ? { error } : {};
}

function fromText(text, option) {
  switch (option.type) {
    case Option.INTEGER:
    case Option.NUMBER:
      return fromNumber(text, option);
    case Option.STRING: {
      const length = [...text].length;
      if (length < (option.min_length ?? 0))
        return { error: `At least ${plural(option.min_length, "character")}.` };
      if (length > (option.max_length ?? 6000))
        return { error: `At most ${plural(option.max_length ?? 6000, "character")}.` };
      return { value: text };
    }
    default:
      return { error: "Choose one of the list." };
  }
}

function fromNumber(text, option) {
  const value = Number(text);
  if (!Number.isFinite(value)) return { error: "This must be a number." };
  if (option.type === Option.INTEGER && !Number.isInteger(value))
    return { error: "This must be a whole number." };
  if (value < (option.min_value ?? -Infinity)) return { error: `At least ${option.min_value}.` };
  if (value > (option.max_value ?? Infinity)) return { error: `At most ${option.max_value}.` };
  return { value };
}
