"""A bot of nextcord that goes through all features of the test."""

import io
import json
import os

import nextcord
from nextcord import components, ui

addresses = json.loads(os.environ["SANDBOX"])

# Points nextcord at the sandbox.
nextcord.http.Route.BASE = addresses["rest"] + "/v10"

intents = nextcord.Intents.default()
intents.members = True
intents.message_content = True
client = nextcord.Client(intents=intents)
FEATURES = {}


def feature(handler):
    FEATURES[handler.__name__] = handler
    return handler


def channel(name):
    return client.get_channel(int(addresses["channels"][name]))


@client.slash_command(description="Shows a feature")
async def run(interaction: nextcord.Interaction, feature: str):
    await FEATURES[feature](interaction)


@run.on_autocomplete("feature")
async def complete(interaction, typed: str):
    await interaction.response.send_autocomplete([n for n in FEATURES if n.startswith(typed)])


class Card(ui.View):
    @ui.button(label="Go", custom_id="go")
    async def go(self, button, interaction):
        await interaction.response.edit_message(content=f"clicked by {interaction.user.name}")

    @ui.string_select(custom_id="menu", options=[nextcord.SelectOption(label=x) for x in "ab"])
    async def menu(self, select, interaction):
        content = f"chose {select.values[0]}"
        await interaction.response.edit_message(content=content, embed=None, view=None)


@feature
async def card(interaction):
    embed = nextcord.Embed(title=f"A card for {interaction.user.name}")
    await interaction.response.send_message(embed=embed, view=Card())


class Form(ui.Modal):
    def __init__(self):
        super().__init__("Form")
        self.name = ui.TextInput(label="Name", custom_id="name")
        self.add_item(self.name)

    async def callback(self, interaction):
        await interaction.response.send_message(f"Hello, {self.name.value}!")


@feature
async def form(interaction):
    await interaction.response.send_modal(Form())


@feature
async def slow(interaction):
    await interaction.response.defer()
    await interaction.edit_original_message(content="done")
    await interaction.followup.send("and more")


@feature
async def secret(interaction):
    await interaction.response.send_message("hush", ephemeral=True)


@feature
async def file(interaction):
    await interaction.response.send_message(file=nextcord.File(io.BytesIO(b"hello"), "hello.txt"))


@feature
async def dm(interaction):
    await interaction.user.send("psst")
    await interaction.response.send_message("sent")


@feature
async def history(interaction):
    messages = [m async for m in channel("web-shop").history(limit=2)]
    await interaction.response.send_message(", ".join(m.content for m in reversed(messages)))


@feature
async def say(interaction):
    await interaction.response.defer()
    await channel("mobile-app").send("said")
    await interaction.followup.send("said")


@feature
async def reaction(interaction):
    message = await channel("decisions").send("react")
    await message.add_reaction("👍")
    await interaction.response.send_message("reacted")


@client.event
async def on_raw_reaction_add(event):
    if event.user_id != client.user.id:
        name = event.member.name
        await client.get_channel(event.channel_id).send(f"{name} reacted with {event.emoji}")


@feature
async def thread(interaction):
    message = await channel("decisions").send("a topic")
    thread = await message.create_thread(name="talk")
    await thread.send("in the thread")
    await interaction.response.send_message(thread.name)


@feature
async def pin(interaction):
    message = await channel("decisions").send("pinned")
    await message.pin()
    pins = [m.content for m in await channel("decisions").pins()]
    await interaction.response.send_message(", ".join(pins))


@feature
async def members(interaction):
    members = [m.name async for m in interaction.guild.fetch_members()]
    await interaction.response.send_message(", ".join(sorted(members)))


@feature
async def roles(interaction):
    role = nextcord.utils.get(interaction.guild.roles, name="Approvers")
    await interaction.user.add_roles(role)
    member = await interaction.guild.fetch_member(interaction.user.id)
    names = [role.name for role in member.roles]
    await member.remove_roles(role)
    await interaction.response.send_message(", ".join(names))


@feature
async def version2(interaction):
    button = components.Button(style=nextcord.ButtonStyle.primary, label="Go", custom_id="layout")
    section = components.Section(button, [components.TextDisplay("text")])
    parts = [components.TextDisplay("# Version 2"), components.Separator(), section]
    await interaction.response.send_message(components=[components.Container(parts)])


@client.event
async def on_interaction(interaction):
    if (interaction.data or {}).get("custom_id") == "layout":
        await interaction.response.send_message("went")
    else:
        await client.process_application_commands(interaction)


@client.event
async def on_message(message):
    if message.guild is None and not message.author.bot:
        await message.channel.send(f"{message.author.name} said {message.content}")


client.run(addresses["token"])
