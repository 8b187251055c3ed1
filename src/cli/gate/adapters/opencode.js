// Gander's gate for OpenCode: holds each tool call until a person has answered.
// Written by "gander gate install opencode"; "gander gate uninstall opencode" removes it.
import { spawn } from "node:child_process"

const COMMAND = "{command}"

// Whatever is not an explicit yes is a no.
function ask(call, folder) {
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", COMMAND], {
      cwd: folder,
      env: { ...process.env, OPENCODE_PROJECT_DIR: folder },
      stdio: ["pipe", "pipe", "pipe"],
    })
    let out = ""
    let err = ""
    child.stdout.on("data", (part) => (out += part))
    child.stderr.on("data", (part) => (err += part))
    child.stdin.on("error", () => {})
    child.on("error", (error) => reject(new Error(`Gander's gate did not start: ${error.message}`)))
    child.on("close", (status) => {
      let said
      try {
        said = JSON.parse(out)
      } catch {}
      if (status === 0 && said?.decision === "allow") return resolve()
      reject(new Error(said?.reason || err.trim() || "Gander's gate did not answer: denied."))
    })
    child.stdin.end(call)
  })
}

// No other plugin changes what was approved.
function freeze(value) {
  if (value === null || typeof value !== "object" || Object.isFrozen(value)) return
  Object.freeze(value)
  Object.values(value).forEach(freeze)
}

export const GanderGate = async ({ directory }) => ({
  // opencode.json denies every tool, in case this file is missing or does not load.
  config: async (config) => {
    if (config.permission?.["*"] === "deny") config.permission["*"] = "allow"
  },
  "tool.execute.before": async (input, output) => {
    const args = JSON.stringify(output.args ?? {})
    const call = {
      hook_event_name: "tool.execute.before",
      session_id: input.sessionID,
      cwd: directory,
      tool_name: input.tool,
      tool_input: JSON.parse(args),
    }
    await ask(JSON.stringify(call), directory)
    if (JSON.stringify(output.args ?? {}) !== args) {
      throw new Error("The call changed while Gander asked about it, so it is denied.")
    }
    freeze(output)
  },
})
