// The page as a whole: holds what is shown, listens to the server, passes on what people do.

import { Announcer } from "./announcer.js";
import { act, ApiError, fetchState, fetchUserNames, follow } from "./api.js";
import { Composer } from "./composer.js";
import { drawIfChanged, el, fill, isPhone } from "./dom.js";
import { channelSlug, findChannel, rememberedChannel, wantedView, writeView } from "./location.js";
import { openModal } from "./modal.js";
import { Model } from "./model.js";
import { dropBanners, renderPhone, showBanner } from "./phone.js";
import {
  renderBeginning,
  renderChannels,
  renderHeader,
  renderMembers,
  renderRail,
  renderUserPanel,
} from "./sidebar.js";
import { keepCounting } from "./time.js";
import { Timeline } from "./timeline.js";
import { ReadMarks } from "./unread.js";

const byId = (id) => document.getElementById(id);
const root = document.documentElement;

const view = {
  user: null,
  wantedChannel: null,
  channelId: null,
  model: null,
  marks: null,
  readUpTo: null,
  drawer: false,
  members: innerWidth >= 1000,
  phone: false,
};

// What only this page knows; gone with the user who did it.
const local = {
  busy: new Map(),
  failures: new Map(),
  failedCommands: [],
  dismissed: new Set(),
  form: null,
  lastNote: null,
  seenNote: 0,
};

const timeline = new Timeline({ scroller: byId("scroller"), list: byId("messages"), jump: byId("jump") });
const announcer = new Announcer(byId("announcer"));
const composer = new Composer(byId("composer"), {
  model: () => view.model,
  channel: currentChannel,
  user: () => view.user,
  sendMessage,
  runCommand,
});

// ---- reading the server ---------------------------------------------------

let running = null;
let queued = null;

/** Resolves when a state read after this call is drawn; calls in between share one reading. */
function refresh() {
  if (!running) {
    running = load().finally(() => (running = null));
    return running;
  }
  queued ??= running.then(() => {
    queued = null;
    return refresh();
  });
  return queued;
}

async function load() {
  try {
    view.user ??= (await fetchUserNames())[0];
    const user = view.user;
    const state = await fetchState(user);
    // The person may have been switched while the answer was on its way.
    if (user === view.user) apply(new Model(state));
    if (overdue) setConnection("live");
    overdue = false;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) await forgetUser();
    else if (error instanceof ApiError) setConnection("lost", `The server answered: ${error.message}`);
    else if (error instanceof TypeError) setConnection("lost");
    else if (error.name === "TimeoutError") askAgain();
    else throw error;
  }
}

// The answer did not come although nothing was lost: no later change may ever ask for it again.
let overdue = false;

function askAgain() {
  overdue = true;
  setConnection("lost", "The sandbox server does not answer. Asking again…");
  setTimeout(refresh);
}

/** A remembered user may not exist in this server's world. */
async function forgetUser() {
  const names = await fetchUserNames();
  if (!names.length || names.includes(view.user)) return setConnection("lost", "The server knows no users.");
  forgetLocal();
  view.user = names[0];
  view.model = null;
  return load();
}

function apply(model) {
  const first = view.model === null;
  view.model = model;
  if (first) view.marks = new ReadMarks(model.guild.id, model.me.name);
  if (!currentChannel()) enterChannel(chooseChannel(), false);
  notice(model, first);
  draw();
  local.form?.();
  root.dataset.change = model.change;
  root.dataset.ready = "true";
}

function chooseChannel() {
  const { model } = view;
  const wanted = findChannel(view.wantedChannel, model) ?? findChannel(rememberedChannel(view.user), model);
  return wanted ?? model.guildChannels[0] ?? model.channels[0] ?? null;
}

// Words of a lost connection come late: a page that is just loading has not lost anything.
function setConnection(state, text) {
  root.dataset.connection = state;
  const bar = byId("connection");
  bar.dataset.state = state;
  bar.hidden = state === "live";
  fill(
    bar,
    state !== "live" && [
      el("span", { class: "spinner", "aria-hidden": "true" }),
      text ?? "The sandbox server is not reachable. Reconnecting…",
    ],
  );
}

// ---- notifications --------------------------------------------------------

function notice(model, first) {
  const newest = model.notifications.at(-1)?.n ?? 0;
  // A restarted server counts anew.
  if (first || newest < local.lastNote) local.lastNote = newest;
  for (const note of model.notifications.filter((one) => one.n > local.lastNote)) {
    if (note.channel_id !== view.channelId && !view.phone) showBanner(note, { model, openNotification });
  }
  local.lastNote = newest;
  if (view.phone || newest < local.seenNote) local.seenNote = newest;
}

function openNotification(note) {
  if (isPhone()) setPhone(false);
  if (view.model.channel(note.channel_id)) openChannel(note.channel_id);
  timeline.show(note.message_id);
}

// ---- drawing --------------------------------------------------------------

function currentChannel() {
  return view.model?.channel(view.channelId) ?? null;
}

const unreadOf = (channel) => view.marks.unread(channel, view.model);

function draw(fresh = false) {
  const { model } = view;
  // Between two users there is nothing to draw.
  if (!model) return;
  const channel = currentChannel();
  if (channel && document.visibilityState === "visible") view.marks.markRead(channel);
  drawPanes(model, channel);
  timeline.update(
    {
      model,
      channel,
      readUpTo: view.readUpTo,
      dismissed: local.dismissed,
      busy: busyOf,
      failure: (message) => local.failures.get(message.id) ?? null,
      failedCommands: local.failedCommands,
      actions: { openChannel, openMessage: (id) => timeline.show(id), dismiss, click, select, useContext },
    },
    fresh,
  );
  announcer.update(model, channel);
  composer.refresh({ fresh, title: titleOf(channel), enabled: Boolean(channel) });
}

function titleOf(channel) {
  if (!channel) return "no channel";
  return channel.kind === "dm" ? `@${view.model.channelTitle(channel)}` : `#${channel.name}`;
}

function drawPanes(model, channel) {
  const unread = model.channels.map((one) => [one.id, unreadOf(one)]);
  const elsewhere = unread.filter(([id]) => id !== channel?.id).reduce((sum, [, one]) => sum + one.count, 0);
  const notices = model.notifications.filter((note) => note.n > local.seenNote).length;
  const shared = { model, channel, unreadOf, openChannel };
  const place = [model.names, channel?.id, model.botOnline];
  drawIfChanged(byId("rail"), [...place, unread], () => renderRail(byId("rail"), shared));
  drawIfChanged(byId("guild-name"), model.guild, () => fill(byId("guild-name"), model.guild.name));
  drawIfChanged(byId("channels"), [...place, unread], () => renderChannels(byId("channels"), shared));
  drawIfChanged(byId("user-panel"), model.names, () =>
    renderUserPanel(byId("user-panel"), { model, switchUser }),
  );
  const head = { elsewhere, notices, phoneOpen: view.phone, membersOpen: view.members && !view.phone };
  drawIfChanged(byId("channel-header"), [place, channel?.topic, head], () =>
    renderHeader(byId("channel-header"), { ...shared, ...head, toggle }),
  );
  drawIfChanged(byId("beginning"), [place, channel?.topic], () => renderBeginning(byId("beginning"), shared));
  drawIfChanged(byId("members"), [place, model.contextCommands], () =>
    renderMembers(byId("members"), { ...shared, onContext: useContext }),
  );
  drawIfChanged(byId("phone"), [model.names, model.notifications], () =>
    renderPhone(byId("phone"), { model, openNotification, close: () => setPhone(false) }),
  );
  const shell = byId("shell").dataset;
  Object.assign(shell, { drawer: view.drawer, members: view.members, phone: view.phone });
  byId("phone").hidden = !view.phone;
  document.title = `${elsewhere ? `(${elsewhere}) ` : ""}${titleOf(channel)} | ${model.guild.name}`;
}

/** What of a message waits for an answer: started here, or (without a custom_id) elsewhere. */
function busyOf(message) {
  const entry = view.model.pending.find((one) => one.message_id === message.id);
  // Once the bot said that it is thinking, the placeholder waits and the button is free again.
  if (entry?.thinking) return null;
  return local.busy.get(message.id) ?? (entry ? { customId: null } : null);
}

// ---- moving about ---------------------------------------------------------

function enterChannel(channel, push) {
  view.channelId = channel?.id ?? null;
  view.readUpTo = channel ? view.marks.lastRead(channel.id) : null;
  view.drawer = false;
  if (channel) dropBanners(channel.id);
  draw(true);
  remember(push);
}

function openChannel(id) {
  const channel = view.model.channel(id);
  if (!channel) return;
  if (id !== view.channelId) return enterChannel(channel, true);
  view.drawer = false;
  draw();
}

function remember(push) {
  writeView({ user: view.user, channel: channelSlug(currentChannel(), view.model), phone: view.phone }, push);
}

function switchUser(name) {
  forgetLocal();
  Object.assign(view, {
    user: name,
    model: null,
    channelId: null,
    wantedChannel: channelSlugNow(),
    drawer: false,
  });
  refresh();
}

/** The same channel under another name: people compare what each of them sees. */
function channelSlugNow() {
  return currentChannel() ? channelSlug(currentChannel(), view.model) : null;
}

function forgetLocal() {
  Object.assign(local, {
    busy: new Map(),
    failures: new Map(),
    failedCommands: [],
    dismissed: new Set(),
    form: null,
    lastNote: null,
    seenNote: 0,
  });
  byId("toasts").replaceChildren();
}

function toggle(pane) {
  if (pane === "phone") return setPhone(!view.phone);
  // The phone lies where the members are.
  if (pane === "members" && view.phone) {
    view.members = true;
    return setPhone(false);
  }
  view[pane] = !view[pane];
  draw();
  if (pane === "drawer" && view.drawer) document.querySelector(".channel.active")?.focus();
}

function setPhone(open) {
  view.phone = open;
  if (open) local.seenNote = view.model.notifications.at(-1)?.n ?? 0;
  if (open && isPhone()) view.members = false;
  draw();
  remember(false);
}

// ---- what people do -------------------------------------------------------

const asMe = (request) => act({ user: view.user, ...request });

/** What happened, without the words that the page says by itself. */
const detailOf = (outcome) => (outcome.error ?? "").replace(/^this interaction failed[\s.:,;–—-]*/i, "").replace(/^\((.*)\)$/, "$1");

async function sendMessage(content) {
  timeline.toEnd();
  const channelId = view.channelId;
  const outcome = await asMe({ action: "message", channel: channelId, content });
  if (!outcome.ok) failCommand({ channelId, error: outcome.error });
}

function runCommand(name, options) {
  return use({ action: "command", name, options });
}

/** A command of the "Apps" menu of a message or a person. */
function useContext(targetId, name) {
  return use({ action: "context", target_id: targetId, name });
}

async function use(request) {
  timeline.toEnd();
  const { user, channelId } = view;
  const { name } = request;
  const outcome = await asMe({ ...request, channel: channelId });
  if (user !== view.user) return;
  if (!outcome.ok) failCommand({ channelId, name, error: detailOf(outcome) });
  else if (outcome.modal) showModal(outcome.modal);
}

function failCommand(run) {
  local.failedCommands.push({ ...run, id: `run-${Date.now()}-${local.failedCommands.length}` });
  draw();
}

const click = (message, customId) => useComponent(message, { action: "click", custom_id: customId });
const select = (message, customId, values) =>
  useComponent(message, { action: "select", custom_id: customId, values });

async function useComponent(message, request) {
  if (busyOf(message)) return;
  const { user } = view;
  local.failures.delete(message.id);
  local.busy.set(message.id, { customId: request.custom_id, values: request.values });
  draw();
  const outcome = await asMe({ ...request, message_id: message.id });
  if (user !== view.user) return;
  // The answer first, then the release: the old buttons must not flash up in between.
  await refresh();
  local.busy.delete(message.id);
  if (!outcome.ok) local.failures.set(message.id, detailOf(outcome));
  draw();
  if (outcome.modal) showModal(outcome.modal, message.id);
}

function showModal(modal, from) {
  const { channelId } = view;
  const submit = async (values) => {
    // A bot that says "thinking…" has taken the form; its answer may be long in coming.
    const thinking = countThinking();
    local.form = () => countThinking() > thinking && form.close();
    const outcome = await asMe({ action: "submit", modal_id: modal.modal_id, values });
    local.form = null;
    const error = detailOf(outcome);
    if (outcome.ok && outcome.modal) showModal(outcome.modal, asked);
    if (!outcome.ok && !form.isOpen()) failCommand({ channelId, error });
    return { ...outcome, error };
  };
  // The button that asked for it may have been drawn anew, or be gone: then its message has the keyboard's place.
  const asked = document.activeElement?.closest("[data-message-id]")?.dataset.messageId ?? from;
  const onClose = () => document.activeElement === document.body && timeline.focus(asked);
  const form = openModal({ modal, bot: view.model.bot, model: view.model, submit, onClose });
}

const countThinking = () => view.model?.pending.filter((entry) => entry.thinking).length ?? 0;

function dismiss(id) {
  local.dismissed.add(id);
  local.failedCommands = local.failedCommands.filter((run) => run.id !== id);
  draw();
}

// ---- keys and the address -------------------------------------------------

/** Alt and an arrow walk the channels; Escape puts drawers away. */
function onKey(event) {
  if (!view.model || document.querySelector("dialog[open]")) return;
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const { channels } = view.model;
    const at = channels.findIndex((channel) => channel.id === view.channelId);
    const next = channels[(at + (event.key === "ArrowUp" ? -1 : 1) + channels.length) % channels.length];
    event.preventDefault();
    openChannel(next.id);
  } else if (event.key === "Escape" && !event.defaultPrevented) {
    if (view.phone) setPhone(false);
    else if (view.drawer || (view.members && innerWidth < 1000)) closePanes();
  }
}

function closePanes() {
  view.drawer = false;
  if (innerWidth < 1000) view.members = false;
  draw();
}

function onBack() {
  const wanted = wantedView();
  view.phone = wanted.phone;
  if (wanted.user && wanted.user !== view.user) {
    forgetLocal();
    Object.assign(view, { user: wanted.user, model: null, channelId: null, wantedChannel: wanted.channel });
    return refresh();
  }
  const channel = view.model && findChannel(wanted.channel, view.model);
  if (channel) enterChannel(channel, false);
}

function start() {
  const wanted = wantedView();
  Object.assign(view, { user: wanted.user, wantedChannel: wanted.channel, phone: wanted.phone });
  addEventListener("keydown", onKey);
  addEventListener("popstate", onBack);
  addEventListener("visibilitychange", () => view.model && draw());
  byId("scrim").addEventListener("click", closePanes);
  keepCounting();
  follow({
    onOpen: () => {
      setConnection("live");
      refresh();
    },
    onChange: refresh,
    onLost: () => setConnection("lost"),
  });
}

start();
