import { encode } from "notepack.io"
import { Redis } from "ioredis5"

/** A request as it stands on the wire. */
export interface RawRequest {
  readonly uid: string
  readonly requestId: string
  readonly type: number
}

type Message = Buffer | string

/** What a message is written as. */
export type Form = "JSON" | "MessagePack"

/** The two forms of requests, answers and broadcasts. */
export const forms: readonly Form[] = ["JSON", "MessagePack"]

/** A message in either form; an own `__proto__` is written as what it is. */
export function written(form: Form, message: unknown): Message {
  return form === "JSON" ? JSON.stringify(message) : encode(message)
}

/** A server's name; so long are those of all packages. */
const UID = "AAAAAA"

/** A connection that says to servers what no server would say. */
export class RawPeer {
  readonly #publisher: Redis
  readonly #subscriber: Redis
  /** Take the answers to its own requests, by the requests' ids. */
  readonly #asked = new Map<string, (answer: Record<string, unknown>) => void>()
  /** What it says to a request. */
  #answers: (request: RawRequest) => readonly Message[] = () => []

  constructor(port: number) {
    this.#publisher = new Redis(port)
    this.#subscriber = new Redis(port)
    this.#subscriber.on("messageBuffer", (channel: Buffer, message: Buffer) => {
      const request = JSON.parse(message.toString()) as RawRequest
      if (channel.toString() === `socket.io-response#/#${UID}#`) {
        return this.#asked.get(request.requestId)?.({ ...request })
      }
      for (const answer of this.#answers(request)) {
        void this.publish(`socket.io-response#/#${request.uid}#`, answer)
      }
    })
  }

  publish(channel: string, message: Message): Promise<number> {
    return this.#publisher.publish(channel, message)
  }

  /** A broadcast to "/" from a server of its name. */
  broadcast(form: Form, packet: object, opts: object = {}): Promise<number> {
    const whole = { type: 2, nsp: "/", ...packet }
    const message = [UID, whole, { rooms: [], except: [], flags: {}, ...opts }]
    return this.publish("socket.io#/#", written(form, message))
  }

  /** A request to the servers of "/". */
  request(form: Form, request: object): Promise<number> {
    return this.publish("socket.io-request#/#", written(form, request))
  }

  /** The first answer to a request that the servers of "/" answer in JSON. */
  async ask(
    request: Record<string, unknown> & { requestId: string },
  ): Promise<Record<string, unknown>> {
    await this.#subscriber.subscribe(`socket.io-response#/#${UID}#`)
    const answer = new Promise<Record<string, unknown>>((resolve) => {
      this.#asked.set(request.requestId, resolve)
    })
    await this.request("JSON", { uid: UID, named: true, ...request })
    return answer
  }

  /** Is counted as a server of "/" while `ask` waits, and answers its requests so. */
  async answering<Result>(
    answers: (request: RawRequest) => readonly Message[],
    ask: () => Promise<Result>,
  ): Promise<Result> {
    this.#answers = answers
    await this.#subscriber.subscribe("socket.io-request#/#")
    try {
      return await ask()
    } finally {
      await this.#subscriber.unsubscribe("socket.io-request#/#")
    }
  }

  close(): void {
    this.#publisher.disconnect()
    this.#subscriber.disconnect()
  }
}
