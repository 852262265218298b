import { mkdirSync, writeFileSync } from "node:fs"
import { type Feature, features } from "./features.ts"
import { nameOf, type Peer } from "./peers.ts"

/** Where the results go, for table.mjs. */
const folder = new URL("../../build/", import.meta.url)

/** Which way an operation goes, seen from our server. */
type Direction = "from" | "to"

/** What a test tells of: something that our server does to a peer, or the peer to it. */
export interface Shows {
  readonly peer: Peer
  readonly direction: Direction
}

type Results = Partial<Record<Feature, Partial<Record<Direction, boolean>>>>

/** What works between our server and each peer, collected over a run of the whole matrix. */
export class Report {
  readonly #results = new Map<Peer, Results>()
  #expected = 0
  #noted = 0

  /** Says that a test is there; without all of them a report would be wrong. */
  expect(): void {
    this.#expected += 1
  }

  /** Notes how a test ended, and for which peer: a feature works if all of its tests pass. */
  note(shows: Shows | undefined, feature: Feature, passed: boolean): void {
    this.#noted += 1
    if (!shows) return
    const { peer, direction } = shows
    const results = this.#results.get(peer) ?? {}
    this.#results.set(peer, results)
    const result = (results[feature] ??= {})
    result[direction] = passed && result[direction] !== false
  }

  /** Writes build/interop.json, unless some tests were not run. */
  write(): void {
    if (this.#noted < this.#expected) return
    const peers = Array.from(this.#results, ([peer, results]) => ({ name: nameOf(peer), results }))
    mkdirSync(folder, { recursive: true })
    const text = JSON.stringify({ features, peers }, undefined, 2)
    writeFileSync(new URL("interop.json", folder), `${text}\n`)
  }
}
