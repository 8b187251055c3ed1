// What people do, as requests to the server, and what of it only this page knows: which button
// waits, what failed, what was dismissed.

import { act } from "./api.js";
import { encoded, uploadAll } from "./files.js";
import { openModal } from "./modal.js";

/** What is gone with the user who did it. */
export const nothingKnown = () => ({
  busy: new Map(),
  failures: new Map(),
  failedCommands: [],
  dismissed: new Set(),
  form: null,
  lastNote: null,
  seenNote: 0,
});

/** What happened, without the words that the page says by itself. */
const detailOf = (outcome) =>
  (outcome.error ?? "")
    .replace(/^this interaction failed[\s.:,;–—-]*/i, "")
    .replace(/^\((.*)\)$/, "$1");

export class Acts {
  /**
   * `page`: `view` (who and where), `local` (see `nothingKnown`), `timeline`, `channel()`,
   * `draw()`, `refresh()`, `caughtUp()`.
   */
  constructor(page) {
    this.page = page;
  }

  asMe(request) {
    return act({ user: this.page.view.user, ...request });
  }

  /** Like `asMe`; a refusal is told at the end of the conversation. */
  async told(request) {
    const { user, channelId } = this.page.view;
    const outcome = await this.asMe(request);
    if (!outcome.ok && user === this.page.view.user)
      this.fail({ channelId, error: detailOf(outcome) });
    return outcome;
  }

  // ---- messages -----------------------------------------------------------

  async sendMessage(content, { replyTo, files }) {
    const { page } = this;
    const { channelId } = page.view;
    page.caughtUp();
    page.timeline.toEnd();
    const request = { action: "message", channel: channelId, content };
    if (replyTo) request.reply_to = replyTo;
    try {
      const attachments = await uploadAll(files, (file) => this.upload(file));
      if (attachments.length) request.attachments = attachments;
    } catch (error) {
      return this.fail({ channelId, error: error.message });
    }
    await this.told(request);
  }

  /** Hands a file over, for a message, an option or a form that names its id. */
  async upload(file) {
    return this.asMe({ action: "upload", ...(await encoded(file)) });
  }

  react(message, emoji, on) {
    return this.told({ action: on ? "react" : "unreact", message_id: message.id, emoji });
  }

  pin(message, on) {
    return this.told({ action: on ? "pin" : "unpin", message_id: message.id });
  }

  dismiss(id) {
    const { local, draw } = this.page;
    local().dismissed.add(id);
    local().failedCommands = local().failedCommands.filter((run) => run.id !== id);
    draw();
  }

  // ---- threads ------------------------------------------------------------

  /** Resolves to the id of the thread, if there is one now. */
  async createThread(name, message) {
    const request = { action: "create_thread", channel: this.page.view.channelId, name };
    if (message) request.message_id = message.id;
    const outcome = await this.told(request);
    await this.page.refresh();
    return outcome.ok ? (outcome.channel?.id ?? outcome.message?.thread?.id ?? null) : null;
  }

  /** `action`: join_thread, leave_thread or archive_thread. */
  changeThread(action) {
    return this.told({ action, channel: this.page.view.channelId });
  }

  // ---- interactions -------------------------------------------------------

  /** Two bots may have a command of the same name. */
  runCommand(command, options) {
    const bot = this.page.view.model.botOf(command).name;
    return this.use({ action: "command", bot, name: command.name, options });
  }

  /** A command of the "Apps" menu of a message or a person. */
  useContext(targetId, command) {
    const bot = this.page.view.model.botOf(command).name;
    return this.use({ action: "context", bot, target_id: targetId, name: command.name });
  }

  async use(request) {
    const { page } = this;
    page.caughtUp();
    page.timeline.toEnd();
    const { user, channelId } = page.view;
    const { name } = request;
    const outcome = await this.asMe({ ...request, channel: channelId });
    if (user !== page.view.user) return;
    if (!outcome.ok) this.fail({ channelId, name, error: detailOf(outcome) });
    else if (outcome.modal) this.showModal(outcome.modal);
  }

  fail(run) {
    const { local, draw } = this.page;
    const { failedCommands } = local();
    failedCommands.push({ ...run, id: `run-${Date.now()}-${failedCommands.length}` });
    draw();
  }

  click(message, customId) {
    return this.useComponent(message, { action: "click", custom_id: customId });
  }

  select(message, customId, values) {
    return this.useComponent(message, { action: "select", custom_id: customId, values });
  }

  async useComponent(message, request) {
    const { page } = this;
    if (page.busyOf(message)) return;
    const { user } = page.view;
    const { busy, failures } = page.local();
    page.caughtUp();
    failures.delete(message.id);
    busy.set(message.id, { customId: request.custom_id, values: request.values });
    page.draw();
    const outcome = await this.asMe({ ...request, message_id: message.id });
    if (user !== page.view.user) return;
    // The answer first, then the release: the old buttons must not flash up in between.
    await page.refresh();
    busy.delete(message.id);
    if (!outcome.ok) failures.set(message.id, detailOf(outcome));
    page.draw();
    if (outcome.modal) this.showModal(outcome.modal, message.id);
  }

  countThinking() {
    return this.page.view.model?.pending.filter((entry) => entry.thinking).length ?? 0;
  }

  /** `from` is the message whose button asked for the form. */
  showModal(modal, from) {
    const { page } = this;
    const { channelId, model } = page.view;
    const source = page.channel()?.messages.find((message) => message.id === from);
    const submit = async (values) => {
      // A bot that says "thinking…" has taken the form; its answer may be long in coming.
      const thinking = this.countThinking();
      page.local().form = () => this.countThinking() > thinking && form.close();
      const request = { action: "submit", modal_id: modal.modal_id, values };
      const outcome = await this.asMe(request);
      page.local().form = null;
      const error = detailOf(outcome);
      if (outcome.ok && outcome.modal) this.showModal(outcome.modal, asked);
      if (!outcome.ok && !form.isOpen()) this.fail({ channelId, error });
      return { ...outcome, error };
    };
    // The button that asked for it may have been drawn anew, or be gone: then its message has the
    // keyboard's place.
    const asked =
      document.activeElement?.closest("[data-message-id]")?.dataset.messageId ?? from;
    const onClose = () =>
      document.activeElement === document.body && page.timeline.focus(asked);
    const form = openModal({
      modal,
      bot: source ? model.author(source) : model.bot,
      model,
      channel: page.channel(),
      submit,
      upload: (file) => this.upload(file),
      onClose,
    });
  }
}
