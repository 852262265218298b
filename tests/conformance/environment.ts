import { createAdapter as createPublishedAdapter } from "@socket.io/redis-adapter"
import { Redis } from "ioredis5"
import { Emitter } from "redis-emitter5"
import {
  createAdapter,
  createShardedAdapter,
  type RedisAdapterOptions,
  type ShardedRedisAdapterOptions,
} from "socket.io-redis-edge"
import { memoryBus, type MemoryBus } from "socket.io-redis-edge/memory"
import { driverFor, type RedisClient, type RedisDriver } from "../../js/src/redis/driver.ts"
import { shardedDriverFor } from "../../js/src/redis/sharded-driver.ts"
import { type ClientName, type ClientPair, connectPair } from "../node/support/clients.ts"
import { type Publisher, TestServer } from "../node/support/cluster.ts"
import { becomes, noop } from "../node/support/drivers.ts"

/** What the adapters of an environment are made with. */
export type Mode = ClassicMode | ShardedMode

interface ClassicMode {
  readonly subscriptionMode: "exact" | "pattern"
  readonly publishOnSpecificResponseChannel: boolean
}

interface ShardedMode {
  readonly subscriptionMode: "dynamic" | "dynamic-private" | "static"
}

const isSharded = (mode: Mode): mode is ShardedMode => !("publishOnSpecificResponseChannel" in mode)

/** A deployment of Redis with clients for it, or a bus in its place, and how adapters are to use it. */
export interface Environment {
  readonly name: string
  readonly mode: Mode
  /** The option `key` or `channelPrefix` of all its servers: no two environments hear each other. */
  readonly key: string
  /** Whether each room of a server has a subscription of its own. */
  readonly subscribesToRooms: boolean
  /** The channel by whose subscribers the servers of a namespace are counted. */
  countedChannel(nsp: string): string
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

/** All modes of the classic adapter. */
export const modes: readonly ClassicMode[] = (["pattern", "exact"] as const).flatMap(
  (subscriptionMode) =>
    [false, true].map((publishOnSpecificResponseChannel) => ({
      subscriptionMode,
      publishOnSpecificResponseChannel,
    })),
)

/** All modes of the sharded adapter. */
export const shardedModes: readonly ShardedMode[] = (
  ["dynamic", "dynamic-private", "static"] as const
).map((subscriptionMode) => ({ subscriptionMode }))

/** What follows from the mode alone. */
function common(mode: Mode, key: string) {
  return {
    mode,
    key,
    subscribesToRooms: mode.subscriptionMode !== "pattern" && mode.subscriptionMode !== "static",
    countedChannel: (nsp: string) =>
      isSharded(mode) ? `${key}#${nsp}#` : `${key}-request#${nsp}#`,
  }
}

let environments = 0

/** Servers that use a package's clients. The deployment may be started later. */
export function redisEnvironment(
  client: ClientName,
  topology: string,
  mode: Mode,
  redis: () => RedisDeployment,
): Environment {
  // What goes through channels of different slots has no order; those of one hash tag are in one slot.
  const oneSlot = topology === "cluster" && isSharded(mode)
  const key = oneSlot ? `{${nextKey()}}` : nextKey()
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
    ...common(mode, key),
    published: isKnown && !isSharded(mode) ? published : undefined,
    async server() {
      const pair = await connectPair(client, redis().deployment)
      const server = await TestServer.start(
        { adapter: byHaste(pair.pubClient, pair.subClient, key, mode) },
        pair,
      )
      await server.adapter().subscribed()
      return server
    },
    async silentServer(nsp) {
      observer ??= connected()
      const { pubClient, subClient } = await observer
      const driver = (isSharded(mode) ? shardedDriverFor : driverFor)(pubClient, subClient)
      if (!driver.ready) await becomes(driver, "ready")
      const channel = this.countedChannel(nsp)
      await driver.subscribe("channel", channel, noop)
      return () => driver.unsubscribe("channel", channel, noop)
    },
    channels: () => channelsAt(redis().ports, key, isSharded(mode)),
    receivers: (channel) => receiversAt(redis().ports, channel, isSharded(mode)),
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
  const counted = (driver: RedisDriver): RedisDriver => ({
    ...driver,
    subscribe(kind, name, listener) {
      count(kind, name, 1)
      return driver.subscribe(kind, name, listener)
    },
    unsubscribe(kind, name, listener) {
      count(kind, name, -1)
      return driver.unsubscribe(kind, name, listener)
    },
  })
  const bus: MemoryBus = {
    ...counted(plain),
    isMemoryBus: true,
    sharded: counted(plain.sharded),
  }
  const face = isSharded(mode) ? plain.sharded : plain
  return {
    name: nameOf("memory", mode),
    ...common(mode, key),
    published: undefined,
    async server() {
      const server = await TestServer.start({ adapter: byHaste(bus, bus, key, mode) })
      await server.adapter().subscribed()
      return server
    },
    async silentServer(nsp) {
      const channel = this.countedChannel(nsp)
      await face.subscribe("channel", channel, noop)
      return () => face.unsubscribe("channel", channel, noop)
    },
    channels: async () => [...channels.keys()].toSorted(),
    receivers: (channel) => face.publish(channel, new Uint8Array()),
    async close() {},
  }
}

function nextKey(): string {
  environments += 1
  return `conformance-${process.pid}-${environments}`
}

function nameOf(what: string, mode: Mode): string {
  if (isSharded(mode)) return `${what}, sharded, ${mode.subscriptionMode}`
  const channels = mode.publishOnSpecificResponseChannel ? "own response channels" : "shared ones"
  return `${what}, ${mode.subscriptionMode}, ${channels}`
}

/** What the option `adapter` takes: adapters whose patience depends on their namespace. */
function byHaste(pubClient: RedisClient, subClient: RedisClient, key: string, mode: Mode) {
  const create = (requestsTimeout: number) => {
    if (isSharded(mode)) {
      const options: ShardedRedisAdapterOptions = { ...mode, channelPrefix: key, requestsTimeout }
      return createShardedAdapter(pubClient, subClient, options)
    }
    const options: RedisAdapterOptions = { ...mode, key, requestsTimeout }
    return createAdapter(pubClient, subClient, options)
  }
  const [patient, hasty] = [create(PATIENT), create(HASTY.requestsTimeout)]
  return function adapter(nsp: Parameters<typeof patient>[0]) {
    return HASTY.nsp.test(nsp.name) ? hasty(nsp) : patient(nsp)
  }
}

async function channelsAt(
  ports: readonly number[],
  key: string,
  sharded = false,
): Promise<string[]> {
  const verb = sharded ? "SHARDCHANNELS" : "CHANNELS"
  const lists = await atEach(ports, (redis) => redis.call("PUBSUB", verb, `${key}*`))
  return [...new Set((lists as string[][]).flat())].toSorted()
}

async function receiversAt(
  ports: readonly number[],
  channel: string,
  sharded: boolean,
): Promise<number> {
  // Each node of a cluster answers for those that are subscribed there; for shard channels, one does.
  const counts = await atEach(ports, (redis) =>
    sharded ? redis.spublish(channel, "").then(Number, () => 0) : redis.publish(channel, ""),
  )
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
