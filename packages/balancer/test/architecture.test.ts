import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../src/', import.meta.url))

/** From the ground up: a file knows its own folder and the floors below its own. A new file or folder gets a place here. */
const FLOORS = [
  [
    'bag.ts',
    'max-forwards.ts',
    'request-target.ts',
    'errors.ts',
    'middleware.ts',
    'outcome.ts',
    'retry-budget.ts',
    'tell.ts',
    'peak-ewma.ts',
    'ramp.ts',
    'tcp/proxy-protocol.ts',
    'recent.ts',
    'worker-key.ts',
  ],
  ['active.ts', 'origin.ts', 'tally.ts'],
  ['worker-spec.ts', 'under-way.ts'],
  ['worker.ts', 'client.ts', 'answer-error.ts', 'timeouts.ts', 'limits.ts', 'tls.ts'],
  ['failover.ts', 'drain.ts', 'breaker.ts', 'sticky.ts', 'pipeline.ts', 'tls-connect.ts'],
  ['local-answer.ts'],
  ['strategies/', 'forwarders/', 'health/', 'metrics/', 'refusal.ts'],
  ['tcp/'],
  ['pool-events.ts', 'pool-options.ts', 'worker-list.ts'],
  ['counts.ts'],
  ['picker.ts', 'configuration.ts', 'elsewhere.ts'],
  ['members.ts', 'ledger.ts'],
  ['stats.ts'],
  ['pool.ts', 'served.ts'],
  ['create-pool.ts', 'load-balance.ts', 'balance-tcp.ts', 'metrics/controller.ts'],
  ['index.ts'],
]

interface Import {
  readonly from: string
  readonly isType: boolean
}

interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

const NAMES = String.raw`\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:,\s*\{[^}]*\})?`
const STATIC = new RegExp(String.raw`^(?:import|export)\s+(type\s+)?(?:${NAMES})\s+from\s+'([^']+)'`, 'gm')
const OTHER = /(?:^import\s+|\bimport\()'([^']+)'/gm

const sources: readonly Source[] = globSync('**/*.ts', { cwd: SRC })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => {
    const text = readFileSync(SRC + path, 'utf8')
    const imports = [
      ...Array.from(text.matchAll(STATIC), ([, type, from = '']) => ({ from, isType: type !== undefined })),
      ...Array.from(text.matchAll(OTHER), ([, from = '']) => ({ from, isType: false })),
    ]
    return { path, text, imports }
  })

/** Files that break a rule; a rule is kept when there are none. */
const breaking = (rule: (source: Source) => boolean): string[] =>
  sources.filter((source) => !rule(source)).map(({ path }) => path)

const resolve = (path: string, from: string): string => posix.join(posix.dirname(path), from)

function floor(path: string): number {
  const at = (place: string): number => FLOORS.findIndex((floor) => floor.includes(place))
  return at(path) >= 0 ? at(path) : at(`${posix.dirname(path)}/`)
}

function isSameFolder(one: string, other: string): boolean {
  return posix.dirname(one) === posix.dirname(other) && posix.dirname(one) !== '.'
}

suite('the architecture of the library', () => {
  test('is told from sources whose every import is seen', () => {
    assert.ok(sources.length > 20)
    for (const { path, text, imports } of sources) {
      const statements = text.match(/^import\b|^export\b.* from '|^\} from '/gm) ?? []
      const multiline = text.match(/^import (?:type )?\{$/gm) ?? []
      assert.equal(imports.length, statements.length - multiline.length, path)
    }
  })

  test('only health/poller.ts writes liveness: no other file but its home so much as names setAlive', () => {
    const named = breaking(({ text }) => !text.includes('setAlive'))
    assert.deepEqual(named.toSorted(), ['health/poller.ts', 'worker.ts'])
  })

  test('only drain.ts writes who is draining, and only pool.ts writes weights', () => {
    for (const [setter, writer] of [
      ['setDraining', 'drain.ts'],
      ['setWeight', 'worker-list.ts'],
    ] as const) {
      const named = breaking(({ text }) => !text.includes(setter))
      assert.deepEqual(named.toSorted(), [writer, 'worker.ts'].toSorted())
    }
  })

  test('undici is loaded by its subpath alone: nothing that index.ts loads leads to it', () => {
    const loaded = new Set(['index.ts'])
    for (const path of loaded)
      for (const { from, isType } of sources.find((source) => source.path === path)?.imports ?? [])
        if (!isType && from.startsWith('.')) loaded.add(posix.join(posix.dirname(path), from))
    assert.ok(loaded.has('forwarders/http-proxy-exchange.ts'))
    assert.deepEqual(
      Array.from(loaded).filter((path) => path.includes('undici')),
      [],
    )
  })

  test('each third-party package has one file that imports it, types apart', () => {
    const importers = new Map<string, string[]>()
    for (const { path, imports } of sources)
      for (const { from, isType } of imports) {
        if (isType || from.startsWith('.') || builtinModules.includes(from.replace(/^node:/, ''))) continue
        importers.set(from, [...(importers.get(from) ?? []), path])
      }
    for (const [name, paths] of importers) assert.equal(paths.length, 1, `${name}: ${paths.join(', ')}`)

    const manifest: { dependencies: object } = JSON.parse(readFileSync(`${SRC}../package.json`, 'utf8'))
    assert.deepEqual([...importers.keys()].toSorted(), Object.keys(manifest.dependencies).toSorted())
  })

  test('imports point one way: down, or into the own folder', () => {
    for (const { path, imports } of sources) {
      assert.ok(floor(path) >= 0, `${path} has no place in FLOORS`)
      for (const { from } of imports) {
        if (!from.startsWith('.')) continue
        const other = resolve(path, from)
        const goesDown = floor(other) < floor(path)
        assert.ok(goesDown || isSameFolder(path, other), `${path} imports ${other}`)
      }
    }
  })

  test('no file imports itself by way of others', () => {
    const next = new Map(
      sources.map(({ path, imports }) => [
        path,
        imports.filter(({ from }) => from.startsWith('.')).map(({ from }) => resolve(path, from)),
      ]),
    )
    const reaches = (path: string, seen = new Set<string>()): Set<string> => {
      for (const other of next.get(path) ?? []) if (!seen.has(other)) reaches(other, seen.add(other))
      return seen
    }
    assert.deepEqual(
      breaking(({ path }) => !reaches(path).has(path)),
      [],
    )
  })

  test('relative imports end in .ts and name a file that is there; builtins begin with node:', () => {
    const paths = new Set(sources.map(({ path }) => path))
    for (const { path, imports } of sources)
      for (const { from } of imports) {
        if (from.startsWith('.')) assert.ok(paths.has(resolve(path, from)), `${path}: ${from}`)
        else assert.ok(!builtinModules.includes(from), `${path}: ${from}`)
      }
  })

  test('exports have names, and index.ts lists each by hand', () => {
    assert.deepEqual(
      breaking(({ text }) => !/^export default\b|\bas default\b/m.test(text)),
      [],
    )
    assert.deepEqual(
      breaking(({ text }) => !/^export (?:type )?\*/m.test(text)),
      [],
    )
  })

  test('file names are kebab-case', () => {
    assert.deepEqual(
      breaking(({ path }) =>
        /^(?:[a-z][a-z0-9]*(?:-[a-z0-9]+)*\/)*[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.ts$/.test(path),
      ),
      [],
    )
  })

  test('no file is longer than 250 lines', () => {
    assert.deepEqual(
      breaking(({ text }) => text.trimEnd().split('\n').length <= 250),
      [],
    )
  })

  test('the library prints nothing, and reads neither environment nor arguments', () => {
    assert.deepEqual(
      breaking(({ text }) => !/\bconsole\.|\bprocess\.(?:env|argv|std\w+|exit)\b/.test(text)),
      [],
    )
  })
})
