import { AdapterError } from "../errors.ts"
import {
  type Ended,
  isRefusal,
  type RedisConnection,
  type Role,
  type Subscription,
} from "./connection.ts"
import { type Address, countAt, delay, type Deployment, pauses, within } from "./deployment.ts"
import { askForSlots, type Guide } from "./guides.ts"
import { ShardLink } from "./shard-link.ts"
import type { ShardPublisher } from "./shard-publisher.ts"
import { keyOf, movedTo, type SlotMap, slotOf } from "./slots.ts"
import type { Wire } from "./wire.ts"

/** A client of a Redis Cluster, reduced to what shard channels need. */
export interface ShardedCluster extends Pick<Deployment, "open" | "servers"> {
  /** Calls when the client may have been opened or closed, from now on. */
  watch(changed: () => void): void
  readonly publisher: ShardPublisher
  /** The servers that can be asked for the slots, and the host of each. */
  guides(): readonly Guide[]
  /** Makes a connection of our own to a server, with the options of the client. */
  connect(address: Address): Promise<Wire>
}

/** A connection to one master, and how many subscriptions need it. */
interface Satellite {
  readonly address: Address
  readonly opening: Promise<ShardLink>
  users: number
}

/** What is, or is to be, subscribed to at one master. */
interface Place {
  readonly subscription: Subscription
  readonly satellite: Satellite
  readonly link: ShardLink
  stands: boolean
  /** How often in a row the slots were said to be elsewhere while the server kept the subscription. */
  doubts: number
}

/** How often one subscription follows its slot to another master before it is refused. */
const REDIRECTIONS = 3

/** After how long the slots are asked for again when something has changed, in milliseconds. */
const SETTLING = 1_000

/**
 * How many doubts in a row end a subscription. What was a master and is a replica now still takes shard
 * channels of its own master (`getNodeByQuery` in cluster.c of Redis 7.0), but who publishes does not count it.
 */
const DOUBTS = 3

/**
 * Shard channels of a Redis Cluster: one connection of our own to each master that has a channel that is
 * wanted here. A subscription is tied to the master that had its slot. Where that has changed, Redis says so
 * (`sunsubscribe`, or a connection that breaks): the subscription has ended then, and it is for whoever
 * asked for it to ask again, which leads to where the slot is by then.
 */
export class ShardedClusterConnection implements RedisConnection {
  readonly #cluster: ShardedCluster
  readonly ordered = false
  readonly settingUp = false
  // The cluster's client knows which of its connections answer.
  readonly publishes = false
  readonly repeats = false
  #slots: SlotMap | undefined
  #refreshing: Promise<void> | undefined
  #seeking = false
  #settling = false
  readonly #satellites = new Map<string, Satellite>()
  readonly #places = new Map<string, Place>()
  /** What is under way, by name: of one name, one thing at a time. */
  readonly #turns = new Map<string, Promise<void>>()
  /** The masters that were lost since the slots were asked for. */
  readonly #suspects = new Set<string>()
  #changed = () => {}
  #ended: Ended = () => {}

  constructor(cluster: ShardedCluster) {
    this.#cluster = cluster
  }

  get ready(): boolean {
    return this.#cluster.open && this.#slots !== undefined
  }

  attach(changed: () => void, ended: Ended = () => {}): void {
    this.#changed = changed
    this.#ended = ended
    const follow = () => {
      if (this.#cluster.open) void this.#seek()
      else this.#reset()
    }
    this.#cluster.watch(follow)
    follow()
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    return this.#cluster.publisher.publish(channel, message)
  }

  /** Subscribers may be at replicas too, but where the master does not answer, the others say that there are none. */
  async count(channels: readonly string[]): Promise<number[]> {
    const [counts, atMasters] = await Promise.all([
      countAt(this.#cluster, channels),
      Promise.all(channels.map((channel) => this.#cluster.publisher.count(channel))),
    ])
    return counts.map((count, index) => Math.max(count, atMasters[index] ?? 0))
  }

  reconnect(role: Role): void {
    if (role === "publish") return
    this.#reset()
    void this.#seek()
  }

  async subscribe(subscription: Subscription): Promise<void> {
    try {
      await this.#inTurn(subscription.name, () => this.#follow(subscription))
    } catch (error) {
      if (isRefusal(error)) throw error
      const message = "the server that has the channel's slot could not be subscribed at"
      throw new AdapterError("ERR_CONNECTION_LOST", message, { cause: error })
    }
  }

  unsubscribe({ name }: Subscription): Promise<void> {
    return this.#inTurn(name, () => this.#leave(name))
  }

  async #inTurn(name: string, act: () => Promise<void>): Promise<void> {
    const earlier = this.#turns.get(name)
    const turn = earlier ? earlier.then(act, act) : act()
    this.#turns.set(name, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name)
    }
  }

  async #follow(subscription: Subscription): Promise<void> {
    const slot = slotOf(subscription.name)
    for (let redirections = 0; ; redirections++) {
      const owner = await this.#ownerOf(slot)
      try {
        return await this.#join(subscription, owner)
      } catch (error) {
        const target = movedTo(error, owner.host)
        if (!target || redirections === REDIRECTIONS) throw error
        this.#slots?.move(slot, target)
      }
    }
  }

  async #ownerOf(slot: number): Promise<Address> {
    const believed = this.#slots?.ownerOf(slot)
    if (!believed || this.#suspects.has(keyOf(believed))) await this.#refresh()
    const owner = this.#slots?.ownerOf(slot)
    if (owner) return owner
    throw new AdapterError("ERR_NOT_READY", "no server of the Redis cluster has the channel's slot")
  }

  async #join(subscription: Subscription, owner: Address): Promise<void> {
    const { name } = subscription
    if (this.#places.get(name)?.stands) await this.#leave(name)
    const satellite = this.#hold(owner)
    try {
      const link = await satellite.opening
      const place = { subscription, satellite, link, stands: false, doubts: 0 }
      // Before it is confirmed: a message may come with the confirmation.
      this.#places.set(name, place)
      await link.ask("ssubscribe", name)
      if (!link.has(name) || !this.#isCurrent(place)) {
        throw new AdapterError("ERR_CONNECTION_LOST", "the channel's slot was moved meanwhile")
      }
      place.stands = true
    } catch (error) {
      this.#places.delete(name)
      this.#release(satellite)
      throw error
    }
  }

  async #leave(name: string): Promise<void> {
    const place = this.#places.get(name)
    if (!place) return
    this.#places.delete(name)
    try {
      await place.link.ask("sunsubscribe", name)
    } catch {
      // The server has its slot no more, or the connection is lost: nothing is subscribed there.
    } finally {
      this.#release(place.satellite)
    }
  }

  #hold(address: Address): Satellite {
    const key = keyOf(address)
    const satellite = this.#satellites.get(key) ?? this.#open(address)
    this.#satellites.set(key, satellite)
    satellite.users++
    return satellite
  }

  #open(address: Address): Satellite {
    const opening = this.#connect(address, () => this.#lose(satellite))
    const satellite: Satellite = { address, opening, users: 0 }
    opening.catch(() => this.#lose(satellite))
    return satellite
  }

  async #connect(address: Address, lost: () => void): Promise<ShardLink> {
    const wire = await this.#cluster.connect(address)
    const link: ShardLink = new ShardLink(wire, {
      receive: (channel, message) => {
        const place = this.#places.get(channel.toString())
        if (place?.link === link) place.subscription.receive(message, channel)
      },
      ended: (name) => this.#handleEnded(link, name),
      lost,
    })
    return link
  }

  #release(satellite: Satellite): void {
    if (--satellite.users === 0) this.#close(satellite)
  }

  #close(satellite: Satellite): void {
    const key = keyOf(satellite.address)
    if (this.#satellites.get(key) === satellite) this.#satellites.delete(key)
    satellite.opening.then(
      (link) => link.close(),
      () => {},
    )
  }

  /** Hears that a server has ended a subscription: its slot was moved. */
  #handleEnded(link: ShardLink, name: string): void {
    const place = this.#places.get(name)
    // Whoever still waits for the confirmation is told by that.
    if (place?.link !== link || !place.stands) return
    // It may well take the channel again, as a replica: the slots are asked for first.
    this.#suspects.add(keyOf(place.satellite.address))
    this.#end(place)
    this.#reconsider()
  }

  #lose(satellite: Satellite): void {
    const key = keyOf(satellite.address)
    if (this.#satellites.get(key) !== satellite) return
    if (!this.#cluster.open) return this.#reset() // That it was closed may be told later, or never.
    this.#satellites.delete(key)
    this.#suspects.add(key)
    for (const place of this.#places.values()) {
      if (place.satellite === satellite && place.stands) this.#end(place)
    }
    this.#reconsider()
  }

  #end(place: Place): void {
    const { kind, name } = place.subscription
    this.#places.delete(name)
    this.#release(place.satellite)
    this.#ended(kind, name)
  }

  /** Forgets everything; who is told that the whole is not ready needs not hear of each name. */
  #reset(): void {
    this.#slots = undefined
    const satellites = [...this.#satellites.values()]
    this.#places.clear()
    this.#satellites.clear()
    for (const satellite of satellites) this.#close(satellite)
    this.#changed()
  }

  /** Asks for the slots until somebody answers, for as long as the client is open. */
  async #seek(): Promise<void> {
    if (this.#seeking) return
    if (this.#slots) return this.#changed()
    this.#seeking = true
    for (const pause of pauses()) {
      if (!this.#cluster.open || this.#slots) break
      await this.#refresh().catch(() => {})
      if (!this.#slots) await delay(pause)
    }
    this.#seeking = false
    this.#changed()
  }

  /** Asks for the slots, and soon once more: servers hear of a change one after the other. */
  #reconsider(): void {
    void this.#refresh().catch(() => {})
    this.#askLater()
  }

  #askLater(): void {
    if (this.#settling) return
    this.#settling = true
    const ask = () => {
      this.#settling = false
      if (this.#cluster.open) void this.#refresh().catch(() => {})
    }
    setTimeout(ask, SETTLING).unref()
  }

  /** Asks for the slots, of which there is no need to ask twice at a time. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #ask(): Promise<void> {
    this.#suspects.clear()
    this.#slots = await askForSlots(this.#cluster.guides())
    this.#compare()
  }

  /**
   * Looks whether subscriptions stand elsewhere than where their slots are said to be. That may be said too
   * late: the server that is subscribed at is asked, and ends what is not its own.
   */
  #compare(): void {
    const doubtful = new Map<number, Place[]>()
    for (const place of this.#places.values()) {
      const slot = slotOf(place.subscription.name)
      const owner = this.#slots?.ownerOf(slot)
      const agrees = owner && keyOf(owner) === keyOf(place.satellite.address)
      place.doubts = agrees ? 0 : place.doubts + 1
      if (!place.stands || agrees) continue
      doubtful.set(slot, [...(doubtful.get(slot) ?? []), place])
    }
    for (const places of doubtful.values()) {
      for (const place of places) {
        if (place.doubts >= DOUBTS)
          void this.#inTurn(place.subscription.name, () => this.#part(place))
      }
      const [first] = places
      if (first) void this.#inTurn(first.subscription.name, () => this.#verify(first, places))
    }
  }

  async #verify(first: Place, places: readonly Place[]): Promise<void> {
    if (!this.#isCurrent(first)) return
    try {
      await within(first.link.ask("ssubscribe", first.subscription.name))
      this.#askLater()
    } catch (error) {
      if (!isRefusal(error)) return first.link.close()
      if (!movedTo(error, first.satellite.address.host)) return
      for (const place of places) if (this.#isCurrent(place)) this.#end(place)
    }
  }

  /** Ends what stands where it should not. */
  async #part(place: Place): Promise<void> {
    const { kind, name } = place.subscription
    if (!this.#isCurrent(place)) return
    await this.#leave(name)
    this.#ended(kind, name)
  }

  #isCurrent(place: Place): boolean {
    return this.#places.get(place.subscription.name) === place
  }
}
