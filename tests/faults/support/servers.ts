import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import {
  createAdapter as createClassic,
  createShardedAdapter as createSharded,
} from "@socket.io/redis-adapter"
import { createAdapter, createShardedAdapter } from "socket.io-redis-edge"
import { type ClientName, connectPair } from "../../node/support/clients.ts"
import { TestServer } from "../../node/support/cluster.ts"

/** Ours, and the published adapters by what they speak. */
export type AdapterName = "ours" | "ours sharded" | "classic" | "sharded" | "streams"

/** Ours, each of which has to live through all that the published ones do not. */
export const allOfOurs = ["ours", "ours sharded"] as const

/** What a server is made of. */
export interface ServerOptions {
  readonly adapter: AdapterName
  readonly client: ClientName
  /** Of its Redis. */
  readonly port: number
  /** Servers with the same one hear each other. */
  readonly key?: string
  /** In milliseconds; known to ours and the classic one. */
  readonly requestsTimeout?: number
  /** Known to ours alone. */
  readonly partial?: boolean
  /** Whether a client of ioredis connects again as seldom as it does by default. */
  readonly patient?: boolean
}

type StreamsModule = { createAdapter(client: unknown, options: object): unknown }

const require = createRequire(import.meta.url)
const STREAMS = "@socket.io/redis-streams-adapter"

/** The streams adapter, where it is installed. */
const streams = installed(STREAMS)

/** False, or why a test with this adapter cannot run. */
export function absent(adapter: AdapterName): string | false {
  return adapter === "streams" && streams === undefined ? `${STREAMS} is not installed` : false
}

/** Package and version of an adapter. */
export function nameOf(adapter: AdapterName): string {
  switch (adapter) {
    case "ours":
    case "ours sharded":
      return adapter
    case "classic":
      return packageOf("@socket.io/redis-adapter")
    case "sharded":
      return `the sharded adapter of ${packageOf("@socket.io/redis-adapter")}`
    case "streams":
      return streams ? packageOf(STREAMS) : STREAMS
  }
}

/** Package and version of what an alias in node_modules stands for. */
export function packageOf(alias: string): string {
  const { name, version } = JSON.parse(
    readFileSync(require.resolve(`${alias}/package.json`), "utf8"),
  )
  return `${name} ${version}`
}

/** A server in this process, with connections of its own; what its adapter needs of Redis may come later. */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  const pair = await connectPair(options.client, options.port)
  if (options.patient) for (const client of [pair.pubClient, pair.subClient]) tryAsByDefault(client)
  return TestServer.start({ adapter: adapterFor(pair, options) as never }, pair)
}

/**
 * ioredis gives a command up after 20 attempts to connect. That takes 10 seconds or more by default, but 0.4
 * where the next attempt comes after 20 milliseconds, as with the clients of the tests.
 */
function tryAsByDefault(client: object): void {
  const { options } = client as { options?: { retryStrategy?: (times: number) => number } }
  if (options?.retryStrategy) options.retryStrategy = (times) => Math.min(times * 50, 2_000)
}

function adapterFor(
  { pubClient, subClient }: { pubClient: unknown; subClient: unknown },
  { adapter, key = "socket.io", requestsTimeout, partial }: ServerOptions,
): unknown {
  const common = { key, ...(requestsTimeout && { requestsTimeout }) }
  switch (adapter) {
    case "ours":
      return createAdapter(pubClient as never, subClient as never, {
        ...common,
        ...(partial && { partial }),
      })
    case "ours sharded":
      return createShardedAdapter(pubClient as never, subClient as never, {
        channelPrefix: key,
        ...(requestsTimeout && { requestsTimeout }),
        ...(partial && { partial }),
      })
    case "classic":
      return createClassic(pubClient, subClient, common)
    case "sharded":
      return createSharded(pubClient, subClient, { channelPrefix: key })
    case "streams":
      return streams?.createAdapter(pubClient, { streamName: key, channelPrefix: key })
  }
}

function installed(name: string): StreamsModule | undefined {
  try {
    return require(name)
  } catch {
    return undefined
  }
}
