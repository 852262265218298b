// Names that mean something elsewhere (to globs, to Redis' protocol, to our channels) mean themselves.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import type { RedisAdapterOptions } from "socket.io-redis-edge"
import { type Client, hear, TestServer } from "./support/cluster.ts"
import { RawPeer } from "./support/raw-peer.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 30_000

/** Names of rooms, each as a client may have chosen it. */
const names = [
  "*",
  "?",
  "[a-z]",
  "\\",
  "\\*",
  "{room}",
  "a*",
  "",
  " ",
  "\n",
  "\r\nPUBLISH x y\r\n",
  "\0",
  "a\0b",
  "#",
  "##",
  "a#b",
  "/",
  "socket.io-request#/#",
  "é€😀",
  "\uD800",
  "\uDC00\uD800",
  "x".repeat(1 << 20),
  "*".repeat(10_000),
  "AAAAAA",
]

let redis: RedisServer
let peer: RawPeer

before(async () => {
  redis = await startRedis()
  peer = new RawPeer(redis.port)
})
after(async () => {
  peer.close()
  await redis[Symbol.asyncDispose]()
})

for (const subscriptionMode of ["pattern", "exact"] as const) {
  describe(`with ${subscriptionMode} subscriptions`, () => {
    let one: TestServer, two: TestServer
    let member: Client, bystander: Client
    before(async () => {
      ;[one, two] = await startTwo({ subscriptionMode })
      member = await one.connect()
      bystander = await one.connect()
      await bystander.remote.join(["room", "a", "x"])
    })
    after(() => Promise.all([one.close(), two.close()]))

    for (const name of names) {
      it(`a room is named ${title(name)}`, { timeout }, async () => {
        const whom = { rooms: new Set([member.remote.id]), except: new Set<string>() }
        await two.adapter().addSockets(whom, [name])
        assert.deepEqual([...(one.adapter().rooms.get(name) ?? [])], [member.remote.id])
        const heard = await hear([two.io], [member, bystander], () => {
          two.io.to(name).emit("room")
          two.io.except(name).emit("rest")
        })
        assert.deepEqual(heard, [[["room"]], [["rest"]]])
        const sockets = await two.io.in(name).fetchSockets()
        assert.deepEqual(
          sockets.map(({ rooms }) => rooms.has(name)),
          [true],
        )
        assert.ok((await two.adapter().allRooms()).has(name))
        two.io.in(name).socketsLeave(name)
        const later = await hear([two.io], [member, bystander], () => two.io.to(name).emit("room"))
        assert.deepEqual(later, [[], []])
        assert.equal(one.adapter().rooms.has(name), false)
      })
    }

    it("channels are named by anybody", { timeout }, async () => {
      const heard = await hear([two.io], [member, bystander], async () => {
        // Those two would make the channel of requests.
        for (const name of names.filter(
          (text) => text !== "/" && text !== "socket.io-request#/#",
        )) {
          for (const channel of [name, `socket.io${name}`, `socket.io-request#${name}#`]) {
            await peer.publish(
              channel,
              JSON.stringify({ type: 4, opts: { rooms: [], except: [] } }),
            )
          }
        }
      })
      assert.deepEqual(heard, [[], []])
      assert.ok(member.socket.connected)
    })

    it("namespaces and the option key are no globs", { timeout }, async (t) => {
      const key = "a[b]*?\\"
      const [first, second] = await startTwo({ key, subscriptionMode })
      t.after(() => Promise.all([first.close(), second.close()]))
      for (const nsp of ["/", "/*", "/[a]?"]) {
        for (const { io } of [first, second]) io.of(nsp)
        const client = await first.connect(nsp)
        await second.adapter(nsp).subscribed()
        const { foreign } = first.adapter(nsp).stats()
        const opts = { rooms: [], except: [], flags: {} }
        const message = JSON.stringify(["AAAAAA", { type: 2, data: ["no"], nsp }, opts])
        for (const channel of [`abbb#${nsp}#`, `a[b]xx#${nsp}#`, `${key}#/aa#`, `${key}#/b#`]) {
          assert.equal(await peer.publish(channel, message), 0)
        }
        const [heard] = await hear([second.io], [client], () => second.io.of(nsp).emit("yes"))
        assert.deepEqual(heard, [["yes"]])
        assert.equal(first.adapter(nsp).stats().foreign, foreign)
      }
    })
  })
}

function startTwo(options: RedisAdapterOptions): Promise<[TestServer, TestServer]> {
  const start = () => TestServer.startWithRedis("redis6", redis.port, {}, options)
  return Promise.all([start(), start()])
}

function title(name: string): string {
  const text = JSON.stringify(name)
  return text.length < 30 ? text : `${text.slice(0, 10)}… of ${name.length}`
}
