import type { Config } from '../config/config.ts'
import { DEFAULT_POOL } from '../config/pool-files.ts'
import { withoutSecrets } from '../config/secrets.ts'
import { ok, type Handler } from './answer.ts'

/** `GET /config`: what is in force, in the file's own words, with the edits, and without secrets. */
export const config: Handler = ({ config, edits }) =>
  ok(config ? withoutSecrets(edited(config, new Set(edits.map(({ pool }) => pool)))) : {})

/** What was written, with the workers of these pools as they are now. */
function edited({ written, pools }: Config, names: ReadonlySet<string>): object {
  return Array.from(names).reduce<Written>((whole, name) => {
    const workers = pools.get(name)?.workers
    const inPools = whole.pools?.[name]
    if (name === DEFAULT_POOL && inPools === undefined) return { ...whole, workers }
    return { ...whole, pools: { ...whole.pools, [name]: { ...inPools, workers } } }
  }, written)
}

interface Written {
  readonly workers?: unknown
  readonly pools?: Readonly<Record<string, object>>
}
