// What stands between the driver and a connection that publishes: who waits, and who is taken for dead.
import assert from "node:assert/strict"
import { after, before, describe, it, mock } from "node:test"
import { Redis } from "ioredis5"
import { createClient as createRedis5 } from "redis5"
import { createClient as createRedis6 } from "redis6"
import type { RedisConnection, Role } from "../../js/src/redis/connection.ts"
import { type NodeRedisNode, satelliteOf } from "../../js/src/redis/node-redis.ts"
import { Silence } from "../../js/src/redis/silence.ts"
import { WaitingLine } from "../../js/src/redis/waiting-line.ts"
import { type RedisServer, startRedis } from "./support/redis-server.ts"

const timeout = 15_000
const MINUTE = 60_000

/** A connection that only counts how often it is dropped, and messages that are answered when it is told. */
function followed() {
  const dropped: Role[] = []
  const connection = {
    publishes: true,
    settingUp: false,
    reconnect: (role: Role) => void dropped.push(role),
  }
  const silence = new Silence(connection as unknown as RedisConnection)
  const answers: (() => void)[] = []
  const publish = () => silence.follow(new Promise<void>((resolve) => answers.push(resolve)))
  return { connection, dropped, answers, publish }
}

describe("a publishing connection that answers nothing", () => {
  before(() => mock.timers.enable({ apis: ["setInterval"] }))
  after(() => mock.timers.reset())

  it("is dropped after twenty seconds, once", () => {
    const { dropped, publish } = followed()
    publish()
    mock.timers.tick(19_000)
    assert.deepEqual(dropped, [])
    mock.timers.tick(1_000)
    assert.deepEqual(dropped, ["publish"])
    mock.timers.tick(MINUTE)
    assert.deepEqual(dropped, ["publish"])
  })

  it("is kept while it answers anything, however much is open", async () => {
    const { dropped, publish, answers } = followed()
    for (let number = 0; number < 100; number++) publish()
    while (answers.length > 0) {
      mock.timers.tick(19_000)
      answers.shift()?.()
      await Promise.resolve()
    }
    mock.timers.tick(MINUTE)
    assert.deepEqual(dropped, [])
  })

  it("is not blamed for what its client keeps while it is not connected", () => {
    const { connection, dropped, publish } = followed()
    publish()
    connection.publishes = false
    mock.timers.tick(MINUTE)
    connection.publishes = true
    mock.timers.tick(19_000)
    assert.deepEqual(dropped, [])
  })
})

describe("what waits for a connection", () => {
  it("is sent before anything that comes when it is ready", async () => {
    const line = new WaitingLine<string[]>()
    const sent: string[] = []
    const first = line.join(async (target) => target.push("first"))
    const second = line.join(async (target) => target.push("second"))
    const other = Promise.resolve().then(() => line.empty && sent.push("later"))
    line.release(sent)
    await Promise.all([first, second, other])
    assert.deepEqual(sent, ["first", "second", "later"])
  })

  it("is rejected with what sending it throws, and with why nobody sends it", async () => {
    const line = new WaitingLine<undefined>()
    const thrown = line.join(() => {
      throw new Error("thrown")
    })
    line.release(undefined)
    await assert.rejects(thrown, /thrown/)
    const refused = line.join(async () => "sent")
    line.refuse(new Error("refused"))
    await assert.rejects(refused, /refused/)
    assert.ok(line.empty)
  })
})

describe("a connection of our own that is closed before it stands", () => {
  let redis: RedisServer, control: Redis
  before(async () => {
    redis = await startRedis()
    control = new Redis(redis.port)
  })
  after(async () => {
    control.disconnect()
    await redis[Symbol.asyncDispose]()
  })

  const connections = async () =>
    String(await control.client("LIST"))
      .trim()
      .split("\n").length
  const makers = {
    redis5: () => createRedis5({ url: redis.url }),
    redis6: () => createRedis6({ url: redis.url }),
  }

  for (const [name, make] of Object.entries(makers)) {
    it(`leaves nothing behind: ${name}`, { timeout }, async (t) => {
      const host = make() as unknown as NodeRedisNode
      host.on("error", () => {})
      await host.connect()
      t.after(() => host.destroy?.())
      const earlier = await connections()
      const satellites = Array.from({ length: 10 }, () => satelliteOf(host))
      const opened = satellites.map((satellite) => satellite.opened.catch(() => {}))
      for (const satellite of satellites) satellite.close()
      await Promise.all(opened)
      // Redis tells nobody that a connection has ended.
      while ((await connections()) > earlier);
    })
  }
})
