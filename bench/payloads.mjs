/** Numbers in [0, 1) that are the same in every run (xorshift32). */
export function seeded(seed) {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const random = seeded(20260101)
const decimals = (value, digits) => Number(value.toFixed(digits))

function telemetry(readings) {
  return [
    "telemetry",
    {
      device: "pump-17/north",
      sequence: 482_113,
      sentAt: 1_767_225_600_123,
      position: { lat: 52.520008, lon: 13.404954, alt: 34.5 },
      online: true,
      fault: null,
      readings: Array.from({ length: readings }, (_, index) => ({
        sensor: `s${index}`,
        value: decimals(random() * 200 - 50, 2),
        unit: index % 3 === 0 ? "°C" : "kPa",
        samples: Math.floor(random() * 5_000),
        ok: random() > 0.05,
      })),
    },
  ]
}

const sentence =
  'The meeting was moved to Thursday; "please confirm" she wrote, and nobody did.\n\tSee also: minutes, page 4.\n'

const multilingual =
  "Встреча перенесена на четверг. 会議は木曜日に変更されました。 Réunion déplacée à jeudi — ça va ? 회의가 목요일로 변경되었습니다 🎉👩‍💻 "

/** An event's data by the name of its row: about that many bytes as JSON, binary not counted as such. */
export const payloads = {
  "60 B": ["chat", { from: "ada", text: "hello, is anybody here?", n: 7 }],
  "250 B": [
    "message",
    {
      id: "b3f1c9a2-55d0-4c8e-9d5f-0a1b2c3d4e5f",
      room: "general",
      from: { id: 4711, name: "Ada Lovelace", admin: false },
      text: "Has anybody seen the figures of yesterday? They look far too good.",
      sentAt: 1_767_225_600_123,
      edited: false,
      replyTo: null,
      reactions: [1, 0, 12],
    },
  ],
  "4 KB": telemetry(54),
  "64 KB": telemetry(880),
  "16 KB text": ["document", { id: 9, revision: 214, body: sentence.repeat(147) }],
  "4 KB unicode": ["message", { from: "Ольга", text: multilingual.repeat(19) }],
  "4 KB binary": [
    "frame",
    {
      id: 77,
      codec: "opus",
      data: Buffer.from(Array.from({ length: 4_096 }, () => random() * 256)),
    },
  ],
}
