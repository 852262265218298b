import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { after, type TestContext } from "node:test"
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
  t: TestContext,
  name: ClientName,
  deployment: Deployment | number,
): Promise<[driver: RedisDriver, pair: ClientPair]> {
  const pair = await connectPair(name, deployment)
  t.after(() => pair.close())
  return [await readyDriver(pair), pair]
}

/** The driver of a pair, once it is ready. */
export async function readyDriver({ pubClient, subClient }: ClientPair): Promise<RedisDriver> {
  const driver = driverFor(pubClient, subClient)
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
