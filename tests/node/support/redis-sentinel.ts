import type { Redis } from "ioredis5"
import { type RedisServer, startRedis, startSentinelProcess, waitUntil } from "./redis-server.ts"

/** A master, a replica and three sentinels of a test's own, each a process on a loopback port. */
export interface SentinelDeployment {
  readonly topology: "sentinel"
  /** Of the sentinels. */
  readonly ports: readonly number[]
  /** The name that the sentinels have for the master. */
  readonly name: string
  /** Of the master of the moment. */
  readonly masterPort: number
  /** SIGKILL to the master; gives when every sentinel names the replica in its place. Once. */
  failover(): Promise<void>
  /** Stops all processes and removes their directories. */
  [Symbol.asyncDispose](): Promise<void>
}

const NAME = "edge"
const SENTINELS = 3
const QUORUM = 2

/** A deployment whose sentinels know each other and the replica, and could do a failover. */
export async function startSentinel(): Promise<SentinelDeployment> {
  const servers: RedisServer[] = []
  const dispose = async () => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
  }
  const started = async (starting: Promise<RedisServer>) => {
    const server = await starting
    servers.push(server)
    return server
  }
  try {
    const master = await started(startRedis(["--repl-diskless-sync-delay", "0"]))
    const replica = await started(startRedis(["--replicaof", "127.0.0.1", `${master.port}`]))
    await waitUntil(replica, async (redis) =>
      (await redis.info("replication")).includes("master_link_status:up"),
    )
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, () => started(startSentinelProcess(duties(master.port)))),
    )
    await Promise.all(sentinels.map((sentinel) => waitUntil(sentinel, isPrepared)))
    let current = master
    return {
      topology: "sentinel",
      ports: sentinels.map(({ port }) => port),
      name: NAME,
      get masterPort() {
        return current.port
      },
      async failover() {
        await master.kill()
        const isDone = async (redis: Redis) => (await masterPort(redis)) === replica.port
        await Promise.all(sentinels.map((sentinel) => waitUntil(sentinel, isDone)))
        current = replica
      },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

function duties(port: number): string[] {
  return [
    `sentinel monitor ${NAME} 127.0.0.1 ${port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} 300`,
    `sentinel failover-timeout ${NAME} 2000`,
  ]
}

/** Whether a sentinel knows the other ones and the replica. */
async function isPrepared(sentinel: Redis): Promise<boolean> {
  const fields = (await sentinel.call("SENTINEL", "MASTER", NAME)) as string[]
  const valueOf = (field: string) => fields[fields.indexOf(field) + 1]
  return valueOf("num-other-sentinels") === `${SENTINELS - 1}` && valueOf("num-slaves") === "1"
}

async function masterPort(sentinel: Redis): Promise<number> {
  const address = await sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
  return Number((address as string[])[1])
}
