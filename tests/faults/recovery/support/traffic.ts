import assert from "node:assert/strict"
import type { TestContext } from "node:test"
import {
  createAdapter,
  createShardedAdapter,
  type RedisAdapterOptions,
  type ShardedRedisAdapterOptions,
} from "socket.io-redis-edge"
import type { ClientName, ClientPair, Deployment } from "../../../node/support/clients.ts"
import { type Client, TestServer } from "../../../node/support/cluster.ts"
import { openPair, type Reconnection } from "./clients.ts"

/** How often each server broadcasts, in milliseconds. */
const PACE = 5

/**
 * How late a client of a server may hear what that broadcasts, whatever Redis does, in milliseconds.
 * It waits for nobody, but a loaded machine may hold up a whole process.
 */
const LOCAL_LIMIT = 2_000

/** How long delivery may take to resume once Redis is ready, in milliseconds. */
export const RECOVERY_LIMIT = 1_000

export type Mode = NonNullable<RedisAdapterOptions["subscriptionMode"]>

export const modes: readonly Mode[] = ["pattern", "exact"]

export type ShardedMode = NonNullable<ShardedRedisAdapterOptions["subscriptionMode"]>

export const shardedModes: readonly ShardedMode[] = ["dynamic", "dynamic-private", "static"]

export interface Setting {
  readonly client: ClientName
  readonly mode: Mode | ShardedMode
  readonly reconnection: Reconnection
  /** The option of the adapters, where others use the same Redis. */
  readonly key?: string
  /** Whether what was on its way to Redis may come twice, as clients of ioredis send it again. */
  readonly resends?: boolean
  /** Whether what is sent to all and to a room has no order: through shard channels of a cluster. */
  readonly unordered?: boolean
}

function adapterFor({ pubClient, subClient }: ClientPair, { mode, key = "socket.io" }: Setting) {
  if (mode === "pattern" || mode === "exact") {
    return createAdapter(pubClient, subClient, { subscriptionMode: mode, key })
  }
  return createShardedAdapter(pubClient, subClient, { subscriptionMode: mode, channelPrefix: key })
}

/** What one client heard of one server. */
interface Hearing {
  readonly numbers: number[]
  /** The longest that a message took, in milliseconds; of its own server alone. */
  latest: number
  readonly waiting: (() => void)[]
}

/**
 * Two servers, each with a client, that broadcast numbers at a steady rate, to all and to a room in
 * turn, from the start until the end of a test.
 */
export class Traffic {
  readonly servers: readonly [TestServer, TestServer]
  readonly pairs: readonly [ClientPair, ClientPair]
  readonly #setting: Setting
  readonly #sent: number[][] = [[], []]
  /** By receiver, then by sender. */
  readonly #heard: Hearing[][]
  readonly #timers: NodeJS.Timeout[]

  private constructor(
    setting: Setting,
    servers: readonly [TestServer, TestServer],
    pairs: readonly [ClientPair, ClientPair],
    clients: readonly [Client, Client],
  ) {
    this.#setting = setting
    this.servers = servers
    this.pairs = pairs
    this.#heard = clients.map(({ socket }, receiver) => {
      const hearings = servers.map((): Hearing => ({ numbers: [], latest: 0, waiting: [] }))
      socket.on("number", (sender: number, number: number) => {
        const hearing = hearings[sender] as Hearing
        hearing.numbers.push(number)
        if (sender === receiver) {
          const took = performance.now() - Number(this.#sent[sender]?.[number])
          hearing.latest = Math.max(hearing.latest, took)
        }
        for (const wake of hearing.waiting.splice(0)) wake()
      })
      return hearings
    })
    this.#timers = servers.map(({ io }, sender) =>
      setInterval(() => {
        const number = this.#sent[sender]?.push(performance.now()) ?? 0
        const audience = number % 2 ? io : io.to("room")
        audience.emit("number", sender, number - 1)
      }, PACE),
    )
  }

  /** Servers that hear each other, of which each has its own way to Redis. */
  static async start(
    t: TestContext,
    setting: Setting,
    places: readonly [Deployment, Deployment],
  ): Promise<Traffic> {
    const start = async (place: Deployment) => {
      const pair = openPair(setting.client, place, setting.reconnection)
      t.after(() => pair.close())
      const server = await TestServer.start({ adapter: adapterFor(pair, setting) }, pair)
      t.after(() => server.close())
      const client = await server.connect()
      await client.remote.join("room")
      await server.adapter().subscribed()
      return { pair, server, client }
    }
    const [a, b] = await Promise.all([start(places[0]), start(places[1])])
    const traffic = new Traffic(
      setting,
      [a.server, b.server],
      [a.pair, b.pair],
      [a.client, b.client],
    )
    t.after(() => traffic.#timers.forEach((timer) => clearInterval(timer)))
    await traffic.resumed()
    return traffic
  }

  /**
   * Gives when each client has heard what the other server has sent to all and to the room after this
   * was called: how long that took, in milliseconds.
   */
  async resumed(): Promise<number> {
    const start = performance.now()
    const since = this.#sent.map((sent) => sent.length)
    await Promise.all(
      [0, 1].flatMap((sender) =>
        // To all, and to the room.
        [0, 1].map((audience) => this.#hears(1 - sender, sender, Number(since[sender]) + audience)),
      ),
    )
    return performance.now() - start
  }

  /** Ends the traffic, and checks all that was heard; gives how many were missed of the other server. */
  async check(): Promise<number> {
    this.#timers.forEach((timer) => clearInterval(timer))
    const last = this.#sent.map((sent) => sent.length - 1)
    await Promise.all(
      [0, 1].flatMap((receiver) =>
        [0, 1].map((sender) => this.#hears(receiver, sender, Number(last[sender]))),
      ),
    )
    let missed = 0
    for (const [receiver, hearings] of this.#heard.entries()) {
      for (const [sender, { numbers, latest }] of hearings.entries()) {
        const who = `of server ${sender} at server ${receiver}`
        if (sender === receiver) {
          const all = Array.from(numbers, (_, number) => number)
          assert.deepEqual(numbers, all, `not all, or not in order, ${who}`)
          assert.ok(latest < LOCAL_LIMIT, `${latest} ms late ${who}`)
        } else {
          missed += this.#sent[sender]!.length - new Set(numbers).size
          this.#checkOrder(numbers, who)
        }
      }
    }
    for (const server of this.servers) assert.equal(server.adapter().stats().malformed, 0)
    return missed
  }

  #checkOrder(numbers: readonly number[], who: string): void {
    if (!this.#setting.unordered) return this.#checkAscent(numbers, who)
    for (const audience of [0, 1]) {
      this.#checkAscent(
        numbers.filter((number) => number % 2 === audience),
        who,
      )
    }
  }

  #checkAscent(numbers: readonly number[], who: string): void {
    const first = this.#setting.resends ? [...new Set(numbers)] : numbers
    const wrong = first.findIndex((number, index) => number <= Number(first[index - 1]))
    const around = first.slice(Math.max(0, wrong - 5), wrong + 5)
    assert.equal(wrong, -1, `twice, or not in order, ${who}: ${around} (${this.#setting.client})`)
  }

  /** Gives when a client has heard such a number, or a later one to the same audience. */
  async #hears(receiver: number, sender: number, number: number): Promise<void> {
    const { numbers, waiting } = (this.#heard[receiver] as Hearing[])[sender] as Hearing
    const answers = (heard: number) => heard >= number && (heard - number) % 2 === 0
    let seen = 0
    while (!numbers.slice(seen).some(answers)) {
      seen = numbers.length
      await new Promise<void>((resolve) => void waiting.push(resolve))
    }
  }
}
