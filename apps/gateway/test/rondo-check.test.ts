import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { suite, test } from 'node:test'
import { rondo } from './rondo.ts'

const USAGE =
  /^Usage:\n {2}rondo check FILE .*\n {2}rondo start \[FILE\] .*\n {2}rondo plan FILE .*\n {2}rondo stats .*\n\nOptions /

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

  test('warns of more processes than the cores can run, by the file or by the environment', async (t) => {
    const files = { 'rondo.yaml': 'listen: 127.0.0.1:80\nprocesses: 256\n' }
    const check = async (env: NodeJS.ProcessEnv): Promise<string[]> => {
      const { code, stdout } = await rondo(t, ['check', 'rondo.yaml'], files, env)
      assert.equal(code, 0)
      return stdout.split('\n').filter((line) => line.startsWith('warning: '))
    }
    const isTooMany = 256 > 2 * availableParallelism()
    const said = (await check({})).map((line) => line.replace(/(256 is more than twice).*/, '$1'))
    assert.deepEqual(said, isTooMany ? ['warning: rondo.yaml:2:12: processes: 256 is more than twice'] : [])
    const byVariable = (await check({ PROCESSES: '255' })).map((line) => line.replace(/(255 is).*/, '$1'))
    assert.deepEqual(byVariable, isTooMany ? ['warning: PROCESSES: 255 is'] : [])
    assert.deepEqual(await check({ PROCESSES: 'auto' }), [])
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

  for (const [args, wrong] of [
    [[], undefined],
    [['--help'], undefined],
    [['help'], undefined],
    [['plan', '-h'], undefined],
    [['stats', '--help'], undefined],
    [['check'], 'no file is named'],
    [['check', 'a', 'b'], '"b" is too much'],
    [['check', '--strict', 'a'], "Unknown option '--strict'"],
    [['chekc', 'a'], '"chekc" is no command'],
    [['toString'], '"toString" is no command'],
    [['start', 'a', 'b'], '"b" is too much'],
    [['plan'], 'no file is named'],
    [['plan', 'a', '--admn', 'b'], "Unknown option '--admn'"],
    [['plan', 'a', '--every', '1s'], "Unknown option '--every'"],
    [['stats', 'a'], '"a" is too much'],
    [['stats', '--token'], "Option '--token <value>' argument missing"],
    [
      ['stats', '--every', '5'],
      '--every: "5" is not a duration; write it with its unit, as "500ms", "2s" or "1m"',
    ],
  ] as const)
    test(`shows how it is used to "rondo ${args.join(' ')}", and exits with ${wrong === undefined ? 0 : 1}`, async (t) => {
      const { code, stdout, stderr } = await rondo(t, args)
      assert.deepEqual([code, stdout], [wrong === undefined ? 0 : 1, ''])
      const said = stderr.slice(0, stderr.indexOf('Usage:'))
      assert.equal(said, wrong === undefined ? '' : `${wrong}\n`)
      assert.match(stderr.slice(said.length), USAGE)
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
