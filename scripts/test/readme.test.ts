import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createWorker } from '@rondo/worker'
import { parse } from '../../apps/gateway/src/config/load.ts'
import { Gateway } from '../../apps/gateway/src/gateway.ts'
import { createAuthority } from '../../packages/balancer/test/support/certificates.ts'
import { freePorts } from './processes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
const programs = blocks('js')
const PORTS = ['3001', '3002', '3003', '8080']

suite('README.md', () => {
  for (const [i, program] of programs.entries()) {
    test(`program ${i + 1} of ${programs.length} balances over the workers it names`, async (t) => {
      const { at } = await cluster(t)
      const url = await run(t, at(program))
      const workers = new Set<string>()
      for (let request = 0; request < 6; request++) workers.add((await json(`${url}/hello`)).worker)
      const named = PORTS.filter((port) => program.includes(`localhost:${port}`)).map(at)
      const asked = program.includes('firstAlive') ? named.slice(0, 1) : named
      assert.deepEqual(Array.from(workers).toSorted(), asked.toSorted())
    })
  }

  test('the terminal shows what curl really prints', async (t) => {
    const { at, back } = await cluster(t)
    const [first = ''] = programs
    await run(t, at(first))
    const [session = ''] = blocks('console')
    const printed: string[] = []
    for (const line of session.split('\n').filter((line) => line.startsWith('$ '))) {
      const [command = '', ...args] = at(line.slice(2)).split(' ')
      const { stdout } = await promisify(execFile)(command, args, killed(t))
      printed.push(line, ...back(stdout).trimEnd().split('\n'))
    }
    // The first worker is chosen by chance: the answers may be rotated.
    assert.deepEqual(printed.toSorted(), session.trimEnd().split('\n').toSorted())
  })

  test('the commands are those of package.json', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
    const named = Array.from(readme.matchAll(/pnpm(?:@12)? ([a-z:]+)/g), ([, name = '']) => name)
    assert.ok(named.includes('dev') && named.includes('test') && named.includes('start'))
    for (const name of named) assert.ok(name in scripts, `pnpm ${name}`)
  })

  test('the file map names what is there', async () => {
    const map = blocks('').find((block) => block.startsWith('packages/balancer/')) ?? ''
    const files: string[] = []
    let folder = ''
    for (const [, top, path] of map.matchAll(/^(?:(\S+\/) | {2}(src\/[\w./-]+))/gm)) {
      if (top !== undefined) folder = top
      else files.push(join(folder, path ?? ''))
    }
    assert.ok(files.length > 12)
    for (const path of files) await access(join(ROOT, path))
  })

  test('the config files are right', (t) => {
    const authority = createAuthority(t)
    const { certFile, keyFile } = authority.issue(['a.test'])
    const files = blocks('yaml')
    assert.equal(files.length, 4)
    for (const text of files) {
      const here = text.replaceAll(/\/etc\/rondo\/\w+\.(pem|key)/g, (_, kind) =>
        kind === 'pem' ? certFile : keyFile,
      )
      parse('rondo.yaml', here, {})
    }
  })

  test('rondo plan says what it really says', async (t) => {
    const gateway = new Gateway()
    t.after(() => gateway.close())
    const common = 'listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\nlog: off\n'
    const now = `${common}workers: [http://127.0.0.1:3001, http://127.0.0.1:3002]\n`
    const next = `${common}workers: [{ url: http://127.0.0.1:3001, weight: 2 }, http://127.0.0.1:3003]\nroutes: [{ path: /api, pool: default }]\n`
    await gateway.apply(parse('rondo.yaml', now, {}).config)
    const folder = await mkdtemp(join(tmpdir(), 'rondo-plan-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'next.yaml')
    await writeFile(file, next)
    const args = ['plan', file, '--admin', `http://127.0.0.1:${gateway.admin?.port}`]
    const rondo = [join(ROOT, 'apps/gateway/src/rondo.ts'), ...args]
    const { stdout } = await promisify(execFile)(process.execPath, rondo, killed(t))
    const [, , session = ''] = blocks('console')
    assert.equal(stdout.trimEnd(), session.trimEnd().split('\n').slice(1).join('\n'))
  })

  test('rondo check says what it really says', () => {
    const [, session = ''] = blocks('console')
    const text = 'workers: [http://127.0.0.1:3001]\nhealth: { timeout: 5 }\ntimeuots: { response: 10s }\n'
    const message = session.trimEnd().split('\n').slice(1).join('\n')
    assert.throws(() => parse('rondo.yaml', text, {}), { message })
  })
})

/** What has a program killed when the test is over. */
function killed({ signal }: TestContext): { signal: AbortSignal; killSignal: 'SIGKILL' } {
  return { signal, killSignal: 'SIGKILL' }
}

/** The fenced blocks of a language. */
function blocks(language: string): string[] {
  const fences = readme.split(/^```/m) // text, block, text, block, …
  const inside = fences.filter((_, i) => i % 2 === 1)
  return inside
    .filter((block) => block.startsWith(`${language}\n`))
    .map((block) => block.slice(language.length + 1))
}

interface Ports {
  readonly at: (text: string) => string
  readonly back: (text: string) => string
}

/** Workers on free ports in the place of the README's, and the translation of its ports there and back. */
async function cluster(t: TestContext): Promise<Ports> {
  const ports = new Map<string, string>()
  for (const port of PORTS.slice(0, 3)) {
    const worker = createWorker()
    worker.listen(0)
    await once(worker, 'listening')
    t.after(() => {
      worker.close()
      worker.closeAllConnections()
    })
    ports.set(port, String((worker.address() as AddressInfo).port))
  }
  const [port] = await freePorts(1)
  ports.set('8080', String(port))

  const translate = (text: string, pairs: Iterable<readonly [string, string]>): string =>
    Array.from(pairs).reduce(
      (result, [from, to]) => result.replaceAll(new RegExp(`\\b${from}\\b|(?<=_)${from}(?=_)`, 'g'), to),
      text,
    )
  return {
    at: (text) => translate(text, ports),
    back: (text) =>
      translate(
        text,
        Array.from(ports, ([from, to]) => [to, from] as const),
      ),
  }
}

/** Runs a program of the README as a file of its own, and resolves with its URL once it answers. */
async function run(t: TestContext, program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rondo-readme-'))
  await symlink(join(ROOT, 'scripts/node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'app.mjs'), program)
  const child = spawn(process.execPath, [join(folder, 'app.mjs')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  t.after(async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    await rm(folder, { recursive: true })
  })
  const port = /listen\((\d+)\)/.exec(program)?.[1] ?? assert.fail('the program listens nowhere')
  while (!(await accepts(Number(port)))) assert.equal(child.exitCode ?? child.signalCode, null, stderr)
  return `http://localhost:${port}`
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, 'localhost')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return false
  } finally {
    socket.destroy()
  }
}

async function json(url: string): Promise<{ worker: string }> {
  return (await (await fetch(url, { headers: { connection: 'close' } })).json()) as { worker: string }
}
