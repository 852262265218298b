import { AdapterError } from "../errors.ts"
import type { Ended, RedisConnection, Subscription } from "./connection.ts"
import type { MessageListener, RedisDriver, SubscriptionKind } from "./driver.ts"

interface Watcher {
  readonly onReady: () => void
  readonly onLost: () => void
  readonly onEnded: Ended | undefined
}

interface SharedSubscription extends Subscription {
  readonly listeners: Set<MessageListener>
  /** What was asked last on the connection of the moment; none where it has to be asked (again). */
  request: Promise<void> | undefined
}

/**
 * All that a process subscribes to through one connection, shared by its namespaces and adapters: one
 * set of event listeners on the client and one subscription in Redis for each name, however many
 * listeners that has.
 */
export class Subscriptions implements Pick<
  RedisDriver,
  "heard" | "ready" | "reconnect" | "subscribe" | "unsubscribe" | "watch"
> {
  readonly #connection: RedisConnection
  readonly #names: Record<SubscriptionKind, Map<string, SharedSubscription>> = {
    channel: new Map(),
    pattern: new Map(),
  }
  readonly #watchers = new Set<Watcher>()
  readonly #unanswered = new Set<(reason: AdapterError) => void>()
  #wasReady: boolean
  #heard = 0

  constructor(connection: RedisConnection) {
    this.#connection = connection
    this.#wasReady = connection.ready
    connection.attach(
      () => this.#compare(),
      (kind, name) => this.#handleEnded(kind, name),
    )
  }

  // Both, because some clients say "ready" before or after the event that tells of it: nothing is
  // ready here whose loss or return has not been reported.
  get ready(): boolean {
    return this.#wasReady && this.#connection.ready
  }

  get heard(): number {
    return this.#heard
  }

  reconnect(): void {
    if (this.ready) this.#connection.reconnect("subscribe")
  }

  async subscribe(
    kind: SubscriptionKind,
    name: string,
    listener: MessageListener,
    anew = false,
  ): Promise<void> {
    // ioredis sends a subscription too early, before its own check of the server, which then fails
    // with "Connection in subscriber mode" and takes the subscription with it (ioredis 5.11).
    if (!this.ready) {
      throw new AdapterError("ERR_NOT_READY", "the subscribing Redis connection is not ready")
    }
    const subscription = this.#names[kind].get(name) ?? this.#add(kind, name)
    subscription.listeners.add(listener)
    if (anew && subscription.request !== undefined) {
      subscription.request = this.#request(subscription, true)
    }
    await (subscription.request ??= this.#request(subscription, false))
  }

  async unsubscribe(
    kind: SubscriptionKind,
    name: string,
    listener: MessageListener,
  ): Promise<void> {
    const subscription = this.#names[kind].get(name)
    if (!subscription?.listeners.delete(listener)) return
    if (subscription.listeners.size === 0) await this.#end(subscription)
  }

  /** How many listeners a name has here. */
  listenerCount(kind: SubscriptionKind, name: string): number {
    return this.#names[kind].get(name)?.listeners.size ?? 0
  }

  watch(onReady: () => void, onLost: () => void, onEnded?: Ended): () => void {
    const watcher = { onReady, onLost, onEnded }
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  #add(kind: SubscriptionKind, name: string): SharedSubscription {
    const listeners = new Set<MessageListener>()
    const receive = (message: Uint8Array, channel: Uint8Array) => {
      this.#heard++
      for (const listener of listeners) listener(channel, message)
    }
    const subscription = { kind, name, listeners, receive, request: undefined }
    this.#names[kind].set(name, subscription)
    return subscription
  }

  #request(subscription: SharedSubscription, anew: boolean): Promise<void> {
    const request = this.#untilLost(this.#ask(subscription, anew))
    request.catch(() => {
      if (subscription.request === request) subscription.request = undefined
    })
    return request
  }

  /**
   * node-redis sends nothing for a subscription that it believes to have. Elsewhere nothing is ended first,
   * since Redis takes it twice, and what is under way still arrives.
   */
  async #ask(subscription: SharedSubscription, anew: boolean): Promise<void> {
    if (anew && !this.#connection.repeats) {
      await this.#untilLost(this.#connection.unsubscribe(subscription))
    }
    if (subscription.listeners.size > 0) await this.#connection.subscribe(subscription)
  }

  /** Keeps the entry until Redis has confirmed: clients restore what they did not see ended. */
  async #end(subscription: SharedSubscription): Promise<void> {
    const { kind, name, listeners } = subscription
    subscription.request = undefined
    if (!this.ready) return
    try {
      await this.#untilLost(this.#connection.unsubscribe(subscription))
    } catch {
      return // is ended when the connection is ready again
    }
    const names = this.#names[kind]
    if (listeners.size === 0 && names.get(name) === subscription) names.delete(name)
  }

  /** Some clients hold an unanswered command back for the next connection: nobody waits that long. */
  #untilLost(answer: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject)
      void answer.then(resolve, reject).then(() => this.#unanswered.delete(reject))
    })
  }

  #compare(): void {
    const ready = this.#connection.ready
    if (ready === this.#wasReady) return
    this.#wasReady = ready
    if (ready) this.#handleReady()
    else this.#handleLost()
  }

  #handleReady(): void {
    for (const names of Object.values(this.#names)) {
      for (const subscription of names.values()) {
        if (subscription.listeners.size === 0) void this.#end(subscription)
      }
    }
    for (const watcher of this.#watchers) watcher.onReady()
  }

  #handleEnded(kind: SubscriptionKind, name: string): void {
    const subscription = this.#names[kind].get(name)
    if (!subscription) return
    subscription.request = undefined
    if (subscription.listeners.size === 0) return
    for (const { onEnded } of this.#watchers) onEnded?.(kind, name)
  }

  #handleLost(): void {
    for (const names of Object.values(this.#names)) {
      for (const subscription of names.values()) subscription.request = undefined
    }
    const lost = new AdapterError(
      "ERR_CONNECTION_LOST",
      "the subscribing Redis connection was lost",
    )
    for (const reject of this.#unanswered) reject(lost)
    this.#unanswered.clear()
    for (const watcher of this.#watchers) watcher.onLost()
  }
}
