// A running demo as its tests see it: its lines, its processes, and the panes of its page.

import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Page } from "playwright-core"

/** The top folder of the project, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url))

/** How long anything here may take before it counts as failed, in milliseconds. */
export const LIMIT = 30_000

/** A running `demo/run.mjs` and the lines it has written. */
export class Demo {
  readonly process: ChildProcess
  readonly lines: string[] = []
  readonly ended: Promise<number | null>
  readonly #watchers = new Set<() => void>()

  constructor(args: string[], env: Record<string, string> = {}) {
    this.process = spawn(process.execPath, ["demo/run.mjs", ...args], {
      cwd: ROOT,
      env: { ...process.env, PORT: "", REDIS_URL: "", ONCE: "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    for (const stream of [this.process.stdout, this.process.stderr]) {
      assert.ok(stream)
      createInterface({ input: stream }).on("line", (line) => {
        this.lines.push(line)
        for (const watcher of this.#watchers) watcher()
      })
    }
    this.ended = once(this.process, "close").then(([code]) => code as number | null)
    this.process.once("close", () => {
      for (const watcher of this.#watchers) watcher()
    })
  }

  /** The first line that matches, written already or still to come; rejects if the demo ends without. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const close = (settle: () => void) => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        settle()
      }
      const refuse = (why: string) =>
        close(() => reject(new Error(`${why} ${pattern}:\n${this.lines.join("\n")}`)))
      const look = () => {
        const found = this.lines.map((line) => pattern.exec(line)).find((match) => match !== null)
        if (found) close(() => resolve(found))
        else if (this.process.exitCode !== null) refuse("the demo ended without the line")
      }
      const timer = setTimeout(refuse, LIMIT, "the demo did not write in time the line")
      this.#watchers.add(look)
      look()
    })
  }

  /** The process ids of the demo's servers and of its Redis. */
  async pids(): Promise<number[]> {
    const names = ["one", "two", "three"].map((name) => `^server  ${name} `)
    const found = await Promise.all(
      [...names, "^redis "].map((start) => this.line(new RegExp(`${start}.* pid (\\d+)$`))),
    )
    return found.map(([, pid]) => Number(pid))
  }

  async stop(): Promise<number | null> {
    this.process.kill("SIGINT")
    return this.ended
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The parts of one pane that tests read and click. */
export function pane(page: Page, name: string) {
  const root = page.locator(`[data-pane="${name}"]`)
  const part = (testid: string) => root.getByTestId(testid)
  return {
    root,
    part,
    entry: (text: string) => part("entry").filter({ hasText: text }),
    async toggle(room: string, joined: boolean) {
      const chip = root.locator(`[data-room="${room}"]`)
      await chip.click()
      await root.locator(`[data-room="${room}"][aria-pressed="${joined}"]`).waitFor()
    },
    async emit(target: string, text: string) {
      await part("target").selectOption(target)
      await part("text").fill(text)
      await part("text").press("Enter")
    },
  }
}

export type Pane = ReturnType<typeof pane>

/** What a pane has heard of one text: which server it came from, whom it was for, after how long. */
export async function readEntry(by: Pane, text: string) {
  const entry = by.entry(text)
  await entry.waitFor()
  assert.equal(await entry.count(), 1, `${text} is heard once`)
  const ms = /^(\d+\.\d) ms$/.exec((await entry.getByTestId("entry-ms").textContent()) ?? "")
  assert.ok(ms, "the time is shown with one decimal")
  return {
    from: await entry.getByTestId("entry-from").textContent(),
    to: await entry.getByTestId("entry-to").textContent(),
    ms: Number(ms[1]),
  }
}
