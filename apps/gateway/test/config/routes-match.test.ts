import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Route } from '../../src/config/route-schema.ts'
import { exchange } from '../raw.ts'
import { covers } from './covers.ts'
import { ask, start, startWorker } from './running.ts'

/** Starts a gateway whose routes answer their name, and gives what asks it. */
async function routed(
  t: TestContext,
  routes: readonly (Route & { name: string })[],
): Promise<(path: string, head?: { host?: string; method?: string; headers?: object }) => Promise<string>> {
  const { port } = await start(t, {
    routes: routes.map(({ name, ...route }) => ({ ...route, answer: { status: 200, body: `=${name}` } })),
    pools: { unused: { workers: ['http://127.0.0.1:1'] } },
  })
  return async (path, { host = 'a', method = 'GET', headers = {} } = {}) => {
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const answer = await exchange(
      t,
      port,
      `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields.join('')}\r\n`,
    )
    return /\r\n\r\n=(.*)$/s.exec(answer)?.[1] ?? (/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] as string)
  }
}

test('a host is a name, whatever its case, its port or the dot of the root', async (t) => {
  covers('routes[].host')
  const to = await routed(t, [{ name: 'api', host: 'API.example.com' }])
  for (const host of [
    'api.example.com',
    'Api.Example.Com',
    'api.example.com:8080',
    'api.example.com.',
    'api.example.com.:80',
  ])
    assert.equal(await to('/', { host }), 'api', host)
  for (const host of [
    'example.com',
    'x.api.example.com',
    'api.example.com.evil',
    'apixexample.com',
    '',
    'api.example.comx:80',
  ])
    assert.equal(await to('/', { host }), '404', host)
})

test('a host with a wildcard is every name below, and not that name itself', async (t) => {
  covers('routes[].host')
  const to = await routed(t, [{ name: 'any', host: '*.example.com' }])
  for (const host of ['a.example.com', 'A.B.Example.com:80', 'a.example.com.'])
    assert.equal(await to('/', { host }), 'any', host)
  for (const host of ['example.com', '.example.com', 'aexample.com', 'a.example.com.evil', 'example.com:80'])
    assert.equal(await to('/', { host }), '404', host)
})

test('a host may be an address', async (t) => {
  covers('routes[].host')
  const to = await routed(t, [
    { name: 'v6', host: '[::1]' },
    { name: 'v4', host: '127.0.0.1' },
  ])
  assert.equal(await to('/', { host: '[::1]:8080' }), 'v6')
  assert.equal(await to('/', { host: '[::1]' }), 'v6')
  assert.equal(await to('/', { host: '127.0.0.1:8080' }), 'v4')
})

test('the host of a URL in absolute form counts more than Host', async (t) => {
  covers('routes[].host', 'routes[].path')
  const to = await routed(t, [{ name: 'api', host: 'api.example.com', path: '/v1' }])
  assert.equal(await to('http://api.example.com/v1/x'), 'api')
  assert.equal(await to('HTTP://user@Api.example.com:80/v1?x'), 'api')
  assert.equal(await to('http://evil/v1', { host: 'api.example.com' }), '404')
  assert.equal(await to('http://api.example.com@evil/v1', { host: 'api.example.com' }), '404')
})

test('a path is a prefix that ends at a slash', async (t) => {
  covers('routes[].path')
  const to = await routed(t, [
    { name: 'api', path: '/api' },
    { name: 'dir', path: '/dir/' },
  ])
  for (const path of ['/api', '/api/', '/api/x', '/api?x', '/api/x?y', '/api//x', '/api/x#'.slice(0, -1)])
    assert.equal(await to(path), 'api', path)
  for (const path of ['/dir/', '/dir/x', '/dir/?x']) assert.equal(await to(path), 'dir', path)
  for (const path of ['/apix', '/API', '/', '/x/api', '/api.html', '/api%2fx', '/dir', '/dirx/'])
    assert.equal(await to(path), '404', path)
})

test('a pattern is for the whole path: * is any text but a slash, ** any text', async (t) => {
  covers('routes[].path')
  const to = await routed(t, [
    { name: 'jpg', path: '/files/*.jpg' },
    { name: 'end', path: '/all/**/end' },
    { name: 'below', path: '/below/**' },
    { name: 'git', path: '/**/.git/**' },
    { name: 'mixed', path: '/m/*/**.x*' },
  ])
  for (const path of [
    '/files/a.jpg',
    '/files/.jpg',
    '/files/a.b.jpg',
    '/files/a.jpg?x=/',
    '/files/a.jpg.jpg',
  ])
    assert.equal(await to(path), 'jpg', path)
  for (const path of ['/files/a/b.jpg', '/files/a.jpgx', '/files/ajpg', '/x/files/a.jpg'])
    assert.equal(await to(path), '404', path)
  for (const path of [
    '/all/end',
    '/all/a/end',
    '/all//end',
    '/all/a/b/c/end',
    '/all/end/end',
    '/all/end/x/end',
  ])
    assert.equal(await to(path), 'end', path)
  for (const path of ['/allend', '/all/a/end/', '/all/aend', '/all'])
    assert.equal(await to(path), '404', path)
  assert.equal(await to('/below/'), 'below')
  assert.equal(await to('/below'), '404')
  for (const path of ['/.git/config', '/a/b/.git/', '/.git/.git/x', '/%2Egit/x'])
    assert.equal(await to(path), 'git', path)
  for (const path of ['/.git', '/a.git/x', '/.gitx/y']) assert.equal(await to(path), '404', path)
  for (const path of ['/m/a/.x', '/m/a/b/c.xyz', '/m//.x']) assert.equal(await to(path), 'mixed', path)
  assert.equal(await to('/m/a/b.x/y'), '404')
})

test('no path takes a pattern long', async (t) => {
  covers('routes[].path')
  const to = await routed(t, [{ name: 'deep', path: '/**/a/**/a/**/a/**/b' }])
  const begun = performance.now()
  assert.equal(await to('/a'.repeat(7000)), '404')
  assert.equal(await to(`${'/a'.repeat(7000)}/b`), 'deep')
  assert.ok(performance.now() - begun < 5000)
})

test('a path cannot be written so that workers read it and routes do not', async (t) => {
  covers('routes[].path')
  const worker = await startWorker(t)
  const { port } = await start(t, {
    workers: [worker.url],
    routes: [{ path: '/admin', answer: { status: 403 } }],
  })
  const statusOf = async (path: string): Promise<string> =>
    (await exchange(t, port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).slice(9, 12)
  for (const path of [
    '/admin',
    '/%61dmin',
    '/%61%64%6D%69%6e/x',
    'http://a/admin',
    '/admin?',
    '/admin%2Dx/../..',
  ])
    assert.notEqual(await statusOf(path), '200', path)
  for (const path of [
    '/x/../admin',
    '/./admin',
    '/x/%2e%2E/admin',
    '/admin/..',
    '/x/.',
    '/admin#',
    '/x#/../admin',
    'http://a/./admin',
  ])
    assert.equal(await statusOf(path), '404', path)
  assert.deepEqual(worker.seen, [])
  for (const path of ['/administer', '/.admin', '/..admin', '/a..b/', '/x?/../admin', '/%41dmin'])
    assert.equal(await statusOf(path), '200', path)
})

test('a method, or one of several', async (t) => {
  covers('routes[].method', 'routes[].method[]')
  const to = await routed(t, [
    { name: 'post', method: 'post' },
    { name: 'change', method: ['PUT', 'DELETE'] },
  ])
  assert.equal(await to('/', { method: 'POST' }), 'post')
  assert.equal(await to('/', { method: 'PUT' }), 'change')
  assert.equal(await to('/', { method: 'DELETE' }), 'change')
  assert.equal(await to('/'), '404')
})

test('a header, by its value or by being there', async (t) => {
  covers('routes[].header.*')
  const to = await routed(t, [
    { name: 'both', header: { 'X-Beta': '1', 'X-Any': true } },
    { name: 'beta', header: { 'X-Beta': '1' } },
    { name: 'any', header: { 'x-any': true } },
  ])
  assert.equal(await to('/', { headers: { 'x-beta': '1' } }), 'beta')
  assert.equal(await to('/', { headers: { 'X-ANY': 'whatever' } }), 'any')
  assert.equal(await to('/', { headers: { 'X-Any': '' } }), 'any')
  assert.equal(await to('/', { headers: { 'X-Any': '2', 'X-Beta': '1' } }), 'both')
  assert.equal(await to('/', { headers: { 'X-Beta': '2' } }), '404')
  assert.equal(await to('/', { headers: { 'X-Beta': '1, 1' } }), '404')
})

test('a route must match in all it says, and the first that does serves', async (t) => {
  covers('routes[].host', 'routes[].path', 'routes[].method', 'routes[].header.*')
  const to = await routed(t, [
    { name: 'all', host: 'a', path: '/x', method: 'GET', header: { 'X-Y': 'z' } },
    { name: 'deep', path: '/x/y' },
    { name: 'shallow', path: '/x' },
    { name: 'hidden', path: '/x/y/z' },
  ])
  const headers = { 'X-Y': 'z' }
  assert.equal(await to('/x', { headers }), 'all')
  assert.equal(await to('/x', { headers, host: 'b' }), 'shallow')
  assert.equal(await to('/x', { headers, method: 'PUT' }), 'shallow')
  assert.equal(await to('/x'), 'shallow')
  assert.equal(await to('/x/y/z'), 'deep')
  assert.equal(await to('/'), '404')
})

test('routes name their pools; workers at the top level serve the rest, and without them the rest is a 404', async (t) => {
  covers('routes[].pool', 'pools.*.workers[]', 'workers[]')
  const [api, rest] = [await startWorker(t, 'api'), await startWorker(t, 'rest')]
  const fields = { pools: { api: { workers: [api.url] } }, routes: [{ path: '/api', pool: 'api' }] }
  const whole = await start(t, { ...fields, workers: [rest.url] })
  assert.equal((await ask(`${whole.url}/api/x`)).got.worker, 'api')
  assert.equal((await ask(`${whole.url}/x`)).got.worker, 'rest')
  const { url } = await start(t, fields)
  assert.equal((await ask(`${url}/api/x`)).got.worker, 'api')
  const { status, body } = await ask(`${url}/x`)
  assert.deepEqual([status, body], [404, '{"error":"no route takes this","status":404}\n'])
})
