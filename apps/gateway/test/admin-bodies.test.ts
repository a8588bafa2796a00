import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { call, idsOf, JSON_TYPE, lines, startSite, type ProblemBody, type Site } from './admin-site.ts'
import { SELDOM } from './config/running.ts'
import { exchange } from './raw.ts'

/** Nobody listens there: what is tested never comes so far. */
const A = 'http://127.0.0.1:1'

function site(t: TestContext): Promise<Site> {
  const workers = [{ url: A, name: 'a' }, 'http://127.0.0.1:2']
  return startSite(t, { workers, health: { schedule: SELDOM } })
}

const ADD = ['POST', '/workers/default'] as const
const WEIGHT = ['PUT', '/workers/default/a/weight'] as const
const DRAIN = ['POST', '/workers/default/a/drain'] as const
const UNDRAIN = ['POST', '/workers/default/a/undrain'] as const
const DELETE = ['DELETE', '/workers/default/a'] as const
const RELOAD = ['POST', '/reload'] as const

const NO_URL = 'is not a URL; write it as "http://host:port"'
const NO_WEIGHT = 'is not a weight; give a number above 0'
const NO_DURATION = 'is not a duration; write it with its unit, as "500ms", "2s" or "1m"'
const NO_SESSIONS = 'is unknown; use "stay" or "leave"'
const TEXT = 'is not a text; give one, in quotes if it looks like a number'

suite('a bad body changes nothing, and its fields are told with the mend', () => {
  for (const [[method, path], body, status, errors] of [
    [ADD, {}, 422, [['url', 'is missing; write it as "http://host:port"']]],
    [ADD, undefined, 422, [['url', 'is missing; write it as "http://host:port"']]],
    [ADD, { url: '' }, 422, [['url', `"" ${NO_URL}`]]],
    [ADD, { url: null }, 422, [['url', 'is empty; write it as "http://host:port"']]],
    [ADD, { url: 5 }, 422, [['url', `5 ${NO_URL}`]]],
    [ADD, { url: 'nonsense' }, 422, [['url', `"nonsense" ${NO_URL}`]]],
    [ADD, { url: `${A}/path` }, 422, [['url', `"${A}/path" is more than an origin; write it as "${A}"`]]],
    [
      ADD,
      { url: 'http://u:hush@b:1' },
      422,
      [['url', '"http://(hidden)@b:1" is more than an origin; write it as "http://b:1"']],
    ],
    [
      ADD,
      { url: 'http://b:0' },
      422,
      [['url', '"http://b:0" names port 0, where nobody can be reached; use 1 to 65535']],
    ],
    [ADD, { url: 'http://b:1', name: '' }, 422, [['name', '"" says nothing; give a text that is not empty']]],
    [
      ADD,
      { url: 'http://b:1', name: ' ' },
      422,
      [['name', '" " is not a name; give a string that is not empty']],
    ],
    [ADD, { url: 'http://b:1', name: 5 }, 422, [['name', `5 ${TEXT}`]]],
    [ADD, { url: 'http://b:1', weight: 0 }, 422, [['weight', `0 ${NO_WEIGHT}`]]],
    [ADD, { url: 'http://b:1', weight: '2' }, 422, [['weight', `"2" ${NO_WEIGHT}`]]],
    [ADD, '{"url":"http://b:1","weight":1e999}', 422, [['weight', `null ${NO_WEIGHT}`]]],
    [ADD, { url: 'http://b:1', wieght: 2 }, 422, [['wieght', 'is unknown; did you mean "weight"?']]],
    [ADD, { url: 'http://b:1', token: 'hush' }, 422, [['token', 'is unknown; use url, name or weight']]],
    [
      ADD,
      '{"url":"http://b:1","__proto__":{"weight":2}}',
      422,
      [['__proto__', 'is unknown; use url, name or weight']],
    ],
    [
      ADD,
      { uri: 'http://b:1', weight: -1 },
      422,
      [
        ['url', 'is missing; write it as "http://host:port"'],
        ['weight', `-1 ${NO_WEIGHT}`],
        ['uri', 'is unknown; did you mean "url"?'],
      ],
    ],
    [
      ADD,
      { url: 'http://127.0.0.1:2' },
      409,
      [['url', '"127.0.0.1:2" is there twice; give each worker an id of its own']],
    ],
    [
      ADD,
      { url: 'http://b:1', name: 'a' },
      409,
      [['name', '"a" is there twice; give each worker an id of its own']],
    ],
    [
      ADD,
      { url: 'http://b:1', name: '2' },
      409,
      [['name', '"2" and "127.0.0.1:2" would both be "2" in the metrics; give one of them another name']],
    ],
    [ADD, [], 422, [['', '[] is no object; give one with url, name or weight']]],
    [ADD, '5', 422, [['', '5 is no object; give one with url, name or weight']]],
    [ADD, 'null', 422, [['', 'is empty; give one with url, name or weight']]],
    [ADD, '{"url":', 400, []],
    [WEIGHT, {}, 422, [['weight', 'is missing; give a number above 0']]],
    [WEIGHT, undefined, 422, [['weight', 'is missing; give a number above 0']]],
    [WEIGHT, { weight: 0 }, 422, [['weight', `0 ${NO_WEIGHT}`]]],
    [WEIGHT, { weight: -1 }, 422, [['weight', `-1 ${NO_WEIGHT}`]]],
    [WEIGHT, { weight: 'heavy' }, 422, [['weight', `"heavy" ${NO_WEIGHT}`]]],
    [WEIGHT, { weight: 1, more: 1 }, 422, [['more', 'is unknown; use weight']]],
    [WEIGHT, '1', 422, [['', '1 is no object; give one with weight']]],
    [DRAIN, { timeout: 10 }, 422, [['timeout', `10 ${NO_DURATION}`]]],
    [DRAIN, { timeout: '10' }, 422, [['timeout', `"10" ${NO_DURATION}`]]],
    [DRAIN, { timeout: '0s' }, 422, [['timeout', '"0s" is no time; give more than 0']]],
    [
      DRAIN,
      { timeout: '9999h' },
      422,
      [['timeout', '"9999h" is longer than a timer can run; give "596h" or less']],
    ],
    [DRAIN, { sessions: 'go' }, 422, [['sessions', `"go" ${NO_SESSIONS}`]]],
    [DRAIN, { timeuot: '10s' }, 422, [['timeuot', 'is unknown; did you mean "timeout"?']]],
    [DELETE, { timeout: 10 }, 422, [['timeout', `10 ${NO_DURATION}`]]],
    [DELETE, { sessions: true }, 422, [['sessions', `true ${NO_SESSIONS}`]]],
    [DELETE, '{', 400, []],
    [UNDRAIN, { timeout: '10s' }, 422, [['timeout', 'is unknown; leave it out']]],
    [UNDRAIN, '{]', 400, []],
    [RELOAD, { file: '/etc/passwd' }, 422, [['file', 'is unknown; leave it out']]],
    [RELOAD, 'x', 400, []],
  ] as const satisfies readonly (readonly [
    readonly [string, string],
    unknown,
    number,
    readonly (readonly [string, string])[],
  ])[])
    test(`${method} ${path} ${typeof body === 'string' ? body : JSON.stringify(body)}`, async (t) => {
      const { gateway, call } = await site(t)
      const before = gateway.pools
        .get('default')
        ?.stats()
        .workers.map(({ id, weight, draining }) => [id, weight, draining])
      lines.length = 0
      const answer = await call(method, path, { body, headers: JSON_TYPE })
      const { detail, errors: told } = answer.body as ProblemBody
      assert.equal(answer.status, status)
      assert.deepEqual(
        told.map((error) => [error.field, error.detail]),
        errors,
      )
      assert.ok(detail.length > 10)
      assert.doesNotMatch(answer.text + lines.join('\n'), /hush/)
      const after = gateway.pools
        .get('default')
        ?.stats()
        .workers.map(({ id, weight, draining }) => [id, weight, draining])
      assert.deepEqual(after, before)
      assert.deepEqual(gateway.edits, [])
      assert.deepEqual(gateway.reloads, [])
    })
})

suite('text that is no JSON is told with its place', () => {
  for (const [text, line, column] of [
    ['{', 1, 2],
    ['{"url":', 1, 8],
    ['[1,]', 1, 4],
    ['{"url" "x"}', 1, 8],
    ['{\n  "url": abc\n}', 2, 10],
    ['{\n  "url": "x",\n}', 3, 1],
    ["{'url': 1}", 1, 2],
    ['url=x', 1, 1],
    ['{"url": "a\nb"}', 1, 11],
    ['{} {}', 1, 4],
    ['tru', 1, 4],
  ] as const)
    test(JSON.stringify(text), async (t) => {
      const { call } = await site(t)
      const { status, body } = await call('POST', '/workers/default', { body: text, headers: JSON_TYPE })
      assert.equal(status, 400)
      assert.equal(
        (body as ProblemBody).detail,
        `the body is no JSON: something is out of place at line ${line}, column ${column}`,
      )
    })
})

suite('a body', () => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    '',
  ])
    test(`of ${type || 'no type'} is a 415, wherever it is sent`, async (t) => {
      const { call } = await site(t)
      for (const [method, path] of [ADD, WEIGHT, DRAIN, UNDRAIN, DELETE, RELOAD]) {
        const headers = type === '' ? {} : { 'Content-Type': type }
        const { status, body } = await call(method, path, {
          body: '{"url":"http://b:1","weight":2}',
          headers,
        })
        assert.deepEqual([path, status], [path, 415])
        assert.match((body as ProblemBody).detail, /; send application\/json$/)
      }
    })

  test('may have a charset with its type, and be empty', async (t) => {
    const { call } = await site(t)
    const headers = { 'Content-Type': 'Application/JSON; charset=utf-8' }
    assert.equal((await call(...WEIGHT, { body: '{"weight":2}', headers })).status, 200)
    assert.equal((await call(...DRAIN, { body: '', headers })).status, 202)
  })

  for (const [name, headers] of [
    ['compressed', { ...JSON_TYPE, 'Content-Encoding': 'gzip' }],
    ['of an unknown charset', { 'Content-Type': 'application/json; charset=none' }],
  ] as const)
    test(`that is ${name} is a 415`, async (t) => {
      const { call } = await site(t)
      assert.equal((await call(...WEIGHT, { body: '{"weight":2}', headers })).status, 415)
    })

  test('of 64 KiB is read, a longer one is a 413 and ends the connection', async (t) => {
    const { port, call } = await site(t)
    const body = (length: number): string => `{"weight":2${' '.repeat(length - 12)}}`
    assert.equal((await call(...WEIGHT, { body: body(65_536), headers: JSON_TYPE })).status, 200)
    const { status, headers } = await call(...WEIGHT, { body: body(65_537), headers: JSON_TYPE })
    assert.deepEqual([status, headers.connection], [413, 'close'])
    const head =
      'PUT /workers/default/a/weight HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
    const claimed = await exchange(t, port, `${head}Content-Length: 1000000000\r\n\r\n{`)
    assert.match(claimed, /^HTTP\/1\.1 413 /)
    const chunked = await exchange(
      t,
      port,
      `${head}Transfer-Encoding: chunked\r\n\r\n${`1000\r\n${' '.repeat(4096)}\r\n`.repeat(17)}`,
    )
    assert.match(chunked, /^HTTP\/1\.1 413 /)
  })

  test('is asked for where the client waits to be told', async (t) => {
    const { port } = await site(t)
    const head =
      'PUT /workers/default/a/weight HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n'
    const received = await exchange(
      t,
      port,
      `${head}Content-Length: 12\r\nExpect: 100-continue\r\n\r\n`,
      '{"weight":2}',
    )
    assert.match(received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    const other = await exchange(t, port, `${head}Content-Length: 12\r\nExpect: tea\r\n\r\n`)
    assert.match(other, /^HTTP\/1\.1 417 /)
  })

  test('that breaks off changes nothing', async (t) => {
    const { gateway, port, admin } = await site(t)
    const head = 'POST /workers/default HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
    const { connect } = await import('node:net')
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head}Content-Length: 100\r\n\r\n{"url":"http://b:1"}`, () => socket.destroy())
    await new Promise((resolve) => socket.once('close', resolve))
    assert.equal((await call('GET', `${admin}/healthz`)).status, 200)
    assert.equal(idsOf(gateway).length, 2)
  })
})
