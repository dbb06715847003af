/** The configuration of a host: what other folders may use of it. */

export type { BrokenApp } from "./discover.ts"
export { type InitPlan, planInit, writeInit } from "./init.ts"
export { type ListenAddress, parseListen, uniqueListen } from "./listen.ts"
export { type ConfigInput, type LoadedConfig, loadConfig } from "./load.ts"
export { formatProblem, isError, type Problem } from "./problem.ts"
export { formatRoute, parseRoute } from "./routes.ts"
export { parseRuntimeText, type RuntimeText } from "./runtime-text.ts"
export type { AppManifestInput, HostConfigInput, InlineAppInput } from "./schema.ts"
export { parseDuration, parseSize } from "./units.ts"
