// Code blocks. Two languages mean something to bots that report changes: `diff` and
// `ansi`; every other one is shown plain.

import { el } from "./dom.js";

export function codeBlock(text, language) {
  const kind = language?.toLowerCase();
  const painted = kind === "diff" ? diff(text) : kind === "ansi" ? ansi(text) : [text];
  return el("pre", { class: "code-block", data: { language: kind } }, el("code", {}, painted));
}

function diff(text) {
  return text.split(/(?<=\n)/).map((line) => {
    if (/^(?:@@|\+\+\+|---|diff )/.test(line)) return el("span", { class: "diff-meta" }, line);
    if (line.startsWith("+")) return el("span", { class: "diff-add" }, line);
    if (line.startsWith("-")) return el("span", { class: "diff-del" }, line);
    return line;
  });
}

// Select Graphic Rendition: 0 resets, 1 bold, 4 underlined, 30-37 colour, 40-47 background.
function ansi(text) {
  const nodes = [];
  let style = new Set();
  for (const part of text.split(/(\u001b\[[\d;]*m)/)) {
    const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1];
    if (codes !== undefined) style = restyle(style, codes);
    else if (part) nodes.push(style.size ? el("span", { class: [...style].join(" ") }, part) : part);
  }
  return nodes;
}

function restyle(style, codes) {
  const next = new Set(style);
  for (const code of codes.split(";").map(Number)) {
    if (code === 0) next.clear();
    const group = code >= 30 && code <= 37 ? 3 : code >= 40 && code <= 47 ? 4 : null;
    if (group) for (const name of [...next]) if (name.startsWith(`ansi-${group}`)) next.delete(name);
    if (group || code === 1 || code === 4) next.add(`ansi-${code}`);
  }
  return next;
}
