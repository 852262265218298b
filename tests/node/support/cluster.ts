import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Server, type ServerOptions, type Socket as ServerSocket } from "socket.io"
import { Manager, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client"
import { createAdapter, type RedisAdapter, type RedisAdapterOptions } from "socket.io-redis-edge"
import { type ClientName, type ClientPair, connectPair, type Deployment } from "./clients.ts"

/** The parts of an engine's packet options that a broadcast decides on. */
export interface WriteOptions {
  volatile?: boolean
  compress?: boolean
}

type ClientOptions = Partial<ManagerOptions & SocketOptions>

/** Something that events can be sent through: a server, an emitter. */
export interface Publisher {
  of(nsp: string): { emit(event: string): unknown }
}

/** An event as a client heard it: its name and its arguments. */
export type Heard = unknown[]

/** A Socket.IO server that listens on a loopback port of its own, and the clients connected to it. */
export class TestServer {
  readonly io: Server
  readonly url: string
  readonly pair: ClientPair | undefined
  readonly #clients: Client[] = []

  private constructor(server: Server, url: string, pair: ClientPair | undefined) {
    this.io = server
    this.url = url
    this.pair = pair
  }

  /** A server with these options; without an adapter among them, with the in-memory one. */
  static async start(options: Partial<ServerOptions> = {}, pair?: ClientPair): Promise<TestServer> {
    const http = createServer()
    const server = new Server(http, options)
    http.listen(0, "127.0.0.1")
    await once(http, "listening")
    return new TestServer(server, `http://127.0.0.1:${(http.address() as AddressInfo).port}`, pair)
  }

  /** A server with our adapter and Redis connections of its own, which hears the other servers already. */
  static async startWithRedis(
    name: ClientName,
    deployment: Deployment | number,
    options: Partial<ServerOptions> = {},
    adapterOptions?: RedisAdapterOptions,
  ): Promise<TestServer> {
    const pair = await connectPair(name, deployment)
    const adapter = createAdapter(pair.pubClient, pair.subClient, adapterOptions)
    const server = await TestServer.start({ ...options, adapter }, pair)
    await server.adapter().subscribed()
    return server
  }

  /** The adapter of a namespace, for servers that have ours. */
  adapter(nsp = "/"): RedisAdapter {
    return this.io.of(nsp).adapter as unknown as RedisAdapter
  }

  /** A client of a namespace; gives when it is connected and its server hears the other servers there. */
  async connect(nsp = "/", options: ClientOptions = {}): Promise<Client> {
    const client = await this.connectEarly(nsp, options)
    if ("subscribed" in this.io.of(nsp).adapter) await this.adapter(nsp).subscribed()
    return client
  }

  /** A client of a namespace; gives when it is connected, whatever Redis does. */
  async connectEarly(nsp = "/", options: ClientOptions = {}): Promise<Client> {
    const defaults = { reconnection: false, transports: ["websocket"] }
    const manager = new Manager(this.url, { ...defaults, ...options })
    const socket = manager.socket(nsp, options).connect()
    const client = new Client(this, nsp, socket)
    this.#clients.push(client)
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve)
      socket.once("connect_error", reject)
      manager.once("error", reject)
    })
    return client
  }

  /** Disconnects the clients and closes the server, then its Redis connections. */
  async close(): Promise<void> {
    for (const { socket } of this.#clients) socket.disconnect()
    await this.io.close()
    this.pair?.close()
  }
}

/** A connected client, and what it has heard. */
export class Client {
  readonly socket: Socket
  readonly #server: TestServer
  readonly #nsp: string
  #heard: Heard[] = []
  #wake: () => void = () => {}

  constructor(server: TestServer, nsp: string, socket: Socket) {
    this.#server = server
    this.#nsp = nsp
    this.socket = socket
    socket.onAny((...heard: Heard) => {
      this.#heard.push(heard)
      this.#wake()
    })
    socket.once("disconnect", () => this.#wake())
  }

  get nsp(): string {
    return this.#nsp
  }

  /** The server's end of the connection. */
  get remote(): ServerSocket {
    const found = this.#server.io.of(this.#nsp).sockets.get(this.socket.id ?? "")
    if (!found) throw new Error("the client is not connected")
    return found
  }

  /** Gives when an event was heard so many times; rejects when the client is disconnected before. */
  async until(event: string, count = 1): Promise<void> {
    while (this.#heard.filter(([name]) => name === event).length < count) {
      if (this.socket.disconnected) throw new Error(`disconnected before it heard ${event}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** What was heard since this was called last, except for the event of this name. */
  take(except?: string): Heard[] {
    const heard = this.#heard.filter(([name]) => name !== except)
    this.#heard = []
    return heard
  }

  /** How the server hands packets to this client's engine, from now on. */
  writes(): WriteOptions[] {
    const writes: WriteOptions[] = []
    const { client } = this.remote as unknown as {
      client: { writeToEngine(packets: unknown, options: WriteOptions): void }
    }
    const write = client.writeToEngine
    client.writeToEngine = function (packets, options) {
      writes.push({ ...options })
      write.call(this, packets, options)
    }
    return writes
  }
}

let markers = 0

/**
 * What each of the clients hears of what an action sends through the publishers: exactly that, since a
 * marker is sent through each of them afterwards, and the order of one publisher's events is kept.
 */
export async function hear(
  publishers: readonly Publisher[],
  clients: readonly Client[],
  action: () => unknown,
): Promise<Heard[][]> {
  await action()
  markers += 1
  const marker = `marker ${markers}`
  for (const nsp of new Set(clients.map((client) => client.nsp))) {
    for (const publisher of publishers) publisher.of(nsp).emit(marker)
  }
  await Promise.all(clients.map((client) => client.until(marker, publishers.length)))
  return clients.map((client) => client.take(marker))
}

/** Clients by the names that a test calls them. */
export type Cast = Record<string, Client>

/** The names of the clients that hear what an action sends, each as often as it does. */
export async function reached(
  publishers: readonly Publisher[],
  cast: Cast,
  action: () => unknown,
): Promise<string> {
  const heard = await hear(publishers, Object.values(cast), action)
  return Object.keys(cast)
    .flatMap((name, index) => heard[index]?.map(() => name) ?? [])
    .join(" ")
}

/** A list of one value, so many times. */
export function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value)
}
