import { AdapterError } from "../errors.ts"
import {
  type ClientEvents,
  listenForErrors,
  type RedisConnection,
  type Subscription,
} from "./connection.ts"

/** How long one server may take to answer before the others are turned to, in milliseconds. */
const PATIENCE = 1_000

/**
 * How long a list of servers is good to count at, in milliseconds. By themselves, clients look for new
 * servers only when a command is redirected, and nothing that is published or subscribed ever is.
 */
export const LIST_LIFETIME = 2_000

/** The pause before a server to subscribe at is looked for again, in milliseconds: at first and at most. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1_000

/** A connection of our own beside those of a client. */
export interface Satellite {
  readonly connection: RedisConnection
  /** Gives when the connection is ready, and rejects when it never will be: it is made once. */
  readonly opened: Promise<unknown>
  close(): void
}

/** One server of a deployment, through the connection that a client of the deployment has to it. */
export interface Server {
  readonly connection: RedisConnection
  /** Makes another connection to the same server; it ends at the latest when the first one does. */
  satellite(): Satellite
}

/** Finds a server, and rejects or takes its time where that does not answer. */
export type ServerLookup = () => Promise<Server>

/** A client of several servers (a cluster, or what sentinels watch over), reduced to its servers. */
export interface Deployment {
  /** Whether the application has opened the client and not closed it. */
  readonly open: boolean
  /** Calls when the client may have become open, from now on. */
  watch(changed: () => void): void
  /** The servers to publish and subscribe at: the masters that the client knows of now. */
  masters(): readonly ServerLookup[]
  /** Functions that give a connection to each server that somebody may be subscribed at. */
  servers(): Promise<readonly (() => Promise<RedisConnection>)[]>
  /** Publishes as the client does by itself. */
  publish(channel: string, message: Uint8Array | string): Promise<number>
}

/**
 * A connection through a client of several servers. Such clients choose a server anew for each message
 * (clusters of ioredis and node-redis) or let a later command overtake an earlier one (sentinels of
 * node-redis), so that messages lose their order; and the connections that they subscribe with tell
 * nobody when they break, or wait for a server that is gone. Here all messages go through one server,
 * drawn by lot, for as long as that takes them, and a connection of our own subscribes.
 */
export class DeploymentConnection implements RedisConnection {
  readonly #deployment: Deployment
  #publisher: RedisConnection | undefined
  #choice: Promise<RedisConnection | undefined> | undefined
  #subscriber: Satellite | undefined
  #seeking = false
  // Every server is asked for its own count.
  readonly ordered = false
  #changed = () => {}

  constructor(client: ClientEvents, deployment: Deployment) {
    this.#deployment = deployment
    listenForErrors(client, () => {})
  }

  get ready(): boolean {
    return this.#subscriber?.connection.ready === true
  }

  attach(changed: () => void): void {
    this.#changed = changed
    this.#deployment.watch(() => void this.#seek())
    void this.#seek()
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    if (this.#publisher?.ready) return this.#publisher.publish(channel, message)
    return this.#choose().then((publisher) =>
      (publisher ?? this.#deployment).publish(channel, message),
    )
  }

  async count(channels: readonly string[]): Promise<number[]> {
    const servers = await this.#deployment.servers()
    const answers = await Promise.allSettled(
      servers.map((find) => within(find().then((connection) => connection.count(channels)))),
    )
    const counted = answers.flatMap((answer) =>
      answer.status === "fulfilled" ? [answer.value] : [],
    )
    if (counted.length === 0) {
      throw new AdapterError("ERR_NOT_READY", "no server of the Redis deployment answers")
    }
    return channels.map((_, index) =>
      counted.reduce((sum, counts) => sum + (counts[index] ?? 0), 0),
    )
  }

  async subscribe(subscription: Subscription): Promise<void> {
    await this.#current().subscribe(subscription)
  }

  async unsubscribe(subscription: Subscription): Promise<void> {
    await this.#current().unsubscribe(subscription)
  }

  #current(): RedisConnection {
    if (this.#subscriber) return this.#subscriber.connection
    throw new AdapterError("ERR_NOT_READY", "no server of the Redis deployment is subscribed at")
  }

  /** What is published while the choice is made waits for it, and then goes in its order. */
  #choose(): Promise<RedisConnection | undefined> {
    if (this.#choice) return this.#choice
    this.#publisher = undefined
    this.#choice = this.#firstMaster(async ({ connection }) => connection)
    // The first to hear of it: what is not sent to wait from then on comes after what waits now.
    void this.#adopt(this.#choice)
    return this.#choice
  }

  async #adopt(choice: Promise<RedisConnection | undefined>): Promise<void> {
    this.#publisher = await choice
    this.#choice = undefined
  }

  /** Subscribes at some server; looks for one for as long as the client is open. */
  async #seek(): Promise<void> {
    if (this.#seeking || this.#subscriber) return
    this.#seeking = true
    for (
      let pause = FIRST_PAUSE;
      this.#deployment.open;
      pause = Math.min(2 * pause, LONGEST_PAUSE)
    ) {
      await this.#firstMaster((server) => this.#connect(server))
      if (this.#subscriber) break
      await delay(pause)
    }
    this.#seeking = false
    this.#changed()
  }

  async #connect(server: Server): Promise<void> {
    const satellite = server.satellite()
    satellite.connection.attach(() => this.#lose(satellite))
    try {
      await within(satellite.opened)
      if (!satellite.connection.ready) throw new Error("lost as soon as it was ready")
      this.#subscriber = satellite
    } catch (error) {
      satellite.close()
      throw error
    }
  }

  #lose(satellite: Satellite): void {
    if (this.#subscriber !== satellite || satellite.connection.ready) return
    this.#subscriber = undefined
    satellite.close()
    this.#changed()
    void this.#seek()
  }

  /** What `use` gives for the first master that it does not reject for; they come in random order. */
  async #firstMaster<T>(use: (server: Server) => Promise<T>): Promise<T | undefined> {
    for (const find of shuffled(this.#deployment.masters())) {
      try {
        return await use(await within(find()))
      } catch {
        // cannot be used now; the next one may
      }
    }
    return undefined
  }
}

/** As the promise, or a rejection where that takes longer than `PATIENCE`. */
export function within<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`no answer of a Redis server in ${PATIENCE} ms`))
    const timer = setTimeout(late, PATIENCE)
    void promise.then(resolve, reject).then(() => clearTimeout(timer))
  })
}

/** A pause that does not keep the process alive. */
function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds).unref())
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, lot: Math.random() }))
    .toSorted((one, other) => one.lot - other.lot)
    .map(({ value }) => value)
}
