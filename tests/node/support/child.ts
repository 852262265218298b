import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"

/** How a child process ended, and what it wrote. */
export interface ChildResult {
  /** The exit code; null if it was killed. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Milliseconds after which a child process is killed. */
const LIMIT = 20_000

/** Runs `tests/node/support/children/<name>.ts` to its end. */
export function runChild(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<ChildResult> {
  const file = fileURLToPath(new URL(`children/${name}.ts`, import.meta.url))
  return runNode(["--import", "tsx", file, ...args], env)
}

/** Runs Node to its end. */
export function runNode(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<ChildResult> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env }, timeout: LIMIT }
    const child = execFile(process.execPath, args, options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

/** A child process that runs until it is killed. */
export interface Running {
  /** Stops it in its tracks, and gives when it does nothing more. */
  freeze(): Promise<void>
  /** SIGKILL, also to a frozen one; gives when it has ended. */
  kill(): Promise<void>
}

/** Starts `tests/node/support/children/<name>.ts`; gives when that has written something. */
export async function startChild(name: string, args: readonly string[]): Promise<Running> {
  const file = fileURLToPath(new URL(`children/${name}.ts`, import.meta.url))
  const stdio = ["ignore", "pipe", "inherit"] as const
  const child = spawn(process.execPath, ["--import", "tsx", file, ...args], { stdio: [...stdio] })
  const exited = once(child, "exit")
  // A test that fails or is interrupted must not leave its server behind.
  const killChild = () => child.kill("SIGKILL")
  process.once("exit", killChild)
  void exited.then(() => process.off("exit", killChild))
  const failed = exited.then(() => {
    throw new Error(`the child process ${name} ended before it began`)
  })
  await Promise.race([once(child.stdout as Readable, "data"), failed])
  failed.catch(() => {})
  return {
    async freeze() {
      child.kill("SIGSTOP")
      const state = async () => (await readFile(`/proc/${child.pid}/stat`, "utf8")).split(") ")[1]
      while (!(await state())?.startsWith("T"));
    },
    async kill() {
      killChild()
      await exited
    },
  }
}
