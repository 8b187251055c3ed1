// Files that people give: chosen, dropped or pasted, shown as chips, handed to the server when they
// are sent. A file is kept by the browser until then.

import { el, fileSize, fill, icon } from "./dom.js";

/** Discord's limit for those without a subscription, in bytes. */
const LARGEST = 10 * 1024 * 1024;

export const tooLarge = (file) => (file.size > LARGEST ? `${file.name} is larger than 10 MB.` : "");

/** Lets a person choose files of their machine; `take(files)` is told which. */
export function chooseFiles(many, take) {
  const input = el("input", { type: "file", multiple: many });
  input.addEventListener("change", () => take([...input.files]));
  input.click();
}

export function fileChip(file, onRemove) {
  return el(
    "span",
    { class: "file-chip", data: { testid: "file-chip" } },
    icon("file", 18),
    el("span", {}, file.name, " ", el("small", {}, fileSize(file.size))),
    el(
      "button",
      {
        class: "icon-button",
        type: "button",
        "aria-label": `Remove ${file.name}`,
        on: { click: onRemove },
      },
      icon("close", 16),
    ),
  );
}

/** What a file is to the server: base64 in JSON. */
export async function encoded(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return {
    filename: file.name,
    content_type: file.type || "application/octet-stream",
    data: btoa(binary),
  };
}

/** Hands files over one after the other; resolves to their ids, or throws what is wrong. */
export async function uploadAll(files, upload) {
  const ids = [];
  for (const file of files) {
    const outcome = await upload(file);
    if (!outcome.ok) throw new Error(outcome.error ?? `${file.name} was not taken`);
    ids.push(String(outcome.attachment?.id));
  }
  return ids;
}

/**
 * The field of a form that takes files. Its `value()` is a list of ids, which there are only once
 * `send()` has handed the files over.
 */
export function fileField(part, names, upload) {
  const most = part.max_values ?? 1;
  let files = [];
  const list = el("div", { class: "file-list" });
  const drop = el(
    "button",
    {
      class: "drop",
      type: "button",
      id: names.id,
      "aria-label": `${names.label}: choose ${most === 1 ? "a file" : "files"}`,
      "aria-describedby": names.described,
    },
    icon("plus", 22),
    el("span", {}, el("b", {}, "Choose files"), " or drop them here"),
  );
  const draw = () => {
    const remove = (file) => () => set(files.filter((one) => one !== file));
    fill(list, files.map((file) => fileChip(file, remove(file))));
  };
  const set = (next) => {
    files = next;
    draw();
    drop.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const take = (more) => set([...files, ...more].slice(-most));
  drop.addEventListener("click", () => chooseFiles(most > 1, take));
  onDrop(drop, take);
  return {
    node: [drop, list],
    input: drop,
    value: () => files,
    send: () => uploadAll(files, upload),
    problem: (required) => {
      const least = part.min_values ?? 1;
      if (!files.length) return required && least > 0 ? "This field is required." : "";
      if (files.length < least) return `Choose at least ${least}.`;
      return files.map(tooLarge).find(Boolean) ?? "";
    },
  };
}

/** Files that are dropped on `node`. */
export function onDrop(node, take) {
  const over = (on) => (event) => {
    event.preventDefault();
    node.classList.toggle("over", on);
  };
  node.addEventListener("dragover", over(true));
  node.addEventListener("dragleave", over(false));
  node.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
}
