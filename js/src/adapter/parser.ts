import type { Core } from "../boundary.ts"
import { AdapterError } from "../errors.ts"
import type { Parser } from "./options.ts"

const NO_BYTES = new Uint8Array()

/** By what the published packages tell requests and answers in JSON from others. */
const BRACE = 0x7b

/** The option's value; throws an `AdapterError` for one that cannot be. */
export function parserOf(option: unknown): Parser | undefined {
  // The published packages take their default for any falsy value.
  if (!option) return undefined
  const { encode, decode } = option as Partial<Parser>
  if (typeof encode === "function" && typeof decode === "function") return option as Parser
  throw new AdapterError(
    "ERR_INVALID_OPTION",
    'option "parser" must be an object with the functions encode and decode',
  )
}

/** Between the core's MessagePack and what the other servers write, which is the same without a parser. */
export class Wire {
  readonly #core: Core
  readonly #parser: Parser | undefined

  constructor(core: Core, parser: Parser | undefined) {
    this.#core = core
    this.#parser = parser
  }

  /** What is published for a message of the core; JSON is JSON. Throws what the parser throws. */
  outgoing(message: Uint8Array | string): Uint8Array | string {
    if (this.#parser === undefined || typeof message === "string") return message
    return this.#parser.encode(this.#core.decode(message))
  }

  /** A broadcast as the core takes it; nothing for one that the parser refuses. */
  broadcast(message: Uint8Array): Uint8Array {
    return this.#parser === undefined ? message : this.#incoming(this.#parser, message)
  }

  /** A request or an answer as the core takes it; nothing for one that the parser refuses. */
  control(message: Uint8Array): Uint8Array {
    if (this.#parser === undefined || message[0] === BRACE) return message
    return this.#incoming(this.#parser, message)
  }

  #incoming(parser: Parser, message: Uint8Array): Uint8Array {
    try {
      return this.#core.encode(parser.decode(message))
    } catch {
      return NO_BYTES
    }
  }
}
