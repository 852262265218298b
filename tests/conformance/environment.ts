import { createAdapter as createPublishedAdapter } from "@socket.io/redis-adapter"
import { Redis } from "ioredis5"
import { Emitter } from "redis-emitter5"
import { createAdapter, type RedisAdapter, type RedisAdapterOptions } from "socket.io-redis-edge"
import { memoryBus, type MemoryBus } from "socket.io-redis-edge/memory"
import { driverFor } from "../../js/src/redis/driver.ts"
import { type ClientName, type ClientPair, connectPair } from "../node/support/clients.ts"
import { type Publisher, TestServer } from "../node/support/cluster.ts"
import { becomes, noop } from "../node/support/drivers.ts"

/** What the adapters of an environment are made with. */
export interface Mode {
  readonly subscriptionMode: "exact" | "pattern"
  readonly publishOnSpecificResponseChannel: boolean
}

/** A deployment of Redis with clients for it, or a bus in its place, and how adapters are to use it. */
export interface Environment {
  readonly name: string
  readonly mode: Mode
  /** The option `key` of all its servers: no two environments hear each other. */
  readonly key: string
  /** One more Socket.IO server of ours, which hears the others already. */
  server(): Promise<TestServer>
  /** Counts for a server in this namespace from now on, and never answers. Gives what ends it. */
  silentServer(nsp: string): Promise<() => Promise<void>>
  /** The channels of its servers that Redis knows of, sorted. */
  channels(): Promise<string[]>
  /** Publishes nothing on a channel; gives how many subscriptions it fits, patterns among them. */
  receivers(channel: string): Promise<number>
  /** What published packages make, where they can be used with these clients. */
  readonly published: Published | undefined
  /** Ends what the environment itself has begun; servers are closed by whoever asked for them. */
  close(): Promise<void>
}

export interface Published {
  /** A server with @socket.io/redis-adapter. */
  server(): Promise<TestServer>
  /** @socket.io/redis-emitter. */
  emitter(): Promise<Publisher & EmitterOfRooms>
}

interface EmitterOfRooms {
  to(room: string): { emit(event: string): unknown }
}

/** A deployment that the environments of one file share. */
export interface RedisDeployment {
  readonly deployment: Parameters<typeof connectPair>[1]
  /** Of all servers that messages go through. */
  readonly ports: readonly number[]
}

/** In this namespace answers are waited for so many milliseconds; in others longer than any test lasts. */
export const HASTY = { nsp: /^\/hasty-/, requestsTimeout: 400 }
const PATIENT = 20_000

/** All modes that an environment can have. */
export const modes: readonly Mode[] = (["pattern", "exact"] as const).flatMap((subscriptionMode) =>
  [false, true].map((publishOnSpecificResponseChannel) => ({
    subscriptionMode,
    publishOnSpecificResponseChannel,
  })),
)

let environments = 0

/** Servers that use a package's clients. The deployment may be started later. */
export function redisEnvironment(
  client: ClientName,
  topology: string,
  mode: Mode,
  redis: () => RedisDeployment,
): Environment {
  const key = nextKey()
  const closing: (() => void | Promise<void>)[] = []
  const connected = async () => {
    const pair = await connectPair(client, redis().deployment)
    closing.push(() => pair.close())
    return pair
  }
  let observer: Promise<ClientPair> | undefined
  // @socket.io/redis-adapter knows no sentinels of node-redis, and its clusters reject what it does not wait for.
  const isKnown = topology === "standalone" || client.startsWith("io")
  const published: Published = {
    async server() {
      const { ports } = redis()
      const pair = await connectPair(client, redis().deployment)
      const adapter = createPublishedAdapter(pair.pubClient, pair.subClient, { key })
      const server = await TestServer.start({ adapter })
      const { uid } = server.io.of("/").adapter as unknown as { uid: string }
      // It does not say itself when it hears the others; this is what it subscribes to last.
      const channel = `${key}-response#/#${uid}#`
      const isHeard = async () => (await channelsAt(ports, key)).includes(channel)
      while (!(await isHeard()));
      closing.push(async () => {
        while (await isHeard());
        // Nor does it wait for Redis's answers when it ends: they are here after another question.
        await isHeard()
        pair.close()
      })
      return server
    },
    emitter: async () => new Emitter((await connected()).pubClient, { key }),
  }
  return {
    name: nameOf(`${client}, ${topology}`, mode),
    mode,
    key,
    published: isKnown ? published : undefined,
    async server() {
      const pair = await connectPair(client, redis().deployment)
      const { pubClient, subClient } = pair
      const server = await TestServer.start(
        { adapter: byHaste((options) => createAdapter(pubClient, subClient, options), key, mode) },
        pair,
      )
      await server.adapter().subscribed()
      return server
    },
    async silentServer(nsp) {
      observer ??= connected()
      const driver = driverFor((await observer).pubClient, (await observer).subClient)
      if (!driver.ready) await becomes(driver, "ready")
      const channel = `${key}-request#${nsp}#`
      await driver.subscribe("channel", channel, noop)
      return () => driver.unsubscribe("channel", channel, noop)
    },
    channels: () => channelsAt(redis().ports, key),
    receivers: (channel) => receiversAt(redis().ports, channel),
    async close() {
      await Promise.all(closing.map((close) => close()))
    },
  }
}

/** Servers that share a bus. */
export function memoryEnvironment(mode: Mode): Environment {
  const key = nextKey()
  const channels = new Map<string, number>()
  const plain = memoryBus()
  const count = (kind: string, name: string, by: number) => {
    if (kind !== "channel") return
    const times = (channels.get(name) ?? 0) + by
    if (times === 0) channels.delete(name)
    else channels.set(name, times)
  }
  const bus: MemoryBus = {
    ...plain,
    subscribe(kind, name, listener) {
      count(kind, name, 1)
      return plain.subscribe(kind, name, listener)
    },
    unsubscribe(kind, name, listener) {
      count(kind, name, -1)
      return plain.unsubscribe(kind, name, listener)
    },
  }
  return {
    name: nameOf("memory", mode),
    mode,
    key,
    published: undefined,
    async server() {
      const adapter = byHaste((options) => createAdapter(bus, options), key, mode)
      const server = await TestServer.start({ adapter })
      await server.adapter().subscribed()
      return server
    },
    async silentServer(nsp) {
      const channel = `${key}-request#${nsp}#`
      await plain.subscribe("channel", channel, noop)
      return () => plain.unsubscribe("channel", channel, noop)
    },
    channels: async () => [...channels.keys()].toSorted(),
    receivers: (channel) => bus.publish(channel, new Uint8Array()),
    async close() {},
  }
}

function nextKey(): string {
  environments += 1
  return `conformance-${process.pid}-${environments}`
}

function nameOf(what: string, mode: Mode): string {
  const channels = mode.publishOnSpecificResponseChannel ? "own response channels" : "shared ones"
  return `${what}, ${mode.subscriptionMode}, ${channels}`
}

type Factory = ReturnType<typeof createAdapter>

/** What the option `adapter` takes: adapters whose patience depends on their namespace. */
function byHaste(
  create: (options: RedisAdapterOptions) => Factory,
  key: string,
  mode: Mode,
): Factory {
  const patient = create({ ...mode, key, requestsTimeout: PATIENT })
  const hasty = create({ ...mode, key, requestsTimeout: HASTY.requestsTimeout })
  return function adapter(nsp): RedisAdapter {
    return HASTY.nsp.test(nsp.name) ? hasty(nsp) : patient(nsp)
  }
}

async function channelsAt(ports: readonly number[], key: string): Promise<string[]> {
  const lists = await atEach(ports, (redis) => redis.pubsub("CHANNELS", `${key}*`))
  return [...new Set((lists as string[][]).flat())].toSorted()
}

async function receiversAt(ports: readonly number[], channel: string): Promise<number> {
  // Each node of a cluster answers for those that are subscribed there.
  const counts = await atEach(ports, (redis) => redis.publish(channel, ""))
  return counts.reduce((sum, count) => sum + count, 0)
}

function atEach<T>(ports: readonly number[], ask: (redis: Redis) => Promise<T>): Promise<T[]> {
  return Promise.all(
    ports.map(async (port) => {
      const redis = new Redis(port)
      try {
        return await ask(redis)
      } finally {
        redis.disconnect()
      }
    }),
  )
}
