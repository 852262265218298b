import { after, before, describe, it } from "node:test"
import { pack, unpack } from "msgpackr"
import { type RedisServer, startRedis } from "../node/support/redis-server.ts"
import { answered } from "./features.ts"
import { operations } from "./operations.ts"
import * as peers from "./peers.ts"
import { Report, type Shows } from "./report.ts"
import { type Operation, Scene } from "./scene.ts"
import type { ServerSite, Site } from "./sites.ts"

/** How long an operation may take, in milliseconds: more than the 5 s that servers wait for answers. */
const limit = 8_000
const timeout = 20_000
const { ours } = peers

const report = new Report()
after(() => report.write())

/** One of a cluster's servers or emitters. */
interface Place {
  readonly peer: peers.Peer
  readonly options?: peers.Options | undefined
}

/** Which of a cluster's places does something to which; the others look on, and are acted on too. */
interface Cell {
  readonly from: number
  readonly to: number
  /** What the report learns from it; nothing where no one peer is meant. */
  readonly shows?: Shows | undefined
}

/** All operations that the sender has and all others have too, in each of these cells of one live cluster. */
function cluster(
  title: string,
  places: readonly Place[],
  cells: readonly Cell[],
  wanted: (operation: Operation) => boolean = () => true,
): void {
  describe(title, () => {
    let redis: RedisServer
    let sites: Site[]

    before(async () => {
      redis = await startRedis()
      const { port } = redis
      sites = await Promise.all(places.map(({ peer, options }) => peer.start(port, options)))
      const sharded = places.some(({ peer }) => peer.sharded)
      await peers.subscribed(port, sites.filter(({ connect }) => connect).length, { sharded })
    })
    after(async () => {
      await Promise.all(sites.map((site) => site[Symbol.asyncDispose]()))
      await redis[Symbol.asyncDispose]()
    })

    for (const cell of cells) {
      const [sender, ...others] = inOrder(places, cell).map(({ peer }) => peer)
      for (const operation of operations.filter(wanted)) {
        const { feature, name } = operation
        if (!sender?.sends.has(feature)) continue
        if (!others.every(({ receives }) => receives.has(feature))) continue
        report.expect()
        const who = [sender, ...others.slice(0, 1)].map(peers.nameOf).join(" -> ")
        it(`${who}: ${feature}, ${name}`, { timeout }, () => attempt(sites, cell, operation))
      }
    }
  })
}

/** The sender, the receiver and the others. */
function inOrder<T>(all: readonly T[], { from, to }: Cell): T[] {
  const others = all.filter((_, index) => index !== from && index !== to)
  return [all[from] as T, all[to] as T, ...others]
}

/** Tries an operation among fresh clients, which are gone afterwards, however it ends. */
async function attempt(sites: readonly Site[], cell: Cell, operation: Operation): Promise<void> {
  let passed = false
  try {
    const [sender, ...others] = inOrder(sites, cell)
    await using scene = await Scene.set(sender as Site, others as ServerSite[])
    await within(limit, operation.run(scene))
    passed = true
  } finally {
    report.note(cell.shows, operation.feature, passed)
  }
}

/** What a promise gives; rejects if that takes longer. */
async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${milliseconds} ms`)), milliseconds)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** How a pair is set up. */
interface Pairing {
  readonly ours?: peers.Options
  readonly theirs?: peers.Options
  /** What is tried; everything if absent. */
  readonly wanted?: (operation: Operation) => boolean
  /** What is particular about it; without, the report learns from it. */
  readonly title?: string
}

/** Both ways between our server and a peer; a second one of ours looks on, so that questions have two answers. */
function pair(peer: peers.Peer, { title, wanted, ...options }: Pairing = {}): void {
  const [one, another] = peer.sharded
    ? [peers.oursSharded, peers.oursShardedOnIoredis]
    : [ours, peers.oursOnIoredis]
  const places = [
    { peer: one, options: options.ours },
    { peer: another, options: options.ours },
    { peer, options: options.theirs },
  ]
  const cells: Cell[] = [
    { from: 0, to: 2, shows: title ? undefined : { peer, direction: "to" } },
    { from: 2, to: 0, shows: title ? undefined : { peer, direction: "from" } },
  ]
  const name = `with ${peers.nameOf(peer)}${title ? `, ${title}` : ""}`
  cluster(name, places, cells, wanted)
}

/** All of these in one cluster, each as the sender. */
function mixture(
  those: readonly peers.ServerPeer[],
  wanted?: Pairing["wanted"],
  options?: peers.Options,
): void {
  const places = those.map((peer) => ({ peer, options }))
  const cells = places.map((_, from) => ({ from, to: from === 0 ? 1 : 0 }))
  cluster(`all of ${those.map(peers.nameOf).join(", ")}`, places, cells, wanted)
}

for (const peer of [...peers.servers, peers.sharded8, ...peers.emitters]) pair(peer)

// What each mode's channels carry is for the other one to know.
for (const subscriptionMode of peers.shardedModes) {
  const mode = { subscriptionMode }
  if (subscriptionMode !== "dynamic") {
    pair(peers.sharded8, { title: subscriptionMode, ours: mode, theirs: mode })
  }
  mixture([peers.oursSharded, peers.sharded8, peers.sharded8], undefined, mode)
}

// Publishers do not know of subscriptions, but their packages choose channels each in its own way.
for (const peer of [peers.adapter8, peers.redis5, peers.emitter5]) {
  pair(peer, {
    title: "ours subscribed to its rooms only",
    ours: { subscriptionMode: "exact" },
    wanted: ({ feature }) => !answered.has(feature),
  })
}

// Whoever answers chooses the channel.
const specific = { publishOnSpecificResponseChannel: true }
const wanted = ({ feature }: Operation) => answered.has(feature)
for (const peer of peers.servers.filter(({ sends }) => sends.has("allRooms"))) {
  pair(peer, { title: "answers of ours on a channel of the asker's own", ours: specific, wanted })
}
for (const peer of [peers.adapter8, peers.adapter7]) {
  const title = "answers of theirs on a channel of the asker's own"
  pair(peer, { title, theirs: specific, wanted })
  pair(peer, { title: `${title}, and ours too`, ours: specific, theirs: specific, wanted })
}

const custom = { parser: { encode: pack, decode: unpack } }
pair(peers.adapter8, { title: "with msgpackr as the parser", ours: custom, theirs: custom })

mixture([ours, peers.adapter8, peers.adapter7])
mixture([ours, peers.adapter8, peers.adapter7, peers.redis6, peers.redis6on3])
// The published servers disconnect clients for binary data of version 5.
mixture([ours, ...peers.servers], ({ feature }) => feature !== "binary")
