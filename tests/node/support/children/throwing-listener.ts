// Run by parser.test.ts with the port of a Redis: two servers, and an outgoing listener that throws.
import { TestServer } from "../cluster.ts"

const [, , port = ""] = process.argv
const start = () => TestServer.startWithRedis("redis6", Number(port))
const [a, b] = await Promise.all([start(), start()])
const [first, second, third] = [await b.connect(), await b.connect(), await b.connect()]

const uncaught: unknown[] = []
process.on("uncaughtException", (error) => uncaught.push(error.message))
second.remote.onAnyOutgoing((event) => {
  throw new Error(`of the listener on ${event}`)
})
a.io.emit("one")
a.io.emit("two")
await Promise.all([first.until("two"), third.until("two")])
second.remote.offAnyOutgoing()
a.io.emit("three")
await Promise.all([first, second, third].map((client) => client.until("three")))
const heard = [first, second, third].map((client) => client.take().join(" "))
console.log(JSON.stringify({ heard, uncaught }))
await Promise.all([a.close(), b.close()])
