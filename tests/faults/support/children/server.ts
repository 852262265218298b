// Run by process.ts with its options as JSON: one server, which does what the test asks it for.
import type { ProcessOptions } from "../process.ts"
import { startServer } from "../servers.ts"

const options: ProcessOptions = JSON.parse(process.argv[2] ?? "")
const uncaught: string[] = []
let calls = 0

if (options.survives) process.on("uncaughtException", (error) => uncaught.push(error.message))

const server = await startServer(options)
const { io } = server

/** What a listener of the application does where it is to throw. */
function boom(where: string): never {
  throw new Error(where)
}

if (options.throws) {
  io.on("boom", () => {
    calls += 1
    boom("a listener of serverSideEmit()")
  })
  // Each for a room of its own.
  for (const event of ["create-room", "join-room", "leave-room", "delete-room"]) {
    io.of("/").adapter.on(event, (room: string) => {
      if (room === event) boom(`a listener of ${event}`)
    })
  }
  io.on("connection", (socket) => {
    socket.onAnyOutgoing((event) => {
      if (event === "boom") boom("a listener of outgoing packets")
    })
  })
}

const operations = {
  /** Sends an event to the clients of all servers. */
  emit: (event: string) => void io.emit(event),
  /** Asks the clients of all servers, with a callback that throws. */
  askClients: (event: string) =>
    void io.timeout(5_000).emit(event, () => boom("an acknowledgement")),
  /** Asks the other servers, with a callback that throws. */
  askServers: (event: string) => void io.serverSideEmit(event, () => boom("an answer of a server")),
  /** How often the throwing listener of serverSideEmit() was called. */
  calls: () => calls,
  /** What nobody caught so far. */
  uncaught: () => uncaught,
}

export type Operations = typeof operations

process.on(
  "message",
  ({ id, name, args }: { id: number; name: keyof Operations; args: [never] }) => {
    process.send?.({ id, value: operations[name](...args) })
  },
)
process.send?.({ id: 0, value: server.url })
