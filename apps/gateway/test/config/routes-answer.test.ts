import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchange } from '../raw.ts'
import { covers } from './covers.ts'
import { ask, start, startWorker } from './running.ts'

test('a fixed answer has a status, a body and a type', async (t) => {
  covers('routes[].answer.status', 'routes[].answer.body', 'routes[].answer.type')
  const { url } = await start(t, {
    routes: [
      { path: '/text', answer: { status: 503, body: 'back soon \u2665\n' } },
      { path: '/json', answer: { status: 200, body: '{"ok":true}', type: 'application/problem+json' } },
      { path: '/bare', answer: { status: 410 } },
      { path: '/none', answer: { status: 204, body: 'never sent' } },
      { path: '/same', answer: { status: 304, body: 'never sent' } },
    ],
  })
  for (const [path, status, type, length, body] of [
    ['/text', 503, 'text/plain; charset=utf-8', '14', 'back soon \u2665\n'],
    ['/json', 200, 'application/problem+json', '11', '{"ok":true}'],
    ['/bare', 410, undefined, '0', ''],
  ] as const)
    for (const method of ['GET', 'POST', 'HEAD']) {
      const answer = await ask(url + path, { method, ...(method === 'POST' && { body: 'unread' }) })
      assert.deepEqual(
        [answer.status, answer.headers['content-type'], answer.headers['content-length'], answer.body],
        [status, type, length, method === 'HEAD' ? '' : body],
      )
    }
  for (const [path, status] of [
    ['/none', 204],
    ['/same', 304],
  ] as const) {
    const answer = await ask(url + path)
    assert.deepEqual([answer.status, answer.body, answer.headers['content-length']], [status, '', undefined])
  }
})

test('a connection serves on behind answers, also those to HEAD and to bodies', async (t) => {
  covers('routes[].answer.status', 'routes[].answer.body')
  const { port } = await start(t, { routes: [{ answer: { status: 200, body: 'here' } }] })
  const all = await exchange(
    t,
    port,
    'HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.equal(all.match(/HTTP\/1\.1 200 OK/g)?.length, 3)
  assert.equal(all.match(/\r\n\r\nhere/g)?.length, 2)
})

test('a redirect has a target and a status', async (t) => {
  covers('routes[].redirect.to', 'routes[].redirect.status')
  const statuses = [301, 302, 303, 307, 308]
  const { url } = await start(t, {
    routes: [
      ...statuses.map((status) => ({ path: `/${status}`, redirect: { to: '/there', status } })),
      { path: '/usual', redirect: { to: 'https://new.test/fixed' } },
    ],
  })
  for (const status of statuses) {
    const answer = await ask(`${url}/${status}`)
    assert.deepEqual([answer.status, answer.headers.location], [status, '/there'])
  }
  const usual = await ask(`${url}/usual?x`)
  assert.deepEqual([usual.status, usual.headers.location, usual.body], [302, 'https://new.test/fixed', ''])
})

test('$path is the path and query, byte for byte', async (t) => {
  covers('routes[].redirect.to')
  const { url, port } = await start(t, {
    routes: [
      { host: 'twice.test', redirect: { to: '/login$path?then=$path' } },
      { redirect: { to: 'https://new.test$path' } },
    ],
  })
  for (const path of ['/', '/a/b?c=d&e', '/%61', "/a$&b$'c$$d$1", '/?x=//y'])
    assert.equal((await ask(url + path)).headers.location, `https://new.test${path}`)
  const { headers } = await ask(`${url}/x`, { headers: { Host: 'twice.test' } })
  assert.equal(headers.location, '/login/x?then=/x')
  const absolute = await exchange(
    t,
    port,
    'GET http://evil.test/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.match(absolute, /\r\nLocation: https:\/\/new\.test\/x\?y\r\n/)
})

test('no path makes a redirect lead to another host', async (t) => {
  covers('routes[].redirect.to')
  const hosts = {
    'path.test': '$path',
    'slash.test': '/$path',
    'below.test': '/below$path',
    'url.test': 'https://new.test$path',
  }
  const { port } = await start(t, {
    routes: Object.entries(hosts).map(([host, to]) => ({ host, redirect: { to } })),
  })
  const paths = [
    '//evil.test',
    '///evil.test',
    '/\\evil.test',
    '/\\/evil.test',
    '//evil.test/%2e%2e',
    '/\t/evil.test',
    '/\x0c/evil.test',
    '/@evil.test',
    '/.evil.test',
    '/.//evil.test',
    '/x/..//evil.test',
    'http://evil.test//evil.test',
    'http://evil.test\\evil.test',
    'http://evil.test',
    'https:////evil.test',
    '*',
  ]
  for (const host of Object.keys(hosts))
    for (const path of paths) {
      const target = path.startsWith('http') ? path.replace(/^https?:\/\/[^/\\?#]*/, `http://${host}`) : path
      const answer = await exchange(
        t,
        port,
        `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      )
      const [, location] = /\r\nLocation: ([^\r]*)\r\n/.exec(answer) ?? []
      if (location === undefined) {
        assert.match(answer, /^HTTP\/1\.1 4\d\d /, `${host} ${path}`)
        continue
      }
      const led = new URL(location, `http://${host}/`).host
      assert.equal(led, host === 'url.test' ? 'new.test' : host, `${path} led to ${location}`)
    }
})

test('no path forges a header of a redirect', async (t) => {
  covers('routes[].redirect.to')
  const { port } = await start(t, { routes: [{ redirect: { to: 'https://new.test$path' } }] })
  const answer = await exchange(
    t,
    port,
    'GET /%0d%0aSet-Cookie:x=y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.match(answer, /\r\nLocation: https:\/\/new\.test\/%0d%0aSet-Cookie:x=y\r\n/)
  assert.doesNotMatch(answer, /^set-cookie/im)
})

test('routes of all kinds stand beside each other', async (t) => {
  covers('routes[].pool', 'routes[].answer.status', 'routes[].redirect.to')
  const worker = await startWorker(t)
  const { url } = await start(t, {
    workers: [worker.url],
    routes: [
      { path: '/health', answer: { status: 200 } },
      { path: '/old', redirect: { to: '/new' } },
    ],
  })
  assert.equal((await ask(`${url}/health`)).status, 200)
  assert.equal((await ask(`${url}/old`)).status, 302)
  assert.equal((await ask(`${url}/new`)).got.url, '/new')
  assert.equal(worker.seen.length, 1)
})
