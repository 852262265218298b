// Run by security.test.ts with the port of a Redis, where no text may become code: two servers use all they have.
import { TestServer } from "../cluster.ts"

const port = Number(process.argv[2])
const key = "no-code"
try {
  // To see that it is refused.
  new Function("return 1")()
} catch (error) {
  process.stdout.write(`${(error as Error).name}, then `)
}
for (const [client, subscriptionMode] of [
  ["redis6", "pattern"],
  ["ioredis5", "exact"],
] as const) {
  const start = () => TestServer.startWithRedis(client, port, {}, { key, subscriptionMode })
  const [one, two] = await Promise.all([start(), start()])
  const listener = await two.connect()
  await listener.remote.join("room")
  listener.socket.on("ask", (callBack: (value: string) => void) => callBack("answer"))
  two.io.on("ask", (callBack: (value: string) => void) => callBack("answer"))
  one.io.to("room").emit("event", { text: "x".repeat(1_000) }, Buffer.from("bytes"))
  await listener.until("event")
  await one.io.timeout(5_000).emitWithAck("ask")
  await one.io.serverSideEmitWithAck("ask")
  const [described] = await one.io.in("room").fetchSockets()
  described?.join("other")
  await one.adapter().allRooms()
  await one.adapter().sockets(new Set(["other"]))
  await Promise.all([one.close(), two.close()])
}
console.log("all was done")
