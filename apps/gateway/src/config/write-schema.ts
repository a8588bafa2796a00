import { writeFile } from 'node:fs/promises'
import { jsonSchema } from './explain.ts'

/** Writes rondo.schema.json, by which editors help with config files: `pnpm --filter @rondo/gateway schema`. */
await writeFile(
  new URL('../../rondo.schema.json', import.meta.url),
  `${JSON.stringify(jsonSchema, undefined, 2)}\n`,
)
