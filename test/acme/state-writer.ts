/** A process of `state.test.ts`: writes pairs of certificate and key, each telling its number, until it is killed. Says when it has begun. */
import { AcmeState } from "../../host/acme/state.ts"

const [stateDir = "", first = "0"] = process.argv.slice(2)
const state = new AcmeState(stateDir, "https://authority.example/directory")
await state.accountKey(() => Promise.resolve(`account of ${process.pid}`))
for (let i = Number(first); ; i += 2) {
  await state.write("shop.example.com", { cert: `${i} ${"c".repeat(20_000)}`, key: `${i} key` })
  process.stdout.write(".")
}
