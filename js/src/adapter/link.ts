import type { Core } from "../boundary.ts"
import type { AnswerOutput, Carries, Output, QuestionOutput, RedisOutput } from "../output.ts"
import type { MessageListener, RedisDriver } from "../redis/driver.ts"
import type { Wire } from "./parser.ts"

/** What the core asks for and Redis does not do. */
type HostOutput = AnswerOutput | QuestionOutput

type Asked<Type extends RedisOutput["type"]> = Extract<RedisOutput, { type: Type }>

/** What a link needs of its adapter. */
export interface LinkHost {
  /** Take messages, by what their subscriptions carry. */
  readonly listeners: Record<Carries, MessageListener>
  /** Does what the core asks for. */
  perform(output: HostOutput): void
  /** Hears that nothing is left to be done for now. */
  drained(): void
  /** Hears what Redis refused, and which request that ends, if any. */
  refused(what: "count" | "publish" | "subscribe", error: unknown, request?: number): void
  /** Hears that a subscription brings nothing though Redis had confirmed it. */
  deaf(name: string): void
  /** Hears what was thrown and nobody else can take. */
  failed(error: unknown): void
}

/**
 * Runs the core's loop for one adapter: after each change, does what the core asks for until it asks
 * for nothing more, then waits for Redis or for the time that the core named.
 */
export class Link {
  readonly #core: Core
  readonly #adapter: number
  readonly #driver: RedisDriver
  readonly #wire: Wire
  readonly #host: LinkHost
  readonly #unwatch: () => void
  #timer: NodeJS.Timeout | undefined
  #due: number | undefined
  #draining = false
  #closed = false
  /** What was asked of the host while it did something else. */
  readonly #postponed: HostOutput[] = []
  /** What the core has asked for and not given up, by name. */
  readonly #asked = new Map<string, Asked<"subscribe">>()
  /** What was confirmed, and the core was not told of yet. */
  readonly #confirmed: number[] = []
  /** Subscriptions that are being given up. */
  readonly #ending = new Set<Promise<void>>()

  constructor(core: Core, adapter: number, driver: RedisDriver, wire: Wire, host: LinkHost) {
    this.#core = core
    this.#adapter = adapter
    this.#driver = driver
    this.#wire = wire
    this.#host = host
    this.#unwatch = driver.watch(
      () => this.#change(() => core.wasm.handleReady(adapter)),
      () => this.#change(() => core.wasm.handleLost(adapter)),
      (_, name) => {
        if (!this.#asked.has(name)) return
        this.#change(() => core.wasm.handleDropped(adapter, name, performance.now()))
      },
    )
    this.#begin()
  }

  /** Drains what the core asks for, after it was changed elsewhere. */
  drain(): void {
    // A listener of the application that was called on the way may ask for more. Redis hears of that at
    // once, so that it comes in front of what the listener broadcasts afterwards; the host has its turn.
    if (this.#draining) return this.#poll((output) => void this.#postponed.push(output))
    this.#draining = true
    try {
      do {
        for (const output of this.#postponed.splice(0)) this.#host.perform(output)
        this.#poll((output) => this.#host.perform(output))
      } while (this.#postponed.length > 0)
    } finally {
      this.#draining = false
    }
    this.#core.settle()
    this.#wait()
    this.#host.drained()
  }

  /** Looks what there is to do, after something happened that nobody waits for. */
  wake(): void {
    this.#change(() => {})
  }

  /** Ends the subscriptions and resolves when Redis knows. */
  async close(): Promise<void> {
    this.#unwatch()
    this.#closed = true
    this.#change(() => this.#core.wasm.close(this.#adapter))
    await Promise.all(this.#ending)
  }

  /** Goes on with a core that knows nothing yet of this adapter's subscriptions. */
  restart(): void {
    clearTimeout(this.#timer)
    this.#due = undefined
    this.#postponed.length = 0
    this.#confirmed.length = 0
    const before = [...this.#asked.values()]
    this.#asked.clear()
    this.#begin()
    // What the new core does not want any more: rooms that had just become empty, all of a closed adapter.
    for (const { kind, name, carries } of before) {
      if (this.#asked.has(name)) continue
      this.#await(this.#driver.unsubscribe(kind, name, this.#host.listeners[carries]))
    }
  }

  /** Lets `close` wait for the end of a subscription. */
  #await(ending: Promise<void>): void {
    this.#ending.add(ending)
    void ending.then(() => this.#ending.delete(ending))
  }

  #begin(): void {
    const { wasm } = this.#core
    this.#change(() => {
      wasm.setOrdered(this.#adapter, this.#driver.ordered)
      if (this.#closed) wasm.close(this.#adapter)
      else if (this.#driver.ready) wasm.handleReady(this.#adapter)
    })
  }

  #wait(): void {
    const due = this.#core.wasm.pollTimeout(this.#adapter)
    if (due === this.#due) return
    this.#due = due
    clearTimeout(this.#timer)
    if (due === undefined) return
    this.#timer = setTimeout(
      () => {
        this.#due = undefined
        const { heard } = this.#driver
        this.#change(() => this.#core.wasm.handleTimeout(this.#adapter, performance.now(), heard))
      },
      Math.max(1, Math.ceil(due - performance.now())),
    )
    this.#timer.unref()
  }

  /** Whoever calls this could do nothing with an error. */
  #change(mutate: () => void): void {
    try {
      mutate()
      this.drain()
    } catch (error) {
      this.#host.failed(error)
    }
  }

  /** Tells a core how something went that it asked for; another one in its place did not ask. */
  #answer(wasm: Core["wasm"], tell: () => void): void {
    if (wasm === this.#core.wasm) this.#change(tell)
  }

  #poll(host: (output: HostOutput) => void): void {
    for (;;) {
      const output = this.#core.pollOutput(this.#adapter, performance.now())
      if (output === undefined) return
      this.#perform(output, host)
    }
  }

  #perform(output: Output, host: (output: HostOutput) => void): void {
    switch (output.type) {
      case "count":
        return void this.#count(output)
      case "deaf":
        return this.#host.deaf(output.name)
      case "publish":
        return void this.#publish(output)
      case "reconnect":
        return this.#driver.reconnect()
      case "subscribe":
        this.#asked.set(output.name, output)
        return void this.#subscribe(output)
      case "unsubscribe":
        this.#asked.delete(output.name)
        return this.#await(this.#unsubscribe(output))
      default:
        return host(output)
    }
  }

  // Each of these calls Redis at once: what the core asks for in turn is sent in that order.

  async #count({ request, channels }: Asked<"count">): Promise<void> {
    const { wasm } = this.#core
    let counts: Uint32Array
    try {
      counts = Uint32Array.from(await this.#driver.count(channels))
    } catch (error) {
      this.#host.refused("count", error, request)
      const failed = () => wasm.handleCountFailed(this.#adapter, request, performance.now())
      return this.#answer(wasm, failed)
    }
    this.#answer(wasm, () => wasm.handleCount(this.#adapter, request, counts, performance.now()))
  }

  async #publish({ channel, message, token }: Asked<"publish">): Promise<void> {
    const { wasm } = this.#core
    try {
      await this.#driver.publish(channel, this.#wire.outgoing(message))
    } catch (error) {
      this.#host.refused("publish", error, token)
      if (token === undefined) return
      const failed = () => wasm.handlePublishFailed(this.#adapter, token, performance.now())
      return this.#answer(wasm, failed)
    }
    if (token === undefined) return
    this.#answer(wasm, () => wasm.handlePublished(this.#adapter, token, performance.now()))
  }

  async #subscribe({ id, anew, kind, name, carries }: Asked<"subscribe">): Promise<void> {
    const { wasm } = this.#core
    try {
      await this.#driver.subscribe(kind, name, this.#host.listeners[carries], anew)
    } catch (error) {
      this.#host.refused("subscribe", error)
      const refused = () => wasm.handleRefused(this.#adapter, id, performance.now())
      return this.#answer(wasm, refused)
    }
    this.#confirm(wasm, id)
  }

  /** Tells of all that Redis has confirmed in one go: one look at what follows is enough for a thousand rooms. */
  #confirm(wasm: Core["wasm"], id: number): void {
    // What a core asked for that is gone means nothing to the one in its place, which numbers anew.
    if (wasm !== this.#core.wasm || this.#confirmed.push(id) > 1) return
    queueMicrotask(() => {
      const ids = this.#confirmed.splice(0)
      const { wasm: current } = this.#core
      this.#change(() => ids.forEach((one) => current.handleConfirmed(this.#adapter, one)))
    })
  }

  async #unsubscribe({ id, kind, name, carries }: Asked<"unsubscribe">): Promise<void> {
    const { wasm } = this.#core
    await this.#driver.unsubscribe(kind, name, this.#host.listeners[carries])
    this.#answer(wasm, () => wasm.handleEnded(this.#adapter, id))
  }
}
