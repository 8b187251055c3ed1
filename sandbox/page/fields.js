// The fields of a form: each is drawn, read, and checked as Discord's own app checks it.

import { el, fill, icon } from "./dom.js";
import { choices, faceOf } from "./components.js";
import { fileField } from "./files.js";
import { markdown } from "./markdown.js";
import { openMenu } from "./overlay.js";

const Type = {
  ROW: 1,
  TEXT_INPUT: 4,
  TEXT: 10,
  LABEL: 18,
  FILE_UPLOAD: 19,
  RADIO_GROUP: 21,
  CHECKBOX_GROUP: 22,
  CHECKBOX: 23,
};
const SELECTS = [3, 5, 6, 7, 8];
const PARAGRAPH = 2;
const LONGEST = 4000;

/**
 * The fields of a part of a form: `node`, and what can be filled in also `customId`, `check()`,
 * `focus()`, `answer()`, `touched()`. `ctx`: `model`, `channel`, `upload(file)`.
 */
export function toFields(part, ctx) {
  if (part.type === Type.ROW) return (part.components ?? []).flatMap((one) => toFields(one, ctx));
  if (part.type === Type.TEXT) return [{ node: text(part, ctx) }];
  if (part.type !== Type.LABEL) return [field(part, part.label, part.description, ctx)];
  return [field(part.component ?? {}, part.label, part.description, ctx)];
}

const text = (part, { model }) =>
  el("div", { class: "markup" }, markdown(part.content, { model, openChannel: () => {} }));

/** A control knows its `node`, where the `focus` goes, its `value()` and what is wrong with it. */
function controlOf(part, names, ctx) {
  switch (part.type) {
    case Type.TEXT_INPUT:
      return textControl(part, names);
    case Type.RADIO_GROUP:
      return choiceControl(part, names, "radio");
    case Type.CHECKBOX_GROUP:
      return choiceControl(part, names, "checkbox");
    case Type.CHECKBOX:
      return checkboxControl(part, names);
    case Type.FILE_UPLOAD:
      return fileField(part, names, ctx.upload);
    default:
      return SELECTS.includes(part.type) ? selectControl(part, names, ctx) : unknown(part);
  }
}

function field(part, label, description, ctx) {
  const id = `field-${part.custom_id}`;
  // A checkbox always has an answer.
  const required = part.required !== false && part.type !== Type.CHECKBOX;
  const error = el("p", { class: "field-error", id: `${id}-error`, role: "alert" });
  const noted = { class: "field-description", id: `${id}-about` };
  const about = description && el("p", noted, description);
  const described = about ? `${id}-about ${error.id}` : error.id;
  const names = { id, labelId: `${id}-label`, described, required, label: label ?? part.custom_id };
  const control = controlOf(part, names, ctx);
  const star = required && el("span", { class: "required", "aria-hidden": "true" }, " *");
  // What is no single control of the browser's own is named by its label, not labelled by it.
  const heading = control.single
    ? el("label", { class: "field-label", id: names.labelId, for: id }, names.label, star)
    : el("div", { class: "field-label", id: names.labelId }, names.label, star);
  const node = el(
    "div",
    { class: "field", data: { field: part.custom_id } },
    control.ownLabel ? null : heading,
    about,
    el("div", { class: "field-box" }, control.node),
    error,
  );
  Object.assign(control.input.dataset, { testid: "modal-field", customId: part.custom_id });
  const before = JSON.stringify(control.value());
  const check = () => {
    const words = control.problem(required);
    error.textContent = words;
    node.classList.toggle("invalid", Boolean(words));
    control.input.setAttribute("aria-invalid", String(Boolean(words)));
    return !words;
  };
  // Once a complaint stands, it goes as soon as it is mended.
  const mend = () => error.textContent && check();
  for (const event of ["input", "change"]) node.addEventListener(event, mend);
  return {
    node,
    customId: part.custom_id,
    check,
    focus: () => control.input.focus(),
    // Files have to be handed over before they have an answer.
    answer: async () => (control.send ? control.send() : control.value()),
    touched: () => JSON.stringify(control.value()) !== before,
  };
}

const MISSING = "This field is required.";

/** What is wrong with so many chosen values; the limits are those of the part. */
export function countProblem(count, part, required, most) {
  const least = part.min_values ?? 1;
  if (count === 0) return required && least > 0 ? MISSING : "";
  if (count < least) return `Choose at least ${least}.`;
  return count > most ? `Choose at most ${most}.` : "";
}

// ---- text -----------------------------------------------------------------

function textControl(part, { id, described, required }) {
  const paragraph = part.style === PARAGRAPH;
  const input = el(paragraph ? "textarea" : "input", {
    class: "field-text",
    id,
    type: paragraph ? null : "text",
    rows: paragraph ? 4 : null,
    placeholder: part.placeholder,
    maxlength: part.max_length ?? LONGEST,
    autocomplete: "off",
    "aria-describedby": described,
    "aria-required": required ? "true" : null,
  });
  input.value = part.value ?? "";
  input.addEventListener("keydown", (event) => {
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (sends && paragraph) input.form.requestSubmit();
  });
  return {
    node: [input, counter(input, part)],
    input,
    single: true,
    value: () => input.value,
    problem: (needed) => textProblem(input.value, part, needed),
  };
}

function textProblem(value, part, required) {
  const length = [...value].length;
  const most = part.max_length ?? LONGEST;
  if (required && !value.trim()) return MISSING;
  if (length && length < (part.min_length ?? 0))
    return `Must be at least ${part.min_length} characters.`;
  return length > most ? `Must be ${most} or fewer characters.` : "";
}

function counter(input, part) {
  if (!part.max_length && part.style !== PARAGRAPH) return null;
  const max = part.max_length ?? LONGEST;
  const node = el("span", { class: "counter", "aria-hidden": "true" });
  const update = () => (node.textContent = `${[...input.value].length}/${max}`);
  input.addEventListener("input", update);
  update();
  return node;
}

// ---- menus ----------------------------------------------------------------

function selectControl(part, names, { model, channel }) {
  const items = choices(part, model, channel);
  const placeholder = part.placeholder || "Make a selection";
  const most = part.max_values ?? 1;
  let chosen = items.filter((item) => item.selected).map((item) => item.value);
  const input = el("button", {
    class: "select",
    type: "button",
    id: names.id,
    "aria-haspopup": "listbox",
    "aria-expanded": "false",
    "aria-describedby": names.described,
  });
  const draw = () => {
    const shown = items.filter((item) => chosen.includes(item.value));
    const words = shown.map((item) => item.label).join(", ") || placeholder;
    input.setAttribute("aria-label", `${names.label}: ${words}`);
    fill(input, faceOf(shown, placeholder), icon("down", 20));
  };
  input.addEventListener("click", async () => {
    const values = await openMenu({
      anchor: input,
      title: names.label,
      items: items.map((item) => ({ ...item, selected: chosen.includes(item.value) })),
      min: names.required ? (part.min_values ?? 1) : 0,
      max: most,
      testid: "select-menu",
      customId: part.custom_id,
    });
    if (!values) return;
    chosen = values;
    draw();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  draw();
  return {
    node: input,
    input,
    value: () => chosen,
    problem: (required) => countProblem(chosen.length, part, required, most),
  };
}

// ---- radio and checkboxes -------------------------------------------------

function choice(kind, name, { value, label, description, checked }) {
  const input = el("input", { type: kind, name, value, checked });
  const node = el(
    "label",
    { class: "choice", data: { testid: "choice-option", value } },
    input,
    el("span", { class: "choice-mark" }, kind === "checkbox" && icon("check", 16)),
    el(
      "span",
      {},
      el("span", { class: "choice-name" }, label),
      description && el("span", { class: "choice-about" }, description),
    ),
  );
  return { node, input };
}

function choiceControl(part, names, kind) {
  const options = (part.options ?? []).map((option) =>
    choice(kind, names.id, { ...option, checked: Boolean(option.default) }),
  );
  const node = el(
    "fieldset",
    {
      class: "choice-list",
      role: kind === "radio" ? "radiogroup" : "group",
      "aria-labelledby": names.labelId,
      "aria-describedby": names.described,
      "aria-required": kind === "radio" && names.required ? "true" : null,
    },
    options.map((option) => option.node),
  );
  const chosen = () => options.filter((one) => one.input.checked).map((one) => one.input.value);
  const most = kind === "radio" ? 1 : (part.max_values ?? options.length);
  return {
    node,
    input: options[0]?.input ?? node,
    value: () => (kind === "radio" ? (chosen()[0] ?? "") : chosen()),
    problem: (required) => countProblem(chosen().length, part, required, most),
  };
}

/** One box that carries its label itself; its value is "true" or "false". */
function checkboxControl(part, names) {
  const { node, input } = choice("checkbox", names.id, {
    value: "true",
    label: names.label,
    checked: Boolean(part.default),
  });
  input.setAttribute("aria-describedby", names.described);
  return {
    node: el("div", { class: "choice-list" }, node),
    input,
    ownLabel: true,
    value: () => String(input.checked),
    problem: () => "",
  };
}

/** A kind of field that this page does not know is named, not left out. */
function unknown(part) {
  const words = `This page knows no field of the type ${part.type}.`;
  const node = el("p", { class: "field-error" }, words);
  return { node, input: node, value: () => "", problem: () => "" };
}
