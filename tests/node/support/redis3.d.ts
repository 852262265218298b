// redis 3 carries no types. This is the part of @types/redis 2.8.32 that is used here, as it says it,
// but for `ready`, which it lacks.
declare module "redis3" {
  type Callback<T> = (error: Error | null, reply: T) => void

  interface ListCommand {
    (first: string, second: string, callback?: Callback<string>): boolean
    (names: string | string[], callback?: Callback<string>): boolean
    (...args: (string | Callback<string>)[]): boolean
  }

  export interface RedisClient extends NodeJS.EventEmitter {
    connected: boolean
    ready: boolean
    publish(channel: string, value: string, callback?: Callback<number>): boolean
    pubsub(...args: (string | Callback<number>)[]): boolean
    subscribe: ListCommand
    psubscribe: ListCommand
    unsubscribe: ListCommand
    punsubscribe: ListCommand
    end(flush?: boolean): void
  }

  export interface ClientOptions {
    host?: string
    port?: number
    disable_resubscribing?: boolean
    return_buffers?: boolean | null
    retry_strategy?: (options: { attempt: number }) => number | Error | unknown
  }

  export function createClient(options?: ClientOptions): RedisClient
}
