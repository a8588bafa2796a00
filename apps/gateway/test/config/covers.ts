import assert from 'node:assert/strict'
import { jsonSchema } from '../../src/config/explain.ts'

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | false
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** Where the schema takes a value that is no object or list: `health.path`, `pools.*.workers[].url`. */
export const KEYS: ReadonlySet<string> = new Set(keysOf(jsonSchema as JsonSchema, ''))

/** Said in a test that sees the effect of a key on a running gateway. */
export function covers(...keys: readonly string[]): void {
  for (const key of keys) assert.ok(KEYS.has(key), `${key} is no key of the schema`)
}

function keysOf({ properties, additionalProperties, items, anyOf }: JsonSchema, path: string): string[] {
  if (anyOf) return anyOf.flatMap((branch) => keysOf(branch, path))
  if (properties) {
    const start = path === '' ? '' : `${path}.`
    return Object.entries(properties).flatMap(([key, below]) => keysOf(below, start + key))
  }
  if (additionalProperties) return keysOf(additionalProperties, `${path}.*`)
  if (items) return keysOf(items, `${path}[]`)
  return [path]
}
