// The page as a whole: holds what is shown, listens to the server, passes on what people do.

import { Acts, nothingKnown } from "./acts.js";
import { Announcer } from "./announcer.js";
import { ApiError, fetchState, fetchUserNames, follow } from "./api.js";
import { Composer } from "./composer.js";
import { el, fill, isPhone } from "./dom.js";
import { threadChoices } from "./header.js";
import { channelSlug, findChannel, rememberedChannel, wantedView, writeView } from "./location.js";
import { Model } from "./model.js";
import { openMenu } from "./overlay.js";
import { drawPanes } from "./panes.js";
import { dropBanners, showBanner } from "./phone.js";
import { openPins } from "./pins.js";
import { DMS } from "./sidebar.js";
import { startTheme } from "./theme.js";
import { openThreads } from "./threads.js";
import { keepCounting } from "./time.js";
import { Timeline } from "./timeline.js";
import { Toolbar } from "./toolbar.js";
import { ReadMarks } from "./unread.js";

const byId = (id) => document.getElementById(id);
const root = document.documentElement;

startTheme();

const view = {
  user: null,
  wantedChannel: null,
  channelId: null,
  // The server whose channels are listed, or DMS.
  space: null,
  model: null,
  marks: null,
  readUpTo: null,
  drawer: false,
  members: innerWidth >= 1000,
  phone: false,
};

let local = nothingKnown();

const timeline = new Timeline({
  scroller: byId("scroller"),
  list: byId("messages"),
  top: byId("bars"),
  bottom: byId("jumps"),
  onMarkRead: () => {
    caughtUp();
    draw();
  },
});
const announcer = new Announcer(byId("announcer"));
const acts = new Acts({
  view,
  local: () => local,
  timeline,
  channel: currentChannel,
  draw,
  refresh,
  busyOf,
  caughtUp,
});
const composer = new Composer(byId("composer"), {
  model: () => view.model,
  channel: currentChannel,
  user: () => view.user,
  sendMessage: (content, extras) => acts.sendMessage(content, extras),
  runCommand: (command, options) => acts.runCommand(command, options),
  upload: (file) => acts.upload(file),
  createThread: () => showThreads({ creating: true }),
  onReply: () => view.model && draw(),
});

// What the parts of the conversation may ask for.
const doing = {
  openChannel,
  openMessage,
  openPins: () => showPins(),
  openThreads: () => showThreads({}),
  dismiss: (id) => acts.dismiss(id),
  click: (message, customId) => acts.click(message, customId),
  select: (message, customId, values) => acts.select(message, customId, values),
  react: (message, emoji, on) => acts.react(message, emoji, on),
  pin: (message, on) => acts.pin(message, on),
  useContext: (targetId, command) => acts.useContext(targetId, command),
};

new Toolbar(byId("messages"), {
  ...doing,
  model: () => view.model,
  commands: () => view.model.commandsAt(currentChannel(), view.model.contextCommands),
  message: (id) => currentChannel()?.messages.find((one) => one.id === id) ?? null,
  reply: (message) => composer.reply(message),
  threads: (message) => Boolean(message.thread) || currentChannel()?.kind === "guild",
  openThread: (message) => {
    if (message.thread) openChannel(String(message.thread.id));
    else showThreads({ creating: true, message });
  },
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

const answered = (error) => `The server answered: ${error.message}`;

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
    else if (error instanceof ApiError) setConnection("lost", answered(error));
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
  if (!names.length || names.includes(view.user))
    return setConnection("lost", "The server knows no users.");
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
  // What comes while somebody reads along is not new to them.
  if (isAttentive() && !timeline.hasNewLine) caughtUp();
  draw();
  redrawPanel();
  local.form?.();
  root.dataset.change = model.change;
  root.dataset.ready = "true";
}

function chooseChannel() {
  const { model } = view;
  const slugs = [view.wantedChannel, rememberedChannel(view.user)];
  const wanted = slugs.map((slug) => findChannel(slug, model)).find(Boolean);
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
  const isElsewhere = (note) => note.channel_id !== view.channelId && !view.phone;
  for (const note of model.notifications.filter((one) => one.n > local.lastNote))
    if (isElsewhere(note)) showBanner(note, { model, openNotification });
  local.lastNote = newest;
  if (view.phone || newest < local.seenNote) local.seenNote = newest;
}

function openNotification(note) {
  if (isPhone()) setPhone(false);
  openMessage(note.message_id, note.channel_id);
}

/** Brings a message into view, in whatever channel it is. */
function openMessage(id, channelId) {
  const holds = (channel) => channel.messages.some((message) => message.id === id);
  const known = view.model.channel(channelId ?? view.channelId);
  const channel = known && holds(known) ? known : view.model.channels.find(holds);
  if (channel && channel.id !== view.channelId) openChannel(channel.id);
  timeline.show(id);
}

// ---- drawing --------------------------------------------------------------

function currentChannel() {
  return view.model?.channel(view.channelId) ?? null;
}

const unreadOf = (channel) => view.marks.unread(channel, view.model);

/** Whether somebody looks at the end of the conversation. */
const isAttentive = () => document.visibilityState === "visible" && timeline.follows;

/** Nothing that stands in the open channel is new any more. */
function caughtUp() {
  view.readUpTo = currentChannel()?.messages.at(-1)?.id ?? view.readUpTo;
}

function draw(fresh = false) {
  const { model } = view;
  // Between two users there is nothing to draw.
  if (!model) return;
  const channel = currentChannel();
  model.stand(channel);
  if (channel && document.visibilityState === "visible") view.marks.markRead(channel);
  drawPanes({
    view,
    local,
    channel,
    title: titleOf(channel),
    unreadOf,
    doing: { ...doing, ...headerPanels, openSpace, switchUser, toggle, openNotification, setPhone },
  });
  timeline.update(
    {
      model,
      channel,
      readUpTo: view.readUpTo,
      dismissed: local.dismissed,
      busy: busyOf,
      failure: (message) => local.failures.get(message.id) ?? null,
      failedCommands: local.failedCommands,
      replyingTo: composer.replyTo?.id,
      actions: doing,
    },
    fresh,
  );
  announcer.update(model, channel);
  composer.refresh({ fresh, title: titleOf(channel), enabled: Boolean(channel) });
}

function titleOf(channel) {
  if (!channel) return "no channel";
  const title = view.model.channelTitle(channel);
  return { dm: `@${title}`, thread: `“${title}”`, guild: `#${title}` }[channel.kind];
}

// ---- panels of the header -------------------------------------------------

const headerPanels = {
  openPins: (anchor) => showPins(anchor),
  openThreads: (anchor) => showThreads({ anchor }),
  threadMenu: async (anchor) => {
    const items = threadChoices(currentChannel());
    const shown = { anchor, title: "Thread", items, testid: "thread-actions", width: 220 };
    const [action] = (await openMenu(shown)) ?? [];
    if (action) acts.changeThread(action);
  },
};

// Draws the open panel anew; does nothing without one.
let redrawPanel = () => {};

const headerButton = (testid) =>
  document.querySelector(`#channel-header [data-testid="${testid}"]`);

const modelNow = () => view.model;

function showPins(anchor = headerButton("open-pins")) {
  redrawPanel = openPins(anchor, { model: modelNow, channel: currentChannel(), actions: doing });
}

/** With `creating` at the field for a name; `message` is where the new thread begins. */
function showThreads({ anchor = headerButton("open-threads"), creating, message }) {
  const createThread = async (name) => {
    const id = await acts.createThread(name, message);
    if (id) openChannel(String(id));
  };
  const actions = { openChannel, createThread };
  openThreads(anchor, { model: modelNow, channel: currentChannel(), actions, creating });
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
  view.space = channel?.kind === "dm" ? DMS : view.model.guildOf(channel).id;
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

/**
 * Lists the channels of a server, or the people one writes with. On a wide screen the one that was
 * open there last is opened too; on a phone the list is what one came for.
 */
function openSpace(space) {
  const { model } = view;
  const inside = space === DMS ? model.directMessages : model.channelsOf(space);
  if (isPhone()) {
    view.space = space;
    return draw();
  }
  const last = model.channel(lastOpen.get(space));
  const target = last ?? inside[0];
  if (target) openChannel(target.id);
}

/** The channel that was open last in each space. */
const lastOpen = new Map();

function remember(push) {
  lastOpen.set(view.space, view.channelId);
  const { user, phone, model } = view;
  writeView({ user, channel: channelSlug(currentChannel(), model), phone }, push);
}

function switchUser(name) {
  forgetLocal();
  lastOpen.clear();
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
  local = nothingKnown();
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

// ---- keys and the address -------------------------------------------------

/** Alt and an arrow walk the channels; Escape puts drawers away. */
function onKey(event) {
  if (!view.model || document.querySelector("dialog[open]")) return;
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    // Threads come with their channel; of other servers none.
    const channels = view.model.channels.filter((one) => (one.guildId ?? DMS) === view.space);
    const at = channels.findIndex((channel) => channel.id === view.channelId);
    const step = event.key === "ArrowUp" ? -1 : 1;
    const next = channels[(at + step + channels.length) % channels.length];
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
    const { user, channel } = wanted;
    Object.assign(view, { user, model: null, channelId: null, wantedChannel: channel });
    return refresh();
  }
  const channel = view.model && findChannel(wanted.channel, view.model);
  if (channel) enterChannel(channel, false);
}

function start() {
  const wanted = wantedView();
  const { user, channel, phone } = wanted;
  Object.assign(view, { user, wantedChannel: channel, phone });
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
