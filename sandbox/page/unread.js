// What a person has read. The server does not know; like a real client's, the marks live
// with the client and are kept per user across reloads.

import { isNewer, isOwn } from "./model.js";

export class ReadMarks {
  constructor(guildId, user) {
    this.key = `sandbox.read.${guildId}.${user}`;
    this.marks = stored(this.key);
  }

  lastRead(channelId) {
    return this.marks[channelId] ?? null;
  }

  markRead(channel) {
    const newest = channel.messages?.at(-1)?.id;
    if (!newest || !isNewer(newest, this.marks[channel.id])) return;
    this.marks[channel.id] = newest;
    localStorage.setItem(this.key, JSON.stringify(this.marks));
  }

  /** `{unread, count}`: whether anything is new, and how much of it pings the reader. */
  unread(channel, model) {
    const mark = this.lastRead(channel.id);
    const fresh = (channel.messages ?? []).filter(
      (message) => isNewer(message.id, mark) && !isOwn(message, model.me),
    );
    const pings = (message) => channel.kind === "dm" || model.mentionsMe(message);
    return { unread: fresh.length > 0, count: fresh.filter(pings).length };
  }
}

/** Storage may be switched off or hold something foreign; then nothing is remembered. */
export function stored(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}
