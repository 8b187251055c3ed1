// What arranges a message of Components V2: containers, sections, text, pictures, files, lines.

import { fileCard, gallery, picture } from "./attachments.js";
import { render } from "./components.js";
import { el } from "./dom.js";
import { markdown } from "./markdown.js";

const Type = {
  SECTION: 9,
  TEXT: 10,
  THUMBNAIL: 11,
  GALLERY: 12,
  FILE: 13,
  SEPARATOR: 14,
  CONTAINER: 17,
};

const LARGE = 2;

/** `inner()` draws what the part holds; an unknown part is left out. */
export function layout(part, message, ctx, inner) {
  switch (part.type) {
    case Type.TEXT:
      return el("div", { class: "markup component-text" }, markdown(part.content, ctx));
    case Type.SECTION:
      return el(
        "div",
        { class: "component-section", data: { testid: "section" } },
        el("div", {}, inner()),
        part.accessory && render(part.accessory, message, ctx),
      );
    case Type.THUMBNAIL:
      return thumbnail(part, message);
    case Type.GALLERY:
      return gallery((part.items ?? []).map((item) => toFile(item, item.media, message)));
    case Type.FILE:
      return hidden(part, fileCard(toFile(part, part.file, message)));
    case Type.SEPARATOR:
      return separator(part);
    case Type.CONTAINER:
      return hidden(part, container(part, inner()));
    default:
      return null;
  }
}

function separator({ divider, spacing }) {
  const kind = divider === false ? "component-gap" : "component-rule";
  return el("hr", { class: spacing === LARGE ? `${kind} large` : kind });
}

function container(part, inside) {
  // Black is a colour too.
  const accented = Number.isInteger(part.accent_color);
  const bar = accented && `#${part.accent_color.toString(16).padStart(6, "0")}`;
  return el(
    "div",
    {
      class: accented ? "component-container accented" : "component-container",
      data: { testid: "container" },
      style: bar && { "--bar": bar },
    },
    inside,
  );
}

function thumbnail(part, message) {
  const file = toFile(part, part.media, message);
  const shown = picture(file.url, { alt: file.description });
  return el("div", { class: "component-thumbnail" }, hidden(part, shown));
}

/** A medium in the shape of an attachment; attachment://NAME names a file of the same message. */
function toFile(part, media, message) {
  const url = media?.url ?? "";
  const named = /^attachment:\/\/(.+)$/.exec(url)?.[1];
  const file = message.attachments?.find((one) => one.filename === named || one.url === url);
  const name = part.name ?? file?.filename ?? url.split("?")[0].split("/").at(-1);
  return {
    id: media?.attachment_id ?? file?.id,
    filename: name,
    description: part.description ?? file?.description ?? name,
    url: named ? file?.url : url,
    content_type: media?.content_type ?? file?.content_type,
    size: part.size ?? file?.size,
    width: media?.width ?? file?.width,
    height: media?.height ?? file?.height,
    spoiler: part.spoiler,
  };
}

/** Behind a spoiler until it is pressed. */
function hidden({ spoiler }, inside) {
  if (!spoiler) return inside;
  const inner = el("div", { class: "veiled-inner", inert: true }, inside);
  const node = el("div", { class: "veiled" }, inner);
  const veil = el(
    "button",
    { class: "veil", type: "button", "aria-label": "Show the spoiler", data: { testid: "veil" } },
    el("span", {}, "Spoiler"),
  );
  veil.addEventListener("click", () => {
    node.classList.add("shown");
    inner.inert = false;
    veil.remove();
  });
  node.append(veil);
  return node;
}
