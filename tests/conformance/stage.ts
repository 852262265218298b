import { it, type TestContext } from "node:test"
import { setImmediate } from "node:timers/promises"
import {
  type Cast,
  type Client,
  hear,
  type Heard,
  reached,
  TestServer,
} from "../node/support/cluster.ts"
import type { Environment, Mode } from "./environment.ts"

const timeout = 20_000

/** How long what is asked for again and again may take, in milliseconds. */
const LIMIT = 10_000

/** A test of what adapters do, wherever they are. */
export function behaviour(name: string, check: (t: TestContext) => Promise<void>): void {
  it(name, { timeout }, check)
}

/** Three servers of one environment and five clients of theirs, that its tests share. */
export class Stage {
  readonly environment: Environment
  a!: TestServer
  b!: TestServer
  c!: TestServer
  a1!: Client
  a2!: Client
  b1!: Client
  b2!: Client
  c1!: Client
  #names = 0

  constructor(environment: Environment) {
    this.environment = environment
  }

  get mode(): Mode {
    return this.environment.mode
  }

  get servers(): readonly [TestServer, TestServer, TestServer] {
    return [this.a, this.b, this.c]
  }

  get cast(): Cast {
    const { a1, a2, b1, b2, c1 } = this
    return { a1, a2, b1, b2, c1 }
  }

  get clients(): readonly Client[] {
    return Object.values(this.cast)
  }

  async open(): Promise<void> {
    const { environment } = this
    ;[this.a, this.b, this.c] = await Promise.all([
      environment.server(),
      environment.server(),
      environment.server(),
    ])
    const { a, b, c } = this
    ;[this.a1, this.a2, this.b1, this.b2, this.c1] = await Promise.all([
      a.connect(),
      a.connect(),
      b.connect(),
      b.connect(),
      c.connect(),
    ])
    for (const [name, { socket }] of Object.entries(this.cast)) {
      socket.on("who", (answer: (name: string) => void) => answer(name))
      socket.on("mirror", (value: unknown, answer: (value: unknown) => void) => answer(value))
    }
  }

  /** Gives when all servers hear each other again, after Redis was away. */
  async recovered(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.adapter().subscribed()))
    for (const client of this.clients) client.take()
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()))
    await this.environment.close()
  }

  /** A name that no other test uses, for a room or (with what it begins with) a namespace. */
  fresh(prefix = "room-"): string {
    this.#names += 1
    return `${prefix}${this.#names}`
  }

  /** A client of each of the servers in a namespace; they disconnect after the test. */
  async enter(t: TestContext, nsp: string, servers: readonly TestServer[] = this.servers) {
    for (const server of servers) server.io.of(nsp)
    const clients = await Promise.all(servers.map((server) => server.connect(nsp)))
    t.after(() => clients.forEach(({ socket }) => socket.disconnect()))
    return clients as [Client, Client, Client]
  }

  /** The names of the clients that hear what an action sends, each as often as it does. */
  reached(action: () => unknown, cast = this.cast): Promise<string> {
    return reached(
      this.servers.map(({ io }) => io),
      cast,
      action,
    )
  }

  /** What each of these clients hears of what an action sends. */
  hear(action: () => unknown, clients = this.clients): Promise<Heard[][]> {
    return hear(
      this.servers.map(({ io }) => io),
      clients,
      action,
    )
  }
}

/** Gives when the condition holds, which nothing tells of; rejects when it does not for too long. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LIMIT
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited for ${holds} in vain`)
    await setImmediate()
  }
}

/** The filter of an operation on all sockets in a room. */
export function inRoom(room: string): { rooms: Set<string>; except: Set<string> } {
  return { rooms: new Set([room]), except: new Set() }
}
