/**
 * Every web API of the isolate, put on its global object. Runs while the snapshot is made: `ops` is asked for only when
 * something needs the cell. Each line is one folder.
 */
import { dropStandIns } from "./early.ts"
import { installEncoding } from "./encoding/index.ts"
import { installFetchClasses } from "./fetch/index.ts"
import { installFile } from "./file/index.ts"
import type { WebOps } from "./ops.ts"
import { installStreams } from "./streams/index.ts"
import { installUrl } from "./url/index.ts"

export function installWeb(target: object, ops: () => WebOps): void {
  installEncoding(target)
  installStreams(target)
  installUrl(target)
  installFile(target)
  installFetchClasses(target)
  dropStandIns()
}
