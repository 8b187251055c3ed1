"""A client of the sandbox's control API, without dependencies: starts the program, acts as the
people on the server, waits for what they see, arranges faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Callable, Optional

__all__ = ["Person", "Sandbox", "SandboxError", "TimedOut"]

#: Seconds that anything may take by default.
LIMIT = 30.0


class SandboxError(Exception):
    """The sandbox could not be started, or refused a request."""


class TimedOut(SandboxError):
    """What was waited for did not come about in time."""


class Sandbox:
    """A running sandbox, and the bots started on it; a context manager that stops them all.

    ``arguments`` are those of the program ``discord-sandbox``, which is looked for in the variable
    ``DISCORD_SANDBOX`` and on the ``PATH``.
    """

    def __init__(self, *arguments: str) -> None:
        program = os.environ.get("DISCORD_SANDBOX", "discord-sandbox")
        try:
            self._program = subprocess.Popen(
                [program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        except OSError as error:
            raise SandboxError(f"{program}: {error}; set DISCORD_SANDBOX to its path") from error
        line = self._program.stdout.readline()
        if not line:
            raise SandboxError(f"{program} did not start: run it by hand to see why")
        #: The addresses, with the ids of channels and people by name, and the bot's token.
        self.addresses: dict = json.loads(line)
        self._bots: list = []

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the bots and the sandbox."""
        for bot, _ in self._bots:
            bot.kill()
            bot.wait()
        self._program.terminate()
        self._program.wait()
        self._program.stdout.close()

    def run_bot(self, script: os.PathLike, *arguments: str, **environment: str) -> None:
        """Starts a bot's script with this Python. It gets the addresses in ``SANDBOX``."""
        # A file rather than a pipe, which would fill up.
        log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        addresses = {"SANDBOX": json.dumps(self.addresses)}
        bot = subprocess.Popen(
            [sys.executable, os.fspath(script), *arguments],
            env={**os.environ, **addresses, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._bots.append((bot, log))

    def user(self, name: str) -> Person:
        """The hand of a person, by user name."""
        return Person(self, name)

    def channel(self, name: str) -> str:
        """The id of a channel by its name; what is no name is taken for an id."""
        return self.addresses["channels"].get(name, name)

    def view(self, user: str) -> dict:
        """What a person sees: channels with messages, notifications, commands."""
        return self.call("GET", f"state?user={urllib.parse.quote(user)}")

    def journal(self, since: int = 0) -> list:
        """All requests and gateway payloads with a number greater than ``since``."""
        return self.call("GET", f"journal?since={since}")

    def transcript(self, since: int = 0) -> str:
        """The journal as lines to read."""
        return self._request("GET", f"transcript?since={since}")

    def bot_output(self) -> str:
        """What the bots printed so far."""
        return "".join(_read(log) for _, log in self._bots)

    def fault(self, do: str, *, method: Optional[str] = None, path: Optional[str] = None, **more):
        """Arranges a fault; ``GET /_sandbox`` lists them all. ``method`` and ``path`` say which
        requests it strikes."""
        match = {"method": method, "path": path}
        self.call("POST", "fault", {"do": do, "match": match, **more})

    def clear_faults(self) -> None:
        """Removes all faults."""
        self.call("DELETE", "fault")

    def world(self, do: str, **more: Any) -> None:
        """Changes the server, as a moderator would; ``GET /_sandbox`` lists how."""
        self.call("POST", "world", {"do": do, **more})

    def add_user(self, name: str, **more: Any) -> str:
        """Adds a person and returns their id; ``more`` is as in the file of a world."""
        return self._add("add_user", {"name": name, **more})

    def add_role(self, name: str, guild: Optional[str] = None, **more: Any) -> str:
        """Adds a role to a guild, by default the first, and returns its id."""
        return self._add("add_role", {"guild": guild, "role": {"name": name, **more}})

    def add_channel(self, name: str, guild: Optional[str] = None, **more: Any) -> str:
        """Adds a channel to a guild, by default the first, and returns its id."""
        return self._add("add_channel", {"guild": guild, "channel": {"name": name, **more}})

    def reset(self) -> None:
        """Puts the world back as it was at the start: without messages, commands, faults and
        journal. Connected bots get an invalid session and identify anew."""
        self.call("POST", "reset")
        self._read_names()

    def snapshot(self) -> str:
        """Keeps the world as it is now, commands included, and returns the snapshot's id."""
        return self.call("POST", "snapshot")["id"]

    def restore(self, snapshot: str) -> None:
        """Puts the world back as it was at a snapshot. Connected bots get an invalid session and
        identify anew."""
        self.call("POST", "restore", {"id": snapshot})
        self._read_names()

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's clock forward, past deadlines and rate limits."""
        self.call("POST", "advance", {"ms": round(seconds * 1000)})

    def _add(self, path: str, body: dict) -> str:
        id = self.call("POST", path, body)["id"]
        self._read_names()
        return id

    def _read_names(self) -> None:
        now = self.call("GET", "addresses")
        for key in ("channels", "roles", "users", "more_guilds"):
            self.addresses[key] = now[key]

    def wait_for(self, what: str, probe: Callable[[], Any], limit: float = LIMIT) -> Any:
        """Calls ``probe`` now and after each change until its result is true, and returns that."""
        end = time.monotonic() + limit
        with self._open("GET", "live", limit=limit) as changes:
            for line in _lines_until(changes, end):
                if line.startswith(b"data:"):
                    found = probe()
                    if found:
                        return found
        raise TimedOut(f"waited {limit:g} s without success for {what}")

    def wait_for_message(self, channel: str, content: str, user: str, limit: float = LIMIT) -> dict:
        """Waits until a person sees a message with this content in a channel."""
        channel = self.channel(channel)

        def probe() -> Optional[dict]:
            channels = self.view(user)["channels"]
            messages = [m for c in channels if c["id"] == channel for m in c["messages"]]
            return next((m for m in messages if m["content"] == content), None)

        return self.wait_for(f"the message {content!r}", probe, limit)

    def wait_for_command(self, name: str, user: str, limit: float = LIMIT) -> dict:
        """Waits until a person is offered a command, and the bot is connected."""

        def probe() -> Optional[dict]:
            view = self.view(user)
            commands = view["commands"] if view["bot_online"] else []
            return next((c for c in commands if c["name"] == name), None)

        return self.wait_for(f"the command {name!r}", probe, limit)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Calls the control API at a path below ``/_sandbox/``."""
        return json.loads(self._request(method, path, body))

    def _request(self, method: str, path: str, body: Any = None) -> str:
        with self._open(method, path, body) as answer:
            return answer.read().decode()

    def _open(self, method: str, path: str, body: Any = None, limit: Optional[float] = None):
        url = f"{self.addresses['page']}_sandbox/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)
        # What a proxy is set for is not this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            return opener.open(request, timeout=limit)
        except urllib.error.HTTPError as error:
            raise SandboxError(error.read().decode()) from None


class Person:
    """A person on the server. Each action returns the person's view of what came of it, once the
    bot has answered: ``ok``, ``error``, ``message``, ``modal``, ``choices``."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.name = name
        self._sandbox = sandbox

    def act(self, action: str, **more: Any) -> dict:
        """Any action; ``GET /_sandbox`` lists them. ``timeout_ms`` limits the wait."""
        return self._sandbox.call("POST", "act", {"user": self.name, "action": action, **more})

    def message(self, channel: str, content: str, **more: Any) -> dict:
        """Writes in a channel, by name or id."""
        channel = self._sandbox.channel(channel)
        return self.act("message", channel=channel, content=content, **more)

    def command(
        self, channel: str, name: str, options: Optional[dict] = None, **more: Any
    ) -> dict:
        """Uses a slash command."""
        channel = self._sandbox.channel(channel)
        return self.act("command", channel=channel, name=name, options=options or {}, **more)

    def complete(self, channel: str, name: str, options: dict, focused: str, **more: Any) -> dict:
        """Types into an option of a slash command."""
        channel = self._sandbox.channel(channel)
        typed = {"name": name, "options": options, "focused": focused}
        return self.act("complete", channel=channel, **typed, **more)

    def click(self, message: dict, custom_id: str, **more: Any) -> dict:
        """Clicks a button of a message."""
        return self.act("click", message_id=message["id"], custom_id=custom_id, **more)

    def select(self, message: dict, custom_id: str, values: list, **more: Any) -> dict:
        """Chooses values of a select menu of a message."""
        component = {"message_id": message["id"], "custom_id": custom_id}
        return self.act("select", values=values, **component, **more)

    def submit(self, modal: dict, values: dict, **more: Any) -> dict:
        """Submits a form that an action opened."""
        return self.act("submit", modal_id=modal["modal_id"], values=values, **more)


def _lines_until(stream: Any, end: float):
    """Lines of a stream; ends with the stream, or when a line does not come in time."""
    while time.monotonic() < end:
        try:
            line = stream.readline()
        except OSError:
            return
        if not line:
            return
        yield line


def _read(log: Any) -> str:
    log.seek(0)
    return log.read()
