// One Socket.IO server of the demo, in a process of its own. What happens is reported to the parent.

import { createServer } from "node:http"
import { createAdapter } from "socket.io-redis-edge"
import { Server } from "socket.io"
import { createClient } from "redis6"

const { SERVER_NAME: name, REDIS_URL: url, REDIS_KEY: key, REDIS_PID: redisPid } = process.env

const report = (event) => {
  if (process.connected) process.send({ server: name, ...event })
}

// A Redis that was never reached ends the demo; one that went away is waited for.
let reached = false
const reconnectStrategy = (retries, cause) => (reached ? Math.min(retries * 50, 1000) : cause)

let lastTrouble
const complain = ({ code, message }) => {
  const text = `redis: ${message || code}`
  if (text !== lastTrouble) report({ kind: "trouble", text })
  lastTrouble = text
}

const pubClient = createClient({ url, socket: { reconnectStrategy } })
const subClient = pubClient.duplicate()
pubClient.on("error", complain)
subClient.on("error", complain)
try {
  await Promise.all([pubClient.connect(), subClient.connect()])
  reached = true
} catch {
  process.exit(1)
}

const httpServer = createServer()
const io = new Server(httpServer, {
  adapter: createAdapter(pubClient, subClient, { key }),
  serveClient: false,
  transports: ["websocket"],
})

const isRoomName = (value) => typeof value === "string" && value.length > 0 && value.length <= 40
const asRoomNames = (value) => (Array.isArray(value) ? value.filter(isRoomName) : [])

/** What a client asks to be emitted, read from what it sent, or `undefined` if that is no order. */
function readOrder(input) {
  if (typeof input !== "object" || input === null || !Number.isFinite(input.sentAt))
    return undefined
  return {
    rooms: asRoomNames(input.rooms),
    except: asRoomNames(input.except),
    local: input.local === true,
    volatile: input.volatile === true,
    payload: input.payload,
    sentAt: input.sentAt,
  }
}

let emitted = 0

function emit({ local, volatile, ...message }) {
  const id = `${name}-${++emitted}`
  const text = typeof message.payload === "string" ? message.payload : "(data)"
  report({ kind: "emit", id, text, local, rooms: message.rooms, except: message.except })
  let target = io.to(message.rooms).except(message.except)
  if (local) target = target.local
  if (volatile) target = target.volatile
  target.emit("message", { id, from: name, ...message })
}

io.on("connection", (socket) => {
  const sid = socket.id
  const roomsNow = () => [...socket.rooms].filter((room) => room !== sid)

  report({ kind: "connect", sid })
  socket.on("disconnect", () => report({ kind: "disconnect", sid }))

  socket.on("join", async (room, done) => {
    if (!isRoomName(room) || typeof done !== "function") return
    await socket.join(room)
    report({ kind: "join", sid, room })
    done(roomsNow())
  })

  socket.on("leave", async (room, done) => {
    if (!isRoomName(room) || typeof done !== "function") return
    await socket.leave(room)
    report({ kind: "leave", sid, room })
    done(roomsNow())
  })

  socket.on("emit", (input) => {
    const order = readOrder(input)
    if (order) emit(order)
  })

  socket.on("heard", (id, ms) => {
    if (typeof id === "string" && Number.isFinite(ms)) report({ kind: "heard", sid, id, ms })
  })

  socket.on("probe", () => io.emit("probe", name))
})

// Ctrl-C goes to the whole group; the parent decides in which order its children end.
process.on("SIGINT", () => {})

process.on("SIGTERM", async () => {
  // Without Redis there is nobody to take leave of, and waiting for it would be in vain.
  if (pubClient.isReady && subClient.isReady) {
    await io.close()
    await Promise.all([pubClient.close(), subClient.close()])
  }
  process.exit(0)
})

// The parent is gone without a word: nobody else is left to stop its Redis.
process.on("disconnect", () => {
  try {
    if (redisPid) process.kill(Number(redisPid), "SIGTERM")
  } finally {
    process.exit(1)
  }
})

httpServer.listen(0, "127.0.0.1", () => report({ kind: "ready", port: httpServer.address().port }))
