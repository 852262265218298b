import { after, before, describe } from "node:test"
import { clientNamesFor } from "../node/support/clients.ts"
import { refuseUnhandledRejections } from "../node/support/drivers.ts"
import { type RedisServer, startRedis } from "../node/support/redis-server.ts"
import { behaviours } from "./behaviours.ts"
import { modes, redisEnvironment } from "./environment.ts"

let redis: RedisServer

before(async () => {
  redis = await startRedis()
})
after(() => redis[Symbol.asyncDispose]())
refuseUnhandledRejections()

const place = () => ({ deployment: redis.port, ports: [redis.port] })
const environments = clientNamesFor.standalone.flatMap((client) =>
  modes.map((mode) => redisEnvironment(client, "standalone", mode, place)),
)

describe("one server", { concurrency: 4 }, () => environments.forEach(behaviours))
