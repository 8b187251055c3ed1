"""A bot of hikari that goes through all features of the test."""

import json
import os

import hikari
from hikari import impl

addresses = json.loads(os.environ["SANDBOX"])

intents = (
    hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
)
# Points hikari at the sandbox.
bot = hikari.GatewayBot(
    addresses["token"], intents=intents, rest_url=addresses["rest"] + "/v10", banner=None
)
FEATURES = {}


def feature(handler):
    FEATURES[handler.__name__] = handler
    return handler


def channel(name):
    return int(addresses["channels"][name])


async def answer(interaction, content, **more):
    kind = hikari.ResponseType.MESSAGE_CREATE
    await interaction.create_initial_response(kind, content, **more)


@bot.listen()
async def started(event: hikari.StartedEvent):
    option = hikari.CommandOption(
        type=hikari.OptionType.STRING,
        name="feature",
        description="Which",
        is_required=True,
        autocomplete=True,
    )
    await bot.rest.create_slash_command(
        int(addresses["application_id"]), "run", "Shows a feature", options=[option]
    )


@bot.listen()
async def interaction_created(event: hikari.InteractionCreateEvent):
    interaction = event.interaction
    if isinstance(interaction, hikari.CommandInteraction):
        await FEATURES[interaction.options[0].value](interaction)
    elif isinstance(interaction, hikari.AutocompleteInteraction):
        names = [n for n in FEATURES if n.startswith(interaction.options[0].value)]
        choices = [impl.AutocompleteChoiceBuilder(n, n) for n in names]
        await interaction.create_response(choices)
    elif isinstance(interaction, hikari.ModalInteraction):
        name = interaction.components[0].components[0].value
        await answer(interaction, f"Hello, {name}!")
    elif interaction.custom_id == "go":
        kind = hikari.ResponseType.MESSAGE_UPDATE
        content = f"clicked by {interaction.user.username}"
        await interaction.create_initial_response(kind, content)
    elif interaction.custom_id == "menu":
        kind = hikari.ResponseType.MESSAGE_UPDATE
        content = f"chose {interaction.values[0]}"
        await interaction.create_initial_response(kind, content, embeds=[], components=[])
    elif interaction.custom_id == "layout":
        await answer(interaction, "went")


@feature
async def card(interaction):
    embed = hikari.Embed(title=f"A card for {interaction.user.username}")
    buttons = impl.MessageActionRowBuilder()
    buttons.add_interactive_button(hikari.ButtonStyle.PRIMARY, "go", label="Go")
    select = impl.MessageActionRowBuilder()
    menu = select.add_text_menu("menu")
    for letter in "ab":
        menu.add_option(letter, letter)
    await answer(interaction, hikari.UNDEFINED, embed=embed, components=[buttons, select])


@feature
async def form(interaction):
    row = impl.ModalActionRowBuilder().add_text_input("name", "Name")
    await interaction.create_modal_response("Form", "form", component=row)


@feature
async def slow(interaction):
    kind = hikari.ResponseType.DEFERRED_MESSAGE_CREATE
    await interaction.create_initial_response(kind)
    await interaction.edit_initial_response("done")
    await interaction.execute("and more")


@feature
async def secret(interaction):
    await answer(interaction, "hush", flags=hikari.MessageFlag.EPHEMERAL)


@feature
async def file(interaction):
    await answer(interaction, hikari.UNDEFINED, attachment=hikari.Bytes(b"hello", "hello.txt"))


@feature
async def dm(interaction):
    await interaction.user.send("psst")
    await answer(interaction, "sent")


@feature
async def history(interaction):
    messages = await bot.rest.fetch_messages(channel("web-shop")).limit(2)
    await answer(interaction, ", ".join(m.content for m in reversed(messages)))


@feature
async def say(interaction):
    kind = hikari.ResponseType.DEFERRED_MESSAGE_CREATE
    await interaction.create_initial_response(kind)
    await bot.rest.create_message(channel("mobile-app"), "said")
    await interaction.edit_initial_response("said")


@feature
async def reaction(interaction):
    message = await bot.rest.create_message(channel("decisions"), "react")
    await message.add_reaction("👍")
    await answer(interaction, "reacted")


@bot.listen()
async def reacted(event: hikari.GuildReactionAddEvent):
    if event.user_id != bot.get_me().id:
        content = f"{event.member.username} reacted with {event.emoji_name}"
        await bot.rest.create_message(event.channel_id, content)


@feature
async def thread(interaction):
    decisions = channel("decisions")
    message = await bot.rest.create_message(decisions, "a topic")
    thread = await bot.rest.create_message_thread(decisions, message, "talk")
    await thread.send("in the thread")
    await answer(interaction, thread.name)


@feature
async def pin(interaction):
    decisions = channel("decisions")
    message = await bot.rest.create_message(decisions, "pinned")
    await bot.rest.pin_message(decisions, message)
    pins = [pinned.message.content async for pinned in bot.rest.fetch_pins(decisions)]
    await answer(interaction, ", ".join(pins))


@feature
async def members(interaction):
    members = [m.username async for m in bot.rest.fetch_members(interaction.guild_id)]
    await answer(interaction, ", ".join(sorted(members)))


@feature
async def roles(interaction):
    guild, user = interaction.guild_id, interaction.user
    role = next(r for r in await bot.rest.fetch_roles(guild) if r.name == "Approvers")
    await bot.rest.add_role_to_member(guild, user, role)
    member = await bot.rest.fetch_member(guild, user)
    names = [role.name for role in await member.fetch_roles()]
    await bot.rest.remove_role_from_member(guild, user, role)
    await answer(interaction, ", ".join(names))


@feature
async def version2(interaction):
    button = impl.InteractiveButtonBuilder(
        style=hikari.ButtonStyle.PRIMARY, custom_id="layout", label="Go"
    )
    section = impl.SectionComponentBuilder(accessory=button).add_text_display("text")
    container = impl.ContainerComponentBuilder()
    container.add_text_display("# Version 2").add_separator().add_component(section)
    flags = hikari.MessageFlag.IS_COMPONENTS_V2
    await answer(interaction, hikari.UNDEFINED, component=container, flags=flags)


@bot.listen()
async def written(event: hikari.DMMessageCreateEvent):
    if event.is_human:
        content = f"{event.author.username} said {event.content}"
        await event.message.respond(content)


bot.run(check_for_updates=False)
