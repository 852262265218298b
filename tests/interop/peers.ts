import { readFileSync } from "node:fs"
import {
  createAdapter as createAdapter8,
  createShardedAdapter as createShardedAdapter8,
} from "@socket.io/redis-adapter"
import { Redis } from "ioredis5"
import { createAdapter as createAdapter7 } from "redis-adapter7"
import { Emitter as Emitter4 } from "redis-emitter4"
import { Emitter as Emitter5 } from "redis-emitter5"
import type { Redis as Redis6 } from "ioredis6"
import type { Server } from "socket.io"
import createEmitter3 from "socket.io-emitter3"
import { createAdapter, createShardedAdapter, type RedisAdapterOptions } from "socket.io-redis-edge"
import createAdapter5 from "socket.io-redis5"
import { createAdapter as createAdapter6 } from "socket.io-redis6"
import { type ClientName, type ClientPair, connectPair } from "../node/support/clients.ts"
import { type Feature, features } from "./features.ts"
import { namespaces, serve, type ServerSite, type Site, type SocketIoVersion } from "./sites.ts"

type FeatureSet = ReadonlySet<Feature>

/** Options that published servers share with ours. */
export interface Options {
  /** Known to versions 7 and 8. */
  publishOnSpecificResponseChannel?: boolean
  /** In milliseconds. */
  requestsTimeout?: number
  /** Known to version 8. */
  parser?: { encode(value: unknown): Buffer; decode(bytes: Uint8Array): unknown }
  /** Known to ours, and to sharded servers. */
  subscriptionMode?: "pattern" | "exact" | ShardedMode
}

/** Which rooms have channels of their own in the sharded dialect; all servers of a cluster have to agree. */
export type ShardedMode = (typeof shardedModes)[number]
export const shardedModes = ["dynamic", "dynamic-private", "static"] as const

/** A published package, or ours, and what it does in a cluster. */
export interface Peer {
  readonly package: string
  readonly version: string
  /** Whether it speaks the sharded dialect, and hears no other. */
  readonly sharded: boolean
  /** What its servers and emitters can ask of others. */
  readonly sends: FeatureSet
  /** What its servers do when others ask; nothing for emitters. */
  readonly receives: FeatureSet
  /** A server or an emitter with connections of its own to the Redis on this port. */
  start(port: number, options?: Options): Promise<Site>
}

/** A peer that runs servers. */
export interface ServerPeer extends Peer {
  readonly socketIo: { major: SocketIoVersion; version: string }
  start(port: number, options?: Options): Promise<ServerSite & { url: string }>
}

const known: FeatureSet = new Set(Object.keys(features) as Feature[])
const nothing: FeatureSet = new Set()

const plus = (set: FeatureSet, ...more: Feature[]): FeatureSet => new Set([...set, ...more])
const without = (set: FeatureSet, ...less: Feature[]): FeatureSet =>
  new Set(Array.from(set).filter((feature) => !less.includes(feature)))

/** What published servers have that are current. */
const all = without(known, "additions")

/** What version 5 servers and the oldest emitter have in common with all others. */
const emits: FeatureSet = new Set<Feature>(["broadcast", "numericRooms", "binary"])

/** What there was before version 7; servers of any version are counted. */
const until6 = without(all, "serverSideEmit", "serverSideEmitWithAck", "emitWithAck")

/** Version 6 loses what others send to one room that is a number. */
const receives6 = plus(without(until6, "numericRooms"), "additions")

/** Our server, with node-redis. */
export const ours: ServerPeer = ourServer("redis6")
/** Our server, with ioredis. */
export const oursOnIoredis: ServerPeer = ourServer("ioredis6")

/** Our sharded server, with node-redis. */
export const oursSharded: ServerPeer = ourShardedServer("redis6")
/** Our sharded server, with ioredis. */
export const oursShardedOnIoredis: ServerPeer = ourShardedServer("ioredis6")

/** The sharded adapter of @socket.io/redis-adapter 8. */
export const sharded8: ServerPeer = server({
  alias: "@socket.io/redis-adapter",
  sharded: true,
  socketIo: 4,
  client: "ioredis6",
  adapter: ({ pubClient, subClient }, options) =>
    createShardedAdapter8(pubClient, subClient, shardedOptions(options)),
  // What it lacks; its servers answer when ours ask all the same.
  sends: without(all, "allRooms", "allSockets", "remote"),
  receives: known,
})

/** @socket.io/redis-adapter 8. */
export const adapter8: ServerPeer = server({
  alias: "@socket.io/redis-adapter",
  socketIo: 4,
  client: "ioredis6",
  adapter: ({ pubClient, subClient }, options) => createAdapter8(pubClient, subClient, options),
  // Its allSockets() gives the server's own, and sockets() and the remote methods are gone.
  sends: without(all, "allSockets", "remote"),
  receives: known,
})

/** @socket.io/redis-adapter 7. */
export const adapter7: ServerPeer = server({
  alias: "redis-adapter7",
  socketIo: 4,
  client: "ioredis5",
  adapter: ({ pubClient, subClient }, options) => createAdapter7(pubClient, subClient, options),
  sends: all,
  receives: known,
})

/** socket.io-redis 6 with Socket.IO 4, which gives it all methods. */
export const redis6: ServerPeer = server({
  alias: "socket.io-redis6",
  socketIo: 4,
  client: "redis3",
  adapter: (pair, options) => createAdapter6({ ...clientsOf(pair), ...options }),
  sends: without(until6, "serverCount"),
  receives: receives6,
})

/** socket.io-redis 6 with Socket.IO 3, which has no except() and no methods for what version 6.1 brought. */
export const redis6on3: ServerPeer = server({
  alias: "socket.io-redis6",
  socketIo: 3,
  client: "redis3",
  adapter: (pair, options) => createAdapter6({ ...clientsOf(pair), ...options }),
  sends: plus(emits, "socketBroadcast", "allRooms", "allSockets", "remote"),
  receives: receives6,
})

/** socket.io-redis 5, which asks its questions in a way of its own. */
export const redis5: ServerPeer = server({
  alias: "socket.io-redis5",
  socketIo: 2,
  client: "redis3",
  adapter: (pair, options) => createAdapter5({ ...clientsOf(pair), ...options }),
  sends: plus(emits, "socketBroadcast"),
  // Binary data that newer servers send reaches its clients as {"type":"Buffer"}.
  receives: new Set(["broadcast", "socketBroadcast", "numericRooms", "serverCount"]),
})

/** All servers by name, for those that start them in a process of their own. */
export const byName = { adapter7, adapter8, ours, redis5, redis6, redis6on3 } as const

/** The published servers that a cluster may have next to ours. */
export const servers: readonly ServerPeer[] = [adapter8, adapter7, redis6, redis6on3, redis5]

const manages = plus(emits, "except", "sockets", "serverSideEmit")

/** @socket.io/redis-emitter 5; all emitters have a client of ioredis. */
export const emitter5 = emitter("redis-emitter5", (client) => new Emitter5(client), manages)
/** @socket.io/redis-emitter 4. */
export const emitter4 = emitter("redis-emitter4", (client) => new Emitter4(client), manages)
/** socket.io-emitter 3. */
export const emitter3 = emitter("socket.io-emitter3", (client) => createEmitter3(client), emits)

/** The published emitters. */
export const emitters: readonly Peer[] = [emitter5, emitter4, emitter3]

/** Name and version of a package, with Socket.IO's where one runs on several. */
export function nameOf(peer: Peer): string {
  const on = peer === redis6on3 ? ` on socket.io ${redis6on3.socketIo.version}` : ""
  const which = peer.sharded ? " sharded" : on
  return peer.package === ours.package ? "ours" : `${peer.package} ${peer.version}${which}`
}

/** How long servers may take to subscribe, in milliseconds. */
const SUBSCRIBE_LIMIT = 10_000

/**
 * Gives when so many servers hear the requests of each namespace, which they subscribe to last in the classic
 * dialect; in the sharded one, their own channels, which follow, belong to the same batch.
 */
export async function subscribed(
  port: number,
  count: number,
  { nsps = namespaces, sharded = false }: { nsps?: readonly string[]; sharded?: boolean } = {},
): Promise<void> {
  const control = new Redis(port)
  const deadline = Date.now() + SUBSCRIBE_LIMIT
  const verb = sharded ? "SHARDNUMSUB" : "NUMSUB"
  for (const nsp of nsps) {
    const channel = sharded ? `socket.io#${nsp}#` : `socket.io-request#${nsp}#`
    const subscribers = async () => {
      const [, number] = (await control.call("PUBSUB", verb, channel)) as unknown[]
      return Number(number)
    }
    while ((await subscribers()) < count) {
      if (Date.now() > deadline) throw new Error(`not ${count} servers subscribed to ${channel}`)
    }
  }
  control.disconnect()
}

function ourServer(client: ClientName): ServerPeer {
  return server({
    alias: "socket.io-redis-edge",
    socketIo: 4,
    client,
    adapter: ({ pubClient, subClient }, options) =>
      createAdapter(pubClient, subClient, options as RedisAdapterOptions),
    sends: known,
    receives: known,
  })
}

function ourShardedServer(client: ClientName): ServerPeer {
  return server({
    alias: "socket.io-redis-edge",
    sharded: true,
    socketIo: 4,
    client,
    adapter: ({ pubClient, subClient }, options) =>
      createShardedAdapter(pubClient, subClient, shardedOptions(options)),
    sends: known,
    receives: known,
  })
}

interface ServerDefinition {
  readonly alias: string
  readonly sharded?: boolean
  readonly socketIo: SocketIoVersion
  readonly client: ClientName
  readonly sends: FeatureSet
  readonly receives: FeatureSet
  adapter(pair: ClientPair, options: Options): unknown
}

function server({
  alias,
  sharded = false,
  socketIo,
  client,
  adapter,
  ...abilities
}: ServerDefinition): ServerPeer {
  const { version } = manifest(socketIo === 4 ? "socket.io" : `socket.io${socketIo}`)
  return {
    ...named(alias),
    sharded,
    ...abilities,
    socketIo: { major: socketIo, version },
    async start(port, options = {}) {
      const pair = await connectPair(client, port)
      // Published adapters let nobody wait for their subscriptions, nor for the end of them, whose failure ends the
      // process with ioredis: this is answered afterwards.
      const isUnawaited = client.startsWith("io") && alias !== "socket.io-redis-edge"
      const ping = isUnawaited ? () => (pair.subClient as Redis6).ping() : undefined
      return serve(socketIo, adapter(pair, options), pair, ping)
    },
  }
}

function emitter(alias: string, make: (client: Redis) => object, sends: FeatureSet): Peer {
  return {
    ...named(alias),
    sharded: false,
    sends,
    receives: nothing,
    async start(port) {
      const client = new Redis(port)
      return { io: make(client) as Server, [Symbol.asyncDispose]: async () => client.disconnect() }
    },
  }
}

function named(alias: string): Pick<Peer, "package" | "version"> {
  const { name, version } = manifest(alias)
  return { package: name, version }
}

function manifest(alias: string): { name: string; version: string } {
  const file = new URL(`../../node_modules/${alias}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(file, "utf8"))
}

function shardedOptions({ subscriptionMode = "dynamic" }: Options) {
  return { subscriptionMode: subscriptionMode as ShardedMode }
}

function clientsOf({ pubClient, subClient }: ClientPair) {
  return { pubClient, subClient }
}
