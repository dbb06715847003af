/** What the rest of Polyhost sees of the toolchain. */
export { createToolchain } from "./toolchain.ts"
export * from "./types.ts"
export { NODE_LTS_CODENAMES } from "./version-request.ts"
