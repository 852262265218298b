import type { Core, Output } from "../boundary.ts"
import type { MessageListener, RedisDriver } from "../redis/driver.ts"

/**
 * Runs the core's loop for one adapter: after each change, does what the core asks for until it asks
 * for nothing more, then waits for Redis or for the time that the core named.
 */
export class Link {
  readonly #core: Core
  readonly #adapter: number
  readonly #driver: RedisDriver
  readonly #listener: MessageListener
  readonly #failed: (what: string, error: unknown) => void
  readonly #unwatch: () => void
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #closing: Promise<void> = Promise.resolve()

  constructor(
    core: Core,
    adapter: number,
    driver: RedisDriver,
    listener: MessageListener,
    failed: (what: string, error: unknown) => void,
  ) {
    this.#core = core
    this.#adapter = adapter
    this.#driver = driver
    this.#listener = listener
    this.#failed = failed
    this.#unwatch = driver.watch(
      () => this.#change(() => core.wasm.handleReady(adapter)),
      () => this.#change(() => core.wasm.handleLost(adapter)),
      (error) => failed("listener", error),
    )
    if (driver.ready) this.#change(() => core.wasm.handleReady(adapter))
  }

  /** Drains what the core asks for, after it was changed elsewhere. */
  drain(): void {
    for (;;) {
      const output = this.#core.pollOutput(this.#adapter, performance.now())
      if (output === undefined) break
      this.#perform(output)
    }
    clearTimeout(this.#timer)
    this.#timer = undefined
    const due = this.#core.wasm.pollTimeout(this.#adapter)
    if (due === undefined) return
    this.#timer = setTimeout(
      () => this.#change(() => this.#core.wasm.handleTimeout(this.#adapter, performance.now())),
      Math.max(1, Math.ceil(due - performance.now())),
    )
    this.#timer.unref()
  }

  /** Ends the subscription and resolves when Redis knows. */
  close(): Promise<void> {
    this.#unwatch()
    this.#change(() => this.#core.wasm.close(this.#adapter))
    this.#closed = true
    return this.#closing
  }

  /** After the end nothing changes any more: the handle may be another adapter's by then. */
  #change(mutate: () => void): void {
    if (this.#closed) return
    mutate()
    this.drain()
  }

  #perform(output: Output): void {
    const { wasm } = this.#core
    switch (output.type) {
      case "publish":
        this.#driver.publish(output.channel, output.message).then(
          () => this.#change(() => wasm.handlePublished(this.#adapter, performance.now())),
          (error) => {
            this.#failed("publish", error)
            this.#change(() => wasm.handlePublishFailed(this.#adapter, performance.now()))
          },
        )
        break
      case "subscribe":
        this.#driver.subscribe("pattern", output.pattern, this.#listener).then(
          () => this.#change(() => wasm.handleConfirmed(this.#adapter)),
          (error) => {
            this.#failed("subscribe", error)
            this.#change(() => wasm.handleRefused(this.#adapter, performance.now()))
          },
        )
        break
      case "unsubscribe":
        this.#closing = this.#driver.unsubscribe("pattern", output.pattern, this.#listener)
        break
    }
  }
}
