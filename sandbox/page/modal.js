// Forms that a bot opens. Text is kept until the server took it: a failed submit loses nothing.

import { avatar, el, icon } from "./dom.js";
import { choices, dots } from "./components.js";
import { markdown } from "./markdown.js";

const Type = { ROW: 1, STRING: 3, TEXT_INPUT: 4, TEXT: 10, LABEL: 18 };
const PARAGRAPH = 2;
const LONGEST = 4000;

/**
 * Opens `modal` (`{modal_id, title, custom_id, components}`). `submit(values)` sends the
 * values by custom_id and resolves to the outcome. `onClose()` is told when the form is gone.
 * Returns `{isOpen, close}`.
 */
export function openModal({ modal, bot, model, submit, onClose }) {
  const fields = (modal.components ?? []).flatMap((part) => toField(part, model));
  const inputs = fields.filter((field) => field.customId);
  const problem = el("p", { class: "modal-problem", role: "alert", data: { testid: "modal-error" } });
  const send = el(
    "button",
    { class: "button primary", type: "submit", data: { testid: "modal-submit" } },
    el("span", { class: "button-face" }, "Submit"),
  );
  const dialog = el("dialog", {
    class: "modal",
    "aria-labelledby": "modal-title",
    data: { testid: "modal", modalId: modal.modal_id, customId: modal.custom_id },
  });
  const close = () => dialog.close();
  const cancel = (label, props, ...face) =>
    el("button", { type: "button", ...props, on: { click: close } }, face.length ? face : label);
  const form = el(
    "form",
    { novalidate: true },
    el("div", { class: "sheet-head" }, el("div", { class: "grabber" })),
    el(
      "header",
      { class: "modal-head" },
      avatar(bot, 32),
      el("h2", { id: "modal-title" }, modal.title),
      cancel("", { class: "icon-button", "aria-label": "Close" }, icon("close", 22)),
    ),
    el(
      "div",
      { class: "modal-body" },
      notice(bot),
      fields.map((field) => field.node),
    ),
    el(
      "footer",
      { class: "modal-foot" },
      problem,
      cancel("Cancel", { class: "button plain", data: { testid: "modal-cancel" } }),
      send,
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (send.disabled) return;
    const wrong = inputs.filter((field) => !field.check());
    if (wrong.length) return wrong[0].focus();
    deliver({ dialog, inputs, problem, send, submit });
  });
  dialog.append(form);
  guardClosing(dialog, inputs, onClose);
  document.body.append(dialog);
  dialog.showModal();
  inputs[0]?.focus();
  return { isOpen: () => dialog.open, close };
}

function notice(bot) {
  return el(
    "p",
    { class: "modal-notice" },
    icon("warn", 18),
    el(
      "span",
      {},
      "This form will be submitted to ",
      el("b", {}, bot.display),
      ". Do not share passwords or other sensitive information.",
    ),
  );
}

async function deliver({ dialog, inputs, problem, send, submit }) {
  problem.textContent = "";
  send.disabled = true;
  send.classList.add("waiting");
  const waiting = dots();
  send.append(waiting);
  const outcome = await submit(Object.fromEntries(inputs.map((field) => [field.customId, field.value()])));
  // It may have been closed meanwhile; then the caller shows what came of it.
  if (!dialog.open) return;
  if (outcome.ok) return dialog.close();
  waiting.remove();
  send.classList.remove("waiting");
  send.disabled = false;
  problem.textContent = `Something went wrong. Try again. ${outcome.error ? `(${outcome.error})` : ""}`;
}

/** A press beside the form must not throw away what was typed. */
function guardClosing(dialog, inputs, onClose) {
  const touched = () => inputs.some((field) => field.touched());
  dialog.addEventListener("mousedown", (event) => event.target === dialog && !touched() && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
}

// ---- fields ---------------------------------------------------------------

function toField(part, model) {
  if (part.type === Type.ROW) return (part.components ?? []).flatMap((child) => toField(child, model));
  if (part.type === Type.LABEL)
    return [inputField({ ...part.component, label: part.label, description: part.description }, model)];
  if (part.type === Type.TEXT)
    return [
      { node: el("div", { class: "markup" }, markdown(part.content, { model, openChannel: () => {} })) },
    ];
  return [inputField(part, model)];
}

function inputField(part, model) {
  const input = part.type === Type.TEXT_INPUT ? textInput(part) : listInput(part, model);
  const required = part.required !== false;
  const id = `field-${part.custom_id}`;
  const error = el("p", { class: "field-error", id: `${id}-error`, role: "alert" });
  input.id = id;
  input.setAttribute("aria-describedby", error.id);
  if (required) input.setAttribute("aria-required", "true");
  Object.assign(input.dataset, { testid: "modal-field", customId: part.custom_id });
  const counter = part.type === Type.TEXT_INPUT && count(input, part);
  const node = el(
    "div",
    { class: "field" },
    el(
      "label",
      { for: id },
      part.label ?? part.custom_id,
      required && el("span", { class: "required", "aria-hidden": "true" }, " *"),
    ),
    part.description && el("p", { class: "field-description" }, part.description),
    el("div", { class: "field-box" }, input, counter),
    error,
  );
  const before = read(input);
  const check = () => {
    const text = problemOf(read(input), part, required);
    error.textContent = text;
    node.classList.toggle("invalid", Boolean(text));
    input.setAttribute("aria-invalid", String(Boolean(text)));
    return !text;
  };
  // Once a complaint stands, it goes as soon as it is mended.
  input.addEventListener("input", () => error.textContent && check());
  return {
    node,
    customId: part.custom_id,
    check,
    focus: () => input.focus(),
    value: () => read(input),
    touched: () => String(read(input)) !== String(before),
  };
}

const read = (input) =>
  input.tagName === "SELECT"
    ? [...input.selectedOptions].map((option) => option.value).filter(Boolean)
    : input.value;

function problemOf(value, part, required) {
  if (required && value.length === 0) return "This field is required.";
  if (Array.isArray(value))
    return value.length && value.length < (part.min_values ?? 1) ? `Choose at least ${part.min_values}.` : "";
  const length = [...value].length;
  if (required && !value.trim()) return "This field is required.";
  if (length && length < (part.min_length ?? 0)) return `Must be at least ${part.min_length} characters.`;
  if (length > (part.max_length ?? LONGEST))
    return `Must be ${part.max_length ?? LONGEST} or fewer characters.`;
  return "";
}

function textInput(part) {
  const shared = {
    placeholder: part.placeholder,
    maxlength: part.max_length ?? LONGEST,
    autocomplete: "off",
  };
  if (part.style !== PARAGRAPH) {
    const input = el("input", { type: "text", ...shared });
    input.value = part.value ?? "";
    return input;
  }
  const area = el("textarea", { rows: 4, ...shared });
  area.value = part.value ?? "";
  area.addEventListener(
    "keydown",
    (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && area.form.requestSubmit(),
  );
  return area;
}

/** Selects inside of forms are rare; the browser's own control serves them. */
function listInput(part, model) {
  const many = (part.max_values ?? 1) > 1;
  const options = choices(part, model).map((item) =>
    el("option", { value: item.value, selected: item.selected }, item.label),
  );
  return el(
    "select",
    { multiple: many },
    !many && el("option", { value: "" }, part.placeholder ?? "Make a selection"),
    options,
  );
}

function count(input, part) {
  if (!part.max_length && part.style !== PARAGRAPH) return null;
  const max = part.max_length ?? LONGEST;
  const node = el("span", { class: "counter", "aria-hidden": "true" });
  const update = () => (node.textContent = `${[...input.value].length}/${max}`);
  input.addEventListener("input", update);
  update();
  return node;
}
