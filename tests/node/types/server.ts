// Checked by tsc alone: a server takes our adapter, with the clients of every supported package.
import { Cluster as Ioredis5Cluster, Redis as Ioredis5 } from "ioredis5"
import { Redis as Ioredis6 } from "ioredis6"
import { Packr } from "msgpackr"
import * as notepack from "notepack.io"
import { createClient as createRedis3 } from "redis3"
import { createClient as createRedis4, createCluster as createCluster4 } from "redis4"
import { createClient as createRedis5 } from "redis5"
import { createClient as createRedis6, createCluster as createCluster6 } from "redis6"
import { Server } from "socket.io"
import createDefault, {
  createAdapter,
  type RedisAdapter,
  type RedisAdapterOptions,
  RequestError,
} from "socket.io-redis-edge"
import { memoryBus } from "socket.io-redis-edge/memory"

interface ServerEvents {
  message: (text: string, count: number) => void
}

const options: RedisAdapterOptions = {
  key: "key",
  requestsTimeout: 1_000,
  publishOnSpecificResponseChannel: true,
  parser: new Packr({ useRecords: false }),
  partial: true,
  subscriptionMode: "exact",
}

export const servers = [
  new Server({ adapter: createAdapter(createRedis3(), createRedis3()) }),
  new Server({ adapter: createAdapter(createRedis4(), createRedis4(), {}) }),
  new Server({ adapter: createAdapter(createRedis5(), createRedis5(), options) }),
  new Server({ adapter: createAdapter(createRedis6(), createRedis6()) }),
  new Server({ adapter: createAdapter(new Ioredis5(), new Ioredis5()) }),
  new Server({ adapter: createDefault(new Ioredis6(), new Ioredis6()) }),
  new Server({ adapter: createAdapter(new Ioredis5Cluster([]), new Ioredis5Cluster([])) }),
  new Server({ adapter: createAdapter(createCluster4({ rootNodes: [] }), createRedis4()) }),
  new Server({ adapter: createAdapter(createCluster6({ rootNodes: [] }), createRedis6()) }),
  new Server({ adapter: createAdapter(memoryBus()) }),
  new Server({ adapter: createAdapter(memoryBus(), { ...options, parser: notepack }) }),
]

/** What the adapter has beyond what socket.io asks of one. */
export async function ask(adapter: RedisAdapter): Promise<[number, Set<unknown>, Set<string>]> {
  const filter = { rooms: new Set(["room"]), except: new Set<string>() }
  await adapter.addSockets(filter, ["one", "two"])
  await adapter.delSockets(filter, ["one"])
  await adapter.disconnectSockets({ ...filter, flags: { local: true } }, true)
  await adapter.remoteJoin("sid", "room")
  await adapter.remoteLeave("sid", "room")
  await adapter.remoteDisconnect("sid", true)
  await adapter.subscribed()
  const found = await adapter.fetchSockets({ ...filter, flags: { timeout: 100 } })
  found.forEach(({ id }) => id.length)
  const count: number = (await adapter.count()) + (await adapter.count(["room", "other"]))
  return [count, await adapter.allRooms(), await adapter.sockets(new Set(["room"]))]
}

/** What is known when a request fails. */
export function known(error: unknown): [string, unknown, number | undefined] | undefined {
  if (error instanceof RequestError) return [error.code, error.responses, error.missing]
  return undefined
}

const typed = new Server<ServerEvents, ServerEvents>()
typed.adapter(createAdapter(new Ioredis6(), new Ioredis6()))

// @ts-expect-error a URL is no client
createAdapter("redis://localhost", "redis://localhost")
// @ts-expect-error there have to be two
createAdapter(new Ioredis6())
// @ts-expect-error no such mode
createAdapter(memoryBus(), { subscriptionMode: "dynamic" })
// @ts-expect-error a parser decodes, too
createAdapter(memoryBus(), { parser: { encode: (value: unknown) => Buffer.from(String(value)) } })
// @ts-expect-error no such option
createAdapter(new Ioredis6(), new Ioredis6(), { prefix: "key" })
