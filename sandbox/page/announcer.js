// Reads out what others write in the open channel. Its own element does it, because the list
// draws a message anew whenever anything about it changes.

import { isLoading, isNewer } from "./model.js";

export class Announcer {
  constructor(node) {
    this.node = node;
    this.channelId = null;
    this.last = null;
  }

  /** What stood when the channel was opened is not news. */
  update(model, channel) {
    const messages = (channel?.messages ?? []).filter((message) => !isLoading(message));
    const known = this.last;
    const same = this.channelId === (channel?.id ?? null);
    this.channelId = channel?.id ?? null;
    this.last = messages.at(-1)?.id ?? (same ? known : null);
    if (!same) return this.node.replaceChildren();
    const byOthers = (message) => message.author?.id !== model.me.id;
    const news = messages.filter((message) => isNewer(message.id, known) && byOthers(message));
    const words = news.map((message) => spoken(message, model));
    if (words.length) this.node.textContent = words.join(". ");
  }
}

/** The phone's notification has the words with the names of those who are mentioned. */
function spoken(message, model) {
  const note = model.notifications.find((one) => one.message_id === message.id);
  const title = message.embeds?.find((embed) => embed.title)?.title;
  const words = note?.text || message.content || title;
  return `${model.author(message).display}: ${words || "a message without words"}`;
}
