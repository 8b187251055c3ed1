// Embeds: the framed cards bots send.

import { picture } from "./attachments.js";
import { el, link } from "./dom.js";
import { inlineMarkdown, markdown } from "./markdown.js";
import { fullDate, messageTime } from "./time.js";

export function embeds(message, ctx) {
  return (message.embeds ?? []).map((embed) => render(embed, message, ctx));
}

function render(embed, message, ctx) {
  const find = (url) => resolve(url, message);
  const color = Number.isInteger(embed.color) && `#${embed.color.toString(16).padStart(6, "0")}`;
  const hasPicture = Boolean(embed.image?.url);
  return el(
    "article",
    {
      class: hasPicture ? "embed wide" : "embed",
      data: { testid: "embed" },
      style: color && { "--bar": color },
    },
    el(
      "div",
      { class: "embed-grid" },
      el(
        "div",
        { class: "embed-main" },
        author(embed, find),
        title(embed, ctx),
        description(embed, ctx),
        fields(embed, ctx),
      ),
      embed.thumbnail?.url &&
        el("div", { class: "embed-thumbnail" }, picture(find(embed.thumbnail.url), { alt: "Thumbnail" })),
    ),
    hasPicture &&
      el(
        "div",
        { class: "embed-image" },
        picture(find(embed.image.url), {
          alt: embed.image.description ?? "Embedded image",
          width: embed.image.width,
          height: embed.image.height,
        }),
      ),
    footer(embed, find),
  );
}

/** attachment://NAME names a file of the same message. */
function resolve(url, message) {
  const name = /^attachment:\/\/(.+)$/.exec(url ?? "")?.[1];
  return name ? message.attachments?.find((file) => file.filename === name)?.url : url;
}

function smallIcon(url, find) {
  return url ? el("span", { class: "embed-icon" }, picture(find(url), { alt: "", plain: true })) : null;
}

function author(embed, find) {
  const name = embed.author?.name;
  if (!name) return null;
  const text = embed.author.url
    ? link(embed.author.url, { class: "embed-author-name" }, name)
    : el("span", { class: "embed-author-name" }, name);
  return el("div", { class: "embed-author" }, smallIcon(embed.author.icon_url, find), text);
}

function title(embed, ctx) {
  if (!embed.title) return null;
  const text = inlineMarkdown(embed.title, ctx);
  return el("div", { class: "embed-title" }, embed.url ? link(embed.url, {}, text) : text);
}

function description(embed, ctx) {
  return embed.description
    ? el("div", { class: "embed-description markup" }, markdown(embed.description, ctx))
    : null;
}

/** Inline fields share a line, at most three; a field that is not inline has one of its own. */
function fields(embed, ctx) {
  if (!embed.fields?.length) return null;
  const lines = [];
  for (const field of embed.fields) {
    const line = lines.at(-1);
    if (field.inline && line?.inline && line.fields.length < 3) line.fields.push(field);
    else lines.push({ inline: Boolean(field.inline), fields: [field] });
  }
  const nodes = lines.flatMap((line) =>
    line.fields.map((field) => fieldNode(field, 12 / line.fields.length, ctx)),
  );
  return el("div", { class: "embed-fields" }, nodes);
}

function fieldNode(field, columns, ctx) {
  return el(
    "div",
    {
      class: columns === 12 ? "embed-field full" : "embed-field",
      data: { testid: "embed-field" },
      style: { "--span": columns },
    },
    el("div", { class: "embed-field-name" }, inlineMarkdown(field.name, ctx)),
    el("div", { class: "embed-field-value markup" }, markdown(field.value, ctx)),
  );
}

function footer(embed, find) {
  const text = embed.footer?.text;
  const when =
    embed.timestamp &&
    el("time", { datetime: embed.timestamp, title: fullDate(embed.timestamp) }, messageTime(embed.timestamp));
  if (!text && !when) return null;
  return el(
    "div",
    { class: "embed-footer" },
    smallIcon(embed.footer?.icon_url, find),
    el("span", {}, text, text && when ? " • " : null, when),
  );
}
