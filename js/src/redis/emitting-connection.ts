import type { ClientEvents, Subscription } from "./connection.ts"

/** The commands that change what a connection is subscribed to. */
export type SubscriptionCommand = "subscribe" | "psubscribe" | "unsubscribe" | "punsubscribe"

/** What clients have in common that emit the messages of all names on one event for each kind. */
export abstract class EmittingConnection {
  readonly #subscriptions = {
    channel: new Map<string, Subscription>(),
    pattern: new Map<string, Subscription>(),
  }

  readonly repeats = true

  /** Sends a command of one name and gives when Redis has confirmed. */
  protected abstract send(command: SubscriptionCommand, name: string): Promise<unknown>

  /** Takes what the client emits as Buffers, which it does on events of this suffix. */
  protected listen(client: ClientEvents, suffix: string): void {
    const { channel, pattern } = this.#subscriptions
    client.on(`message${suffix}`, (name, message) => {
      channel.get(String(name))?.receive(message as Uint8Array, name as Uint8Array)
    })
    client.on(`pmessage${suffix}`, (glob, name, message) => {
      pattern.get(String(glob))?.receive(message as Uint8Array, name as Uint8Array)
    })
  }

  async subscribe(subscription: Subscription): Promise<void> {
    const { kind, name } = subscription
    this.#subscriptions[kind].set(name, subscription)
    await this.send(kind === "pattern" ? "psubscribe" : "subscribe", name)
  }

  async unsubscribe({ kind, name }: Subscription): Promise<void> {
    this.#subscriptions[kind].delete(name)
    await this.send(kind === "pattern" ? "punsubscribe" : "unsubscribe", name)
  }
}
