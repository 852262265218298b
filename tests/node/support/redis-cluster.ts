import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { Redis } from "ioredis5"
import { executable, freePort, type RedisServer, startRedis, waitUntil } from "./redis-server.ts"

/** A Redis Cluster of a test's own: a process for each node, on loopback ports that they keep. */
export interface RedisCluster {
  readonly topology: "cluster"
  /** Of all nodes; those of the three masters come first. */
  readonly ports: readonly number[]
  /** SIGKILL to a node, by its place in `ports`; the others serve what they have of the slots. */
  kill(node: number): Promise<void>
  /** Starts a node again that was killed, and gives when all nodes agree again. */
  restart(node: number): Promise<void>
  /**
   * Moves so many slots from one master to another, as an operator does; clients go on meanwhile. Gives when all nodes
   * have heard of it.
   */
  reshard(from: number, to: number, slots: number): Promise<void>
  /** Gives when all nodes that run agree that this one is a master. */
  promoted(node: number): Promise<void>
  /** Stops all nodes and removes their directories. */
  [Symbol.asyncDispose](): Promise<void>
}

const MASTERS = 3

/** A cluster of three masters, each with so many replicas, all of whose nodes say that it is well. */
export async function startRedisCluster(replicas = 0): Promise<RedisCluster> {
  const servers: RedisServer[] = []
  const dispose = async () => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
  }
  try {
    const starting = Array.from({ length: MASTERS * (1 + replicas) }, async () => {
      servers.push(await startNode())
    })
    await Promise.all(starting)
    await join(servers, replicas)
    await agreement(servers)
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    topology: "cluster",
    ports: servers.map(({ port }) => port),
    kill: async (node) => servers[node]?.kill(),
    async restart(node) {
      await servers[node]?.start()
      await agreement(servers)
    },
    reshard: (from, to, slots) => reshard(servers, from, to, slots),
    async promoted(node) {
      const running = servers.filter(({ pid }) => pid !== undefined)
      const isMaster = async (redis: Redis) => (await mastersBy(redis)).has(servers[node]?.port)
      await Promise.all(running.map((server) => waitUntil(server, isMaster)))
    },
    [Symbol.asyncDispose]: dispose,
  }
}

/** The ports of the masters that a node knows of and that have slots. */
async function mastersBy(redis: Redis): Promise<Set<number | undefined>> {
  const slots = await redis.cluster("SLOTS")
  return new Set(slots.map(([, , master]) => master?.[1]))
}

/** Which port has which slots, by a node, as a text that can be compared. */
async function ownersBy(redis: Redis): Promise<string> {
  const slots = await redis.cluster("SLOTS")
  return JSON.stringify(slots.map(([from, to, master]) => [from, to, master?.[1]]).toSorted())
}

/** Gives when all nodes say the same of who has which slot: nothing else can be moved before. */
async function consensus(servers: readonly RedisServer[]): Promise<void> {
  const [first, ...others] = servers
  for (const server of others) {
    const agrees = async (redis: Redis) => {
      const reference = new Redis(first?.port ?? 0)
      try {
        return (await ownersBy(reference)) === (await ownersBy(redis))
      } finally {
        reference.disconnect()
      }
    }
    await waitUntil(server, agrees)
  }
}

async function reshard(
  servers: readonly RedisServer[],
  from: number,
  to: number,
  slots: number,
): Promise<void> {
  const idOf = async (node: number) => {
    const redis = new Redis(servers[node]?.port ?? 0)
    try {
      return String(await redis.cluster("MYID"))
    } finally {
      redis.disconnect()
    }
  }
  const ends = ["--cluster-from", await idOf(from), "--cluster-to", await idOf(to)]
  const amount = ["--cluster-slots", `${slots}`, "--cluster-yes"]
  const place = `127.0.0.1:${servers[from]?.port}`
  await promisify(execFile)(
    executable("cli"),
    ["--cluster", "reshard", place, ...ends, ...amount],
    {
      maxBuffer: 1 << 26,
    },
  )
  await consensus(servers)
}

async function startNode(): Promise<RedisServer> {
  // A port for the bus of its own: by default it is the port plus 10,000, which may be taken.
  const bus = ["--cluster-port", `${await freePort()}`, "--cluster-node-timeout", "1000"]
  const lenient = ["--cluster-require-full-coverage", "no"]
  // Nobody is told of a replica before it has heard something from its master.
  const prompt = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
  return startRedis(["--cluster-enabled", "yes", ...bus, ...lenient, ...prompt])
}

async function join(servers: readonly RedisServer[], replicas: number): Promise<void> {
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`)
  const options = ["--cluster-replicas", `${replicas}`, "--cluster-yes"]
  await promisify(execFile)(executable("cli"), ["--cluster", "create", ...addresses, ...options])
}

async function agreement(servers: readonly RedisServer[]): Promise<void> {
  const agrees = (node: Redis) => isWell(node, servers.length)
  await Promise.all(servers.map((server) => waitUntil(server, agrees)))
}

/** Whether a node serves, and tells clients of all others. */
async function isWell(node: Redis, nodes: number): Promise<boolean> {
  const info = String(await node.cluster("INFO")).split("\r\n")
  const slots = await node.cluster("SLOTS")
  return (
    info.includes("cluster_state:ok") &&
    info.includes("cluster_slots_ok:16384") &&
    new Set(slots.flatMap(([, , ...servers]) => servers.map(([, port]) => port))).size === nodes
  )
}
