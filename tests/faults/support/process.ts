import { fork } from "node:child_process"
import { once } from "node:events"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { connect, type Member } from "../../interop/sites.ts"
import type { Operations } from "./children/server.ts"
import type { ServerOptions } from "./servers.ts"

// Each process that a test starts is killed when the tests' process ends, and has a listener for that.
process.setMaxListeners(0)

const file = fileURLToPath(new URL("children/server.ts", import.meta.url))

/** What a server in a process of its own is made of. */
export interface ProcessOptions extends ServerOptions {
  /** Whether errors that nobody catches are counted; else they end the process, as they do by default. */
  readonly survives?: boolean
  /** Whether its listeners of the event "boom", and those of a room named as their event, throw. */
  readonly throws?: boolean
}

/** How a process ended. */
export interface End {
  /** Null if it was killed. */
  readonly code: number | null
  /** What it died of, as far as it said. */
  readonly reason: string
}

/** A server in a process of its own, which may crash. */
export interface ServerProcess extends AsyncDisposable {
  /** Gives when the process has ended. */
  readonly ended: Promise<End>
  /** Undefined while the process runs. */
  readonly end: End | undefined
  /** Gives its address when it listens; rejects if it ends before. */
  readonly listening: Promise<string>
  /** A new client. */
  connect(): Promise<Member>
  /** Asks the process for one of the operations; rejects if it ends before it has answered. */
  ask<Name extends keyof Operations>(
    name: Name,
    ...args: Parameters<Operations[Name]>
  ): Promise<Awaited<ReturnType<Operations[Name]>>>
  /** Stops it in its tracks. */
  freeze(): void
}

/** Starts a server; gives when it listens, and rejects if it ends before. */
export async function startProcess(options: ProcessOptions): Promise<ServerProcess> {
  const server = launch(options)
  await server.listening
  return server
}

/** Starts a server that may end before it listens. */
export function launch(options: ProcessOptions): ServerProcess {
  const child = fork(file, [JSON.stringify(options)], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  })
  let text = ""
  const errors = child.stderr as Readable
  errors.setEncoding("utf8").on("data", (more: string) => {
    text = (text + more).slice(-10_000)
  })
  let end: End | undefined
  const ended = once(child, "close").then(([code]) => (end = { code, reason: reasonIn(text) }))
  const gone = ended.then(({ code, reason }) => {
    throw new Error(`the server process ended with ${code}: ${reason}`)
  })
  // Whoever waits for more than the end is told.
  gone.catch(() => {})
  // A test that fails or is interrupted must not leave its server behind.
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)

  const answers = new Map<number, (value: unknown) => void>()
  let asked = 0
  // It says so under the number of no question.
  const url = new Promise<string>((resolve) => answers.set(0, resolve as () => void))
  child.on("message", ({ id, value }: { id: number; value: unknown }) => {
    answers.get(id)?.(value)
    answers.delete(id)
  })
  const listening = Promise.race([url, gone])
  listening.catch(() => {})

  return {
    ended,
    get end() {
      return end
    },
    listening,
    connect: async () => connect(4, await listening),
    ask(name, ...args) {
      const id = ++asked
      const answer = new Promise((resolve) => answers.set(id, resolve))
      if (child.connected) child.send({ id, name, args }, () => {})
      return Promise.race([answer, gone]) as never
    },
    freeze: () => void child.kill("SIGSTOP"),
    async [Symbol.asyncDispose]() {
      process.off("exit", kill)
      kill()
      await ended
    },
  }
}

/** The line of a crash that names the error. */
function reasonIn(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim())
  return lines.find((line) => /^\[?\w*Error\b/.test(line)) ?? lines.at(-2) ?? ""
}
