// Checked by tsc alone: a server takes our adapter, with the clients of every supported package.
import { Cluster as Ioredis5Cluster, Redis as Ioredis5 } from "ioredis5"
import { Redis as Ioredis6 } from "ioredis6"
import { createClient as createRedis3 } from "redis3"
import { createClient as createRedis4, createCluster as createCluster4 } from "redis4"
import { createClient as createRedis5 } from "redis5"
import { createClient as createRedis6, createCluster as createCluster6 } from "redis6"
import { Server } from "socket.io"
import createDefault, { createAdapter, type RedisAdapterOptions } from "socket.io-redis-edge"

interface ServerEvents {
  message: (text: string, count: number) => void
}

const options: RedisAdapterOptions = { key: "key", requestsTimeout: 1_000 }

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
]

const typed = new Server<ServerEvents, ServerEvents>()
typed.adapter(createAdapter(new Ioredis6(), new Ioredis6()))

// @ts-expect-error a URL is no client
createAdapter("redis://localhost", "redis://localhost")
// @ts-expect-error there have to be two
createAdapter(new Ioredis6())
// @ts-expect-error no such option
createAdapter(new Ioredis6(), new Ioredis6(), { prefix: "key" })
