import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { call } from './admin-site.ts'
import { until } from './config/running.ts'
import { startGatewayBy } from './processes.ts'
import { serialAt, serialOf } from './secure.ts'

/** A gateway with https, that goes by files of a folder. */
async function startWithFiles(t: TestContext) {
  const authority = createAuthority(t)
  const folder = mkdtempSync(join(tmpdir(), 'rondo-hostile-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [cert, key, file] = ['cert.pem', 'key.pem', 'rondo.yaml'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const issued = authority.issue(['a.test'])
  writeFileSync(key, issued.key)
  writeFileSync(cert, issued.cert)
  const listen = { port: 0, host: '127.0.0.1', tls: { cert, key } }
  const text = JSON.stringify({ listen, admin: '127.0.0.1:0', workers: ['http://localhost:1'], log: 'off' })
  writeFileSync(file, text)
  const gateway = await startGatewayBy(t, file, { ADMIN: undefined })
  const [, admin] = /on (http:\S+)/.exec(await gateway.line(/admin API on/)) ?? []
  const put = (path: string, content: string): void => {
    writeFileSync(`${path}.new`, content)
    renameSync(`${path}.new`, path)
  }
  const next = authority.issue(['a.test'])
  return { gateway, admin: String(admin), cert, key, file, text, put, next, issued }
}

function pipeAt(path: string): void {
  rmSync(path, { force: true })
  execFileSync('mkfifo', [path])
}

suite('a gateway waits for nobody', { timeout: 60_000 }, () => {
  test('where a certificate is a pipe that nobody writes into, and takes the next one', async (t) => {
    const { gateway, admin, cert, key, put, next } = await startWithFiles(t)
    for (let i = 0; i < 8; i++) {
      const since = gateway.lines.length
      pipeAt(cert)
      const { status, text } = await call('POST', `${admin}/reload`)
      assert.equal(status, 422)
      assert.match(text, /"listen\.tls\.cert".*is no file; name a PEM file/)
      await gateway.line(/not reloaded: .*is no file; name a PEM file/, since)
    }
    put(key, next.key)
    put(cert, next.cert)
    await until('the new certificate', async () => (await serialAt(gateway.port)) === serialOf(next))
    assert.equal(await gateway.end('SIGTERM'), 0)
  })

  test('where the config file is a pipe, and can be changed and stopped', async (t) => {
    const { gateway, admin, file, text, put } = await startWithFiles(t)
    for (let i = 0; i < 8; i++) {
      pipeAt(file)
      const { status, text: answer } = await call('POST', `${admin}/reload`)
      assert.equal(status, 422)
      assert.match(answer, /cannot be read: it is no file; name one/)
    }
    const body = { url: 'http://127.0.0.1:1', name: 'one' }
    assert.equal((await call('POST', `${admin}/workers/default`, { body })).status, 201)
    const since = gateway.lines.length
    put(file, `${text}\n`)
    await gateway.line(/is in force/, since)
    pipeAt(file)
    gateway.child.kill('SIGHUP')
    await gateway.line(/not reloaded: .*cannot be read: it is no file/, since)
    assert.equal(await gateway.end('SIGTERM'), 0)
  })

  test('where a certificate is a device, a circle of links, a folder, or longer than there is memory', async (t) => {
    const { gateway, admin, cert, key, put, next, issued } = await startWithFiles(t)
    for (const [make, why] of [
      [() => symlinkSync('/dev/zero', cert), 'is no file; name a PEM file'],
      [() => symlinkSync(cert, cert), 'cannot be read: its links lead in a circle'],
      [() => execFileSync('mkdir', [cert]), 'is no file; name a PEM file'],
      [
        () => (writeFileSync(cert, ''), truncateSync(cert, 1024 ** 4)),
        'is larger than 1 MiB; name a PEM file',
      ],
    ] as const) {
      rmSync(cert, { force: true, recursive: true })
      make()
      const { status, text } = await call('POST', `${admin}/reload`)
      assert.equal(status, 422)
      assert.match(text, new RegExp(why))
      assert.equal(await serialAt(gateway.port), serialOf(issued))
    }
    rmSync(cert)
    put(key, next.key)
    put(cert, next.cert)
    await until('the new certificate', async () => (await serialAt(gateway.port)) === serialOf(next))
  })
})
