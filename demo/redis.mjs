// The demo's own Redis: found on PATH, on a free port of the loopback, nothing kept on disk.

import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { createInterface } from "node:readline"
import { supervise } from "./child.mjs"

const BINARIES = ["redis-server", "valkey-server"]

function findBinary() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean)
  for (const binary of BINARIES) {
    for (const folder of folders) {
      try {
        accessSync(join(folder, binary), constants.X_OK)
        return join(folder, binary)
      } catch {
        continue
      }
    }
  }
  throw new Error(
    "no redis-server or valkey-server on PATH: install the package redis-server (Debian, Ubuntu), " +
      "redis (Fedora, Alpine, Homebrew) or valkey, or set REDIS_URL",
  )
}

// Redis cannot choose a port itself: 0 means "no TCP" to it.
function findFreePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

/**
 * Starts Redis. `ready` resolves when it accepts connections and rejects with its last words when
 * it ends before; `onDeath` gets a sentence if it ends later than that.
 */
export async function spawnRedis(onDeath) {
  const binary = findBinary()
  const port = await findFreePort()
  // Detached: Ctrl-C reaches every process of the terminal's group, and Redis must outlive the servers.
  const child = spawn(
    binary,
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    { detached: true, cwd: tmpdir(), stdio: ["ignore", "pipe", "inherit"] },
  )
  let isReady = false
  const ready = new Promise((resolve, reject) => {
    let lastWords = ""
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.trim()) lastWords = line.trim()
      if (!line.includes("Ready to accept connections")) return
      isReady = true
      resolve()
    })
    child.once("close", () => reject(new Error(`redis ended before it was ready: ${lastWords}`)))
    child.once("error", reject)
  })
  const supervised = supervise("redis", child, (reason) => isReady && onDeath(reason))
  return { ...supervised, url: `redis://127.0.0.1:${port}`, ready }
}
