import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { KEYS } from './covers.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** The keys that tests in this folder say they use: by `covers`, or by `testInPools`, which runs at both places. */
function covered(): Set<string> {
  const texts = readdirSync(HERE)
    .filter((file) => file.endsWith('.test.ts') && file !== 'covers.test.ts')
    .map((file) => readFileSync(HERE + file, 'utf8'))
  const strings = (list = ''): string[] => Array.from(list.matchAll(/'([^']+)'/g), ([, key = '']) => key)
  return new Set(
    texts.flatMap((text) => [
      ...Array.from(text.matchAll(/\bcovers\(([^)]*)\)/g), ([, list]) => strings(list)).flat(),
      ...Array.from(
        text.matchAll(/\btestInPools\(\s*(?:'[^']*'|`[^`]*`),\s*\[([^;=]*?)\],\s*async/g),
        ([, list]) => strings(list).flatMap((key) => [key, `pools.*.${key}`]),
      ).flat(),
    ]),
  )
}

test('every key of the schema is used by a test on a running gateway', () => {
  const named = covered()
  assert.deepEqual(
    Array.from(KEYS).filter((key) => !named.has(key)),
    [],
  )
})
