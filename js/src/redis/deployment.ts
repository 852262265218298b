import { AdapterError } from "../errors.ts"
import type { RedisConnection, Role, Subscription } from "./connection.ts"
import { WaitingLine } from "./waiting-line.ts"

/** How long one server may take to answer before the others are turned to, in milliseconds. */
const PATIENCE = 1_000

/**
 * How long a list of servers is good to count at, in milliseconds. By themselves, clients look for new
 * servers only when a command is redirected, and nothing that is published or subscribed ever is.
 */
export const LIST_LIFETIME = 2_000

/**
 * How long messages are kept while no master can be published at, in milliseconds: after that no further
 * attempt is made, but the one that is under way ends by itself. The only master has as long to be found.
 */
export const KEPT = 5_000

/** The pause before a server is looked for again, in milliseconds: at first and at most. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 250

/** Where a server is. */
export interface Address {
  readonly host: string
  readonly port: number
}

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
}

/**
 * A connection through a client of several servers. Such clients choose a server anew for each message
 * (clusters of ioredis and node-redis) or let a later command overtake an earlier one (sentinels of
 * node-redis), so that messages lose their order; and the connections that they subscribe with tell
 * nobody when they break, or wait for a server that is gone; and when such a server is back, they send it
 * what they had for it, long after others have got what came later. Here all messages go through one
 * server, drawn by lot, for as long as that takes them; two connections of our own publish and subscribe.
 * Order holds for as long as that server does: what it had not answered when it was lost was reported as
 * failed (or is repeated, by ioredis), and may still arrive, after what went through the next one.
 */
export class DeploymentConnection implements RedisConnection {
  readonly #deployment: Deployment
  #publisher: Satellite | undefined
  /** What is published while the publisher is chosen. */
  readonly #line = new WaitingLine<RedisConnection>()
  #choosing = false
  #subscriber: Satellite | undefined
  #seeking = false
  // Every server is asked for its own count.
  readonly ordered = false
  #changed = () => {}

  constructor(deployment: Deployment) {
    this.#deployment = deployment
  }

  get ready(): boolean {
    return this.#subscriber?.connection.ready === true
  }

  get repeats(): boolean {
    return this.#subscriber?.connection.repeats === true
  }

  get publishes(): boolean {
    return this.#publisher?.connection.publishes === true
  }

  get settingUp(): boolean {
    return this.#publisher?.connection.settingUp === true
  }

  attach(changed: () => void): void {
    this.#changed = changed
    this.#deployment.watch(() => void this.#seek())
    void this.#seek()
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    const connection = this.#publisher?.connection
    if (connection?.ready) return connection.publish(channel, message)
    const sent = this.#line.join((publisher) => publisher.publish(channel, message))
    void this.#choose()
    return sent
  }

  count(channels: readonly string[]): Promise<number[]> {
    return countAt(this.#deployment, channels)
  }

  reconnect(role: Role): void {
    if (role === "publish") this.#forgetPublisher()
    else if (this.#subscriber) this.#drop(this.#subscriber)
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

  /** What waits is sent, or refused, in the same moment in which the choice is made. */
  async #choose(): Promise<void> {
    if (this.#choosing) return
    this.#choosing = true
    this.#forgetPublisher()
    try {
      this.#publisher = await this.#findPublisher()
      this.#choosing = false
      this.#line.release(this.#publisher.connection)
    } catch (error) {
      this.#choosing = false
      this.#line.refuse(error)
    }
  }

  #forgetPublisher(): void {
    this.#publisher?.close()
    this.#publisher = undefined
  }

  async #findPublisher(): Promise<Satellite> {
    const start = performance.now()
    for (const pause of pauses()) {
      const found = await this.#firstMaster((server) => connect(server))
      if (found) return found
      if (!this.#deployment.open || performance.now() - start > KEPT) break
      await delay(pause)
    }
    throw new AdapterError("ERR_NOT_READY", "no master of the Redis deployment can be published at")
  }

  /** Subscribes at some server; looks for one for as long as the client is open. */
  async #seek(): Promise<void> {
    if (this.#seeking || this.#subscriber) return
    this.#seeking = true
    for (const pause of pauses()) {
      if (!this.#deployment.open) break
      this.#subscriber = await this.#firstMaster((server) =>
        connect(server, (satellite) => this.#lose(satellite)),
      )
      if (this.#subscriber) break
      await delay(pause)
    }
    this.#seeking = false
    this.#changed()
  }

  #lose(satellite: Satellite): void {
    if (this.#subscriber === satellite && !satellite.connection.ready) this.#drop(satellite)
  }

  #drop(satellite: Satellite): void {
    this.#subscriber = undefined
    satellite.close()
    this.#changed()
    void this.#seek()
  }

  /** What `use` gives for the first master that it does not reject for; they come in random order. */
  async #firstMaster<T>(use: (server: Server) => Promise<T>): Promise<T | undefined> {
    const masters = shuffled(this.#deployment.masters())
    // There is nobody to turn to instead of the only one.
    const patience = masters.length > 1 ? PATIENCE : KEPT
    for (const find of masters) {
      try {
        return await use(await within(find(), patience))
      } catch {
        // cannot be used now; the next one may
      }
    }
    return undefined
  }
}

/** Another connection to a server, once it is ready; `changed` follows what becomes of it. */
function connect(server: Server, changed?: (satellite: Satellite) => void): Promise<Satellite> {
  return connectSatellite(server.satellite(), changed)
}

/** A connection of our own, once it is ready; `changed` follows what becomes of it. */
export async function connectSatellite(
  satellite: Satellite,
  changed?: (satellite: Satellite) => void,
): Promise<Satellite> {
  if (changed) satellite.connection.attach(() => changed(satellite))
  try {
    await within(satellite.opened)
    if (!satellite.connection.ready) throw new Error("lost as soon as it was ready")
    return satellite
  } catch (error) {
    satellite.close()
    throw error
  }
}

/** How many subscribe to each channel at all servers that answer. */
export async function countAt(
  deployment: Pick<Deployment, "servers">,
  channels: readonly string[],
): Promise<number[]> {
  const servers = await deployment.servers()
  const answers = await Promise.allSettled(
    servers.map((find) => within(find().then((connection) => connection.count(channels)))),
  )
  const counted = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []))
  if (counted.length === 0) {
    throw new AdapterError("ERR_NOT_READY", "no server of the Redis deployment answers")
  }
  return channels.map((_, index) => counted.reduce((sum, counts) => sum + (counts[index] ?? 0), 0))
}

/** As the promise, or a rejection where that takes longer; in milliseconds. */
export function within<T>(promise: Promise<T>, patience = PATIENCE): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`no answer of a Redis server in ${patience} ms`))
    const timer = setTimeout(late, patience)
    void promise.then(resolve, reject).then(() => clearTimeout(timer))
  })
}

/** The pauses between attempts. */
export function* pauses(): Iterable<number> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) yield pause
}

/** A pause that does not keep the process alive. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds).unref())
}

export function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, lot: Math.random() }))
    .toSorted((one, other) => one.lot - other.lot)
    .map(({ value }) => value)
}
