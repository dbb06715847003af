/** What the rest of Polyhost sees of the toolchain. */
export { OLDEST_VERSIONS, whyTooOld } from "./oldest.ts"
export { createToolchain } from "./toolchain.ts"
export * from "./types.ts"
export { NODE_LTS_CODENAMES } from "./version-request.ts"
