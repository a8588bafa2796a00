import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { parse } from '../src/config/load.ts'
import { lines, startSite, startWorkers } from './admin-site.ts'
import { RONDO } from './rondo.ts'

const SIZE = 256 * 1024

/** A text so long, of what `part` makes of each number. */
function filled(part: (i: number) => string): string {
  const parts: string[] = []
  for (let length = 0, i = 0; length < SIZE; i++) length += parts[parts.push(part(i)) - 1]?.length ?? 1
  return parts.join('')
}

/** In a process of its own, since nothing else would come to its turn in one that is busy. */
function check(file: string): Promise<{ isKilled: boolean; code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const options = { env: {}, timeout: 60_000, killSignal: 'SIGKILL', maxBuffer: SIZE * 20 } as const
    const child = execFile(process.execPath, [RONDO, 'check', file], options, (_, _out, stderr) =>
      resolve({ isKilled: child.signalCode !== null, code: child.exitCode, stderr }),
    )
  })
}

suite('a text of 256 KiB is looked through in seconds, and its faults are told, some of many:', () => {
  for (const [what, text] of [
    ['the same key, again and again', filled(() => 'a: 1\n')],
    ['keys that nobody knows', filled((i) => `a${i}: 1\n`)],
    ['one anchor, named again and again', `x: &a 1\ny: [${filled(() => '*a,')}1]`],
    ['anchors that are not there', `y: [${filled(() => '*a,')}1]`],
    ['many anchors, each named', `y: [${filled((i) => `&a${i} 1,*a${i},`)}1]`],
    ['a long list, named often', `x: &a [${filled(() => '1,')}1]\nlisten: [${'*a,'.repeat(900)}1]`],
    ['variables that are not set', `listen: [${filled(() => '"${A}",')}1]`],
    ['what is no worker', `workers: [${filled(() => '1,')}1]`],
    ['what is no network', `trustedProxies: [${filled(() => 'x,')}x]`],
    ['lists in lists', filled(() => '[')],
  ] as const)
    test(what, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'rondo-hostile-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const file = join(folder, 'rondo.yaml')
      writeFileSync(file, text)
      const { isKilled, code, stderr } = await check(file)
      assert.deepEqual({ isKilled, code }, { isKilled: false, code: 1 })
      assert.ok(stderr.length < 1_000_000, `${stderr.length} characters`)
      assert.ok(stderr.endsWith('\n'), `cut after ${stderr.length} characters: ${stderr.slice(-100)}`)
    })
})

test('keys that are there twice are told wherever they are, and what two maps have is not', () => {
  assert.throws(() => parse('f', 'a: { b: 1, "b": 2 }\nc: [{ d: 1, d: 2 }]\na: 3', {}), {
    message: [
      'f:1:12: a.b: is there twice; leave one of them out',
      'f:2:13: c[0].d: is there twice; leave one of them out',
      'f:3:1: a: is there twice; leave one of them out',
    ].join('\n'),
  })
  parse(
    'f',
    'pools: { a: { workers: ["http://a"] }, b: { workers: ["http://a"] } }\nroutes: [{ pool: a }]',
    {},
  )
})

test('a value as deep as a body can have is told to be wrong', async (t) => {
  const [worker] = await startWorkers(t, 'a')
  const { call } = await startSite(t, { workers: [worker?.url] })
  const body = `{"url":${'['.repeat(32_000)}${']'.repeat(32_000)}}`
  const headers = { 'Content-Type': 'application/json' }
  const { status, text } = await call('POST', '/workers/default', { body, headers })
  assert.equal(status, 422)
  assert.match(text, /is not a URL; write it as/)
})

test('the name of a worker begins no line of the log, and moves no cursor there, after a reload too', async (t) => {
  const [worker] = await startWorkers(t, 'a')
  const fields = { workers: [worker?.url] }
  const { call, reload } = await startSite(t, fields)
  const since = lines.length
  for (const name of ['x\n2026 gateway stopped', '\u001b[2J', '\u009b2J', '\u202e'])
    await call('POST', '/workers/default', { body: { url: worker?.url, name } })
  assert.equal((await reload({ ...fields, metrics: 'off' })).error, undefined)
  const said = lines.slice(since)
  assert.ok(said.some((line) => line.includes('is in force') && line.includes('x\\x0a2026\\x20gateway')))
  for (const line of said) assert.match(line, /^[ -~]*$/)
})

test('the name of a worker that is also one of every object is a name like others', async (t) => {
  const [worker] = await startWorkers(t, 'a')
  const { call } = await startSite(t, { workers: [worker?.url] })
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const path = `/workers/default/${name}`
    assert.equal((await call('GET', path)).status, 404)
    assert.equal((await call('POST', '/workers/default', { body: { url: worker?.url, name } })).status, 201)
    assert.equal((await call('PUT', `${path}/weight`, { body: { weight: 2 } })).status, 200)
    assert.equal((await call('DELETE', path)).status, 202)
  }
  for (const pool of ['__proto__', 'constructor'])
    assert.equal((await call('GET', `/workers/${pool}`)).status, 404)
})
