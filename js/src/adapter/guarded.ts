import { TrapError } from "../errors.ts"

/** What a user's listener throws goes where an error in a listener of Node goes; Redis' client must not see it. */
export function guarded(action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if (error instanceof TrapError) return // was told of; the application has done nothing wrong
    process.nextTick(() => {
      throw error
    })
  }
}
