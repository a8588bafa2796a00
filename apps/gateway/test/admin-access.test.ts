import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { suite, test } from 'node:test'
import { idsOf, lines, startSite, type ProblemBody } from './admin-site.ts'
import { SELDOM } from './config/running.ts'
import { exchange } from './raw.ts'

const fields = {
  workers: [{ url: 'http://127.0.0.1:1', name: 'a' }, 'http://127.0.0.1:2'],
  health: { schedule: SELDOM },
}
const TOKEN = 'hush-hush-hush-hush'
const OTHER = 'hush-hush-hush-hish'

const ENDPOINTS = [
  ['GET', '/stats'],
  ['GET', '/workers'],
  ['GET', '/workers/default'],
  ['GET', '/workers/default/a'],
  ['GET', '/config'],
  ['GET', '/metrics'],
  ['POST', '/workers/default'],
  ['DELETE', '/workers/default/a'],
  ['POST', '/workers/default/a/drain'],
  ['POST', '/workers/default/a/undrain'],
  ['PUT', '/workers/default/a/weight'],
  ['POST', '/reload'],
  ['GET', '/nothing'],
] as const
const PROBES = [
  ['GET', '/healthz'],
  ['GET', '/readyz'],
] as const

suite('a token', () => {
  for (const listen of ['127.0.0.1:0', '0.0.0.0:0'])
    test(`that is configured is asked for on ${listen}, but not of probes`, async (t) => {
      const { call } = await startSite(t, { ...fields, admin: { listen, token: TOKEN } })
      for (const [method, path] of ENDPOINTS) {
        const { status, headers, text } = await call(method, path)
        assert.deepEqual([path, status], [path, 401])
        assert.equal(headers['www-authenticate'], 'Bearer realm="rondo"')
        assert.doesNotMatch(text, /hush|127\.0\.0\.1:2/)
      }
      for (const [method, path] of PROBES) {
        assert.notEqual((await call(method, path)).status, 401)
        for (const other of [`${path}/`, `/${path}`, `${path}/../stats`, `${path}%2f..%2fstats`])
          assert.equal((await call(method, other)).status, 401, other)
      }
    })

  for (const [authorization, status, why] of [
    [`Bearer ${TOKEN}`, 200],
    [`bearer ${TOKEN}`, 200],
    [`BEARER   ${TOKEN} `, 200],
    [`Bearer ${OTHER}`, 200],
    ['', 401],
    ['Bearer', 401],
    ['Bearer ', 401],
    [TOKEN, 401],
    [`Basic ${TOKEN}`, 401],
    [`Basic ${btoa(`admin:${TOKEN}`)}`, 401],
    [`Token ${TOKEN}`, 401],
    [`Bearer: ${TOKEN}`, 401],
    [`Bearer "${TOKEN}"`, 401, 'invalid_token'],
    [`Bearer ${TOKEN}x`, 401, 'invalid_token'],
    [`Bearer ${TOKEN.slice(1)}`, 401, 'invalid_token'],
    [`Bearer ${TOKEN.toUpperCase()}`, 401, 'invalid_token'],
    [`Bearer ${TOKEN} ${OTHER}`, 401],
    [`Bearer ${TOKEN},${OTHER}`, 401, 'invalid_token'],
    [`Bearer ${'x'.repeat(8000)}`, 401, 'invalid_token'],
  ] as const satisfies readonly (readonly [string, number, string?])[])
    test(`as ${JSON.stringify(authorization.slice(0, 60))} is answered ${status}`, async (t) => {
      lines.length = 0
      const { call } = await startSite(t, {
        ...fields,
        admin: { listen: '127.0.0.1:0', token: [TOKEN, OTHER] },
      })
      const answer = await call('GET', '/stats', { headers: { Authorization: authorization } })
      assert.equal(answer.status, status)
      if (status === 401)
        assert.equal(
          answer.headers['www-authenticate'],
          `Bearer realm="rondo"${why === undefined ? '' : `, error="${why}"`}`,
        )
      assert.doesNotMatch(answer.text + lines.join('\n'), /h[ui]sh/i)
    })

  test('that is given twice is believed never', async (t) => {
    const { port } = await startSite(t, {
      ...fields,
      admin: { listen: '127.0.0.1:0', token: [TOKEN, OTHER] },
    })
    const line = `Authorization: Bearer ${TOKEN}\r\n`
    const head = 'GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
    assert.match(await exchange(t, port, `${head}${line}${line}\r\n`), /^HTTP\/1\.1 401 /)
    assert.match(await exchange(t, port, `${head}${line}\r\n`), /^HTTP\/1\.1 200 /)
  })

  test('in the query is none, and comes into no log', async (t) => {
    lines.length = 0
    const { call } = await startSite(t, { ...fields, admin: { listen: '127.0.0.1:0', token: TOKEN } })
    const { status, text } = await call('POST', `/reload?token=${TOKEN}&access_token=${TOKEN}`)
    assert.equal(status, 401)
    assert.doesNotMatch(text + lines.join('\n'), /hush/)
  })

  test('is changed by a reload, both are believed meanwhile, and none is ever asked for any more', async (t) => {
    const site = await startSite(t, { ...fields, admin: { listen: '127.0.0.1:0', token: TOKEN } })
    const works = async (token: string): Promise<boolean> =>
      (await site.call('GET', '/stats', { headers: { Authorization: `Bearer ${token}` } })).status === 200
    assert.deepEqual([await works(TOKEN), await works(OTHER)], [true, false])
    await site.reload({ ...fields, admin: { listen: '127.0.0.1:0', token: [TOKEN, OTHER] } })
    assert.deepEqual([await works(TOKEN), await works(OTHER)], [true, true])
    await site.reload({ ...fields, admin: { listen: '127.0.0.1:0', token: OTHER } })
    assert.deepEqual([await works(TOKEN), await works(OTHER)], [false, true])
    await site.reload({ ...fields, admin: '127.0.0.1:0' })
    assert.equal((await site.call('GET', '/stats')).status, 200)
  })

  test('is needed by who comes from elsewhere, while their listener is on its way out', async (t) => {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((one) => one && !one.internal && one.family === 'IPv4')?.address
    if (own === undefined) return t.skip('this machine has no other address')
    const site = await startSite(t, { ...fields, admin: { listen: '0.0.0.0:0', token: TOKEN } })
    const { Agent, get } = await import('node:http')
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const { checkAccess } = await import('../src/admin/access.ts')
    const status = await new Promise<unknown>((resolve) => {
      get(`http://${own}:${site.port}/healthz`, { agent }, (res) => resolve(res.resume().statusCode))
    })
    assert.equal(status, 200)
    const request = {
      url: '/stats',
      headers: { host: 'localhost' },
      headersDistinct: { host: ['localhost'] },
    }
    const admin = { listen: { host: '127.0.0.1', port: 0 }, tokens: [], isDefault: false }
    for (const [localAddress, isFine] of [
      ['127.0.0.1', true],
      ['::ffff:127.0.0.1', true],
      ['::1', true],
      [own, false],
      ['::ffff:10.0.0.1', false],
    ] as const) {
      const check = (): void => checkAccess({ ...request, socket: { localAddress } } as never, admin)
      if (isFine) check()
      else assert.throws(check, { status: 403 })
    }
  })
})

suite('a page of another origin', () => {
  for (const [what, headers, status] of [
    ['of its own site', { Origin: 'http://HOST' }, 200],
    ['of its own site, as browsers mark it', { Origin: 'http://HOST', 'Sec-Fetch-Site': 'same-origin' }, 200],
    ['an address that was typed', { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }, 200],
    ['another site', { Origin: 'https://evil.test' }, 403],
    [
      'another site, as browsers mark it',
      { Origin: 'https://evil.test', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
      403,
    ],
    [
      'a link or an image on another site',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'image' },
      403,
    ],
    ['another port of this machine', { Origin: 'http://127.0.0.1:3000' }, 403],
    ['another port of this machine, as browsers mark it', { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['another scheme', { Origin: 'https://HOST' }, 403],
    ['a sandbox, or a file', { Origin: 'null' }, 403],
    ['an empty origin', { Origin: '' }, 403],
    ['a longer name', { Origin: 'http://HOST.evil.test' }, 403],
    ['two origins', { Origin: 'http://HOST http://evil.test' }, 403],
  ] as const)
    test(`${status === 200 ? 'is not' : 'is'} ${what}: ${status}`, async (t) => {
      const site = await startSite(t, fields)
      const own = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          value.replace('HOST', `127.0.0.1:${site.port}`),
        ]),
      )
      for (const [method, path] of [...ENDPOINTS, ...PROBES]) {
        const answer = await site.call(method, path, { headers: own })
        assert.equal(answer.status === 403, status === 403, `${method} ${path} ${answer.status}`)
        assert.equal(answer.headers['access-control-allow-origin'], undefined)
      }
      if (status === 403) assert.equal(idsOf(site.gateway).length, 2)
    })

  test('gets no leave to ask by a preflight', async (t) => {
    const site = await startSite(t, fields)
    for (const [method, path] of ENDPOINTS) {
      const { status, headers } = await site.call('OPTIONS', path, {
        headers: {
          Origin: 'https://evil.test',
          'Access-Control-Request-Method': method,
          'Access-Control-Request-Headers': 'content-type',
        },
      })
      assert.equal(status, 403)
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('access-control')),
        [],
      )
    }
  })

  test('changes nothing by a form that says it is JSON', async (t) => {
    const site = await startSite(t, fields)
    for (const headers of [
      { Origin: 'https://evil.test', 'Content-Type': 'text/plain' },
      { 'Content-Type': 'text/plain' }, // of a browser that tells no origin
    ]) {
      const { status } = await site.call('POST', '/workers/default', {
        body: '{"url":"http://evil.test","x":"="}',
        headers,
      })
      assert.ok(status === 403 || status === 415)
    }
    assert.equal(idsOf(site.gateway).length, 2)
  })

  test('of a name that goes by the listener is refused beyond this machine too', async (t) => {
    const site = await startSite(t, { ...fields, admin: { listen: '0.0.0.0:0', token: TOKEN } })
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await site.call('GET', '/stats', { headers: { Authorization: `Bearer ${TOKEN}`, ...headers } })).status
    assert.equal(await ask({ Host: 'admin.example.com' }), 200)
    assert.equal(await ask({ Host: 'admin.example.com', Origin: 'http://admin.example.com' }), 200)
    assert.equal(await ask({ Host: 'admin.example.com', Origin: 'http://evil.test' }), 403)
    assert.equal(await ask({ 'Sec-Fetch-Site': 'cross-site' }), 403)
  })
})

suite('a name that others made point to this machine', () => {
  for (const [host, status] of [
    ['localhost', 200],
    ['LOCALHOST:8081', 200],
    ['127.0.0.1', 200],
    ['127.1.2.3:9', 200],
    ['[::1]:8081', 200],
    ['[::1]', 200],
    ['evil.test', 403],
    ['evil.test:8081', 403],
    ['localhost.evil.test', 403],
    ['127.0.0.1.evil.test', 403],
    ['localhost.', 403],
    ['evil-localhost', 403],
    ['0.0.0.0', 403],
    ['10.0.0.1', 403],
    ['[::]', 403],
    ['[::2]', 403],
    ['::1', 403],
    ['2130706433', 403],
    ['localhost@evil.test', 403],
    ['localhost:8081:8081', 403],
    ['', 403],
  ] as const)
    test(`as in Host: ${host}: ${status}`, async (t) => {
      const { port } = await startSite(t, fields)
      for (const path of ['/stats', '/healthz']) {
        const received = await exchange(
          t,
          port,
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        )
        assert.match(received, new RegExp(`^HTTP/1\\.1 ${status} `))
      }
    })

  for (const [what, request, status] of [
    ['no Host', 'GET /stats HTTP/1.1\r\n', 403],
    ['no Host, as HTTP/1.0 has it', 'GET /stats HTTP/1.0\r\n', 403],
    ['two Hosts', 'GET /stats HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n', 400],
    ['a target with another name', 'GET http://evil.test/stats HTTP/1.1\r\nHost: localhost\r\n', 400],
    ['a target with the right name', 'GET http://localhost/stats HTTP/1.1\r\nHost: localhost\r\n', 400],
    ['no path', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n', 400],
    ['a tunnel', 'CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n', 405],
  ] as const)
    test(`${what} is a ${status}`, async (t) => {
      const { port } = await startSite(t, fields)
      const received = await exchange(t, port, `${request}Connection: close\r\n\r\n`)
      assert.match(received, new RegExp(`^HTTP/1\\.1 ${status} `))
    })

  test('is told in a problem', async (t) => {
    const { call } = await startSite(t, fields)
    const { body } = await call('GET', '/stats', { headers: { Host: 'evil.test' } })
    assert.equal(
      (body as ProblemBody).detail,
      'the Host "evil.test" is not this machine; ask for 127.0.0.1 or localhost',
    )
  })
})
