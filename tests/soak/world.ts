import { EventEmitter, once } from "node:events"
import { Redis } from "ioredis5"
import { Server, type ServerOptions } from "socket.io"
import { type ClientName, type ClientPair, connectPair } from "../node/support/clients.ts"

/**
 * How long a marker is waited for, in milliseconds: node-redis 6 gives messages up that wait for 5 s, as
 * they may where a machine has more to do.
 */
const ATTEMPT = 10_000

/** What a module that is soaked exports: ours, or one with the same function. */
export type CreateAdapter = (
  pubClient: unknown,
  subClient: unknown,
  options: object,
) => ServerOptions["adapter"]

/** How long servers wait for answers, in milliseconds: most requests here are never answered by all. */
const REQUESTS_TIMEOUT = 300

/** A packet that wants an acknowledgement: its namespace, and its id. */
const ASKING = /^2(\/[^,]*,)?(\d+)\[/

/** Namespaces that are made when a client wants them, and closed when the last one has left. */
const DYNAMIC = /^\/dynamic \d+$/

/** A marker that one server sends and all others wait for. */
const MARKER = /^2\["marker",(\d+)\]$/

/** What a client does with the packets that it gets. */
type Manner = "answers" | "deaf" | "witness"

/** A client without a network: what socket.io sees of an engine.io socket with a WebSocket. */
export class Connection extends EventEmitter {
  readonly protocol = 4
  readonly remoteAddress = "127.0.0.1"
  readonly request = { headers: {}, connection: {}, url: "/socket.io/", _query: {} }
  readonly transport = { name: "websocket", writable: true }
  readonly id: string
  readyState = "open"
  readonly #manner: Manner
  /** What a witness has heard and nobody has asked for. */
  readonly #markers = new Set<number>()

  constructor(id: string, manner: Manner) {
    super()
    this.id = id
    this.#manner = manner
  }

  /** Called by socket.io with each packet. */
  write(packet: unknown): void {
    if (this.#manner === "deaf" || packet instanceof Uint8Array) return
    const text = String(packet)
    if (this.#manner === "witness") {
      const marker = MARKER.exec(text)?.[1]
      if (marker === undefined) return
      this.#markers.add(Number(marker))
      this.emit("marker")
      return
    }
    const [, nsp = "", id] = ASKING.exec(text) ?? []
    if (id !== undefined) setImmediate(() => this.emit("data", `3${nsp}${id}[{"__proto__":"yes"}]`))
  }

  /** Gives when a witness has heard a marker; rejects when that is given up. */
  async heard(marker: number, signal: AbortSignal): Promise<void> {
    while (!this.#markers.has(marker)) await once(this, "marker", { signal })
    this.#markers.delete(marker)
  }

  /** Called by socket.io when it ends the connection. */
  close(): void {
    this.readyState = "closed"
  }

  /** Ends the connection from the client's side. */
  leave(): void {
    this.readyState = "closed"
    this.emit("close", "transport close")
  }
}

/** A Socket.IO server on Redis whose clients are stand-ins. */
export class SoakServer {
  readonly io: Server
  readonly pair: ClientPair
  /** Stays connected to "/" all the time and hears markers. */
  readonly witness: Connection
  readonly #engine: EventEmitter
  #connections = 0

  constructor(pair: ClientPair, adapter: ServerOptions["adapter"]) {
    this.pair = pair
    this.io = new Server({ adapter, cleanupEmptyChildNamespaces: true })
    this.#engine = Object.assign(new EventEmitter(), { close() {} })
    this.io.bind(this.#engine as never)
    this.io.of(DYNAMIC)
    this.witness = this.connect("/", "witness")
  }

  /** All namespaces by name; what is to be forgotten is deleted there, as applications do. */
  get namespaces(): Map<string, unknown> {
    return Reflect.get(this.io, "_nsps")
  }

  get nsp() {
    return this.io.of("/")
  }

  /** A client of a namespace, which is connected some microtasks later. */
  connect(nsp: string, manner: Manner): Connection {
    const connection = new Connection(`${this.#connections++}`, manner)
    this.#engine.emit("connection", connection)
    connection.emit("data", nsp === "/" ? "0" : `0${nsp},`)
    return connection
  }

  async close(): Promise<void> {
    await this.io.close()
    this.pair.close()
  }
}

/** Three servers on one Redis, and a connection of nobody's. */
export interface World {
  readonly servers: readonly SoakServer[]
  /** Asks Redis about itself, and publishes what no server would. */
  readonly outsider: Redis
}

/** Gives when all servers hear each other, with the clients that stay. */
export async function startWorld(
  createAdapter: CreateAdapter,
  client: ClientName,
  port: number,
  options: object,
): Promise<World> {
  const servers = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const pair = await connectPair(client, port)
      const settings = { ...options, requestsTimeout: REQUESTS_TIMEOUT }
      return new SoakServer(pair, createAdapter(pair.pubClient, pair.subClient, settings))
    }),
  )
  const outsider = new Redis(port)
  for (const { nsp } of servers) {
    // Resolves too early for the reference, which does not check its subscriptions.
    while ((await nsp.adapter.serverCount()) < servers.length);
    const adapter = nsp.adapter as { subscribed?: () => Promise<void> }
    await adapter.subscribed?.()
  }
  const world = { servers, outsider }
  for (const server of servers) {
    for (const manner of ["answers", "answers", "deaf", "deaf"] as const)
      server.connect("/", manner)
  }
  await markersHeard(world)
  for (const { nsp } of servers) {
    for (const [index, socket] of [...nsp.sockets.values()].entries())
      void socket.join(`room${index}`)
  }
  return world
}

export async function stopWorld({ servers, outsider }: World): Promise<void> {
  await Promise.all(servers.map((server) => server.close()))
  outsider.disconnect()
}

let markers = 0

/** Gives when every server has done what all servers have sent so far. */
export async function markersHeard({ servers }: World): Promise<void> {
  await Promise.all(servers.map(({ io }) => markerHeard(io, servers)))
}

async function markerHeard(io: Server, servers: readonly SoakServer[]): Promise<void> {
  for (;;) {
    const marker = ++markers
    const attempt = new AbortController()
    const timer = setTimeout(() => attempt.abort(), ATTEMPT)
    io.emit("marker", marker)
    try {
      await Promise.all(servers.map(({ witness }) => witness.heard(marker, attempt.signal)))
      return
    } catch (error) {
      if (!attempt.signal.aborted) throw error
    } finally {
      clearTimeout(timer)
    }
  }
}
