/**
 * An in-process bus in place of Redis, for tests of applications and for trying things out.
 *
 * @module
 */
export { memoryBus, type MemoryBus } from "../redis/memory.ts"
