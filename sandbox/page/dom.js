// Building blocks of the page. Everything a bot wrote reaches the document as a
// text node; no function here (or elsewhere) parses HTML.

/**
 * Makes an element. `props`: `class`, `data` (dataset), `on` (listeners), `style`
 * (through the CSSOM, which the content security policy allows), anything else is
 * an attribute; null, undefined and false leave it out.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "data") setData(node, value);
    else if (key === "on")
      for (const [type, handler] of Object.entries(value)) node.addEventListener(type, handler);
    else if (key === "style")
      for (const [name, setting] of Object.entries(value)) node.style.setProperty(name, setting);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...usable(children));
  return node;
}

function setData(node, data) {
  for (const [key, value] of Object.entries(data)) {
    if (value !== undefined && value !== null) node.dataset[key] = String(value);
  }
}

function usable(children) {
  const isAbsent = (child) => child === null || child === undefined || child === false;
  return children.flat(Infinity).filter((child) => !isAbsent(child));
}

/** Replaces what `node` holds; like `el`, it skips absent children. */
export function fill(node, ...children) {
  node.replaceChildren(...usable(children));
}

// Icons are own drawings on a 24-unit grid, stroked in the current colour.
const ICONS = {
  hash: "M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zm0 0v1.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.6 7.2",
  chat: "M4 5h16v11h-9l-4 4v-4H4z",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6zM16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.3c2.3.8 3.5 2.7 3.5 5.7",
  phone:
    "M8 2.5h8A1.5 1.5 0 0 1 17.5 4v16a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 20V4A1.5 1.5 0 0 1 8 2.5zM10.5 18.5h3",
  menu: "M4 6.5h16M4 12h16M4 17.5h16",
  close: "M6 6l12 12M18 6 6 18",
  down: "M6 9.5l6 6 6-6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  send: "M4 12 3.5 4.5 21 12 3.5 19.5zM4 12h9",
  slash: "M15 5 9 19",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  plus: "M12 5v14M5 12h14",
  file: "M6.5 2.5h7.5l4.5 4.5v14.5h-12zM14 2.5V7h4.5M9.5 12h6M9.5 15.5h6",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  out: "M13.5 4.5h6v6M19.5 4.5 11 13M17 13.5v6H4.5V7h6",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM14.5 12a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
  image: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.5h.01",
  warn: "M12 4 2.5 20h19zM12 10v5M12 17.5v.01",
  bell: "M6 17V11a6 6 0 1 1 12 0v6l1.5 1.5h-15zM10 21h4",
  thread: "M4 4.5h16M4 9h9M4 13.5h6M13 13.5h7v5h-3l-2.5 2.5v-2.5H13z",
  pin: "M9 3.5h6l-.8 6.5 3.8 3.5v1.5H6V13.5L9.8 10zM12 15v6",
  reply: "M10 5.5 3.5 12l6.5 6.5v-4c5 0 8 1.5 10.5 5-.5-6-4-10-10.5-10.5z",
  react: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM8 14c1 2 2.4 3 4 3s3-1 4-3M9 9.5h.01M15 9.5h.01",
  apps: "M4.5 4.5h6v6h-6zM13.5 4.5h6v6h-6zM4.5 13.5h6v6h-6zM16.5 13.5v6M13.5 16.5h6",
  back: "M15 5l-7 7 7 7",
  up: "M6 14.5l6-6 6 6",
  sun: "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M19 5l-1.4 1.4M6.4 17.6 5 19",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  crown: "M4 17.5h16M4 14.5 3 6.5l5 4 4-6 4 6 5-4-1 8z",
  clock: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM12 7v5l3.5 2",
  archive: "M4 4.5h16v4H4zM5.5 8.5v11h13v-11M10 12.5h4",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  copy: "M8 8h12v12H8zM16 8V4H4v12h4",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c0-4 3.3-6 7.5-6s7.5 2 7.5 6z",
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(name, size = 24) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", size);
  svg.setAttribute("height", size);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A round picture made of a person's initials and hue; nothing is fetched. */
export function avatar(user, size, status) {
  const hue = { "--hue": user.hue };
  const face = el("span", { class: "avatar-face", style: hue }, initials(user.display));
  const dot = status && el("span", { class: `status ${status}` });
  const style = { "--size": `${size}px` };
  return el("span", { class: "avatar", "aria-hidden": "true", style }, face, dot);
}

/** What marks an application beside its name. */
export const appTag = () => el("span", { class: "app-tag" }, "APP");

/** First letters of the first two words; whole code points, so that emoji survive. */
export function initials(name) {
  const words = name
    .trim()
    .split(/[\s_-]+/u)
    .filter(Boolean);
  const letters = words.slice(0, 2).map((word) => [...word][0]);
  return letters.join("").toUpperCase() || "?";
}

/** The address if it is an http or https one, else null (javascript:, data: and the like). */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url : null;
  } catch {
    return null;
  }
}

/** A link that cannot reach back into this page; plain text if the address is not a web one. */
export function link(href, props, ...children) {
  const url = safeUrl(href);
  if (!url) return el("span", { class: props?.class }, ...children);
  return el(
    "a",
    { ...props, href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" },
    ...children,
  );
}

/**
 * Address under which this page may load a picture or file, or null. Uploaded files
 * may carry another port or host name of the same server, therefore only the path counts.
 */
export function localFile(text) {
  const url = safeUrl(text);
  if (!url) return null;
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  const served = loopback && url.pathname.startsWith("/_sandbox/files/");
  return url.host === location.host || served ? url.pathname + url.search : null;
}

export function isPhone() {
  return matchMedia("(max-width: 700px)").matches;
}

/** Whether a finger is all there is: nothing hovers. */
export function isTouched() {
  return matchMedia("(hover: none) and (pointer: coarse)").matches;
}

/** "1 file", "2 files". */
export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

export function fileSize(bytes) {
  if (!Number.isFinite(bytes)) return "";
  const units = ["bytes", "KB", "MB", "GB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const amount = bytes / 1024 ** step;
  return `${step === 0 ? amount : amount.toFixed(2)} ${units[step]}`;
}

const drawn = new WeakMap();

/**
 * Draws into `node` only if `signature` differs from the last time. A press that began on a
 * button must end on the same button, so nothing may be replaced without need.
 */
export function drawIfChanged(node, signature, draw) {
  const text = JSON.stringify(signature);
  if (drawn.get(node) === text) return;
  drawn.set(node, text);
  keepingFocus(node, draw);
}

/** Runs `draw`; if it replaced the focused element inside `root`, its successor gets the focus. */
export function keepingFocus(root, draw) {
  const at = document.activeElement;
  const focused = root.contains(at) ? { ...at.dataset } : null;
  const owner = focused && at.closest("[data-message-id]")?.dataset.messageId;
  draw();
  if (!focused?.testid || root.contains(document.activeElement)) return;
  const same = [...root.querySelectorAll(`[data-testid="${CSS.escape(focused.testid)}"]`)].filter(
    (node) => node.closest("[data-message-id]")?.dataset.messageId === (owner ?? undefined),
  );
  const exact = same.find((node) =>
    Object.entries(focused).every(([key, value]) => node.dataset[key] === value),
  );
  // A button that is gone with its use leaves the focus at its message, not at the top of the page.
  const place = owner && root.querySelector(`[data-message-id="${CSS.escape(owner)}"]`);
  const successor = exact ?? place;
  successor?.focus({ preventScroll: true });
}
