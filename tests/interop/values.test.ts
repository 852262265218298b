import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { type RedisServer, startRedis } from "../node/support/redis-server.ts"
import { values } from "../node/support/values.ts"
import * as peers from "./peers.ts"
import { Scene } from "./scene.ts"
import { type Member, serve, type ServerSite, type Site } from "./sites.ts"

const timeout = 20_000

/** Published packages that send, and servers that read what they mean. */
const pairs: readonly [sender: peers.Peer, reader: peers.ServerPeer][] = [
  [peers.adapter8, peers.adapter8],
  [peers.adapter7, peers.adapter7],
  [peers.redis6, peers.redis6],
  [peers.emitter5, peers.adapter8],
  [peers.emitter4, peers.adapter7],
  [peers.emitter3, peers.adapter7],
]

/** Values that no notepack reads as they are. */
const unread = new Set([
  "an own __proto__",
  "lone surrogates",
  "lone surrogates before ASCII",
  "lone surrogates in long text",
])

/** Values that notepack cannot send; its version 3 can send one less. */
const unsent = new Set(["an own __proto__", "functions and symbols"])
const unsentBy3 = new Set([...unsent, "a BigInt64Array"])

for (const [sender, reader] of pairs) {
  describe(`values in a cluster with ${peers.nameOf(sender)}`, () => {
    let redis: RedisServer
    let sites: [alone: ServerSite, ours: ServerSite, theirs: Site, another: ServerSite]
    let reference: Member
    let scene: Scene

    before(async () => {
      redis = await startRedis()
      const { port } = redis
      const starting = [serve(4), peers.ours.start(port), sender.start(port), reader.start(port)]
      sites = (await Promise.all(starting)) as typeof sites
      const [alone, ours, theirs, another] = sites
      await peers.subscribed(port, theirs.connect ? 3 : 2)
      reference = await alone.connect()
      scene = await Scene.set(theirs, [ours, another])
    })
    after(async () => {
      await scene[Symbol.asyncDispose]()
      await Promise.all(sites.map((site) => site[Symbol.asyncDispose]()))
      await redis[Symbol.asyncDispose]()
    })

    for (const [what, args] of values) {
      if (sender === reader && !unread.has(what)) {
        it(`they hear what we send: ${what}`, { timeout }, async () => {
          const [alone, ours] = sites
          alone.io.emit("e", ...args)
          await reference.until("e")
          await scene.hears("s1 s2 r1 r2 b", () => ours.io.emit("e", ...args), reference.take())
        })
      }
      if (!(reader === peers.adapter8 ? unsentBy3 : unsent).has(what)) {
        it(`we hear what they hear of each other: ${what}`, { timeout }, async () => {
          const { r1, r2, b1 } = await scene.heard(() => scene.io.emit("e", ...args))
          assert.equal(b1?.length, 1)
          assert.deepEqual([r1, r2], [b1, b1])
        })
      }
    }
  })
}
