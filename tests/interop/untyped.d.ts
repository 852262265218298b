// Packages of Socket.IO 2 and older ones carry no types, and those of 3 are not found through its exports.
// Where something of Socket.IO 4 has the same name, that is what is used here of it.
declare module "socket.io3" {
  export { Server } from "socket.io"
}

declare module "socket.io2" {
  import type { Server as HttpServer } from "node:http"
  import type { Server } from "socket.io"

  export default function createServer(http: HttpServer, options: object): Server
}

declare module "socket.io-client2" {
  export { Manager } from "socket.io-client"
}

declare module "socket.io-redis5" {
  export default function createAdapter(options: object): unknown
}

declare module "socket.io-emitter3" {
  export default function createEmitter(client: object): object
}
