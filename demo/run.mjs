// What `make demo` runs: a Redis, three Socket.IO servers in three processes, and one page (or, with
// ONCE=1, scripted clients in place of the page). `--help` lists the options.

import { randomUUID } from "node:crypto"
import { parseArgs } from "node:util"
import { connectCluster, startServer, SERVER_NAMES } from "./cluster.mjs"
import { createJournal } from "./journal.mjs"
import { spawnRedis } from "./redis.mjs"
import { runScenario } from "./scenario.mjs"
import { paint, paintServer, say } from "./terminal.mjs"
import { serveWeb } from "./web.mjs"

const HELP = `Three Socket.IO servers, joined by one Redis.

usage: node demo/run.mjs [options]

  --port PORT        the page's port; default: a free one        (environment: PORT)
  --redis-url URL    use this Redis instead of starting one      (environment: REDIS_URL)
  --once             no page: scripted clients emit, and what
                     each one heard is checked; exit code 0
                     only if all of it is right                  (environment: ONCE=1)
  --help             this text

Exit codes: 0 all went well, 1 something failed, 2 wrong options, 130 interrupted with --once.`

/** Things to stop at the end, in the order in which they were started. */
const started = []
let ending = false

/** Stops all that was started, newest first, and ends this process. Calls after the first do nothing. */
async function end(code, reason) {
  if (ending) return
  ending = true
  if (reason) say(reason)
  for (const part of started.toReversed()) {
    await part.stop()
  }
  process.exit(code)
}

const fail = (reason) => end(1, paint("red", `✗ ${reason}`))

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: process.env.PORT || "0" },
      "redis-url": { type: "string", default: process.env.REDIS_URL || "" },
      once: { type: "boolean", default: !["", "0", undefined].includes(process.env.ONCE) },
      help: { type: "boolean", default: false },
    },
  })
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65535) {
    throw new Error(`the port must be a number from 0 to 65535, not "${values.port}"`)
  }
  const redisUrl = values["redis-url"]
  if (redisUrl && !/^rediss?:\/\//.test(redisUrl)) {
    throw new Error(`the Redis URL must start with redis:// or rediss://, not "${redisUrl}"`)
  }
  return { port, redisUrl, once: values.once, help: values.help }
}

/** The Redis to use, and the key under which the servers talk: a private one on a Redis that others may use. */
async function openRedis(redisUrl) {
  if (redisUrl) {
    say(`${paint("dim", "redis ")}  ${new URL(redisUrl).host} (yours)`)
    return { url: redisUrl, key: `socket.io-demo-${randomUUID().slice(0, 8)}` }
  }
  const redis = await spawnRedis(fail)
  started.push(redis)
  await redis.ready
  say(`${paint("dim", "redis ")}  ${new URL(redis.url).host}  pid ${redis.pid}`)
  return { url: redis.url, key: "socket.io", pid: redis.pid }
}

async function openServers(redis, onReport) {
  const servers = SERVER_NAMES.map((name) => {
    const server = startServer(name, redis, onReport, fail)
    started.push(server)
    return server
  })
  await Promise.all(servers.map((server) => server.ready))
  for (const { name, url, pid } of servers) {
    say(`${paint("dim", "server")}  ${paintServer(name)}  ${url}  pid ${pid}`)
  }
  const ms = await connectCluster(servers)
  say(paint("dim", `each server hears the others after ${ms.toFixed(0)} ms`))
  return servers
}

async function main(options) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => end(options.once ? 130 : 0))
  }
  const redis = await openRedis(options.redisUrl)
  const journal = createJournal(say)
  // The clients that try the servers out, and scripted ones, are not worth a line; trouble always is.
  let isOpen = false
  const servers = await openServers(redis, (report) => {
    if (ending) return
    if (isOpen || report.kind === "trouble") journal.report(report)
  })
  if (options.once) {
    const right = await runScenario(servers, say)
    return end(right ? 0 : 1)
  }
  const web = await serveWeb(options.port, servers)
  started.push(web)
  isOpen = true
  say(`\n  Open ${paint("bold", web.url)} in a browser. Ctrl-C ends the demo.\n`)
}

let options
try {
  options = readOptions()
} catch (error) {
  console.error(`${error.message}\n\n${HELP}`)
  process.exit(2)
}
if (options.help) {
  console.log(HELP)
} else {
  main(options).catch((error) => fail(error.message))
}
