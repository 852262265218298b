import { AdapterError } from "../errors.ts"
import type { RedisConnection } from "./connection.ts"
import {
  type Address,
  connectSatellite,
  delay,
  KEPT,
  pauses,
  type Satellite,
  within,
} from "./deployment.ts"
import { keyOf, movedTo, type SlotMap, slotOf } from "./slots.ts"
import { WaitingLine } from "./waiting-line.ts"

/** How often one message follows its slot to another master before it is refused. */
const REDIRECTIONS = 5

/** A master, and the connection to it. */
interface Target {
  readonly owner: Address
  readonly connection: RedisConnection
}

/** What waits for the master of one slot; what was redirected goes before what was published later. */
interface Lines {
  readonly redirected: WaitingLine<Target>
  readonly published: WaitingLine<Target>
}

/** What a publisher needs of a cluster. */
export interface PublisherHost {
  open(): boolean
  slots(): Promise<SlotMap>
  /** Makes a connection of our own to a server. */
  satelliteTo(address: Address): Promise<Satellite>
}

/**
 * Publishes at the master that has a channel's slot, over connections of our own. The clients route too, but
 * what is for a master that was lost, @redis/client 1.6 and 5.12 keep until it is back, however long another
 * one has had its slots; and ioredis 5.11 and 6.0 send it to servers drawn by lot, which redirect it, so that
 * it loses its order.
 */
export class ShardPublisher {
  readonly #host: PublisherHost
  #slots: SlotMap | undefined
  #asking: Promise<void> | undefined
  readonly #connections = new Map<string, RedisConnection>()
  readonly #opening = new Map<string, Promise<RedisConnection>>()
  /** What waits for a master to be found, by slot: the order of a channel is kept, and no other waits. */
  readonly #lines = new Map<number, Lines>()
  /** How many messages of each slot are on their way. */
  readonly #underWay = new Map<number, number>()
  /** Who waits until none of a slot is. */
  readonly #arrivals = new Map<number, () => void>()

  constructor(host: PublisherHost) {
    this.#host = host
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    const slot = slotOf(channel)
    const owner = this.#slots?.ownerOf(slot)
    const connection = owner && this.#connections.get(keyOf(owner))
    return owner && connection?.ready && !this.#lines.has(slot)
      ? this.#send({ connection, owner }, slot, channel, message)
      : this.#linesOf(slot).published.join((target) => this.#send(target, slot, channel, message))
  }

  /**
   * How many subscribe to a channel at the master that has its slot. Rejects where that cannot be asked: the others
   * know of nobody.
   */
  async count(channel: string): Promise<number> {
    const target = await within(this.#masterOf(slotOf(channel)))
    if (!target) throw nobody()
    const [count = 0] = await within(target.connection.count([channel]))
    return count
  }

  async #send(
    { connection, owner }: Target,
    slot: number,
    channel: string,
    message: Uint8Array | string,
    redirections = 0,
  ): Promise<number> {
    this.#underWay.set(slot, (this.#underWay.get(slot) ?? 0) + 1)
    try {
      return await connection.publish(channel, message)
    } catch (error) {
      const moved = movedTo(error, owner.host)
      if (!moved || redirections === REDIRECTIONS) throw error
      this.#slots?.move(slot, moved)
      return this.#linesOf(slot).redirected.join((target) =>
        this.#send(target, slot, channel, message, redirections + 1),
      )
    } finally {
      this.#arrive(slot)
    }
  }

  #arrive(slot: number): void {
    const left = (this.#underWay.get(slot) ?? 0) - 1
    if (left > 0) return void this.#underWay.set(slot, left)
    this.#underWay.delete(slot)
    this.#arrivals.get(slot)?.()
    this.#arrivals.delete(slot)
  }

  #linesOf(slot: number): Lines {
    const known = this.#lines.get(slot)
    if (known) return known
    const lines: Lines = { redirected: new WaitingLine(), published: new WaitingLine() }
    this.#lines.set(slot, lines)
    void this.#serve(slot, lines)
    return lines
  }

  async #serve(slot: number, { redirected, published }: Lines): Promise<void> {
    const start = performance.now()
    for (const pause of pauses()) {
      const target = await this.#masterOf(slot).catch(() => undefined)
      if (target) {
        // Those that are still on their way may have to follow it, and were published before.
        if (this.#underWay.has(slot)) {
          await new Promise<void>((resolve) => void this.#arrivals.set(slot, resolve))
          if (!target.connection.ready) continue
        }
        this.#lines.delete(slot)
        redirected.release(target)
        return published.release(target)
      }
      this.#slots = undefined
      if (!this.#host.open() || performance.now() - start > KEPT) break
      await delay(pause)
    }
    this.#lines.delete(slot)
    for (const line of [redirected, published]) line.refuse(nobody())
  }

  async #masterOf(slot: number): Promise<Target | undefined> {
    if (!this.#slots) await this.#ask()
    const owner = this.#slots?.ownerOf(slot)
    if (!owner) return undefined
    const key = keyOf(owner)
    const known = this.#connections.get(key)
    const connection = known?.ready
      ? known
      : await (this.#opening.get(key) ?? this.#open(key, owner))
    return connection.ready ? { connection, owner } : undefined
  }

  #open(key: string, owner: Address): Promise<RedisConnection> {
    const opening = this.#connect(key, owner).finally(() => this.#opening.delete(key))
    this.#opening.set(key, opening)
    return opening
  }

  async #connect(key: string, owner: Address): Promise<RedisConnection> {
    const drop = (satellite: Satellite) => {
      // Before it is among them, it is not lost but not ready yet.
      if (this.#connections.get(key) !== satellite.connection || satellite.connection.ready) return
      this.#connections.delete(key)
      satellite.close()
      this.#slots = undefined // Another one may have its slots by now.
    }
    const { connection } = await connectSatellite(await this.#host.satelliteTo(owner), drop)
    this.#connections.set(key, connection)
    return connection
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#take().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #take(): Promise<void> {
    this.#slots = await this.#host.slots()
  }
}

function nobody(): AdapterError {
  return new AdapterError("ERR_NOT_READY", "no master of the Redis cluster has the channel's slot")
}
