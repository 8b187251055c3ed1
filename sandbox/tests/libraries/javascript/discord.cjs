// A bot of discord.js that goes through all features of the test.
const {
  ActionRowBuilder, ButtonBuilder, ButtonStyle, Client, ContainerBuilder, EmbedBuilder, Events,
  GatewayIntentBits, LabelBuilder, MessageFlags, ModalBuilder, Partials, SectionBuilder,
  StringSelectMenuBuilder, TextInputBuilder, TextInputStyle,
} = require("discord.js");

const addresses = JSON.parse(process.env.SANDBOX);
const intents = GatewayIntentBits;

const client = new Client({
  intents: [
    intents.Guilds, intents.GuildMembers, intents.GuildMessages, intents.GuildMessageReactions,
    intents.DirectMessages, intents.MessageContent,
  ],
  partials: [Partials.Channel, Partials.Message, Partials.Reaction],
  // Points discord.js at the sandbox.
  rest: { api: addresses.rest },
});

const channel = (name) => client.channels.cache.get(addresses.channels[name]);
const letters = [..."ab"].map((letter) => ({ label: letter, value: letter }));
const menu = (id) => new StringSelectMenuBuilder().setCustomId(id).addOptions(letters);
const button = (id) =>
  new ButtonBuilder().setCustomId(id).setLabel("Go").setStyle(ButtonStyle.Primary);

const features = {
  async card(interaction) {
    const embed = new EmbedBuilder().setTitle(`A card for ${interaction.user.username}`);
    const rows = [button("go"), menu("menu")].map((one) => new ActionRowBuilder().addComponents(one));
    await interaction.reply({ embeds: [embed], components: rows });
  },
  async form(interaction) {
    const input = new TextInputBuilder()
      .setCustomId("name").setLabel("Name").setStyle(TextInputStyle.Short);
    const row = new ActionRowBuilder().addComponents(input);
    const form = new ModalBuilder().setCustomId("form").setTitle("Form").addComponents(row);
    await interaction.showModal(form);
  },
  async slow(interaction) {
    await interaction.deferReply();
    await interaction.editReply("done");
    await interaction.followUp("and more");
  },
  async secret(interaction) {
    await interaction.reply({ content: "hush", flags: MessageFlags.Ephemeral });
  },
  async file(interaction) {
    await interaction.reply({ files: [{ attachment: Buffer.from("hello"), name: "hello.txt" }] });
  },
  async dm(interaction) {
    await interaction.user.send("psst");
    await interaction.reply("sent");
  },
  async history(interaction) {
    const messages = await channel("web-shop").messages.fetch({ limit: 2 });
    await interaction.reply(messages.map((message) => message.content).reverse().join(", "));
  },
  async say(interaction) {
    await interaction.deferReply();
    await channel("mobile-app").send("said");
    await interaction.editReply("said");
  },
  async reaction(interaction) {
    const message = await channel("decisions").send("react");
    await message.react("👍");
    await interaction.reply("reacted");
  },
  async thread(interaction) {
    const message = await channel("decisions").send("a topic");
    const thread = await message.startThread({ name: "talk" });
    await thread.send("in the thread");
    await interaction.reply(thread.name);
  },
  async pin(interaction) {
    const message = await channel("decisions").send("pinned");
    await message.pin();
    const pins = await channel("decisions").messages.fetchPins();
    await interaction.reply(pins.items.map((pin) => pin.message.content).join(", "));
  },
  async members(interaction) {
    const members = await interaction.guild.members.list({ limit: 1000 });
    await interaction.reply(members.map((member) => member.user.username).sort().join(", "));
  },
  async roles(interaction) {
    const role = interaction.guild.roles.cache.find((role) => role.name === "Approvers");
    await interaction.member.roles.add(role);
    const member = await interaction.guild.members.fetch({ user: interaction.user, force: true });
    const names = member.roles.cache.map((role) => role.name).join(", ");
    await member.roles.remove(role);
    await interaction.reply(names);
  },
  async label(interaction) {
    const input = new TextInputBuilder().setCustomId("name").setStyle(TextInputStyle.Short);
    const name = new LabelBuilder().setLabel("Name").setTextInputComponent(input);
    const letter = new LabelBuilder().setLabel("Letter").setStringSelectMenuComponent(menu("letter"));
    const form = new ModalBuilder().setCustomId("labels").setTitle("Labels");
    await interaction.showModal(form.addLabelComponents(name, letter));
  },
  async version2(interaction) {
    const section = new SectionBuilder()
      .addTextDisplayComponents((text) => text.setContent("text"))
      .setButtonAccessory(button("layout"));
    const container = new ContainerBuilder()
      .addTextDisplayComponents((text) => text.setContent("# Version 2"))
      .addSeparatorComponents((line) => line)
      .addSectionComponents(section);
    await interaction.reply({ components: [container], flags: MessageFlags.IsComponentsV2 });
  },
};

const components = {
  go: (interaction) => interaction.update(`clicked by ${interaction.user.username}`),
  menu: (interaction) => {
    const content = `chose ${interaction.values[0]}`;
    return interaction.update({ content, embeds: [], components: [] });
  },
  layout: (interaction) => interaction.reply("went"),
  form: (interaction) => interaction.reply(`Hello, ${interaction.fields.getTextInputValue("name")}!`),
  labels: (interaction) => {
    const [letter] = interaction.fields.getStringSelectValues("letter");
    return interaction.reply(`${interaction.fields.getTextInputValue("name")} chose ${letter}`);
  },
};

client.once(Events.ClientReady, async () => {
  const option = {
    name: "feature", description: "Which", type: 3, required: true, autocomplete: true,
  };
  await client.application.commands.create({
    name: "run", description: "Shows a feature", options: [option],
  });
});

client.on(Events.InteractionCreate, async (interaction) => {
  if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused();
    const names = Object.keys(features).filter((name) => name.startsWith(typed));
    await interaction.respond(names.map((name) => ({ name, value: name })));
  } else if (interaction.isChatInputCommand()) {
    await features[interaction.options.getString("feature")](interaction);
  } else {
    await components[interaction.customId](interaction);
  }
});

client.on(Events.MessageReactionAdd, async (reaction, user) => {
  if (user.id !== client.user.id) {
    await reaction.message.channel.send(`${user.username} reacted with ${reaction.emoji.name}`);
  }
});

client.on(Events.MessageCreate, async (message) => {
  if (!message.guildId && !message.author.bot) {
    await message.channel.send(`${message.author.username} said ${message.content}`);
  }
});

client.on(Events.Error, console.error);
process.on("unhandledRejection", console.error);
client.login(addresses.token);
