"""A bot of disnake that goes through all features of the test."""

import io
import json
import os

import disnake
from disnake import ui
from disnake.ext import commands

addresses = json.loads(os.environ["SANDBOX"])

# Points disnake at the sandbox.
disnake.http.Route.BASE = addresses["rest"] + "/v10"

intents = disnake.Intents.default()
intents.members = True
intents.message_content = True
bot = commands.InteractionBot(intents=intents)
FEATURES = {}


def feature(handler):
    FEATURES[handler.__name__] = handler
    return handler


def channel(name):
    return bot.get_channel(int(addresses["channels"][name]))


@bot.slash_command(description="Shows a feature")
async def run(interaction: disnake.ApplicationCommandInteraction, feature: str):
    await FEATURES[feature](interaction)


@run.autocomplete("feature")
async def complete(interaction, typed: str):
    return [name for name in FEATURES if name.startswith(typed)]


class Card(ui.View):
    @ui.button(label="Go", custom_id="go")
    async def go(self, button, interaction):
        await interaction.response.edit_message(content=f"clicked by {interaction.user.name}")

    @ui.string_select(custom_id="menu", options=["a", "b"])
    async def menu(self, select, interaction):
        content = f"chose {select.values[0]}"
        await interaction.response.edit_message(content=content, embed=None, view=None)


@feature
async def card(interaction):
    embed = disnake.Embed(title=f"A card for {interaction.user.name}")
    await interaction.response.send_message(embed=embed, view=Card())


class Form(ui.Modal):
    def __init__(self):
        text_input = ui.TextInput(label="Name", custom_id="name")
        super().__init__(title="Form", components=text_input)

    async def callback(self, interaction):
        await interaction.response.send_message(f"Hello, {interaction.text_values['name']}!")


@feature
async def form(interaction):
    await interaction.response.send_modal(Form())


@feature
async def slow(interaction):
    await interaction.response.defer()
    await interaction.edit_original_response("done")
    await interaction.followup.send("and more")


@feature
async def secret(interaction):
    await interaction.response.send_message("hush", ephemeral=True)


@feature
async def file(interaction):
    await interaction.response.send_message(file=disnake.File(io.BytesIO(b"hello"), "hello.txt"))


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
    pins = [m.content async for m in channel("decisions").pins()]
    await interaction.response.send_message(", ".join(pins))


@feature
async def members(interaction):
    members = [m.name async for m in interaction.guild.fetch_members()]
    await interaction.response.send_message(", ".join(sorted(members)))


@feature
async def roles(interaction):
    role = disnake.utils.get(interaction.guild.roles, name="Approvers")
    await interaction.user.add_roles(role)
    member = await interaction.guild.fetch_member(interaction.user.id)
    names = [role.name for role in member.roles]
    await member.remove_roles(role)
    await interaction.response.send_message(", ".join(names))


class LabelForm(ui.Modal):
    def __init__(self):
        letter = ui.StringSelect(custom_id="letter", options=["a", "b"])
        super().__init__(
            title="Labels",
            components=[
                ui.Label("Name", ui.TextInput(custom_id="name")),
                ui.Label("Letter", letter),
            ],
        )

    async def callback(self, interaction):
        values = interaction.resolved_values
        name, letter = values["name"], values["letter"][0]
        await interaction.response.send_message(f"{name} chose {letter}")


@feature
async def label(interaction):
    await interaction.response.send_modal(LabelForm())


@feature
async def version2(interaction):
    button = ui.Button(label="Go", custom_id="layout")
    container = ui.Container(
        ui.TextDisplay("# Version 2"),
        ui.Separator(),
        ui.Section(ui.TextDisplay("text"), accessory=button),
    )
    await interaction.response.send_message(components=[container])


@bot.listen("on_button_click")
async def layout(interaction):
    if interaction.component.custom_id == "layout":
        await interaction.response.send_message("went")


@bot.event
async def on_message(message):
    if message.guild is None and not message.author.bot:
        await message.channel.send(f"{message.author.name} said {message.content}")


bot.run(addresses["token"])
