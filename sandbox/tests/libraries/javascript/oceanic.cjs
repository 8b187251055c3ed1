// A bot of oceanic.js that goes through all features of the test.
const { Client } = require("oceanic.js");

const addresses = JSON.parse(process.env.SANDBOX);

const client = new Client({
  auth: `Bot ${addresses.token}`,
  gateway: {
    intents: [
      "GUILDS", "GUILD_MEMBERS", "GUILD_MESSAGES", "GUILD_MESSAGE_REACTIONS", "DIRECT_MESSAGES",
      "MESSAGE_CONTENT",
    ],
  },
  // Points oceanic.js at the sandbox.
  rest: { baseURL: `${addresses.rest}/v10` },
});

const EPHEMERAL = 1 << 6;
const VERSION_2 = 1 << 15;
const channel = (name) => addresses.channels[name];
const say = (name, content) => client.rest.channels.createMessage(channel(name), { content });
const row = (...components) => ({ type: 1, components });
const options = [..."ab"].map((letter) => ({ label: letter, value: letter }));
const menu = (customID) => ({ type: 3, customID, options });
const button = (customID) => ({ type: 2, style: 1, label: "Go", customID });

const features = {
  async card(interaction) {
    const title = `A card for ${interaction.user.username}`;
    const components = [row(button("go")), row(menu("menu"))];
    await interaction.createMessage({ embeds: [{ title }], components });
  },
  async form(interaction) {
    const input = { type: 4, customID: "name", label: "Name", style: 1 };
    await interaction.createModal({ customID: "form", title: "Form", components: [row(input)] });
  },
  async slow(interaction) {
    await interaction.defer();
    await interaction.editOriginal({ content: "done" });
    await interaction.createFollowup({ content: "and more" });
  },
  async secret(interaction) {
    await interaction.createMessage({ content: "hush", flags: EPHEMERAL });
  },
  async file(interaction) {
    const files = [{ name: "hello.txt", contents: Buffer.from("hello") }];
    await interaction.createMessage({ files });
  },
  async dm(interaction) {
    const dm = await interaction.user.createDM();
    await dm.createMessage({ content: "psst" });
    await interaction.createMessage({ content: "sent" });
  },
  async history(interaction) {
    const messages = await client.rest.channels.getMessages(channel("web-shop"), { limit: 2 });
    const content = messages.map((message) => message.content).reverse().join(", ");
    await interaction.createMessage({ content });
  },
  async say(interaction) {
    await interaction.defer();
    await say("mobile-app", "said");
    await interaction.editOriginal({ content: "said" });
  },
  async reaction(interaction) {
    const message = await say("decisions", "react");
    await message.createReaction("👍");
    await interaction.createMessage({ content: "reacted" });
  },
  async thread(interaction) {
    const message = await say("decisions", "a topic");
    const thread = await message.startThread({ name: "talk" });
    await thread.createMessage({ content: "in the thread" });
    await interaction.createMessage({ content: thread.name });
  },
  async pin(interaction) {
    const message = await say("decisions", "pinned");
    await message.pin();
    const pins = await client.rest.channels.getPins(channel("decisions"));
    const content = pins.map((pin) => pin.message.content).join(", ");
    await interaction.createMessage({ content });
  },
  async members(interaction) {
    const members = await client.rest.guilds.getMembers(interaction.guildID, { limit: 1000 });
    const content = members.map((member) => member.username).sort().join(", ");
    await interaction.createMessage({ content });
  },
  async roles(interaction) {
    const role = interaction.guild.roles.find((role) => role.name === "Approvers");
    await interaction.member.addRole(role.id);
    const member = await client.rest.guilds.getMember(interaction.guildID, interaction.user.id);
    const names = member.roles.map((id) => interaction.guild.roles.get(id).name);
    await member.removeRole(role.id);
    await interaction.createMessage({ content: names.join(", ") });
  },
  async label(interaction) {
    const components = [
      { type: 18, label: "Name", component: { type: 4, customID: "name", style: 1 } },
      { type: 18, label: "Letter", component: menu("letter") },
    ];
    await interaction.createModal({ customID: "labels", title: "Labels", components });
  },
  async version2(interaction) {
    const text = (content) => ({ type: 10, content });
    const section = { type: 9, components: [text("text")], accessory: button("layout") };
    const container = { type: 17, components: [text("# Version 2"), { type: 14 }, section] };
    await interaction.createMessage({ components: [container], flags: VERSION_2 });
  },
};

const components = {
  go: (interaction) =>
    interaction.editParent({ content: `clicked by ${interaction.user.username}` }),
  menu: (interaction) => {
    const [letter] = interaction.data.values.getStrings();
    return interaction.editParent({ content: `chose ${letter}`, embeds: [], components: [] });
  },
  layout: (interaction) => interaction.createMessage({ content: "went" }),
  form: (interaction) => {
    const name = interaction.data.components.getTextInput("name");
    return interaction.createMessage({ content: `Hello, ${name}!` });
  },
  labels: (interaction) => {
    const name = interaction.data.components.getTextInput("name");
    const [letter] = interaction.data.components.getStringSelectValues("letter");
    return interaction.createMessage({ content: `${name} chose ${letter}` });
  },
};

client.once("ready", async () => {
  const feature = {
    name: "feature", description: "Which", type: 3, required: true, autocomplete: true,
  };
  await client.application.createGlobalCommand({
    type: 1, name: "run", description: "Shows a feature", options: [feature],
  });
});

client.on("interactionCreate", async (interaction) => {
  if (interaction.isAutocompleteInteraction()) {
    const typed = interaction.data.options.getFocused().value;
    const names = Object.keys(features).filter((name) => name.startsWith(typed));
    await interaction.result(names.map((name) => ({ name, value: name })));
  } else if (interaction.isCommandInteraction()) {
    await features[interaction.data.options.getString("feature")](interaction);
  } else {
    await components[interaction.data.customID](interaction);
  }
});

client.on("messageReactionAdd", async (message, reactor, reaction) => {
  if (reactor.id !== client.user.id) {
    const content = `${reactor.username} reacted with ${reaction.emoji.name}`;
    await client.rest.channels.createMessage(message.channelID, { content });
  }
});

client.on("messageCreate", async (message) => {
  if (!message.guildID && !message.author.bot) {
    const content = `${message.author.username} said ${message.content}`;
    await client.rest.channels.createMessage(message.channelID, { content });
  }
});

client.on("error", console.error);
process.on("unhandledRejection", console.error);
client.connect();
