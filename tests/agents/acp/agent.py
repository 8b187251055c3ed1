"""An agent of the Agent Client Protocol whose every message is written down before.

agent.py SCRIPT LOG: SCRIPT is a JSON list of steps that follow a prompt. LOG gets each line that the
agent reads. A step is one of
  {"send": message}     send a message
  {"raw": text}         write a text as it is
  {"repeat": [message, n]}  send it n times, with {n} replaced by the number
  {"wait": id}          wait for the answer to the request of this id
  {"method": name}      wait for a message of this method
  {"touch": path}       make a file
  {"exit": status}, {"die": signal}, {"hang": true}
  {"end": reason}       answer the prompt
"""

import json
import os
import signal
import sys
import time

script, log = json.load(open(sys.argv[1])), open(sys.argv[2], "a", buffering=1)


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def receive():
    line = sys.stdin.readline()
    if not line:
        log.write("end\n")
        sys.exit(0)
    log.write(line)
    return json.loads(line)


def serve(message):
    """Answers what every agent is asked."""
    method, number = message.get("method"), message.get("id")
    if method == "initialize":
        info = {"name": "stand-in", "title": "Stand-in", "version": "1"}
        send({"id": number, "result": {"protocolVersion": 1, "agentInfo": info,
              "agentCapabilities": {"loadSession": True}, "authMethods": []}})
    elif method in ("session/new", "session/load"):
        send({"id": number, "result": {"sessionId": "s-1"}})
    elif method == "session/prompt":
        play(number)
    elif number is not None and method:
        send({"id": number, "error": {"code": -32601, "message": "Method not found"}})


def wait(is_it):
    while True:
        message = receive()
        if is_it(message):
            return


def play(prompt):
    for step in script:
        if "send" in step:
            send(step["send"])
        elif "raw" in step:
            sys.stdout.write(step["raw"])
            sys.stdout.flush()
        elif "repeat" in step:
            text = json.dumps({"jsonrpc": "2.0", **step["repeat"][0]})
            for n in range(step["repeat"][1]):
                sys.stdout.write(text.replace("{n}", str(n)).replace('"#n"', str(n)) + "\n")
            sys.stdout.flush()
        elif "wait" in step:
            wait(lambda m: m.get("id") == step["wait"] and "method" not in m)
        elif "method" in step:
            wait(lambda m: m.get("method") == step["method"])
        elif "touch" in step:
            open(step["touch"], "w").close()
        elif "exit" in step:
            sys.exit(step["exit"])
        elif "die" in step:
            os.kill(os.getpid(), step["die"])
        elif "hang" in step:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            # Not for ever, if the test that should end it fails.
            signal.alarm(120)
            log.write("hangs\n")
            while True:
                time.sleep(1000)
        elif "end" in step:
            send({"id": prompt, "result": {"stopReason": step["end"]}})


while True:
    serve(receive())
