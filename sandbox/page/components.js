// Buttons and selects of a message, and what holds them (layout.js). Draws them and reports what a
// person did; the answer arrives as a changed message, or as `busy` and `failure` of the context.

import { avatar, el, icon, link } from "./dom.js";
import { layout } from "./layout.js";
import { customEmoji } from "./markdown.js";
import { openMenu } from "./overlay.js";

const Type = {
  ROW: 1,
  BUTTON: 2,
  STRING: 3,
  USER: 5,
  ROLE: 6,
  MENTIONABLE: 7,
  CHANNEL: 8,
};
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium" };

/**
 * `ctx.busy` is null, or what waits for an answer (`{customId}`; null customId: started
 * elsewhere); `ctx.onClick(customId)` and `ctx.onSelect(customId, values)` report.
 */
export function components(message, ctx) {
  const list = message.components ?? [];
  return list.length
    ? el(
        "div",
        { class: "components" },
        list.map((part) => render(part, message, ctx)),
      )
    : null;
}

export function render(part, message, ctx) {
  const inner = () => (part.components ?? []).map((child) => render(child, message, ctx));
  switch (part.type) {
    case Type.ROW:
      return el(
        "div",
        { class: "component-row", role: "group", "aria-label": about(message) },
        inner(),
      );
    case Type.BUTTON:
      return button(part, message, ctx);
    case Type.STRING:
    case Type.USER:
    case Type.ROLE:
    case Type.MENTIONABLE:
    case Type.CHANNEL:
      return select(part, message, ctx);
    default:
      return layout(part, message, ctx, inner);
  }
}

/** What the buttons are for: all cards have the same ones. */
function about(message) {
  const text = message.components?.find((part) => part.content)?.content.replace(/^#+ /, "");
  const title = message.embeds?.find((embed) => embed.title)?.title || message.content || text;
  return title ? `Actions: ${title.slice(0, 120)}` : "Actions";
}

export function emoji(part) {
  if (!part?.name) return null;
  return part.id ? customEmoji(part.name) : el("span", { class: "emoji" }, part.name);
}

// ---- buttons --------------------------------------------------------------

function button(part, message, ctx) {
  const style = STYLES[part.style] ?? "secondary";
  const face = [emoji(part.emoji), part.label && el("span", { class: "button-label" }, part.label)];
  // A picture alone says nothing to a screen reader.
  const label = part.label ? null : (part.emoji?.name ?? "Button");
  if (style === "link" && !part.disabled) {
    return link(
      part.url,
      { class: "button link", "aria-label": label, data: { testid: "button", style } },
      face,
      icon("out", 16),
    );
  }
  const mine = Boolean(ctx.busy) && ctx.busy.customId === part.custom_id;
  return el(
    "button",
    {
      class: mine ? `button ${style} waiting` : `button ${style}`,
      type: "button",
      disabled: Boolean(part.disabled) || style === "premium" || style === "link",
      ...waits(ctx),
      "aria-label": label,
      "aria-busy": mine ? "true" : null,
      data: { testid: "button", customId: part.custom_id, style },
      on: { click: () => ctx.busy || ctx.onClick(part.custom_id) },
    },
    el("span", { class: "button-face" }, face, style === "link" && icon("out", 16)),
    mine && dots(),
  );
}

/** While an answer is awaited nothing can be pressed, but the keyboard's place is kept. */
const waits = (ctx) => ({ "aria-disabled": ctx.busy ? "true" : null });

/** Three pulsing dots; the words are for those who do not see them. */
export function dots() {
  return el(
    "span",
    { class: "dots", role: "img", "aria-label": "waiting for an answer" },
    el("i"),
    el("i"),
    el("i"),
  );
}

// ---- selects --------------------------------------------------------------

function select(part, message, ctx) {
  const items = choices(part, ctx.model, ctx.model.channel(message.channel_id));
  const chosen = items.filter((item) => item.selected);
  const mine = Boolean(ctx.busy) && ctx.busy.customId === part.custom_id;
  const placeholder = part.placeholder || "Make a selection";
  const shown =
    mine && ctx.busy.values ? items.filter((item) => ctx.busy.values.includes(item.value)) : chosen;
  const trigger = el(
    "button",
    {
      class: mine ? "select waiting" : "select",
      type: "button",
      disabled: Boolean(part.disabled),
      ...waits(ctx),
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-busy": mine ? "true" : null,
      "aria-label": shown.length
        ? `${placeholder}: ${shown.map((item) => item.label).join(", ")}`
        : placeholder,
      data: { testid: "select", customId: part.custom_id },
    },
    faceOf(shown, placeholder),
    mine ? dots() : icon("down", 20),
  );
  trigger.addEventListener("click", async () => {
    if (ctx.busy) return;
    const values = await openMenu({
      anchor: trigger,
      title: placeholder,
      items,
      min: part.min_values ?? 1,
      max: part.max_values ?? 1,
      testid: "select-menu",
      customId: part.custom_id,
    });
    if (values) ctx.onSelect(part.custom_id, values);
  });
  return trigger;
}

/** The chosen values on the button of a menu, else its placeholder. */
export function faceOf(chosen, placeholder) {
  return el(
    "span",
    { class: chosen.length ? "select-value" : "select-value empty" },
    chosen.length ? chosen.map(valueFace) : placeholder,
  );
}

function valueFace(item) {
  return el("span", { class: "select-chosen" }, item.face?.(), item.label);
}

/**
 * What a select in a channel offers, in the shape that menus take; of the server nothing is offered
 * outside of it.
 */
export function choices(part, model, place) {
  const direct = place?.kind === "dm";
  const here = direct ? [] : model.channelsOf(model.guildOf(place).id);
  const preset = new Set((part.default_values ?? []).map((value) => String(value.id)));
  const people = () =>
    model.everyone
      .filter((user) => !direct || user.bot || user.id === model.me.id)
      .map((user) => ({
        value: user.id,
        label: user.display,
        description: user.name,
        face: () => avatar(user, 24),
        selected: preset.has(user.id),
      }));
  const roles = () =>
    (direct ? [] : model.roles).map((role) => ({
      value: role.id,
      label: `@${role.name}`,
      face: () => el("span", { class: "role-dot", style: { "--role": role.color ?? "#99aab5" } }),
      selected: preset.has(role.id),
    }));
  const channels = () =>
    (wantsText(part) ? here : []).map((channel) => ({
      value: channel.id,
      label: channel.name,
      face: () => icon("hash", 20),
      selected: preset.has(channel.id),
    }));
  switch (part.type) {
    case Type.USER:
      return people();
    case Type.ROLE:
      return roles();
    case Type.MENTIONABLE:
      return [...people(), ...roles()];
    case Type.CHANNEL:
      return channels();
    default:
      return (part.options ?? []).map((option) => ({
        value: option.value,
        label: option.label,
        description: option.description,
        face: option.emoji ? () => emoji(option.emoji) : undefined,
        selected: Boolean(option.default),
      }));
  }
}

/** Whether a menu of channels offers text channels, the only kind that is offered here. */
const wantsText = (part) => !part.channel_types?.length || part.channel_types.includes(0);
