import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const manifest = (path: string): Manifest => JSON.parse(read(path)) as Manifest

interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

/** The packages of the lockfile, `name@version`, and what it says of each. */
const locked = new Map(
  Array.from(
    (/^packages:\n(.*?)^snapshots:/ms.exec(read('pnpm-lock.yaml'))?.[1] ?? '').matchAll(
      /^ {2}'?([^\s'].*?)'?:\n((?: {4}.*\n)+)/gm,
    ),
    ([, name = '', says = '']) => [name, says] as const,
  ),
)

const workflows = globSync('.github/workflows/*.yml', { cwd: ROOT }).map((path) => ({
  path,
  text: read(path),
}))

suite('an install', () => {
  test('takes every package from the registry, by its hash', () => {
    assert.ok(locked.size > 200)
    for (const [name, says] of locked)
      assert.match(says, /^ {4}resolution: \{integrity: sha512-\S+\}$/m, name)
  })

  test('lets no package run a program: none is named that might', () => {
    const settings = read('pnpm-workspace.yaml') + read('package.json')
    assert.doesNotMatch(
      settings,
      /allowBuilds|onlyBuiltDependencies|dangerouslyAllowAllBuilds|strictDepBuilds/,
    )
  })

  // pnpm 12 does not write into the lockfile who has an install script, so the packages are asked themselves. Those for
  // other platforms are not here to be asked.
  test('brings no package that would want to', () => {
    const asked = new Set<string>()
    for (const path of globSync('node_modules/.pnpm/*/node_modules/{*,@*/*}/package.json', { cwd: ROOT })) {
      const { name, version, scripts = {} } = manifest(path)
      if (!locked.has(`${name}@${version}`)) continue // of an earlier lockfile
      asked.add(`${name}@${version}`)
      const wants = ['preinstall', 'install', 'postinstall'].filter((script) => script in scripts)
      if (existsSync(join(ROOT, dirname(path), 'binding.gyp'))) wants.push('binding.gyp')
      assert.deepEqual(wants, [], `${name}@${version}`)
    }
    const missing = Array.from(locked).filter(([name, says]) => !asked.has(name) && !/^ {4}os: /m.test(says))
    assert.deepEqual(
      missing.filter(([name]) => !name.startsWith('node-linux-')), // Node itself, for the other machine
      [],
    )
  })
})

test('the README tells of every dependency at run time why it is there, and of no other', () => {
  const [, table = ''] = /^## Dependencies\n(.*?)^## /ms.exec(read('README.md')) ?? []
  const named = Array.from(table.matchAll(/^\| `([^`]+)` \| [^|]+ \| [^|]+ \|$/gm), ([, name = '']) => name)
  const used = ['packages/balancer', 'apps/gateway']
    .flatMap((folder) => Object.entries(manifest(`${folder}/package.json`).dependencies ?? {}))
    .filter(([, version]) => !version.startsWith('workspace:'))
    .map(([name]) => name)
  assert.deepEqual(named.toSorted(), Array.from(new Set(used)).toSorted())
})

suite('the workflows', () => {
  test('use actions by their commit, and pnpm by its version', () => {
    assert.ok(workflows.length >= 3)
    for (const { path, text } of workflows) {
      for (const [line] of text.matchAll(/^.*\buses:.*$/gm))
        assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, path)
      for (const [line] of text.matchAll(/^.*\bpnpm\b.*$/gm)) assert.match(line, /npx --yes pnpm@12\b/, path)
    }
  })

  test('may read, and write nothing; the one that publishes may show who it is, by a pnpm of an exact version', () => {
    for (const { path, text } of workflows) {
      assert.match(text, /^permissions:\n {2}contents: read\n(?! )/m, path)
      assert.doesNotMatch(text, /secrets\./, path)
      const writes = Array.from(text.matchAll(/^.*: write\b.*$/gm), ([line]) => line.trim())
      assert.deepEqual(writes, path.endsWith('publish.yml') ? ['id-token: write'] : [], path)
      if (writes.length > 0)
        for (const [use] of text.matchAll(/pnpm@\S+/g)) assert.match(use, /^pnpm@\d+\.\d+\.\d+$/, path)
    }
  })
})
