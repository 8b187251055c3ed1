"""A bot of thirty lines."""

import json
import os

import discord
import yarl
from discord import app_commands

addresses = json.loads(os.environ["SANDBOX"])
discord.http.Route.BASE = addresses["rest"] + "/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(addresses["gateway"])

client = discord.Client(intents=discord.Intents.default())
tree = app_commands.CommandTree(client)


@tree.command(description="Says hello")
async def greet(interaction: discord.Interaction, name: str):
    await interaction.response.send_message(f"Hello, {name}!")


@client.event
async def setup_hook():
    await tree.sync()


@client.event
async def on_message(message):
    if client.user in message.mentions:
        await message.reply("At your service.")


client.run(addresses["token"])
