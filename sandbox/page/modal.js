// Forms that a bot opens. Text is kept until the server took it: a failed submit loses nothing.

import { dots } from "./components.js";
import { avatar, el, icon } from "./dom.js";
import { toFields } from "./fields.js";

/**
 * Opens `modal` (`{modal_id, title, custom_id, components}`). `submit(values)` sends the
 * values by custom_id and resolves to the outcome; `upload(file)` hands a file over. `onClose()` is
 * told when the form is gone. Returns `{isOpen, close}`.
 */
export function openModal({ modal, bot, model, channel, submit, upload, onClose }) {
  const ctx = { model, channel, upload };
  const fields = (modal.components ?? []).flatMap((part) => toFields(part, ctx));
  const inputs = fields.filter((field) => field.customId);
  const testid = "modal-error";
  const problem = el("p", { class: "modal-problem", role: "alert", data: { testid } });
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
  const outcome = await answers(inputs).then(submit, (error) => ({ error: error.message }));
  // It may have been closed meanwhile; then the caller shows what came of it.
  if (!dialog.open) return;
  if (outcome.ok) return dialog.close();
  waiting.remove();
  send.classList.remove("waiting");
  send.disabled = false;
  const why = outcome.error ? ` (${outcome.error})` : "";
  problem.textContent = `Something went wrong. Try again.${why}`;
}

/** The values by custom_id; files are handed over first. */
async function answers(inputs) {
  const entries = inputs.map(async (field) => [field.customId, await field.answer()]);
  return Object.fromEntries(await Promise.all(entries));
}

/** A press beside the form must not throw away what was typed. */
function guardClosing(dialog, inputs, onClose) {
  const touched = () => inputs.some((field) => field.touched());
  dialog.addEventListener("mousedown", (event) => {
    if (event.target === dialog && !touched()) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
}
