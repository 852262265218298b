import { once } from "node:events"
import { connect as connectPlain, type NetConnectOpts, type Socket } from "node:net"
import { connect as connectTls, type ConnectionOptions } from "node:tls"
import { type Address, within } from "./deployment.ts"
import type { NodeRedisNode } from "./node-redis.ts"
import { encodeCommand, type Reply, ReplyReader } from "./resp.ts"
import { type Wire, wireOf } from "./wire.ts"

interface Credentials {
  readonly username?: string
  readonly password?: string
}

/** What a client is configured with: `credentialsProvider` is new in 5. */
interface Options extends Credentials {
  readonly socket?: { readonly tls?: boolean }
  readonly name?: string
  readonly credentialsProvider?: AsyncProvider | StreamingProvider
}

interface AsyncProvider {
  readonly type: "async-credentials-provider"
  credentials(): Promise<Credentials>
}

interface StreamingProvider {
  readonly type: "streaming-credentials-provider"
  subscribe(listener: {
    onNext(credentials: Credentials): void
    onError(error: Error): void
  }): Promise<[Credentials, { dispose(): void }]>
}

/** After how long without anything a connection is looked after by TCP, as clients have it, in milliseconds. */
const KEEP_ALIVE = 5_000

/**
 * Connects to a server as a client of node-redis 4, 5 or 6 does, or elsewhere by the same options. The
 * socket of a client cannot be had: it is private, and the option `onread` is not passed on (`socket.js` of
 * @redis/client 5.12 and 6.3).
 */
export async function dial(client: NodeRedisNode, address?: Address): Promise<Wire> {
  const options = (client.options ?? {}) as Options
  const place = { ...options.socket, ...address, noDelay: true, keepAlive: true }
  const where = { ...place, keepAliveInitialDelay: KEEP_ALIVE, timeout: undefined }
  const secure = options.socket?.tls === true
  const socket = secure
    ? connectTls(where as ConnectionOptions)
    : connectPlain(where as NetConnectOpts)
  socket.on("error", () => {}) // "close" follows.
  try {
    await within(once(socket, secure ? "secureConnect" : "connect"))
    await within(greet(socket, greetings(await credentialsOf(options), options.name)))
    return wireOf(socket, () => void socket.destroy())
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function credentialsOf({ credentialsProvider, ...given }: Options): Promise<Credentials> {
  if (credentialsProvider?.type === "async-credentials-provider") {
    return credentialsProvider.credentials()
  }
  if (credentialsProvider?.type === "streaming-credentials-provider") {
    // Later ones cannot be used: a subscribing connection takes no `AUTH` in RESP2. A server that insists
    // on them closes the connection, and the next one is made with those of that time.
    const [credentials, disposable] = await credentialsProvider.subscribe({
      onNext: () => {},
      onError: () => {},
    })
    disposable.dispose()
    return credentials
  }
  return given
}

function greetings({ username, password }: Credentials, name?: string): string[][] {
  const authentication = ["AUTH", ...(username ? [username] : []), password ?? ""]
  return [
    ...(username || password ? [authentication] : []),
    ...(name ? [["CLIENT", "SETNAME", name]] : []),
    ["PING"],
  ]
}

/** Gives when Redis has answered the last one, and rejects when that or `AUTH` is refused. */
function greet(socket: Socket, commands: readonly string[][]): Promise<void> {
  return new Promise((resolve, reject) => {
    let answered = 0
    const handle = (reply: Reply) => {
      const [verb] = commands[answered++] ?? []
      if (reply instanceof Error && verb !== "CLIENT") reject(reply)
      else if (answered === commands.length) resolve()
    }
    const reader = new ReplyReader(handle)
    socket.on("data", (chunk) => reader.write(chunk))
    socket.once("close", () => reject(new Error("closed before Redis let it in")))
    socket.write(commands.map(encodeCommand).join(""))
  })
}
