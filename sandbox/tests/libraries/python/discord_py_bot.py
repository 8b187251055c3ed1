"""A bot of discord.py that goes through all features of the test."""

import io
import json
import os

import discord
import yarl
from discord import app_commands, ui

addresses = json.loads(os.environ["SANDBOX"])

# Points discord.py at the sandbox.
discord.http.Route.BASE = addresses["rest"] + "/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(addresses["gateway"])

intents = discord.Intents.default()
intents.members = True
intents.message_content = True
client = discord.Client(intents=intents)
tree = app_commands.CommandTree(client)
FEATURES = {}


def feature(handler):
    FEATURES[handler.__name__] = handler
    return handler


def channel(name):
    return client.get_channel(int(addresses["channels"][name]))


@tree.command(description="Shows a feature")
async def run(interaction: discord.Interaction, feature: str):
    await FEATURES[feature](interaction)


@run.autocomplete("feature")
async def complete(interaction: discord.Interaction, typed: str):
    return [app_commands.Choice(name=n, value=n) for n in FEATURES if n.startswith(typed)]


class Card(ui.View):
    @ui.button(label="Go", custom_id="go")
    async def go(self, interaction, button):
        await interaction.response.edit_message(content=f"clicked by {interaction.user.name}")

    @ui.select(custom_id="menu", options=[discord.SelectOption(label=x) for x in "ab"])
    async def menu(self, interaction, select):
        content = f"chose {select.values[0]}"
        await interaction.response.edit_message(content=content, embed=None, view=None)


@feature
async def card(interaction):
    embed = discord.Embed(title=f"A card for {interaction.user.name}")
    await interaction.response.send_message(embed=embed, view=Card())


class Form(ui.Modal, title="Form"):
    name = ui.TextInput(label="Name", custom_id="name")

    async def on_submit(self, interaction):
        await interaction.response.send_message(f"Hello, {self.name.value}!")


@feature
async def form(interaction):
    await interaction.response.send_modal(Form())


@feature
async def slow(interaction):
    await interaction.response.defer(thinking=True)
    await interaction.followup.send("done")
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
    pins = [m.content async for m in channel("decisions").pins()]
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


class LabelForm(ui.Modal, title="Labels"):
    name = ui.Label(text="Name", component=ui.TextInput(custom_id="name"))
    letter = ui.Label(
        text="Letter",
        component=ui.Select(
            custom_id="letter", options=[discord.SelectOption(label=x) for x in "ab"]
        ),
    )

    async def on_submit(self, interaction):
        name, letter = self.name.component.value, self.letter.component.values[0]
        await interaction.response.send_message(f"{name} chose {letter}")


@feature
async def label(interaction):
    await interaction.response.send_modal(LabelForm())


class Layout(ui.LayoutView):
    def __init__(self):
        super().__init__()
        button = ui.Button(label="Go", custom_id="layout")
        button.callback = self.go
        self.add_item(
            ui.Container(
                ui.TextDisplay("# Version 2"), ui.Separator(), ui.Section("text", accessory=button)
            )
        )

    async def go(self, interaction):
        await interaction.response.send_message("went")


@feature
async def version2(interaction):
    await interaction.response.send_message(view=Layout())


@client.event
async def on_message(message):
    if message.guild is None and not message.author.bot:
        await message.channel.send(f"{message.author.name} said {message.content}")


@client.event
async def setup_hook():
    await tree.sync()


client.run(addresses["token"])
