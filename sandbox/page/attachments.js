// Files of a message: pictures as a grid, everything else as a card. Only this server's
// own files are loaded; a picture elsewhere is named, not fetched, because the page is offline.

import { el, fileSize, icon, link, localFile, safeUrl } from "./dom.js";
import { spoiler } from "./markdown.js";
import { isLayout } from "./model.js";

const typeOf = (attachment) => attachment.content_type ?? guess(attachment.filename ?? "");
const guess = (name) => (/\.(?:png|jpe?g|gif|webp|avif)$/i.test(name) ? "image/" : "");

// Drawings may carry scripts; they stay files.
const isPicture = (attachment) =>
  typeOf(attachment).startsWith("image/") && !typeOf(attachment).includes("svg");

/** A message of components alone shows only the files that a component names. */
export function attachments(message) {
  if (isLayout(message)) return null;
  const shown = (message.attachments ?? []).filter((file) => !usedByEmbed(file, message));
  const pictures = shown.filter(isPicture);
  const files = shown.filter((file) => !isPicture(file));
  return [pictures.length > 0 && gallery(pictures), ...files.map(fileCard)];
}

/** A picture that an embed shows is not shown a second time below it. */
function usedByEmbed(file, message) {
  const names = [file.url, file.proxy_url, `attachment://${file.filename}`].filter(Boolean);
  return (message.embeds ?? []).some((embed) =>
    [embed.image, embed.thumbnail, embed.author, embed.footer].some(
      (part) => names.includes(part?.url) || names.includes(part?.icon_url),
    ),
  );
}

export function gallery(pictures) {
  const tiles = pictures.map((file) => {
    const single = pictures.length === 1;
    const tile = picture(file.url, {
      alt: file.description ?? file.filename,
      width: single ? file.width : null,
      height: single ? file.height : null,
    });
    tile.dataset.testid = "attachment";
    tile.dataset.attachmentId = file.id;
    const hidden = file.spoiler || /^SPOILER_/.test(file.filename ?? "");
    return hidden ? spoiler(tile) : tile;
  });
  const props = { class: `gallery ${layout(pictures.length)}`, data: { testid: "gallery" } };
  return el("div", props, tiles);
}

/** How so many pictures lie: few have a layout of their own, more are rows of three below. */
function layout(count) {
  return ["", "one", "two", "three", "four"][count] ?? ["", "wide-one", "wide-two"][count % 3];
}

/** A picture that opens large, or a note in its place if it lies outside of this server. */
export function picture(url, { alt, width, height, plain }) {
  const source = localFile(url);
  if (!source) return absent(url, alt);
  const image = el("img", {
    src: source,
    alt: alt || "Image",
    width,
    height,
    loading: "lazy",
    decoding: "async",
  });
  image.addEventListener("error", () =>
    image.closest(".picture, .plain-picture")?.replaceWith(absent(url, alt)),
  );
  if (plain) return el("span", { class: "plain-picture" }, image);
  return el(
    "button",
    {
      class: "picture",
      type: "button",
      "aria-label": `Open image: ${alt || "image"}`,
      on: { click: () => lightbox(source, alt, url) },
    },
    image,
  );
}

function absent(url, alt) {
  const where = safeUrl(url)?.host;
  return el(
    "span",
    { class: "picture absent", role: "img", "aria-label": alt || "Image" },
    icon("image", 28),
    el("span", {}, where ? `Image at ${where}, not loaded offline` : "Image not available"),
  );
}

function lightbox(source, alt, url) {
  const dialog = el(
    "dialog",
    { class: "lightbox", "aria-label": alt || "Image", data: { testid: "lightbox" } },
    el("img", { src: source, alt: alt || "Image" }),
    link(url, { class: "open-original" }, "Open original"),
  );
  dialog.addEventListener("click", (event) => event.target.closest("a") || dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function fileCard(file) {
  const source = localFile(file.url);
  const type = typeOf(file);
  const name = file.filename ?? "file";
  const label = source
    ? el("a", { class: "file-name", href: source, target: "_blank", rel: "noopener" }, name)
    : el("span", { class: "file-name" }, name);
  const download =
    source &&
    el(
      "a",
      { class: "file-download", href: source, download: name, "aria-label": `Download ${name}` },
      icon("download"),
    );
  const card = el(
    "div",
    { class: "file-card" },
    icon("file", 32),
    el(
      "div",
      { class: "file-text" },
      label,
      el("span", { class: "file-size" }, fileSize(file.size)),
    ),
    download,
  );
  const player =
    source &&
    /^(?:audio|video)\//.test(type) &&
    el(type.split("/")[0], { class: "player", src: source, controls: true, preload: "metadata" });
  const meta = { testid: "attachment", attachmentId: file.id };
  return el("div", { class: "file", data: meta }, card, player);
}
