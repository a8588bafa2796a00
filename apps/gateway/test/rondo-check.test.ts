import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const RONDO = fileURLToPath(new URL('../src/rondo.ts', import.meta.url))
const USAGE = /^Usage:\n {2}rondo check FILE .*\n {2}rondo start \[FILE\] .*\n$/

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `rondo` in a directory that has `files`. */
async function rondo(
  t: TestContext,
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const cwd = await mkdtemp(join(tmpdir(), 'rondo-check-'))
  t.after(() => rm(cwd, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text)
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [RONDO, ...args], { cwd, env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

suite('rondo check', () => {
  test('says that a file is right, and exits with 0', async (t) => {
    const text =
      'listen: 127.0.0.1:80\nworkers: [http://a:1, http://b:1]\npools: { api: { workers: [http://c:1] } }\n'
    assert.deepEqual(await rondo(t, ['check', 'rondo.yaml'], { 'rondo.yaml': text }), {
      code: 0,
      stdout: 'rondo.yaml is right: 2 pools, 3 workers, 1 routes\n',
      stderr: '',
    })
  })

  test('looks into the files of certificates', async (t) => {
    const text = 'listen: { port: 443, tls: { cert: cert.pem, key: cert.key } }\n'
    const files = { 'rondo.yaml': text, 'cert.pem': 'none' }
    const { code, stderr } = await rondo(t, ['check', 'rondo.yaml'], files)
    assert.equal(code, 1)
    assert.match(stderr, /^rondo\.yaml:1:35: listen\.tls\.cert: "cert\.pem" has no certificate in it; /)
    assert.match(
      stderr,
      /\nrondo\.yaml:1:50: listen\.tls\.key: "cert\.key" cannot be read: there is no such file\n$/,
    )
  })

  test('takes JSON', async (t) => {
    const text = '{ "listen": "127.0.0.1:80", "workers": ["http://a:1"] }'
    const { code, stderr } = await rondo(t, ['check', 'rondo.json'], { 'rondo.json': text })
    assert.deepEqual([code, stderr], [0, ''])
  })

  test('warns, and still exits with 0', async (t) => {
    const { code, stdout, stderr } = await rondo(t, ['check', 'rondo.yaml'], { 'rondo.yaml': 'listen: 80\n' })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^warning: rondo\.yaml:1:1: metrics: GET \/metrics .*\nrondo\.yaml is right: .*\n$/)
  })

  test('says all that is wrong with a file, one line each, and exits with 1', async (t) => {
    const text = 'listen: {}\nshutdown: 5\n'
    assert.deepEqual(await rondo(t, ['check', 'rondo.yaml'], { 'rondo.yaml': text }), {
      code: 1,
      stdout: '',
      stderr:
        'rondo.yaml:1:9: listen.port: is missing; give a whole number from 0 to 65535\n' +
        'rondo.yaml:2:11: shutdown: 5 is not a duration; write it with its unit, as "500ms", "2s" or "1m"\n',
    })
  })

  test('goes by the environment, as a start would', async (t) => {
    const files = { 'rondo.yaml': 'listen: "127.0.0.1:${A}"\n' }
    assert.equal((await rondo(t, ['check', 'rondo.yaml'], files)).code, 1)
    assert.equal((await rondo(t, ['check', 'rondo.yaml'], files, { A: '80' })).code, 0)
    assert.deepEqual(await rondo(t, ['check', 'rondo.yaml'], files, { A: '80', PORT: 'x' }), {
      code: 1,
      stdout: '',
      stderr: 'PORT: "x" is not a port; give a whole number from 0 to 65535\n',
    })
  })

  for (const [name, why] of [
    ['none.yaml', 'there is no such file'],
    ['.', 'it is a directory; name a file'],
  ] as const)
    test(`says of ${name} that ${why}, and exits with 1`, async (t) => {
      assert.deepEqual(await rondo(t, ['check', name]), {
        code: 1,
        stdout: '',
        stderr: `${name}: cannot be read: ${why}\n`,
      })
    })

  for (const [args, expected] of [
    [[], 0],
    [['--help'], 0],
    [['help'], 0],
    [['check'], 1],
    [['check', 'a', 'b'], 1],
    [['chekc', 'a'], 1],
  ] as const)
    test(`shows how it is used to "rondo ${args.join(' ')}", and exits with ${expected}`, async (t) => {
      const { code, stdout, stderr } = await rondo(t, args)
      assert.deepEqual([code, stdout], [expected, ''])
      assert.match(stderr, USAGE)
    })

  test('is pnpm rondo check in the repository', async () => {
    const { scripts } = JSON.parse(
      await readFile(new URL('../../../package.json', import.meta.url), 'utf8'),
    ) as {
      scripts: Record<string, string>
    }
    assert.match(scripts['rondo'] ?? '', / apps\/gateway\/src\/rondo\.ts$/)
  })
})
