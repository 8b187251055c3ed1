"""A bot of py-cord that goes through all features of the test."""

import io
import json
import os

import discord
from discord import ui

addresses = json.loads(os.environ["SANDBOX"])

# Points py-cord at the sandbox.
discord.http.Route.API_BASE_URL = addresses["rest"] + "/v{API_VERSION}"

intents = discord.Intents.default()
intents.members = True
intents.message_content = True
bot = discord.Bot(intents=intents)
FEATURES = {}


def feature(handler):
    FEATURES[handler.__name__] = handler
    return handler


def channel(name):
    return bot.get_channel(int(addresses["channels"][name]))


async def complete(context: discord.AutocompleteContext):
    return [name for name in FEATURES if name.startswith(context.value)]


@bot.slash_command(description="Shows a feature")
@discord.option("feature", str, autocomplete=complete)
async def run(context: discord.ApplicationContext, feature: str):
    await FEATURES[feature](context.interaction)


class Card(ui.View):
    @ui.button(label="Go", custom_id="go")
    async def go(self, button, interaction):
        await interaction.response.edit_message(content=f"clicked by {interaction.user.name}")

    @ui.string_select(custom_id="menu", options=[discord.SelectOption(label=x) for x in "ab"])
    async def menu(self, select, interaction):
        content = f"chose {select.values[0]}"
        await interaction.response.edit_message(content=content, embed=None, view=None)


@feature
async def card(interaction):
    embed = discord.Embed(title=f"A card for {interaction.user.name}")
    await interaction.response.send_message(embed=embed, view=Card())


class Form(ui.Modal):
    def __init__(self):
        super().__init__(ui.InputText(label="Name", custom_id="name"), title="Form")

    async def callback(self, interaction):
        await interaction.response.send_message(f"Hello, {self.children[0].value}!")


@feature
async def form(interaction):
    await interaction.response.send_modal(Form())


@feature
async def slow(interaction):
    await interaction.response.defer()
    await interaction.edit_original_response(content="done")
    await interaction.followup.send("and more")


@feature
async def secret(interaction):
    await interaction.response.send_message("hush", ephemeral=True)


@feature
async def file(interaction):
    await interaction.response.send_message(file=discord.File(io.BytesIO(b"hello"), "hello.txt"))


@feature
async def dm(interaction):
    await interaction.user.send("psst")
    await interaction.response.send_message("sent")


@feature
async def history(interaction):
    messages = await channel("web-shop").history(limit=2).flatten()
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


@bot.event
async def on_raw_reaction_add(event):
    if event.user_id != bot.user.id:
        name = event.member.name
        await bot.get_channel(event.channel_id).send(f"{name} reacted with {event.emoji}")


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
    pins = [pinned.message.content async for pinned in channel("decisions").pins()]
    await interaction.response.send_message(", ".join(pins))


@feature
async def members(interaction):
    members = [m.name async for m in interaction.guild.fetch_members()]
    await interaction.response.send_message(", ".join(sorted(members)))


@feature
async def roles(interaction):
    role = discord.utils.get(interaction.guild.roles, name="Approvers")
    await interaction.user.add_roles(role)
    member = await interaction.guild.fetch_member(interaction.user.id)
    names = [role.name for role in member.roles]
    await member.remove_roles(role)
    await interaction.response.send_message(", ".join(names))


class LabelForm(ui.DesignerModal):
    def __init__(self):
        self.name = ui.InputText(custom_id="name")
        options = [discord.SelectOption(label=x) for x in "ab"]
        self.letter = ui.StringSelect(custom_id="letter", options=options)
        labels = (ui.Label("Name", self.name), ui.Label("Letter", self.letter))
        super().__init__(*labels, title="Labels")

    async def callback(self, interaction):
        name, letter = self.name.value, self.letter.values[0]
        await interaction.response.send_message(f"{name} chose {letter}")


@feature
async def label(interaction):
    await interaction.response.send_modal(LabelForm())


@feature
async def version2(interaction):
    async def go(interaction):
        await interaction.response.send_message("went")

    button = ui.Button(label="Go", custom_id="layout")
    button.callback = go
    section = ui.Section(ui.TextDisplay("text"), accessory=button)
    container = ui.Container(ui.TextDisplay("# Version 2"), ui.Separator(), section)
    await interaction.response.send_message(view=ui.DesignerView(container))


@bot.event
async def on_message(message):
    if message.guild is None and not message.author.bot:
        await message.channel.send(f"{message.author.name} said {message.content}")


bot.run(addresses["token"])
