/** What the core asks its host to do: `src/adapter/output.rs` says what each is, and what has to follow. */

import type { Room } from "./socket-io.ts"

/** A value for the application, which `Core.value` reads. */
export type Value =
  { form: "json"; object: Uint8Array; member: string } | { form: "messagePack"; bytes: Uint8Array }

/** Where an answer goes; only the core looks inside. */
export type Reply = object

/** How a request ended. */
export type Ending =
  | { ending: "complete" }
  | { ending: "closed" }
  | { ending: "failed" }
  | { ending: "timedOut"; missing: number | undefined }

/** What Redis has to do. */
export type RedisOutput =
  | { type: "count"; request: number | undefined; channels: string[] }
  | { type: "publish"; token: number | undefined; channel: string; message: Uint8Array | string }
  | { type: "deaf"; name: string }
  | { type: "reconnect" }
  | {
      type: "subscribe"
      id: number
      anew: boolean
      kind: "channel" | "pattern"
      name: string
      carries: Carries
    }
  | { type: "unsubscribe"; id: number; kind: "channel" | "pattern"; name: string; carries: Carries }

/** What comes in on a subscription. */
export type Carries = "broadcasts" | "control"

/** What became of a request of this server. */
export type QuestionOutput =
  | { type: "answer"; request: number; value: Value }
  | { type: "clientCount"; request: number; count: number }
  | { type: "counted"; request: number }
  | ({ type: "ended"; request: number } & Ending)

/** What another server asks of the sockets and listeners of this one. */
export type AnswerOutput =
  | {
      type: "acknowledge"
      token: number
      sockets: number[]
      flags: { volatile: boolean; compress: boolean | undefined }
      data: Value
    }
  | { type: "disconnect"; sockets: number[]; close: boolean }
  | { type: "fetch"; sockets: number[]; reply: Reply }
  | { type: "forget"; token: number }
  | { type: "join"; sockets: number[]; rooms: Value }
  | { type: "leave"; sockets: number[]; rooms: Value }
  | { type: "serverSideEmit"; data: Value; reply: Reply | undefined }

export type Output = AnswerOutput | QuestionOutput | RedisOutput

/** Sockets by the rooms they are in, and those they are not in. */
export interface Filter {
  rooms: ReadonlySet<Room>
  except: ReadonlySet<Room>
}
