import { nextTick } from "node:process"
import { isRefusal } from "./connection.ts"

/** What is asked of Redis for a shard channel. */
export type ShardVerb = "ssubscribe" | "sunsubscribe"

/** Gives when Redis has confirmed all the names; at most so many, and of one group. */
export type SendNames = (verb: ShardVerb, names: readonly string[]) => Promise<unknown>

/** How many names one command has at most: Redis serves nobody else while it reads one. */
const LONGEST = 1_000

interface Waiting {
  resolve(): void
  reject(reason: unknown): void
}

/**
 * Makes few commands of all that is asked for in one turn of the event loop. What is asked for a name is
 * sent in that order; different names do not wait for each other.
 */
export class Batch {
  readonly #send: SendNames
  readonly #groupOf: (name: string) => number
  readonly #asked: Record<ShardVerb, Map<string, Waiting[]>> = {
    ssubscribe: new Map(),
    sunsubscribe: new Map(),
  }

  /** `groupOf` tells which names one command may have: on a cluster, those of one slot. */
  constructor(send: SendNames, groupOf: (name: string) => number = () => 0) {
    this.#send = send
    this.#groupOf = groupOf
  }

  /** Gives when Redis has confirmed, and rejects as it does for this name. */
  ask(verb: ShardVerb, name: string): Promise<void> {
    const { ssubscribe, sunsubscribe } = this.#asked
    if ((verb === "ssubscribe" ? sunsubscribe : ssubscribe).has(name)) this.#flush()
    // After all promises that are settled now: whoever waits for one of them may ask as well.
    if (ssubscribe.size + sunsubscribe.size === 0) nextTick(this.#flush)
    return new Promise((resolve, reject) => {
      const waiting = this.#asked[verb].get(name)
      if (waiting) waiting.push({ resolve, reject })
      else this.#asked[verb].set(name, [{ resolve, reject }])
    })
  }

  readonly #flush = () => {
    for (const verb of ["sunsubscribe", "ssubscribe"] as const) {
      const asked = this.#asked[verb]
      this.#asked[verb] = new Map()
      for (const names of this.#groups([...asked.keys()])) void this.#settle(verb, names, asked)
    }
  };

  *#groups(names: readonly string[]): Iterable<readonly string[]> {
    const groups = new Map<number, string[]>()
    for (const name of names) {
      const number = this.#groupOf(name)
      const group = groups.get(number)
      if (group) group.push(name)
      else groups.set(number, [name])
    }
    for (const group of groups.values()) {
      for (let at = 0; at < group.length; at += LONGEST) yield group.slice(at, at + LONGEST)
    }
  }

  async #settle(
    verb: ShardVerb,
    names: readonly string[],
    asked: ReadonlyMap<string, readonly Waiting[]>,
  ): Promise<void> {
    try {
      await this.#send(verb, names)
      for (const name of names) for (const { resolve } of asked.get(name) ?? []) resolve()
    } catch (error) {
      if (names.length > 1 && concernsOneName(error)) {
        for (const name of names) void this.#settle(verb, [name], asked)
      } else {
        for (const name of names) for (const { reject } of asked.get(name) ?? []) reject(error)
      }
    }
  }
}

/** Whether Redis refused a command for something that need not be true of all its names. */
function concernsOneName(error: unknown): boolean {
  return isRefusal(error) && !/^(?:MOVED|CLUSTERDOWN|LOADING) /.test(error.message)
}
