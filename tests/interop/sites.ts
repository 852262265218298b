import { once } from "node:events"
import { createServer, type Server as HttpServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Server, type Socket as ServerSocket } from "socket.io"
import { Manager, type Socket } from "socket.io-client"
import { Manager as Manager2 } from "socket.io-client2"
import createServer2 from "socket.io2"
import { Server as Server3 } from "socket.io3"
import type { ClientPair } from "../node/support/clients.ts"
import type { WriteOptions } from "../node/support/cluster.ts"

/** An event as a client heard it: its name and its arguments. */
export type Heard = unknown[]

/** A server or an emitter of a cluster. */
export interface Site extends AsyncDisposable {
  /** The server or emitter, seen as a server of Socket.IO 4: the table of peers says what of that it has. */
  readonly io: Server
  /** A new client, connected to a namespace; absent from emitters. */
  readonly connect?: (nsp?: string) => Promise<Member>
  /** Gives when it hears of the rooms that were joined there, for a server that lets nobody wait for that. */
  readonly subscribed?: () => Promise<unknown>
}

/** A server, which has clients. */
export type ServerSite = Site & Required<Pick<Site, "connect">>

/** The namespaces that every server has. */
export const namespaces = ["/", "/chat"] as const

/** How the versions of Socket.IO differ where the tests touch them. */
interface Version {
  serve(http: HttpServer, options: object): Server
  connect(url: string, nsp: string): Socket
  /** Calls back with every event that a client hears. */
  listen(socket: Socket, hear: (event: Heard) => void): void
  find(io: Server, nsp: string, id: string): ServerSocket | undefined
  rooms(socket: ServerSocket): Iterable<string>
  /** The method that hands packets to a client's engine. */
  readonly writer: "_packet" | "packet" | "writeToEngine"
}

const managerOptions = { reconnection: false, transports: ["websocket"] }

const version4: Version = {
  serve: (http, options) => new Server(http, options),
  connect: (url, nsp) => new Manager(url, managerOptions).socket(nsp),
  listen: (socket, hear) => void socket.onAny((...event: Heard) => hear(event)),
  find: (io, nsp, id) => io.of(nsp).sockets.get(id),
  rooms: (socket) => socket.rooms,
  writer: "writeToEngine",
}

const versions = {
  2: {
    serve: createServer2,
    connect: (url, nsp) => new Manager2(url, managerOptions).socket(nsp),
    listen(socket, hear) {
      const receiver = socket as unknown as { onevent(packet: { data: Heard }): void }
      const { onevent } = receiver
      receiver.onevent = (packet) => {
        hear(packet.data)
        onevent.call(socket, packet)
      }
    },
    find(io, nsp, id) {
      return (io.of(nsp) as unknown as { connected: Record<string, ServerSocket> }).connected[id]
    },
    rooms: (socket) => Object.keys(socket.rooms),
    writer: "packet",
  },
  3: {
    ...version4,
    serve: (http, options) => new Server3(http, options),
    writer: "_packet",
  },
  4: version4,
} satisfies Record<number, Version>

export type SocketIoVersion = keyof typeof versions

/**
 * A server on a loopback port of its own, which is `url`; without an adapter, with the in-memory one.
 * `subscribed` is the site's, and awaited before its connections end, too.
 */
export async function serve(
  socketIo: SocketIoVersion,
  adapter?: unknown,
  pair?: ClientPair,
  subscribed: () => Promise<unknown> = async () => {},
): Promise<ServerSite & { url: string }> {
  const version = versions[socketIo]
  const http = createServer()
  const io = version.serve(http, adapter ? { adapter, serveClient: false } : { serveClient: false })
  for (const nsp of namespaces) io.of(nsp)
  http.listen(0, "127.0.0.1")
  await once(http, "listening")
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return {
    io,
    url,
    connect: (nsp = "/") => connect(socketIo, url, nsp, io),
    subscribed,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => void io.close(resolve))
      await subscribed()
      pair?.close()
    },
  }
}

/** A new client of a server; without `io`, what its server knows of it cannot be seen. */
export async function connect(
  socketIo: SocketIoVersion,
  url: string,
  nsp = "/",
  io?: Server,
): Promise<Member> {
  const version = versions[socketIo]
  const member = new Member(version, version.connect(url, nsp), nsp, io)
  await member.connected()
  return member
}

/** A connected client, what it has heard, and the server's end of its connection. */
export class Member {
  readonly socket: Socket
  readonly nsp: string
  /** Gives the reason when the client is disconnected. */
  readonly gone: Promise<string>
  readonly #version: Version
  readonly #io: Server | undefined
  #heard: Heard[] = []
  #wake: () => void = () => {}

  constructor(version: Version, socket: Socket, nsp: string, io: Server | undefined) {
    this.#version = version
    this.#io = io
    this.socket = socket
    this.nsp = nsp
    version.listen(socket, (event) => {
      this.#heard.push(event)
      this.#wake()
    })
    this.gone = new Promise((resolve) => socket.once("disconnect", resolve))
    void this.gone.then(() => this.#wake())
  }

  get id(): string {
    return this.socket.id ?? ""
  }

  get remote(): ServerSocket {
    const found = this.#find()
    if (!found) throw new Error("the client is not connected")
    return found
  }

  /** The rooms that its server has it in, but for the one of its own id. */
  get rooms(): string[] {
    const socket = this.#find()
    if (!socket) return []
    return Array.from(this.#version.rooms(socket)).filter((room) => room !== socket.id)
  }

  /** Gives when the client is connected. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once("connect", resolve)
      this.socket.once("connect_error", reject)
    })
  }

  /** A client of another namespace over the same connection. */
  async multiplex(nsp: string): Promise<Member> {
    const socket = this.socket.io.socket(nsp)
    const member = new Member(this.#version, socket, nsp, this.#io)
    await member.connected()
    return member
  }

  /** Gives when an event was heard, or the client is disconnected. */
  async until(event: string): Promise<void> {
    while (this.socket.connected && !this.#heard.some(([name]) => name === event)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** What was heard since this was called last. */
  take(): Heard[] {
    const heard = this.#heard
    this.#heard = []
    return heard
  }

  /** Takes an event out of what was heard. */
  forget(event: string): void {
    this.#heard = this.#heard.filter(([name]) => name !== event)
  }

  /** How the server hands packets to this client's engine, from now on. */
  writes(): WriteOptions[] {
    const writes: WriteOptions[] = []
    type Write = (packets: unknown, options: WriteOptions) => void
    const { client } = this.remote as unknown as { client: Record<string, Write> }
    const write = client[this.#version.writer] as Write
    client[this.#version.writer] = function (packets, options) {
      writes.push({ ...options })
      write.call(this, packets, options)
    }
    return writes
  }

  /** Disconnects; gives when the server knows it. */
  async leave(): Promise<void> {
    const remote = this.#find()
    const known = remote && new Promise((resolve) => remote.once("disconnect", resolve))
    this.socket.disconnect()
    await known
  }

  #find(): ServerSocket | undefined {
    return this.#io && this.#version.find(this.#io, this.nsp, this.id)
  }
}
