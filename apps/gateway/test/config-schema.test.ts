import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { parse as fromYaml } from 'yaml'
import { z } from 'zod'
import { jsonSchema } from '../src/config/explain.ts'
import { ConfigError, type Fault } from '../src/config/fault.ts'
import { parse } from '../src/config/load.ts'

const file = JSON.parse(
  await readFile(new URL('../rondo.schema.json', import.meta.url), 'utf8'),
) as z.core.JSONSchema.JSONSchema
const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8')
const examples = Array.from(readme.matchAll(/```yaml\n([^]*?)```/g), ([, text = '']) => text)
const editor = z.fromJSONSchema(file)

function faultsOf(text: string): readonly Fault[] {
  try {
    parse('README.md', text, {})
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

suite('rondo.schema.json', () => {
  test('is what the schema is; else run pnpm --filter @rondo/gateway schema', () => {
    assert.deepEqual(file, JSON.parse(JSON.stringify(jsonSchema)))
  })

  test('has a title and is bound to no address', () => {
    assert.ok('title' in file && !('$id' in file))
  })

  test('describes every key', () => {
    const bare: string[] = []
    JSON.stringify(file, (key, value: unknown) => {
      if (key === 'properties')
        for (const [name, part] of Object.entries(value as object))
          if (!('description' in (part as object))) bare.push(name)
      return value
    })
    assert.deepEqual(bare, [])
  })

  for (const [i, text] of examples.entries())
    test(`takes the README's example ${i + 1}, as rondo check does`, () => {
      editor.parse(fromYaml(text))
      const faults = faultsOf(text)
      assert.deepEqual(
        faults.filter(({ message }) => !/"\/etc\/.* cannot be read: there is no such file$/.test(message)),
        [], // certificates of examples are those of nobody
      )
    })

  test('knows the examples of the README', () => assert.ok(examples.length > 1))

  for (const value of [
    { $schema: './apps/gateway/rondo.schema.json' },
    { listen: '${PORT}', limits: { connections: '${N}', body: '${SIZE:-1MiB}' }, metrics: '${METRICS}' },
    { failover: { retryOn: [503, '502', 'timeout'] } },
    { strategy: { hash: { by: 'path' } } },
    { processes: 'auto' },
    { processes: 256 },
    { processes: '${N:-auto}' },
  ])
    test(`takes ${JSON.stringify(value)}`, () => {
      editor.parse(value)
    })

  for (const value of [
    { lisen: 80 },
    { processes: 'four' },
    { processes: 0 },
    { processes: 1.5 },
    { processes: 257 },
    { shutdown: 5 },
    { shutdown: '5' },
    { workers: [{ name: 'a' }] },
    { metrics: true },
    { limits: { connections: 'many' } },
    { pools: { 'my api': { workers: [] } } },
  ])
    test(`refuses ${JSON.stringify(value)}`, () => {
      assert.equal(editor.safeParse(value).success, false)
    })
})
