// Which view is shown, as the address tells it:
// ?user=maya&channel=decisions[&phone=1][&theme=light].
// What the address leaves open is remembered from the last visit.

import { stored } from "./unread.js";

const KEY = "sandbox.view";

export function wantedView() {
  const query = new URLSearchParams(location.search);
  const memory = stored(KEY);
  const user = query.get("user") ?? memory.user ?? null;
  return {
    user,
    channel: query.get("channel") ?? rememberedChannel(user),
    phone: query.get("phone") === "1",
  };
}

export function rememberedChannel(user) {
  return stored(KEY).channels?.[user] ?? null;
}

/** `push` makes a step that the Back button undoes. */
export function writeView({ user, channel, phone }, push) {
  const query = new URLSearchParams({ user, ...(channel && { channel }) });
  if (phone) query.set("phone", "1");
  const theme = new URLSearchParams(location.search).get("theme");
  if (theme) query.set("theme", theme);
  const target = `${location.pathname}?${query}`;
  if (target === location.pathname + location.search) return;
  history[push ? "pushState" : "replaceState"](null, "", target);
  const memory = stored(KEY);
  const channels = { ...memory.channels, [user]: channel };
  localStorage.setItem(KEY, JSON.stringify({ user, channels }));
}

/** How the address names a channel; a direct message has no name of its own. */
export function channelSlug(channel, model) {
  if (!channel) return null;
  if (channel.kind === "thread") return channel.id;
  if (channel.kind === "guild") {
    // Two servers may each have a channel of this name.
    const named = model.guildChannels.find((one) => one.name === channel.name);
    return named === channel ? channel.name : channel.id;
  }
  return model.directMessages.length === 1 ? "dm" : `@${model.partner(channel).name}`;
}

export function findChannel(slug, model) {
  if (!slug) return null;
  const named = model.guildChannels.find((channel) => channel.name === slug.replace(/^#/, ""));
  if (named ?? model.channel(slug)) return named ?? model.channel(slug);
  const person = slug.replace(/^@/, "");
  const messages = model.directMessages;
  return (
    messages.find((dm) => dm.name === person || model.partner(dm).name === person) ??
    (slug === "dm" ? messages[0] : null) ??
    null
  );
}
