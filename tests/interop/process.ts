import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { byName, type Options } from "./peers.ts"
import { connect, type Member } from "./sites.ts"

const file = fileURLToPath(new URL("children/server.ts", import.meta.url))

/** A server in a process of its own, which may crash. */
export interface ServerProcess extends AsyncDisposable {
  /** A new client, in room "x". */
  connect(): Promise<Member>
  /** Sends it a signal, such as SIGSTOP. */
  signal(name: NodeJS.Signals): void
  /** Gives the exit code when the process has ended; null if it was killed. */
  readonly ended: Promise<number | null>
}

/** Starts a server of a peer; gives when it hears the others. */
export async function startProcess(
  name: keyof typeof byName,
  port: number,
  options: Options = {},
): Promise<ServerProcess> {
  const child = fork(file, [name, `${port}`, JSON.stringify(options)], {
    execArgv: ["--import", "tsx"],
    // What it says when it crashes is no output of the tests.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  })
  const ended = once(child, "exit").then(([code]) => code as number | null)
  const kill = () => child.kill("SIGKILL")
  process.once("exit", kill)
  const [url] = (await Promise.race([
    once(child, "message"),
    ended.then((code) => {
      throw new Error(`the server of ${name} ended with code ${code} before it listened`)
    }),
  ])) as [string]
  return {
    connect: () => connect(byName[name].socketIo.major, url),
    signal: (signal) => void child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      process.off("exit", kill)
      kill()
      await ended
    },
  }
}
