import type { Buffer } from "node:buffer"
import {
  payloadOf,
  type ClientEvents,
  countsOf,
  hasMethods,
  isUnknownCommand,
  listenForErrors,
  type RedisConnection,
  type Subscription,
} from "./connection.ts"
import type { Address, Satellite, Server } from "./deployment.ts"

/** Takes a message as a client gives it. */
export type Listener = (message: Buffer, channel: Buffer) => void

/** What is used of clients of node-redis (the npm package `redis`) 4, 5 or 6, of whatever kind. */
export interface NodeRedisBase extends ClientEvents {
  readonly isOpen: boolean
  publish(channel: string, message: Buffer | string): Promise<unknown>
  subscribe(channel: string, listener: Listener, bufferMode: true): Promise<unknown>
  pSubscribe(pattern: string, listener: Listener, bufferMode: true): Promise<unknown>
  /** The types of clusters and sentinels ask for a listener of text even here: `never` fits all. */
  unsubscribe(channel: string, listener: never, bufferMode: true): Promise<unknown>
  pUnsubscribe(pattern: string, listener: never, bufferMode: true): Promise<unknown>
}

/** What is used of a client of one server. */
export interface NodeRedisClient extends NodeRedisBase {
  readonly isReady: boolean
  sendCommand(args: string[]): Promise<unknown>
  connect(): Promise<unknown>
  /** Of 4, and of 5 and 6. */
  disconnect(): Promise<unknown>
  destroy?(): void
}

/** The client of one server, as a cluster or a sentinel holds it. */
export interface NodeRedisNode extends NodeRedisClient {
  readonly options?: { readonly socket?: object }
  duplicate(options: object): NodeRedisNode
  once(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

const METHODS = ["on", "publish", "subscribe", "pSubscribe", "unsubscribe", "pUnsubscribe"]

// "terminated" is new in 6.
const CHANGES = ["connect", "disconnect", "end", "ready", "reconnecting", "terminated"]

/** Whether a value is a client, a cluster or a sentinel of node-redis 4 or newer. */
export function isNodeRedisBase(value: object): value is NodeRedisBase {
  return typeof Reflect.get(value, "isOpen") === "boolean" && hasMethods(value, METHODS)
}

/** Whether a value is a client of one server, of node-redis 4 or newer. */
export function isNodeRedisClient(value: object): value is NodeRedisClient {
  const isReady = Reflect.get(value, "isReady")
  return (
    isNodeRedisBase(value) && typeof isReady === "boolean" && hasMethods(value, ["sendCommand"])
  )
}

/**
 * A connection through node-redis 4, 5 or 6. The client keeps a set of listeners for each name and
 * subscribes again by itself before it says "ready" (`PubSub.resubscribe` in @redis/client 1.6, 5.12
 * and 6.3); passing the same listener again is what keeps a message from arriving twice.
 *
 * What was asked in the moment in which a connection is lost, 5.12 still writes to that one
 * (`#scheduledWrite`). It then takes what the next one answers to the setup for the answer, and waits for
 * ever to be ready: a connection on which that happens is dropped.
 */
export class NodeRedisConnection implements RedisConnection {
  readonly repeats = false
  protected readonly client: NodeRedisClient
  readonly ordered = true
  #changed = () => {}
  #settingUp = false

  constructor(client: NodeRedisClient) {
    this.client = client
    for (const event of CHANGES) {
      client.on(event, () => {
        this.#settingUp = event === "connect"
      })
    }
    // A connection that is lost for good is told by "error" alone in 4 and 5.
    listenForErrors(client, () => {
      this.#settingUp = false
      this.#changed()
    })
  }

  get ready(): boolean {
    return this.client.isReady
  }

  get publishes(): boolean {
    return this.ready
  }

  get settingUp(): boolean {
    return this.#settingUp
  }

  attach(changed: () => void): void {
    this.#changed = changed
    for (const event of CHANGES) this.client.on(event, changed)
  }

  publish(channel: string, message: Uint8Array | string): Promise<number> {
    // No async function: it would add two promises to each message.
    return this.client.publish(channel, payloadOf(message)) as Promise<number>
  }

  async count(channels: readonly string[]): Promise<number[]> {
    const args = ["PUBSUB", "NUMSUB", ...channels]
    return countsOf(channels, await this.client.sendCommand(args))
  }

  reconnect(): void {
    void this.#reopen()
  }

  async subscribe({ kind, name, receive }: Subscription): Promise<void> {
    const pattern = kind === "pattern"
    const { pSubscribe, subscribe } = this.client
    await this.inStep((pattern ? pSubscribe : subscribe).call(this.client, name, receive, true))
  }

  async unsubscribe({ kind, name, receive }: Subscription): Promise<void> {
    const pattern = kind === "pattern"
    const { pUnsubscribe, unsubscribe } = this.client
    const send = pattern ? pUnsubscribe : unsubscribe
    await this.inStep(send.call(this.client, name, receive as never, true))
  }

  /** As the answer, with an eye to whether it is one: nothing is subscribed to before the client is ready. */
  protected async inStep(answer: Promise<unknown>): Promise<void> {
    try {
      await answer
      if (this.#settingUp) void this.#reopen()
    } catch (error) {
      if (this.#settingUp && isUnknownCommand(error)) void this.#reopen()
      throw error
    }
  }

  /** Nothing else ends a connection; what is subscribed to outlives it, as in any other loss. */
  async #reopen(): Promise<void> {
    const client = this.client
    try {
      if (client.destroy) client.destroy()
      else await client.disconnect()
      await client.connect()
    } catch {
      // Somebody else has closed or opened it; a connection that fails is an "error" besides.
    }
  }
}

/**
 * A function that gives the server of a client that a cluster or a sentinel holds, with connections of one
 * class: the same one for the same client.
 */
export function serversOf(
  Connection: typeof NodeRedisConnection,
): (client: NodeRedisNode) => Server {
  const connections = new WeakMap<NodeRedisNode, NodeRedisConnection>()
  return (client) => {
    const connection = connections.get(client) ?? new Connection(client)
    connections.set(client, connection)
    return { connection, satellite: () => satelliteOf(client, undefined, Connection) }
  }
}

/**
 * A connection beside that of a client, to the same server or with the same options to another one. It
 * is made once, and ends with the client that it was made from.
 */
export function satelliteOf(
  host: NodeRedisNode,
  address?: Address,
  Connection = NodeRedisConnection,
): Satellite {
  const socket = { ...host.options?.socket, ...address, reconnectStrategy: false }
  const client = host.duplicate({ socket })
  client.on("error", () => {}) // Somebody handles errors: nobody is told that nobody does.
  const connected = new Promise((resolve) => {
    client.once("connect", () => setImmediate(resolve))
  })
  const opened = client.connect()
  const close = () => {
    host.off("end", close)
    // Before, it would reject promises of the client that nobody can handle (redis 4.7), or leave a socket
    // open for good (5.12, 6.3); and it may never be ready, where the server does not answer.
    connected.then(() => end(client)).catch(() => {})
  }
  host.once("end", close)
  return { connection: new Connection(client), opened, close }
}

async function end(client: NodeRedisNode): Promise<void> {
  if (!client.isOpen) return
  if (client.destroy) client.destroy()
  else await client.disconnect()
}
