import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"

/** Of bytes: from Redis to its client, or the other way. */
export type Direction = "toClient" | "toRedis"

export const directions: readonly Direction[] = ["toClient", "toRedis"]

/** One connection through a proxy. */
class Passage {
  readonly closed: Promise<unknown>
  readonly #ends: Record<Direction, Socket>
  readonly #takes: Record<Direction, (chunk: Buffer) => void>
  #dead = false

  constructor(client: Socket, redis: Socket) {
    this.#ends = { toClient: client, toRedis: redis }
    this.#takes = {
      toClient: (chunk) => client.write(chunk),
      toRedis: (chunk) => redis.write(chunk),
    }
    this.#lead(redis, client, "toClient")
    this.#lead(client, redis, "toRedis")
    const both = [client, redis].map((end) => new Promise((resolve) => end.once("close", resolve)))
    this.closed = Promise.all(both)
  }

  #lead(from: Socket, to: Socket, direction: Direction): void {
    from.setNoDelay()
    from.on("error", () => {})
    from.on("data", (chunk: Buffer) => this.#takes[direction](chunk))
    // A client that gives up a dead connection is gone; that Redis does is not told to anybody.
    from.on("close", () => void (this.#dead && direction === "toClient" ? undefined : to.end()))
  }

  cutAfter(bytes: number, direction: Direction): void {
    let left = bytes
    const end = this.#ends[direction]
    this.#takes[direction] = (chunk) => {
      const part = chunk.subarray(0, left)
      left -= part.length
      end.write(part)
      if (left > 0 || part.length === chunk.length) return
      this.#takes[direction] = () => {}
      // What was written last arrives first.
      end.end(() => this.close())
    }
  }

  swallow(): void {
    this.#dead = true
    this.#takes.toClient = this.#takes.toRedis = () => {}
  }

  stall(stalled: boolean): void {
    if (stalled) this.#ends.toRedis.pause()
    else this.#ends.toRedis.resume()
  }

  close(): void {
    for (const end of Object.values(this.#ends)) end.destroy()
  }
}

/**
 * Stands between Redis clients and Redis, on a loopback port of its own, and does to their connections
 * what networks do.
 */
export class Proxy {
  readonly #server: Server
  readonly #passages = new Set<Passage>()
  #greet: (passage: Passage) => void = () => {}

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const passage = new Passage(client, connect(target, "127.0.0.1"))
      this.#passages.add(passage)
      void passage.closed.then(() => this.#passages.delete(passage))
      this.#greet(passage)
    })
  }

  /** A proxy of the Redis at a port. */
  static async start(target: number): Promise<Proxy> {
    const proxy = new Proxy(target)
    proxy.#server.listen(0, "127.0.0.1")
    await once(proxy.#server, "listening")
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * Breaks the connections of now, each in the middle of what comes after so many more bytes. Gives
   * when the first of them is broken: nothing may come in one of the directions.
   */
  async cutAfter(bytes: number, direction: Direction): Promise<void> {
    const all = [...this.#passages]
    for (const passage of all) passage.cutAfter(bytes, direction)
    await Promise.any(all.map(({ closed }) => closed))
  }

  /** Breaks new connections after so many bytes. Gives when that has happened to so many of them. */
  async cutNew(count: number, bytes: number, direction: Direction): Promise<void> {
    let left = count
    await new Promise<void>((resolve) => {
      this.#greet = (passage) => {
        passage.cutAfter(bytes, direction)
        void passage.closed.then(() => {
          left -= 1
          return left === 0 && resolve()
        })
      }
    })
    this.#greet = () => {}
  }

  /** The connections of now are dead from now on, which nobody is told. */
  swallow(): void {
    for (const passage of this.#passages) passage.swallow()
  }

  /** Whether connections that are made from now on are taken and never answered. */
  mute(muted: boolean): void {
    this.#greet = muted ? (passage) => passage.swallow() : () => {}
  }

  /** Whether what Redis sends on the connections of now is left with it. */
  stall(stalled: boolean): void {
    for (const passage of this.#passages) passage.stall(stalled)
  }

  /** Breaks all connections of now. */
  cut(): void {
    for (const passage of this.#passages) passage.close()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close")
    this.#server.close()
    this.cut()
    await closed
  }
}
