import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { event, numericRoom, type Operation } from "../scene.ts"
import type { Heard } from "../sites.ts"

/** Names of rooms that mean something in channels, in patterns, or nowhere. */
const oddRooms = ["", " ", "#", "a#b#", "*", "[a]", "\\", "é€😀", "x".repeat(20)]

const numbered = Array.from({ length: 50 }, (_, index): Heard => ["e", index])

/** Events to clients, without acknowledgements. */
export const broadcasts: readonly Operation[] = [
  {
    feature: "broadcast",
    name: "to all",
    run: (scene) => scene.hears("s1 s2 r1 r2 b", () => scene.io.emit(...event)),
  },
  {
    feature: "broadcast",
    name: "to a room",
    run: (scene) => scene.hears("s1 r1 b", () => scene.io.to("x").emit(...event)),
  },
  {
    feature: "broadcast",
    name: "to several rooms",
    run: (scene) =>
      scene.hears("s1 s2 r1 b", () =>
        scene.io
          .to("x")
          .to("y")
          .emit(...event),
      ),
  },
  {
    feature: "broadcast",
    name: "to the room of one socket",
    run: (scene) => scene.hears("r2", () => scene.io.to(scene.member("r2").id).emit(...event)),
  },
  {
    feature: "broadcast",
    name: "to a room that nobody is in",
    run: (scene) => scene.hears("", () => scene.io.to("nobody's").emit(...event)),
  },
  {
    feature: "broadcast",
    name: "to rooms of any name",
    async run(scene) {
      await scene.member("r2").remote.join(oddRooms)
      await scene.subscribed()
      await scene.settle()
      for (const room of oddRooms) await scene.hears("r2", () => scene.io.to(room).emit(...event))
    },
  },
  {
    feature: "broadcast",
    name: "many, in order",
    run: (scene) =>
      scene.hears(
        "s1 s2 r1 r2 b",
        () => numbered.forEach(([name, index]) => scene.io.emit(String(name), index)),
        numbered,
      ),
  },
  {
    feature: "broadcast",
    name: "volatile",
    async run(scene) {
      const writes = scene.member("r2").writes()
      await scene.hears("s1 s2 r1 r2 b", () => scene.io.volatile.emit(...event))
      const flagged = writes.filter(({ volatile }) => volatile === true)
      assert.equal(flagged.length, 1)
    },
  },
  {
    feature: "broadcast",
    name: "in another namespace",
    async run(scene) {
      await scene.add("chat", scene.receiver.connect("/chat"))
      await scene.hears("chat", () => scene.io.of("/chat").emit(...event))
      await scene.hears("s1 s2 r1 r2 b", () => scene.io.emit(...event))
    },
  },
  {
    feature: "socketBroadcast",
    name: "to all but the socket",
    run: (scene) =>
      scene.hears("s2 r1 r2 b", () => scene.member("s1").remote.broadcast.emit(...event)),
  },
  {
    feature: "socketBroadcast",
    name: "to a room, but for the socket",
    run: (scene) =>
      scene.hears("r1 b", () =>
        scene
          .member("s1")
          .remote.to("x")
          .emit(...event),
      ),
  },
  {
    feature: "except",
    name: "to all but a room",
    run: (scene) => scene.hears("s2 r2", () => scene.io.except("x").emit(...event)),
  },
  {
    feature: "except",
    name: "to a room but another",
    run: (scene) =>
      scene.hears("s1 b", () =>
        scene.io
          .to("x")
          .except("y")
          .emit(...event),
      ),
  },
  {
    feature: "except",
    name: "to several rooms but several",
    run: (scene) =>
      scene.hears("r2 b", () =>
        scene.io
          .to("x")
          .to("z")
          .except("y")
          .except(scene.members[0]?.[1].id ?? "")
          .except("nobody's")
          .emit(...event),
      ),
  },
  {
    feature: "numericRooms",
    name: "to a room that is a number",
    run: (scene) => scene.hears("s1 r2", () => scene.io.to(numericRoom).emit(...event)),
  },
  {
    feature: "except",
    name: "to all but a room that is a number",
    run: (scene) => scene.hears("s2 r1 b", () => scene.io.except(numericRoom).emit(...event)),
  },
  {
    feature: "numericRooms",
    name: "to a room that is named as a number",
    run: (scene) => scene.hears("r1", () => scene.io.to("43").emit(...event)),
  },
  {
    feature: "binary",
    name: "at several depths",
    run(scene) {
      const args = [Buffer.from([0, 127, 128, 255]), { deep: [Buffer.from("deep")] }, "text"]
      return scene.hears("s1 s2 r1 r2 b", () => scene.io.emit("e", ...args), [["e", ...args]])
    },
  },
  {
    feature: "binary",
    name: "to a room",
    run(scene) {
      const data = Buffer.alloc(300, "binary")
      return scene.hears("s1 r1 b", () => scene.io.to("x").emit("e", data), [["e", data]])
    },
  },
]
