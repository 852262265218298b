// Loads three servers with a million joins and messages, and looks what is left of it:
// scripts/soak [--scale S] [--client NAME] [--mode NAME] [--only TEXT] [--package MODULE]
//
//   --scale S         a part of the whole load, such as 0.01; also with SOAK_SCALE=S
//   --client NAME     redis6 or ioredis5 (or another of the tests' Redis clients); both if not told
//   --mode NAME       pattern or exact subscriptions; both if not told
//   --only TEXT       the tasks whose name contains TEXT
//   --package MODULE  another adapter; @socket.io/redis-adapter is measured, and not judged
//
// Real Redis, real Redis clients, real socket.io; the connections of the sockets are stand-ins. Each
// client and mode has a process of its own, two at a time. Prints what memory, Redis and event
// emitters hold at the start, in the middle and at the end. Exits with 1 where more is held at the end.

import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const AT_ONCE = 2

const { values: options } = parseArgs({
  options: {
    client: { type: "string" },
    help: { type: "boolean", default: false },
    mode: { type: "string" },
    only: { type: "string" },
    package: { type: "string" },
    scale: { type: "string", default: process.env.SOAK_SCALE ?? "1" },
  },
})
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

if (options.help) showHelp()
else await runAll()

/** The opening comment of this file is its help text. */
function showHelp(): void {
  const [text = ""] = readFileSync(here("run.ts"), "utf8").split("\n\nimport ")
  console.log(text.replaceAll(/^\/\/ ?/gm, ""))
}

async function runAll(): Promise<void> {
  const modes = options.mode === undefined ? ["pattern", "exact"] : [options.mode]
  const clients = options.client === undefined ? ["redis6", "ioredis5"] : [options.client]
  const waiting = modes.flatMap((mode) => clients.map((client) => ({ client, mode })))
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if ((await run(next)) !== 0) process.exitCode = 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** One soak; gives its exit code. */
async function run(combination: { client: string; mode: string }): Promise<unknown> {
  const { help: _, ...rest } = options
  const args = Object.entries({ ...rest, ...combination }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  )
  const node = ["--expose-gc", "--import", "tsx", here("soak.ts"), ...args]
  const child = spawn(process.execPath, node, { stdio: ["ignore", "inherit", "inherit"] })
  const stop = () => child.kill()
  process.once("exit", stop)
  const [code, signal] = await once(child, "exit")
  process.off("exit", stop)
  if (code !== 0)
    console.log(`${Object.values(combination).join(", ")}: ended with ${code ?? signal}`)
  return code
}
