// The sharded adapter, on a Redis Cluster, over whose servers its channels are spread.
import { after, before, describe } from "node:test"
import { clientNamesFor } from "../node/support/clients.ts"
import { refuseUnhandledRejections } from "../node/support/drivers.ts"
import { type RedisCluster, startRedisCluster } from "../node/support/redis-cluster.ts"
import { behaviours } from "./behaviours.ts"
import { redisEnvironment, shardedModes } from "./environment.ts"

let cluster: RedisCluster

before(async () => {
  cluster = await startRedisCluster()
})
after(() => cluster[Symbol.asyncDispose]())
refuseUnhandledRejections()

const place = () => ({ deployment: cluster, ports: cluster.ports })
const environments = clientNamesFor.cluster.flatMap((client) =>
  shardedModes.map((mode) => redisEnvironment(client, "cluster", mode, place)),
)

describe("a cluster", { concurrency: 4 }, () => environments.forEach(behaviours))
