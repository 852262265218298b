// Run by malformed.test.ts with the port of a Redis and DEBUG=socket.io-redis: one server hears bad messages.
import { Redis } from "ioredis5"
import { TestServer } from "../cluster.ts"
import { foreign, malformed, unwanted, wanted } from "../messages.ts"

const port = Number(process.argv[2])
const server = await TestServer.startWithRedis("redis6", port)
const client = await server.connect()
const publisher = new Redis(port)
for (const [, message] of [...malformed, ...foreign, ...unwanted]) {
  void publisher.publish("socket.io#/#", message)
}
await publisher.publish("socket.io#/#", wanted("end"))
await client.until("end")
console.log(JSON.stringify(server.adapter().stats()))
publisher.disconnect()
await server.close()
