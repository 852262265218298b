import { execFile } from "node:child_process"
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
