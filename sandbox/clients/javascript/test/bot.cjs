// A bot of thirty lines.
const { Client, Events, GatewayIntentBits } = require("discord.js");

const addresses = JSON.parse(process.env.SANDBOX);
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
  rest: { api: addresses.rest },
});

client.once(Events.ClientReady, () =>
  client.application.commands.create({
    name: "greet",
    description: "Says hello",
    options: [{ name: "name", description: "Whom", type: 3, required: true }],
  }),
);

client.on(Events.InteractionCreate, (interaction) =>
  interaction.reply(`Hello, ${interaction.options.getString("name")}!`),
);

client.on(Events.MessageCreate, async (message) => {
  if (message.mentions.has(client.user) && !message.author.bot) {
    await message.reply("At your service.");
  }
});

client.login(addresses.token);
