// The sharded adapter, on one server of Redis 7.
import { after, before, describe } from "node:test"
import { clientNamesFor } from "../node/support/clients.ts"
import { refuseUnhandledRejections } from "../node/support/drivers.ts"
import { type RedisServer, startRedis } from "../node/support/redis-server.ts"
import { behaviours } from "./behaviours.ts"
import { redisEnvironment, shardedModes } from "./environment.ts"

let redis: RedisServer

before(async () => {
  redis = await startRedis()
})
after(() => redis[Symbol.asyncDispose]())
refuseUnhandledRejections()

const place = () => ({ deployment: redis.port, ports: [redis.port] })
// redis 3 knows no shard channels.
const environments = clientNamesFor.standalone
  .filter((client) => client !== "redis3")
  .flatMap((client) =>
    shardedModes.map((mode) => redisEnvironment(client, "standalone", mode, place)),
  )

describe("one server", { concurrency: 4 }, () => environments.forEach(behaviours))
