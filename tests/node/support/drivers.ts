import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, type TestContext } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis5"
import { asBuffer } from "../../../js/src/redis/connection.ts"
import { driverFor, type MessageListener, type RedisDriver } from "../../../js/src/redis/driver.ts"
import { type ClientName, type ClientPair, connectPair, type Deployment } from "./clients.ts"

export function noop(): void {}

/** Keeps what its listener hears. */
export class Inbox {
  readonly heard: { channel: string; message: Buffer }[] = []
  #wake = noop

  readonly listener: MessageListener = (channel, message) => {
    this.heard.push({ channel: asBuffer(channel).toString(), message: asBuffer(message) })
    this.#wake()
  }

  texts(): string[] {
    return this.heard.map(({ channel, message }) => `${channel} ${message}`)
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Gives when the text is heard: all that Redis sent before it is in `heard` by then. */
  async until(text: string): Promise<void> {
    while (!this.heard.some(({ message }) => message.toString() === text)) await this.next()
  }
}

/**
 * Keeps names subscribed as the core does: asks again for each that has ended at once, and for each that was
 * refused after a pause.
 */
export class Keeper {
  readonly inbox = new Inbox()
  /** The names that the driver has reported, each as often as it did. */
  readonly ended: string[] = []
  /** The codes or texts of what was refused. */
  readonly refused = new Set<string>()
  readonly #driver: RedisDriver
  readonly #open = new Set<string>()
  #wake = noop

  constructor(driver: RedisDriver, names: readonly string[]) {
    this.#driver = driver
    const askForAll = () => names.forEach((name) => void this.#ask(name))
    driver.watch(askForAll, noop, (_, name) => {
      this.ended.push(name)
      void this.#ask(name)
    })
    askForAll()
  }

  /** Gives when all names are subscribed. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  async #ask(name: string): Promise<void> {
    this.#open.add(name)
    for (;;) {
      try {
        await this.#driver.subscribe("channel", name, this.inbox.listener)
        break
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        this.refused.add(code ?? message)
        await delay(100, undefined, { ref: false }) // Of a driver that is closed, for ever.
      }
    }
    this.#open.delete(name)
    this.#wake()
  }
}

/** Gives when the driver reports the state, from now on. */
export function becomes(driver: RedisDriver, state: "ready" | "lost"): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      unwatch()
      resolve()
    }
    const unwatch = driver.watch(state === "ready" ? done : noop, state === "lost" ? done : noop)
  })
}

/** The driver of a connected pair, which is closed after the test. */
export async function connectDriver(
  t: Pick<TestContext, "after">,
  name: ClientName,
  deployment: Deployment | number,
  make = driverFor,
): Promise<[driver: RedisDriver, pair: ClientPair]> {
  const pair = await connectPair(name, deployment)
  t.after(() => pair.close())
  return [await readyDriver(pair, make), pair]
}

/** The driver of a pair, once it is ready. */
export async function readyDriver(
  { pubClient, subClient }: ClientPair,
  make = driverFor,
): Promise<RedisDriver> {
  const driver = make(pubClient, subClient)
  if (!driver.ready) await becomes(driver, "ready")
  return driver
}

/** A client of one server that the test asks about it, and that is closed after the test. */
export function connect(t: TestContext, port: number): Redis {
  const client = new Redis(port, { disconnectTimeout: 20 })
  t.after(() => client.disconnect())
  return client
}

/** After all tests of the file, fails when a promise was rejected that nobody handled. */
export function refuseUnhandledRejections(): void {
  const unhandled: unknown[] = []
  process.on("unhandledRejection", (reason) => unhandled.push(reason))
  after(() => assert.deepEqual(unhandled, []))
}
