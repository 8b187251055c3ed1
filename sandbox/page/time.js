// Moments as people read them, in the browser's language and time zone.

const LANGUAGE = navigator.language;
const format = (options) => new Intl.DateTimeFormat(LANGUAGE, options);

const CLOCK = format({ timeStyle: "short" });
const DAY = format({ dateStyle: "long" });
const WEEKDAY = format({ weekday: "long", month: "long", day: "numeric" });
const SHORT = format({ dateStyle: "short", timeStyle: "short" });
const FULL = format({ dateStyle: "full", timeStyle: "short" });

// Styles of <t:SECONDS:STYLE>; R is kept apart because it moves.
const STYLES = {
  t: CLOCK,
  T: format({ timeStyle: "medium" }),
  d: format({ year: "numeric", month: "2-digit", day: "2-digit" }),
  D: DAY,
  f: format({ dateStyle: "long", timeStyle: "short" }),
  F: FULL,
  s: SHORT,
  S: format({ dateStyle: "short", timeStyle: "medium" }),
};

const RELATIVE = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "always" });
const UNITS = [
  ["second", 1, 60],
  ["minute", 60, 60],
  ["hour", 3600, 24],
  ["day", 86_400, 30],
  ["month", 2_629_800, 12],
  ["year", 31_557_600, Infinity],
];

/** "in 5 minutes", "2 days ago". */
export function relative(ms) {
  const seconds = (ms - Date.now()) / 1000;
  for (const [unit, length, limit] of UNITS) {
    const amount = Math.round(Math.abs(seconds) / length);
    if (amount < limit) return RELATIVE.format(seconds < 0 ? -amount : amount, unit);
  }
  return "";
}

/** Text of <t:…>, or null for a moment no calendar holds. */
export function timestamp(seconds, style = "f") {
  const ms = seconds * 1000;
  if (Number.isNaN(new Date(ms).getTime())) return null;
  return style === "R" ? relative(ms) : (STYLES[style] ?? STYLES.f).format(ms);
}

export const fullDate = (moment) => safely(FULL, moment);
export const clockTime = (moment) => safely(CLOCK, moment);
export const weekday = (moment) => safely(WEEKDAY, moment);
export const dayTitle = (moment) => safely(DAY, moment);

function safely(formatter, moment) {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? "" : formatter.format(date);
}

const dayNumber = (date) => Math.floor((date.getTime() - date.getTimezoneOffset() * 60_000) / 86_400_000);

export function sameDay(a, b) {
  return dayNumber(new Date(a)) === dayNumber(new Date(b));
}

/** The stamp beside a name: short for today, with the day for anything older. */
export function messageTime(moment) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return "";
  const age = dayNumber(new Date()) - dayNumber(date);
  if (age === 0) return CLOCK.format(date);
  if (age === 1) return `Yesterday at ${CLOCK.format(date)}`;
  return SHORT.format(date);
}

/** How long ago, as a phone's lock screen says it. */
export function briefAge(moment) {
  const minutes = Math.floor((Date.now() - new Date(moment).getTime()) / 60_000);
  if (!(minutes >= 1)) return "now";
  if (minutes < 60) return `${minutes}m ago`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ago`;
  return `${Math.floor(minutes / 1440)}d ago`;
}

/** Keeps every relative moment on the page counting: elements with data-relative (ms) or data-age. */
export function keepCounting() {
  setInterval(() => {
    for (const node of document.querySelectorAll("[data-relative]"))
      update(node, relative(Number(node.dataset.relative)));
    for (const node of document.querySelectorAll("[data-age]")) update(node, briefAge(node.dataset.age));
  }, 1000);
}

// Writing unchanged text would make screen readers and observers stir for nothing.
function update(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
