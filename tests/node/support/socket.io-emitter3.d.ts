// socket.io-emitter 3 carries no types.
declare module "socket.io-emitter3" {
  interface Emitter3 {
    readonly volatile: Emitter3
    of(nsp: string): Emitter3
    to(room: string): Emitter3
    emit(event: string, ...args: unknown[]): Emitter3
  }

  export default function createEmitter(client: object): Emitter3
}
