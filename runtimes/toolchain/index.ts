/** What the rest of Polyhost sees of the toolchain. */
export { createToolchain } from "./toolchain.ts"
export * from "./types.ts"
