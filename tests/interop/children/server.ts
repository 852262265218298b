// Run by process.ts with the name of a peer, the port of a Redis and options as JSON: one server, whose
// clients are all in the room "x". It has no listeners of errors, as most applications do.
import { byName, subscribed } from "../peers.ts"

const [, , name, port, options] = process.argv
const { io, url } = await byName[name as keyof typeof byName].start(
  Number(port),
  JSON.parse(options ?? ""),
)
io.on("connection", (socket) => void socket.join("x"))
await subscribed(Number(port), 1)
process.send?.(url)
