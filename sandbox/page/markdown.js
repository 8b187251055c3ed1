// Chat Markdown to document nodes. A hand-written scanner, because the dialect differs
// from CommonMark (underline, spoilers, mentions, masked links, soft line ends) and
// because hostile text must cost no more than quadratic time: no backtracking patterns.

import { el, link, safeUrl } from "./dom.js";
import { codeBlock } from "./code.js";
import { fullDate, timestamp } from "./time.js";

const MAX_DEPTH = 12;

/** Blocks and inline marks: message content, embed descriptions, field values. */
export function markdown(source, ctx) {
  return blocks(String(source ?? ""), ctx, 0);
}

/** Inline marks only, mentions and masked links stay text: embed titles and field names. */
export function inlineMarkdown(source, ctx) {
  return inline(String(source ?? ""), { ...ctx, isTitle: true }, 0);
}

// ---- blocks ---------------------------------------------------------------

const QUOTE_REST = /[ \t]*>>> ([\s\S]*)/y;
const QUOTE_LINE = /[ \t]*> ?(.*)(?:\n|$)/y;
const HEADING = /(#{1,3})[ \t]+(\S.*)(?:\n|$)/y;
const SUBTEXT = /-#[ \t]+(\S.*)(?:\n|$)/y;
const LIST_LINE = /([ \t]*)([-*]|\d{1,9}\.)[ \t]+(\S.*)(?:\n|$)/y;

function matchAt(pattern, source, at) {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

function blocks(source, ctx, depth) {
  const nodes = [];
  let text = "";
  let at = 0;
  const flush = () => {
    if (text) nodes.push(...inline(text, ctx, depth));
    text = "";
  };
  while (at < source.length) {
    const lineStart = at === 0 || source[at - 1] === "\n";
    const found = block(source, at, lineStart, ctx, depth);
    if (found) {
      // A block ends the line by itself; the line end before it would add an empty one.
      text = text.replace(/\n$/, "");
      flush();
      nodes.push(found.node);
      at = found.end;
      continue;
    }
    const next = nextStop(source, at);
    text += source.slice(at, next);
    at = next;
  }
  flush();
  return nodes;
}

/** Plain text runs to the next line or the next fence, where a block may begin. */
function nextStop(source, at) {
  const line = source.indexOf("\n", at);
  const fence = source.indexOf("```", at + 1);
  const stops = [line === -1 ? source.length : line + 1, fence === -1 ? source.length : fence];
  return Math.min(...stops);
}

function block(source, at, lineStart, ctx, depth) {
  const fenced = fence(source, at);
  if (fenced) return fenced;
  if (!lineStart || depth > MAX_DEPTH) return null;
  return quote(source, at, ctx, depth) ?? heading(source, at, ctx, depth) ?? list(source, at, ctx, depth);
}

/** ```lang\ncode``` anywhere in a text; the language needs a line of its own. */
function fence(source, at) {
  if (!source.startsWith("```", at)) return null;
  const close = source.indexOf("```", at + 3);
  if (close === -1) return null;
  let text = source.slice(at + 3, close);
  const language = /^([\w+.#-]+)\n(?=[^])/.exec(text)?.[1];
  if (language) text = text.slice(language.length + 1);
  text = trimLineEnds(text);
  return text.trim() ? { node: codeBlock(text, language), end: skipLineEnd(source, close + 3) } : null;
}

function trimLineEnds(text) {
  let from = 0;
  let to = text.length;
  while (text[from] === "\n") from++;
  while (to > from && text[to - 1] === "\n") to--;
  return text.slice(from, to);
}

const skipLineEnd = (source, at) => (source[at] === "\n" ? at + 1 : at);

function quote(source, at, ctx, depth) {
  // Quotes do not nest in this dialect; the second mark stays text.
  if (ctx.inQuote) return null;
  const inner = { ...ctx, inQuote: true };
  const rest = matchAt(QUOTE_REST, source, at);
  if (rest) return { node: quoteNode(rest[1], inner, depth), end: source.length };
  const lines = [];
  let end = at;
  for (let hit = quoteLine(source, end); hit; hit = quoteLine(source, end)) {
    lines.push(hit[1]);
    end += hit[0].length;
    if (end >= source.length) break;
  }
  return lines.length ? { node: quoteNode(lines.join("\n"), inner, depth), end } : null;
}

/** The mark counts only with a space behind it. */
function quoteLine(source, at) {
  const hit = matchAt(QUOTE_LINE, source, at);
  return hit && /^[ \t]*>( |\n|$)/.test(hit[0]) ? hit : null;
}

function quoteNode(text, ctx, depth) {
  return el("blockquote", {}, el("div", {}, blocks(text, ctx, depth + 1)));
}

function heading(source, at, ctx, depth) {
  const hit = matchAt(HEADING, source, at);
  if (hit)
    return {
      node: el(`h${hit[1].length + 2}`, { class: `md-h${hit[1].length}` }, inline(hit[2], ctx, depth + 1)),
      end: at + hit[0].length,
    };
  const small = matchAt(SUBTEXT, source, at);
  if (small)
    return {
      node: el("small", { class: "md-subtext" }, inline(small[1], ctx, depth + 1)),
      end: at + small[0].length,
    };
  return null;
}

function list(source, at, ctx, depth) {
  let end = at;
  const items = [];
  for (let hit = matchAt(LIST_LINE, source, end); hit; hit = matchAt(LIST_LINE, source, end)) {
    const item = { indent: hit[1].replaceAll("\t", "  ").length, mark: hit[2], text: hit[3] };
    // Bullets after numbers begin a list of their own.
    if (items.length && item.indent <= items[0].indent && isOrdered(item) !== isOrdered(items[0])) break;
    items.push(item);
    end += hit[0].length;
    if (end >= source.length) break;
  }
  return items.length ? { node: listNode(items, ctx, depth), end } : null;
}

const isOrdered = (item) => item.mark.length > 1;

function listNode(items, ctx, depth) {
  const open = (item) => ({
    indent: item.indent,
    node: el(isOrdered(item) ? "ol" : "ul", { start: isOrdered(item) ? parseInt(item.mark, 10) : null }),
  });
  const stack = [open(items[0])];
  for (const item of items) {
    while (stack.length > 1 && item.indent < stack.at(-1).indent) stack.pop();
    const parent = stack.at(-1).node;
    if (item.indent >= stack.at(-1).indent + 2 && parent.lastChild && stack.length < MAX_DEPTH) {
      const level = open(item);
      parent.lastChild.append(level.node);
      stack.push(level);
    }
    stack.at(-1).node.append(el("li", {}, inline(item.text, ctx, depth + 1)));
  }
  return stack[0].node;
}

// ---- inline ---------------------------------------------------------------

// Characters at which anything but plain text can begin ("h" for http).
const TRIGGERS = new Set("\\`*_~|<[@hH");

function inline(source, ctx, depth) {
  const nodes = [];
  let plain = "";
  let at = 0;
  while (at < source.length) {
    const found = TRIGGERS.has(source[at]) && depth <= MAX_DEPTH ? span(source, at, ctx, depth) : null;
    if (!found) {
      plain += source[at++];
    } else if (found.text !== undefined) {
      plain += found.text;
      at = found.end;
    } else {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(found.node);
      at = found.end;
    }
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function span(source, at, ctx, depth) {
  switch (source[at]) {
    case "\\":
      return /[^\p{L}\p{N}\s]/u.test(source[at + 1] ?? "") ? { text: source[at + 1], end: at + 2 } : null;
    case "`":
      return code(source, at);
    case "<":
      return angle(source, at, ctx);
    case "[":
      return ctx.isTitle ? null : maskedLink(source, at, ctx, depth);
    case "@":
      return ctx.isTitle ? null : everyone(source, at);
    case "h":
    case "H":
      return bareLink(source, at);
    default:
      return emphasis(source, at, ctx, depth);
  }
}

/** As many ticks close a span as opened it. */
function code(source, at) {
  const from = run(source, at);
  let tick = source.indexOf("`", from);
  while (tick !== -1) {
    const end = run(source, tick);
    if (end - tick === from - at)
      return { node: el("code", {}, source.slice(from, tick).replace(/^ (?=`)|(?<=`) $/g, "")), end };
    tick = source.indexOf("`", end);
  }
  return null;
}

/** End of the run of equal characters that begins at `at`. */
function run(source, at) {
  let end = at;
  while (source[end] === source[at]) end++;
  return end;
}

const MARKS = [
  ["**", "strong"],
  ["__", "u"],
  ["~~", "s"],
  ["||", "spoiler"],
  ["*", "em"],
  ["_", "em"],
];

function emphasis(source, at, ctx, depth) {
  for (const [mark, tag] of MARKS) {
    if (!source.startsWith(mark, at)) continue;
    const from = at + mark.length;
    if (mark === "*" && /\s/.test(source[from] ?? " ")) continue;
    const close = closing(source, from, mark);
    if (close <= from) continue;
    const inner = inline(source.slice(from, close), ctx, depth + 1);
    return { node: tag === "spoiler" ? spoiler(inner) : el(tag, {}, inner), end: close + mark.length };
  }
  return null;
}

/** Where `mark` closes again, or -1. Of a longer run the last characters count: ***both*** nests. */
function closing(source, from, mark) {
  let at = from;
  while (at < source.length) {
    if (source[at] === "\\") {
      at += 2;
    } else if (source[at] === mark[0]) {
      const end = run(source, at);
      const length = end - at;
      const fits = mark.length === 1 ? length % 2 === 1 : length >= 2;
      const inWord = mark === "_" && /[\p{L}\p{N}]/u.test(source[end] ?? "");
      if (fits && !inWord && end - mark.length > from) return end - mark.length;
      at = end;
    } else {
      at++;
    }
  }
  return -1;
}

/** Hidden until pressed; once shown it stays so, like the original. */
export function spoiler(children) {
  const hidden = el("span", { class: "spoiler-text", "aria-hidden": "true" }, children);
  const node = el(
    "span",
    {
      class: "spoiler",
      role: "button",
      tabindex: "0",
      "aria-label": "Spoiler, press to show",
      "aria-expanded": "false",
    },
    hidden,
  );
  const reveal = (event) => {
    if (node.classList.contains("shown")) return;
    event.preventDefault();
    node.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-label", "aria-expanded"]) node.removeAttribute(name);
    hidden.removeAttribute("aria-hidden");
  };
  node.addEventListener("click", reveal);
  node.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && reveal(event));
  return node;
}

function everyone(source, at) {
  const hit = matchAt(/@(?:everyone|here)\b/y, source, at);
  return hit && { node: el("span", { class: "mention" }, hit[0]), end: at + hit[0].length };
}

// ---- links ----------------------------------------------------------------

function bareLink(source, at) {
  const hit = matchAt(/https?:\/\/[^\s<]+/iy, source, at);
  if (!hit) return null;
  let text = hit[0].replace(/[.,:;"'\]!?*_~|]+$/, "");
  // A closing bracket belongs to the sentence unless the address opened it.
  if (text.endsWith(")") && !text.includes("(")) text = text.slice(0, -1);
  return safeUrl(text) && { node: link(text, {}, text), end: at + text.length };
}

function maskedLink(source, at, ctx, depth) {
  const label = balanced(source, at, "[", "]");
  if (label < 0 || source[label + 1] !== "(") return null;
  const end = balanced(source, label + 1, "(", ")");
  if (end < 0) return null;
  const text = source.slice(at + 1, label);
  const target = /^\s*<?(https?:\/\/[^\s>]+)>?(?:\s+"[^"]*")?\s*$/i.exec(source.slice(label + 2, end))?.[1];
  // A label that itself looks like an address could lie about where it leads.
  if (!target || !safeUrl(target) || !text.trim() || /https?:\/\//i.test(text)) return null;
  return { node: link(target, { title: target }, inline(text, ctx, depth + 1)), end: end + 1 };
}

function balanced(source, at, open, close) {
  let level = 0;
  for (let index = at; index < source.length && source[index] !== "\n"; index++) {
    if (source[index] === "\\") index++;
    else if (source[index] === open) level++;
    else if (source[index] === close && --level === 0) return index;
  }
  return -1;
}

// ---- <…> ------------------------------------------------------------------

const MENTIONS = [
  [/<@!?(\d{1,20})>/y, userMention],
  [/<@&(\d{1,20})>/y, roleMention],
  [/<#(\d{1,20})>/y, channelMention],
  [/<\/([^:>\n]{1,100}):\d{1,20}>/y, (hit) => el("span", { class: "mention" }, `/${hit[1]}`)],
];

const OTHERS = [
  [/<t:(-?\d{1,13})(?::([tTdDfFRsS]))?>/y, moment],
  [/<a?:(\w{1,32}):\d{1,20}>/y, (hit) => customEmoji(hit[1])],
  [/<(https?:\/\/[^\s>]+)>/iy, (hit) => safeUrl(hit[1]) && link(hit[1], {}, hit[1])],
];

function angle(source, at, ctx) {
  for (const [pattern, make] of ctx.isTitle ? OTHERS : [...MENTIONS, ...OTHERS]) {
    const hit = matchAt(pattern, source, at);
    const node = hit && make(hit, ctx);
    if (node) return { node, end: at + hit[0].length };
  }
  return null;
}

function userMention(hit, { model }) {
  const user = model.user(hit[1]);
  return el("span", { class: "mention", data: { userId: hit[1] } }, `@${user?.display ?? "unknown-user"}`);
}

function roleMention(hit, { model }) {
  const role = model.role(hit[1]);
  const style = role?.color && { "--mention-color": role.color };
  return el(
    "span",
    { class: role?.color ? "mention coloured" : "mention", style },
    `@${role?.name ?? "unknown-role"}`,
  );
}

function channelMention(hit, { model, openChannel }) {
  const channel = model.channel(hit[1]);
  if (!channel) return el("span", { class: "mention" }, "# No access");
  const title = `#${model.channelTitle(channel)}`;
  return el(
    "button",
    { class: "mention", type: "button", on: { click: () => openChannel(channel.id) } },
    title,
  );
}

function moment(hit) {
  const seconds = Number(hit[1]);
  const text = timestamp(seconds, hit[2]);
  if (text === null) return null;
  const data = { relative: hit[2] === "R" ? seconds * 1000 : undefined };
  return el(
    "time",
    {
      class: "md-time",
      title: fullDate(seconds * 1000),
      datetime: new Date(seconds * 1000).toISOString(),
      data,
    },
    text,
  );
}

/** Own emoji have pictures elsewhere; offline their name stands in. */
export function customEmoji(name) {
  return el("span", { class: "custom-emoji", title: `:${name}:` }, `:${name}:`);
}

/** Up to 27 emoji and nothing else are shown large. */
export function isJumbo(text) {
  const bare = text.replace(/\s/g, "");
  if (
    !bare ||
    !/^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f)+$/u.test(bare)
  )
    return false;
  return [...new Intl.Segmenter().segment(bare)].length <= 27;
}
