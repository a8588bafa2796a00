import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gateway } from '../../src/gateway.ts'
import { parse } from '../../src/config/load.ts'
import { createAuthority } from '../../../../packages/balancer/test/support/certificates.ts'
import { askSecurely, issueRsa, pairOf } from '../secure.ts'
import { covers } from './covers.ts'
import { ask, start } from './running.ts'

const ANSWERS = { routes: [{ answer: { status: 200, body: 'here' } }] }
const TOKENS = ['a token of sixteen bytes'.replaceAll(' ', '-'), 'another-token-of-the-kind']

const bearing = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

test('the admin API listens where its key says', async (t) => {
  covers('admin')
  const { gateway } = await start(t, { ...ANSWERS, admin: '127.0.0.1:0' })
  const { status } = await ask(`http://127.0.0.1:${gateway.admin?.port}/healthz`)
  assert.equal(status, 200)
  assert.notEqual(gateway.admin?.port, gateway.listeners[0]?.port)
})

test('the admin API listens where its object says, and asks for its token', async (t) => {
  covers('admin.listen', 'admin.token')
  const { gateway } = await start(t, { ...ANSWERS, admin: { listen: '0.0.0.0:0', token: TOKENS[0] } })
  const url = `http://127.0.0.1:${gateway.admin?.port}/workers`
  assert.equal((await ask(url)).status, 401)
  assert.equal((await ask(url, bearing(TOKENS[0] ?? ''))).status, 200)
})

test('each token of a list is believed', async (t) => {
  covers('admin.token[]')
  const { gateway } = await start(t, { ...ANSWERS, admin: { listen: '127.0.0.1:0', token: TOKENS } })
  const url = `http://127.0.0.1:${gateway.admin?.port}/workers`
  for (const token of TOKENS) assert.equal((await ask(url, bearing(token))).status, 200)
  assert.equal((await ask(url, bearing('yet-another-token-of-the-kind'))).status, 401)
})

test('off is no admin API, and the environment is above the file', async (t) => {
  const { gateway } = await start(t, { ...ANSWERS, admin: 'off' })
  assert.equal(gateway.admin, undefined)
  const other = new Gateway()
  t.after(() => other.close())
  const text = JSON.stringify({ ...ANSWERS, listen: '127.0.0.1:0', log: 'off', admin: 'off' })
  await other.apply(parse('t.yaml', text, { ADMIN: '127.0.0.1:0' }).config)
  assert.equal((await ask(`http://127.0.0.1:${other.admin?.port}/healthz`)).status, 200)
})

test('the admin API speaks TLS by its certificates, under its token, and tells its own origin', async (t) => {
  covers('admin.listen.port', 'admin.listen.host', 'admin.listen.tls.cert', 'admin.listen.tls.key')
  covers('admin.listen.tls.minVersion')
  const authority = createAuthority(t)
  const tls = { ...pairOf(authority.issue(['a.test'])), minVersion: '1.3' }
  const { gateway } = await start(t, {
    ...ANSWERS,
    admin: { listen: { port: 0, host: '0.0.0.0', tls }, token: TOKENS[0] },
  })
  const { port = 0 } = gateway.admin ?? {}
  const ask = async (headers: Record<string, string>, options = {}): Promise<number> =>
    (
      await askSecurely(port, 'a.test', {
        ca: authority.cert,
        path: '/stats',
        headers: { Authorization: `Bearer ${TOKENS[0]}`, ...headers },
        ...options,
      })
    ).status
  assert.equal(await ask({}), 200)
  assert.equal(await ask({ Authorization: '' }), 401)
  assert.equal(await ask({ Origin: 'https://a.test' }), 200)
  assert.equal(await ask({ Origin: 'http://a.test' }), 403)
  await assert.rejects(ask({}, { maxVersion: 'TLSv1.2' }), /alert|version/i)
})

test('the admin API takes several certificates, encrypted keys, and clients by their certificates', async (t) => {
  covers('admin.listen.tls.certificates[].cert', 'admin.listen.tls.certificates[].key')
  covers('admin.listen.tls.passphrase', 'admin.listen.tls.certificates[].passphrase')
  covers('admin.listen.tls.clients.ca', 'admin.listen.tls.clients.required')
  const authority = createAuthority(t)
  const passphrase = 'open sesame'
  const locked = issueRsa(authority, 'b.test', passphrase)
  const known = authority.issue(['client'])
  for (const [tls, name, ca] of [
    [{ ...pairOf(locked), passphrase }, 'b.test', locked.cert],
    [
      { certificates: [pairOf(authority.issue(['a.test'])), { ...pairOf(locked), passphrase }] },
      'b.test',
      locked.cert,
    ],
    [{ certificates: [pairOf(authority.issue(['a.test']))] }, 'a.test', authority.cert],
  ] as const) {
    const clients = { ca: authority.certFile, required: true }
    const listen = { port: 0, host: '127.0.0.1', tls: { ...tls, clients } }
    const { gateway } = await start(t, { ...ANSWERS, admin: { listen } })
    const { port = 0 } = gateway.admin ?? {}
    const options = { ca, path: '/healthz', headers: { host: 'localhost' } }
    const { cert, key } = known
    assert.equal((await askSecurely(port, name, { ...options, cert, key })).status, 200)
    await assert.rejects(askSecurely(port, name, options))
  }
})
