import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect, createServer, type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis5"

// A run that is interrupted must not leave its servers behind: they are killed on "exit", which is not emitted then.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

/** How long a server may take to answer, in milliseconds; a loaded machine needs a few hundred. */
const START_TIMEOUT = 10_000

/** A real Redis (or Valkey) server of a test's own, on a loopback port that it keeps over restarts. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Of the running process; undefined while it is stopped. */
  readonly pid: number | undefined
  /** Gives when the server answers. Only for a stopped one. */
  start(): Promise<void>
  /** SIGTERM, and gives when the process has ended; does nothing to a stopped one. */
  stop(): Promise<void>
  /** SIGKILL: connections break as in a crash. Gives when the process has ended. */
  kill(): Promise<void>
  /** Stops the server and removes its directory. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * A server that answers, with nothing in it and nothing kept on disk. `args` are further arguments of
 * redis-server, such as `["--cluster-enabled", "yes"]`.
 */
export async function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  const server = await reserveRedis(args)
  await server.start()
  return server
}

/** A server that is not running yet, for clients that come first. */
export function reserveRedis(args: readonly string[] = []): Promise<RedisServer> {
  return reserve((port, dir) => {
    const place = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", dir]
    const quiet = ["--save", "", "--appendonly", "no", "--daemonize", "no"]
    return [...place, ...quiet, ...args]
  })
}

/** A sentinel that watches over one master; `directives` are further lines of its configuration. */
export async function startSentinelProcess(directives: readonly string[]): Promise<RedisServer> {
  const server = await reserve(async (port, dir) => {
    // Sentinels write what they find out into their configuration: it has to be a file.
    const file = join(dir, "sentinel.conf")
    const lines = [`port ${port}`, "bind 127.0.0.1", `dir ${dir}`, ...directives]
    await writeFile(file, `${lines.join("\n")}\n`)
    return [file, "--sentinel"]
  })
  await server.start()
  return server
}

async function reserve(
  argumentsFor: (port: number, dir: string) => string[] | Promise<string[]>,
): Promise<RedisServer> {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), "redis-test-"))
  const options = await argumentsFor(port, dir)
  let running: ChildProcess | undefined

  async function start(): Promise<void> {
    if (running) throw new Error(`the Redis server on port ${port} runs already`)
    running = await launch(port, options)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = running
    running = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const exited = once(ending, "exit")
    ending.kill(signal)
    await exited
  }

  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return running?.pid
    },
    start,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async [Symbol.asyncDispose]() {
      await end("SIGTERM")
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/**
 * Gives when the condition holds for a server, which it is asked of again and again; rejects when it
 * does not in 20 seconds.
 */
export async function waitUntil(
  { port }: RedisServer,
  holds: (redis: Redis) => Promise<boolean>,
): Promise<void> {
  const redis = new Redis(port)
  const deadline = Date.now() + 2 * START_TIMEOUT
  try {
    while (!(await holds(redis))) {
      if (Date.now() > deadline) throw new Error(`waited for ${holds} in vain`)
      await delay(20)
    }
  } finally {
    redis.disconnect()
  }
}

/** A loopback port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

async function launch(port: number, options: readonly string[]): Promise<ChildProcess> {
  const child = spawn(executable("server"), options, { stdio: ["ignore", "pipe", "inherit"] })
  let log = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-4000)
  })
  // A test that fails or is interrupted must not leave its server behind.
  const killChild = () => child.kill("SIGKILL")
  process.once("exit", killChild)
  child.once("exit", () => process.off("exit", killChild))
  const deadline = Date.now() + START_TIMEOUT
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`the Redis server did not start:\n${log}`)
    if (Date.now() > deadline) {
      killChild()
      throw new Error(`the Redis server did not answer in ${START_TIMEOUT} ms:\n${log}`)
    }
    await delay(10)
  }
  return child
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"))
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("data", (data) => settle(data.toString().startsWith("+PONG")))
    socket.once("error", () => settle(false))
    socket.once("close", () => settle(false))
  })
}

/** A program of Redis, or else that of Valkey, as the machine has it. */
export function executable(kind: "cli" | "server"): string {
  const names = [`redis-${kind}`, `valkey-${kind}`]
  const found = names.find((name) => spawnSync(name, ["--version"]).status === 0)
  if (!found) throw new Error(`neither ${names.join(" nor ")} is installed`)
  return found
}
