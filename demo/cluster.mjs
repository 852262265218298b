// The three server processes, and the proof that each of them hears the others.

import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { io } from "socket.io-client"
import { supervise } from "./child.mjs"

/** The names of the servers, in the order of the panes. */
export const SERVER_NAMES = ["one", "two", "three"]

/** How long the servers may take to hear each other, and the pause between two tries, in milliseconds. */
const CONNECT_LIMIT = 15_000
const PROBE_PAUSE = 50

const SERVER_FILE = fileURLToPath(new URL("server.mjs", import.meta.url))

/**
 * Starts one server process. `ready` resolves when it listens and its `url` is set; `onReport` gets everything else that it
 * reports; `onDeath` gets a sentence if it ends early.
 */
export function startServer(name, redis, onReport, onDeath) {
  const child = fork(SERVER_FILE, {
    env: {
      ...process.env,
      SERVER_NAME: name,
      REDIS_URL: redis.url,
      REDIS_KEY: redis.key,
      REDIS_PID: redis.pid ? String(redis.pid) : "",
    },
  })
  const server = { name, url: undefined, ...supervise(`server ${name}`, child, onDeath) }
  server.ready = new Promise((resolve) => {
    child.on("message", (report) => {
      if (report.kind !== "ready") return onReport(report)
      server.url = `http://127.0.0.1:${report.port}`
      resolve()
    })
  })
  return server
}

/** A client of one server. WebSocket only, since the page comes from another origin than its servers. */
export const connectClient = (server) =>
  io(server.url, { transports: ["websocket"], forceNew: true, reconnection: false })

/**
 * Waits until a client of each server has heard every server; resolves to the milliseconds it took.
 * A subscription says nothing when it becomes active, so the servers are asked to speak until all
 * are heard.
 */
export async function connectCluster(servers) {
  const start = performance.now()
  const clients = servers.map(connectClient)
  const missing = new Set(servers.flatMap((by) => servers.map((from) => `${by.name} ${from.name}`)))
  let timer
  try {
    await new Promise((resolve, reject) => {
      clients.forEach((client, index) => {
        client.on("connect_error", reject)
        client.on("probe", (from) => {
          missing.delete(`${servers[index].name} ${from}`)
          if (missing.size === 0) resolve()
        })
      })
      timer = setInterval(() => {
        if (performance.now() - start > CONNECT_LIMIT) reject(new Error(describeSilence(missing)))
        else for (const client of clients) client.emit("probe")
      }, PROBE_PAUSE)
    })
  } finally {
    clearInterval(timer)
    for (const client of clients) client.disconnect()
  }
  return performance.now() - start
}

function describeSilence(missing) {
  const pairs = [...missing].map((pair) => pair.replace(" ", " does not hear "))
  return `the servers are not joined after ${CONNECT_LIMIT / 1000} s: ${pairs.join(", ")}`
}
