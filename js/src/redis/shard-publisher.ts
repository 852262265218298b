import { AdapterError } from "../errors.ts"
import type { RedisConnection } from "./connection.ts"
import {
  type Address,
  connectSatellite,
  delay,
  KEPT,
  pauses,
  type Satellite,
} from "./deployment.ts"
import { keyOf, movedTo, type SlotMap, slotOf } from "./slots.ts"
import { WaitingLine } from "./waiting-line.ts"

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
  readonly #lines = new Map<number, WaitingLine<RedisConnection>>()

  constructor(host: PublisherHost) {
    this.#host = host
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    const slot = slotOf(channel)
    const owner = this.#slots?.ownerOf(slot)
    const connection = owner && this.#connections.get(keyOf(owner))
    return owner && connection?.ready && !this.#lines.has(slot)
      ? this.#send(connection, owner, slot, channel, message)
      : this.#wait(slot, channel, message)
  }

  async #send(
    connection: RedisConnection,
    owner: Address,
    slot: number,
    channel: string,
    message: Uint8Array | string,
  ): Promise<number> {
    try {
      return await connection.publish(channel, message)
    } catch (error) {
      const target = movedTo(error, owner.host)
      if (!target) throw error
      this.#slots?.move(slot, target)
      return this.#wait(slot, channel, message)
    }
  }

  #wait(slot: number, channel: string, message: Uint8Array | string): Promise<number> {
    const line = this.#lines.get(slot) ?? new WaitingLine()
    const sent = line.join((connection) => connection.publish(channel, message))
    if (!this.#lines.has(slot)) {
      this.#lines.set(slot, line)
      void this.#serve(slot, line)
    }
    return sent
  }

  async #serve(slot: number, line: WaitingLine<RedisConnection>): Promise<void> {
    const start = performance.now()
    for (const pause of pauses()) {
      const connection = await this.#masterOf(slot).catch(() => undefined)
      if (connection?.ready) {
        this.#lines.delete(slot)
        return line.release(connection)
      }
      this.#slots = undefined
      if (!this.#host.open() || performance.now() - start > KEPT) break
      await delay(pause)
    }
    this.#lines.delete(slot)
    line.refuse(
      new AdapterError("ERR_NOT_READY", "no master of the Redis cluster has the channel's slot"),
    )
  }

  async #masterOf(slot: number): Promise<RedisConnection | undefined> {
    if (!this.#slots) await this.#ask()
    const owner = this.#slots?.ownerOf(slot)
    if (!owner) return undefined
    const key = keyOf(owner)
    const connection = this.#connections.get(key)
    if (connection?.ready) return connection
    const opening = this.#opening.get(key) ?? this.#open(key, owner)
    return opening
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
