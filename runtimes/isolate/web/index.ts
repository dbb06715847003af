/**
 * Every web API of the isolate, put on its global object. Runs while the snapshot is made: `ops` is asked for only when
 * something needs the cell. Each line is one folder.
 */
import { installCompression } from "./compression/index.ts"
import { dropStandIns } from "./early.ts"
import { installEncoding } from "./encoding/index.ts"
import { installFetchClasses } from "./fetch/index.ts"
import { installFile } from "./file/index.ts"
import { type CoreHandles, installCore } from "./globals.ts"
import type { WebOps } from "./ops.ts"
import { installStreams } from "./streams/index.ts"
import { installUrl } from "./url/index.ts"

export function installWeb(target: object, ops: () => WebOps): CoreHandles {
  const core = installCore(target, ops)
  installEncoding(target)
  installStreams(target)
  installCompression(target)
  installUrl(target)
  installFile(target)
  installFetchClasses(target)
  dropStandIns()
  return core
}
