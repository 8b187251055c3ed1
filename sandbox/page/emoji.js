// The choice of an emoji to react with. Unicode ones only, each with the words it is found by.

import { el, fill, isPhone } from "./dom.js";
import { show } from "./overlay.js";

/** Those at hand without opening the whole choice. */
export const QUICK = ["👍", "❤️", "😂", "🎉", "👀"];

const ALL = `
👍 thumbs up yes +1|👎 thumbs down no -1|❤️ heart love|😂 joy laugh tears|🎉 tada party|👀 eyes look
✅ check done yes|❌ cross no|🔥 fire hot|🚀 rocket ship|💯 hundred|🙏 thanks pray please|👏 clap
😀 grin happy|😄 smile happy|😅 sweat relief|🤣 rolling laugh|😊 blush smile|😉 wink|😍 heart eyes
😘 kiss|😎 cool sunglasses|🤔 thinking hmm|🤨 raised eyebrow|😐 neutral|🙄 rolling eyes|😬 grimace
😴 sleep tired|😢 cry sad|😭 sob cry|😡 angry rage|🤯 mind blown|😱 scream fear|🥳 party face
🤗 hug|🤝 handshake deal|🫡 salute|🤷 shrug|🤦 facepalm|💪 strong muscle|👋 wave hello bye|👌 ok
✌️ peace victory|🤞 fingers crossed luck|👇 down point|👆 up point|👉 right point|👈 left point
🙌 raised hands hooray|✍️ writing|💔 broken heart|🧡 orange heart|💛 yellow heart|💚 green heart
💙 blue heart|💜 purple heart|🖤 black heart|✨ sparkles|⭐ star|🌟 glowing star|⚡ lightning zap
☀️ sun|🌙 moon|🌈 rainbow|❄️ snow cold|🌊 wave sea|🎈 balloon|🎁 gift present|🎂 cake birthday
🍕 pizza|🍎 apple|🍰 cake|🍪 cookie|🍫 chocolate|🍬 candy|☕ coffee|🍺 beer|🍻 cheers|🥂 toast
🐛 bug|🐞 beetle|🦆 duck|🪿 goose|🐢 turtle slow|🐌 snail slow|🦀 crab rust|🐍 snake python|🐙 octopus
🐳 whale|🦊 fox|🐱 cat|🐶 dog|🚢 ship|⚓ anchor|🚗 car|✈️ plane|🏠 house home|🏁 finish flag
🚧 construction wip|⚠️ warning|⛔ stop no entry|🛑 stop|❓ question|❗ exclamation|💡 idea bulb
📌 pin|📎 paperclip|📝 memo note|📅 calendar date|📈 chart up|📉 chart down|🔒 lock|🔓 unlock|🔑 key
🔧 wrench fix|🔨 hammer build|🧪 test tube|🧹 broom clean|🗑️ trash bin|📦 package|💾 disk save
🖥️ desktop|💻 laptop|📱 phone|🤖 robot bot|👻 ghost|💀 skull dead|🎃 pumpkin|🎵 music|🎮 game
🏆 trophy win|🥇 first gold|🥈 second silver|🥉 third bronze|⏰ alarm clock|⏳ hourglass wait|🔔 bell
🔴 red circle|🟠 orange circle|🟡 yellow circle|🟢 green circle|🔵 blue circle|⬆️ up arrow|⬇️ down arrow
1️⃣ one|2️⃣ two|3️⃣ three|4️⃣ four|5️⃣ five`
  .trim()
  .split(/[|\n]/)
  .map((entry) => {
    const [sign, ...words] = entry.split(" ");
    return { sign, words: words.join(" ") };
  });

/** Opens the choice at `anchor`; resolves to the emoji, or null. */
export function pickEmoji(anchor) {
  return new Promise((resolve) => {
    let chosen = null;
    const grid = el("div", { class: "emoji-grid", role: "group", "aria-label": "Emoji" });
    const search = el("input", {
      class: "field-text",
      type: "search",
      placeholder: "Find an emoji",
      "aria-label": "Find an emoji",
      data: { testid: "emoji-search" },
    });
    const dialog = el(
      "dialog",
      { class: "menu", "aria-label": "Add a reaction", data: { testid: "emoji-picker" } },
      el("div", { class: "sheet-head" }, el("div", { class: "grabber" }), "Add a reaction"),
      el("div", { class: "emoji-search" }, search),
      grid,
    );
    const pick = (sign) => {
      chosen = sign;
      dialog.close();
    };
    const list = () => fill(grid, buttons(search.value.trim().toLowerCase(), pick));
    search.addEventListener("input", list);
    search.addEventListener("keydown", (event) => {
      const first = grid.querySelector("button");
      if (event.key === "Enter" && first) {
        // The same key must not press what has the focus next.
        event.preventDefault();
        first.click();
      }
      if (event.key === "ArrowDown") moveTo(event, grid.querySelector("button"));
    });
    grid.addEventListener("keydown", walk);
    list();
    show(dialog, anchor, 346, () => dialog.close(), () => resolve(chosen));
    // On a phone the keyboard would cover the choice.
    (isPhone() ? grid.querySelector("button") : search).focus();
  });
}

function buttons(typed, pick) {
  const found = ALL.filter((one) => one.words.includes(typed) || one.sign === typed);
  if (!found.length) return el("p", { class: "emoji-none" }, "No such emoji");
  return found.map(({ sign, words }) =>
    el(
      "button",
      {
        type: "button",
        "aria-label": words,
        title: words,
        data: { testid: "emoji", emoji: sign },
        on: { click: () => pick(sign) },
      },
      sign,
    ),
  );
}

function moveTo(event, node) {
  event.preventDefault();
  node?.focus();
}

/** Arrow keys walk the grid as it is laid out. */
function walk(event) {
  const all = [...event.currentTarget.querySelectorAll("button")];
  const at = all.indexOf(event.target);
  const top = all[0]?.offsetTop;
  const columns = all.findIndex((node) => node.offsetTop !== top);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (at >= 0 && event.key in steps) moveTo(event, all[at + steps[event.key]]);
}
