import assert from "node:assert/strict"
import { after, describe, it, type TestContext } from "node:test"
import { setImmediate } from "node:timers/promises"
import { Redis } from "ioredis5"
import { Server } from "socket.io"
import { createAdapter, type RedisAdapter } from "socket.io-redis-edge"
import { type ClientName, clientNames, type ClientPair, makePair } from "./support/clients.ts"
import { type Client, hear, type Heard, TestServer } from "./support/cluster.ts"
import { type RedisServer, reserveRedis } from "./support/redis-server.ts"

const timeout = 30_000
const unhandled: unknown[] = []

process.on("unhandledRejection", (reason) => unhandled.push(reason))
after(() => assert.deepEqual(unhandled, []))

for (const name of clientNames) describe(`with ${name}`, () => resilience(name))

function resilience(name: ClientName): void {
  it("a server that is there before Redis hears the others later", { timeout }, async (t) => {
    const redis = await reserved(t)
    const { servers, clients } = await cluster(t, redis)
    const [a, b] = servers
    a.io.emit("early")
    await clients[0].until("early")
    await redis.start()
    await Promise.all([a.adapter().subscribed(), b.adapter().subscribed()])
    const [others] = await hearOnce(servers, clients)
    assert.deepEqual(others, [["early"]])
  })

  it("a server that is made while its clients connect hears all later", { timeout }, async (t) => {
    const redis = await reserved(t)
    await redis.start()
    const { servers, clients } = await cluster(t, redis)
    await Promise.all(servers.map((server) => server.adapter().subscribed()))
    await hearOnce(servers, clients)
  })

  it("clients are served while Redis is down, and all of them after", { timeout }, async (t) => {
    const redis = await reserved(t)
    await redis.start()
    const { servers, clients } = await cluster(t, redis)
    const [a, b] = servers
    const [a1, b1] = clients
    await Promise.all(servers.map((server) => server.adapter().subscribed()))
    for (const round of ["first", "second"]) {
      await redis.kill()
      a.io.emit(`${round} of a`)
      b.io.emit(`${round} of b`)
      await Promise.all([a1.until(`${round} of a`), b1.until(`${round} of b`)])
      await redis.start()
      await reconnected(servers, clients)
      const heard = await hearOnce(servers, clients)
      // What the other server sent meanwhile may have come, if its Redis client kept it; but not twice.
      for (const [index, own] of ["a", "b"].entries()) {
        const times = (sender: string) =>
          heard[index]?.filter(([event]) => event === `${round} of ${sender}`).length
        assert.equal(times(own), 1)
        assert.ok(Number(times(own === "a" ? "b" : "a")) <= 1)
      }
    }
  })

  it("a publication that fails is no error of the application", { timeout }, async (t) => {
    const redis = await reserved(t)
    await redis.start()
    const { servers, clients, pairs } = await cluster(t, redis)
    await Promise.all(servers.map((server) => server.adapter().subscribed()))
    pairs[0].close()
    const [heard] = await hear([servers[0].io], [clients[0]], () => {
      servers[0].io.emit("e")
      servers[0].io.to(clients[0].remote.id).emit("e", new Uint8Array(1))
    })
    assert.equal(heard?.length, 2)
    assert.ok(clients[0].socket.connected)
  })

  it("an adapter that is closed while Redis is down stays closed", { timeout }, async (t) => {
    const redis = await reserved(t)
    await redis.start()
    const pair = makePair(name, redis.port)
    t.after(() => pair.close())
    pair.open()
    const io = new Server({ adapter: createAdapter(pair.pubClient, pair.subClient) })
    const adapterOf = (nsp: string) => io.of(nsp).adapter as unknown as RedisAdapter
    await adapterOf("/").subscribed()
    assert.equal(await patterns(redis), 1)
    const lost = new Promise((resolve) => pair.subClient.once("reconnecting", resolve))
    await redis.kill()
    await lost
    await adapterOf("/").close()
    await redis.start()
    await pair.ready()
    // What the client restores by itself comes before what it is asked for: nothing is late after this.
    await adapterOf("/later").subscribed()
    while ((await patterns(redis)) !== 1) await setImmediate()
    await adapterOf("/later").close()
    assert.equal(await patterns(redis), 0)
  })

  /** Two servers with a client each; their Redis clients have only begun to connect. */
  async function cluster(t: TestContext, { port }: RedisServer) {
    const start = async (): Promise<[TestServer, Client, ClientPair]> => {
      const pair = makePair(name, port)
      pair.open()
      const adapter = createAdapter(pair.pubClient, pair.subClient)
      const server = await TestServer.start({ adapter }, pair)
      t.after(() => server.close())
      return [server, await server.connectEarly(), pair]
    }
    const [a, b] = await Promise.all([start(), start()])
    return {
      servers: [a[0], b[0]] as const,
      clients: [a[1], b[1]] as const,
      pairs: [a[2], b[2]] as const,
    }
  }
}

type Pair<T> = readonly [T, T]

async function reserved(t: TestContext): Promise<RedisServer> {
  const redis = await reserveRedis()
  t.after(() => redis[Symbol.asyncDispose]())
  return redis
}

/** How many patterns anybody subscribes to. */
async function patterns({ port }: RedisServer): Promise<unknown> {
  const control = new Redis(port)
  const count = await control.pubsub("NUMPAT")
  control.disconnect()
  return count
}

/** Checks that both clients hear each message of both servers exactly once; what else they have heard. */
async function hearOnce(servers: Pair<TestServer>, clients: Pair<Client>): Promise<Heard[][]> {
  const publishers = servers.map((server) => server.io)
  const heard = await hear(publishers, clients, () => {
    for (let number = 0; number < 20; number++) {
      for (const io of publishers) io.emit("once", number)
    }
  })
  const twice = Array.from({ length: 20 }, (_, number) => [number, number]).flat()
  for (const events of heard) {
    const numbers = events.filter(([event]) => event === "once").map(([, number]) => Number(number))
    numbers.sort((x, y) => x - y)
    assert.deepEqual(numbers, twice)
  }
  return heard.map((events) => events.filter(([event]) => event !== "once"))
}

let attempts = 0

/** Gives when both servers hear each other again: they call until each has been heard by the other. */
async function reconnected([a, b]: Pair<TestServer>, [a1, b1]: Pair<Client>): Promise<void> {
  attempts += 1
  const [ofA, ofB] = [`a calls ${attempts}`, `b calls ${attempts}`]
  const calling = setInterval(() => {
    a.io.emit(ofA)
    b.io.emit(ofB)
  }, 20)
  await Promise.all([b1.until(ofA), a1.until(ofB)])
  clearInterval(calling)
}
