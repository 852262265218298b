// One pane: a client of one server, the rooms it is in, what it emits and what it hears.

import { io } from "./socket.io.mjs"

/** How many messages a pane keeps. */
const LOG_LIMIT = 100

/** The page's clock in milliseconds since 1970, to a tenth; the same for all panes. */
const now = () => performance.timeOrigin + performance.now()

const fromTemplate = (id) => document.querySelector(id).content.firstElementChild.cloneNode(true)

/** Whom a message was for, in words. */
function describeTarget({ rooms, except }) {
  if (except.length > 0) return `to everyone except ${except.join(", ")}`
  return rooms.length > 0 ? `to room ${rooms.join(", ")}` : "to everyone"
}

/** Rooms and exceptions of a value of the target list: `all`, `room:NAME` or `except:NAME`. */
function readTarget(value) {
  const [kind, ...name] = value.split(":")
  const room = name.join(":")
  return { rooms: kind === "room" ? [room] : [], except: kind === "except" ? [room] : [] }
}

export class Pane {
  #joined = new Set()
  #offered = new Set()
  #onNewRoom
  #socket

  /** Builds the pane of a server (`name` and `url`) and connects. `onNewRoom` gets the name of each room typed in. */
  constructor({ name, url }, onNewRoom) {
    this.#onNewRoom = onNewRoom
    this.element = fromTemplate("#pane")
    this.element.dataset.pane = name
    this.element.dataset.server = name
    this.element.setAttribute("aria-label", `Client of server ${name}`)
    this.#part("rooms").parentElement.setAttribute("aria-label", `Rooms of the client of ${name}`)
    this.#part("log").setAttribute("aria-label", `Heard by the client of ${name}`)
    this.#part("name").textContent = name

    this.#socket = io(url, { transports: ["websocket"] })
    this.#socket.on("connect", () => this.#connected())
    this.#socket.on("disconnect", () => this.#showState("disconnected"))
    this.#socket.on("connect_error", () => this.#showState("connecting"))
    this.#socket.on("message", (message) => this.#heard(message))

    this.#part("join-form").addEventListener("submit", (event) => this.#submitRoom(event))
    this.#part("emit-form").addEventListener("submit", (event) => this.#submitText(event))
    this.#showState("connecting")
  }

  /** Adds a room to the chips and the targets, unless it is there. */
  offerRoom(room) {
    if (this.#offered.has(room)) return
    this.#offered.add(room)

    const chip = document.createElement("button")
    chip.type = "button"
    chip.className = "chip"
    chip.textContent = room
    chip.dataset.room = room
    chip.dataset.testid = "chip"
    chip.addEventListener("click", () => this.#toggle(room))
    const item = document.createElement("li")
    item.append(chip)
    this.#part("rooms").append(item)
    this.#showRooms()

    for (const group of this.element.querySelectorAll("optgroup")) {
      const label = group.dataset.kind === "room" ? `room ${room}` : `everyone except ${room}`
      group.append(new Option(label, `${group.dataset.kind}:${room}`))
    }
  }

  #part(testid) {
    return this.element.querySelector(`[data-testid="${testid}"]`)
  }

  async #connected() {
    // A new connection is a new socket, which is in no room yet.
    await Promise.all([...this.#joined].map((room) => this.#socket.emitWithAck("join", room)))
    this.#showState("connected")
  }

  #showState(state) {
    const connected = state === "connected"
    this.element.dataset.state = state
    this.#part("state").textContent = state
    this.#part("sid").textContent = connected ? `${this.#socket.id.slice(0, 6)}…` : ""
    this.#part("emit-button").disabled = !connected
    this.#part("join-button").disabled = !connected
    this.#showRooms()
  }

  #showRooms() {
    const connected = this.element.dataset.state === "connected"
    for (const chip of this.element.querySelectorAll("[data-room]")) {
      const joined = this.#joined.has(chip.dataset.room)
      chip.disabled = !connected
      chip.setAttribute("aria-pressed", String(joined))
      chip.title = joined ? `Leave ${chip.dataset.room}` : `Join ${chip.dataset.room}`
    }
  }

  async #toggle(room) {
    const verb = this.#joined.has(room) ? "leave" : "join"
    this.#joined = new Set(await this.#socket.emitWithAck(verb, room))
    this.#showRooms()
  }

  #submitRoom(event) {
    event.preventDefault()
    const { room } = event.target.elements
    const name = room.value.trim()
    if (!name) return
    room.value = ""
    this.#onNewRoom(name)
    if (!this.#joined.has(name)) this.#toggle(name)
  }

  #submitText(event) {
    event.preventDefault()
    const { target, text } = event.target.elements
    const order = { ...readTarget(target.value), payload: text.value, sentAt: now() }
    this.#socket.emit("emit", order)
    text.value = ""
    text.focus()
  }

  #heard(message) {
    const ms = now() - message.sentAt
    this.#socket.emit("heard", message.id, ms)

    const entry = fromTemplate("#entry")
    entry.dataset.server = message.from
    const fill = (testid, text) => {
      entry.querySelector(`[data-testid="${testid}"]`).textContent = text
    }
    fill("entry-from", message.from)
    fill("entry-to", describeTarget(message))
    fill("entry-ms", `${ms.toFixed(1)} ms`)
    fill("entry-text", String(message.payload))

    const entries = this.#part("entries")
    entries.append(entry)
    if (entries.children.length > LOG_LIMIT) entries.firstElementChild.remove()
  }
}
