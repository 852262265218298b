// Two servers that differ in the adapter alone. Real: socket.io's Server, Namespace, Client (with its
// writeToEngine) and Socket, its parser, and both adapters as published. Stand-ins: the connection
// below the client, which counts what it is given instead of sending it, and the Redis client, so
// that what is measured is the work of the adapters and of what they call.

import { EventEmitter } from "node:events"
import { Server } from "socket.io"

const PUBLISHED = Promise.resolve(1)

/** What an adapter sees of node-redis 6: messages are handed to the listener as Buffers. */
class RedisClient extends EventEmitter {
  isOpen = true
  isReady = true
  /** The listener of the adapter's pattern. */
  listener = undefined
  /** What was published, while it is being recorded. */
  recorded = undefined
  /** Whether what is published comes back, as it does from Redis. */
  echoing = true

  publish(channel, message) {
    if (this.recorded !== undefined) this.recorded.push({ channel, message })
    if (this.echoing)
      setImmediate(() => this.listener?.(Buffer.from(message), Buffer.from(channel)))
    return PUBLISHED
  }

  async pSubscribe(_pattern, listener) {
    this.listener = listener
  }

  async subscribe() {}
  async unsubscribe() {}
  async pUnsubscribe() {}

  /** PUBSUB NUMSUB: there is this server alone. */
  async sendCommand([, , channel]) {
    return [channel, 1]
  }
}

/** What socket.io sees of an engine.io socket with a WebSocket. */
class Connection extends EventEmitter {
  protocol = 4
  readyState = "open"
  remoteAddress = "127.0.0.1"
  request = { headers: {}, connection: {}, url: "/socket.io/", _query: {} }
  transport = { name: "websocket", writable: true }
  #world

  constructor(id, world) {
    super()
    this.id = id
    this.#world = world
  }

  write(packet, options) {
    const world = this.#world
    world.written += 1
    if (world.recorded !== undefined) world.recorded.push({ id: this.id, packet, options })
  }

  close() {}
}

/** A server with one adapter. */
export class World {
  redis = new RedisClient()
  /** How many packets the adapter has written to connections. */
  written = 0
  recorded = undefined
  #engine = new EventEmitter()
  #connections = 0

  constructor(createAdapter) {
    this.server = new Server({ adapter: createAdapter(this.redis, this.redis) })
    this.server.bind(this.#engine)
    this.nsp = this.server.of("/")
    this.adapter = this.nsp.adapter
  }

  /** Resolves when the adapter asks Redis for nothing more. */
  async subscribed() {
    // The reference does not check its subscription.
    await this.adapter.subscribed?.()
    this.redis.echoing = false
  }

  /** Connects so many clients; resolves with their sockets. */
  async connect(count) {
    const sockets = []
    const connected = new Promise((resolve) => {
      this.nsp.on("connection", (socket) => {
        if (sockets.push(socket) === count) resolve()
      })
    })
    for (let i = 0; i < count; i++) {
      const connection = new Connection(this.#connections++, this)
      this.#engine.emit("connection", connection)
      connection.emit("data", "0")
    }
    await connected
    this.nsp.removeAllListeners("connection")
    return sockets
  }

  receive(message, channel) {
    this.redis.listener(message, channel)
  }

  /** What the adapter writes and publishes while `act` runs, in a form that can be compared. */
  observe(act) {
    this.recorded = []
    this.redis.recorded = []
    act()
    const observed = {
      written: this.recorded.map(described),
      published: this.redis.recorded.map(({ channel, message }) => ({
        channel: String(channel),
        message: Buffer.from(message),
      })),
    }
    this.recorded = undefined
    this.redis.recorded = undefined
    return observed
  }
}

function described({ id, packet, options }) {
  const { volatile, compress, wsPreEncodedFrame: frame } = options
  return {
    id,
    packet: packet instanceof Uint8Array ? Buffer.from(packet) : String(packet),
    volatile: Boolean(volatile),
    compress,
    frame: frame && Buffer.concat(frame),
  }
}
