import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApp, STEADY } from '../support/app.ts'
import { noCrashes } from '../support/crashes.ts'
import { head, OK, stage, type Create } from '../support/hostile.ts'
import { rawClient, type RawClient } from '../support/raw-client.ts'
import { rawWorker } from '../support/raw-worker.ts'
import { until } from '../support/until.ts'
import { BROKEN_CHUNKS, MALFORMED_HEADS } from './split-responses.ts'

const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'

/** Responses that one reader takes for one and another for two, or for none (RFC 9112, 11.1). */
export function splitting(create: Create): void {
  for (const [what, answer] of MALFORMED_HEADS)
    test(`a worker that answers ${what} is a 502, and its connection is not used again`, async (t) => {
      for (const behind of ['', EVIL]) {
        const { app, client, worker, servesOn } = await stage(t, create, answer + behind)
        const one = await client(head('GET /x'))
        const { status, body } = await one.response()
        assert.deepEqual([status, body.includes('evil')], [502, false])
        assert.equal(app.pool.metrics.failed, 1)
        await servesOn(one)
        assert.equal(one.received, '')
        assert.equal(worker.sockets.length, 2)
        await isGivenUp(worker)
      }
    })

  for (const [what, chunks] of BROKEN_CHUNKS)
    test(`a body with ${what} never looks whole, and its connection is not used again`, async (t) => {
      const { app, client, worker, servesOn } = await stage(t, create, (socket) => {
        socket.write(Buffer.from(`${IN_CHUNKS}${chunks}${EVIL}`, 'latin1'))
      })
      const one = await client(head('GET /x'))
      await isCut(one)
      await isGivenUp(worker)
      await until('the request is over', () => app.pool.metrics.failed === 1)
      await servesOn()
      assert.equal(worker.sockets.length, 2)
    })

  for (const [what, answer, request] of [
    ['a length', OK, head('GET /x')],
    ['chunks', `${IN_CHUNKS}2\r\nok\r\n0\r\n\r\n`, head('GET /x')],
    ['chunks and trailers', `${IN_CHUNKS}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`, head('GET /x')],
    ['the length of nothing', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', head('GET /x')],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', head('GET /x')],
    ['304', 'HTTP/1.1 304 Not Modified\r\n\r\n', head('GET /x')],
    ['what a HEAD asks for', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', head('HEAD /x')],
  ] as const)
    test(`a response behind an answer with ${what} is for nobody, at once or later`, async (t) => {
      for (const pause of [false, true]) {
        const { client, worker, servesOn } = await stage(t, create, (socket) => {
          if (pause) socket.write(answer, () => setTimeout(() => socket.write(EVIL), 20))
          else socket.write(answer + EVIL)
        })
        const one = await client(request)
        const { status } = await one.response({ head: request.startsWith('HEAD') })
        assert.equal(status, Number(answer.slice(9, 12)))
        await isGivenUp(worker)
        await servesOn(one)
        assert.equal(one.received, '')
        assert.equal(worker.sockets.length, 2)
      }
    })

  test('what a worker says in a value stays in that value', async (t) => {
    const odd = 'a: b%0d%0aSet-Cookie: c\\r\\nX-Evil: 1; d=\xe5\x98\x8d\xe5\x98\x8a, "\t"'
    const { client, servesOn } = await stage(t, create, OK.replace('OK', `OK\r\nX-Odd: ${odd}`))
    const one = await client(head('GET /x?a=%0d%0aX-Evil:%201'))
    const { headers } = await one.response()
    assert.deepEqual(
      headers.filter(([name]) => /odd|evil|cookie/i.test(name)).map(([, value]) => value),
      [odd],
    )
    await servesOn(one)
  })

  for (const [what, begin, endless] of [
    ['a head without an end', 'HTTP/1.1 200 OK\r\n', 'X-More: 1\r\n'],
    ['a header without an end', 'HTTP/1.1 200 OK\r\nX-More: ', 'x'.repeat(100)],
    ['a reason without an end', 'HTTP/1.1 200 ', 'x'.repeat(100)],
    ['interim answers without an end', '', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'],
    ['empty interim answers without an end', '', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ] as const)
    test(`a worker that sends ${what} is cut off`, async (t) => {
      noCrashes(t)
      const worker = await rawWorker(t, (socket, { path }) => {
        if (path !== '/x') return
        socket.write(begin)
        const more = setInterval(() => socket.write(endless.repeat(20)), 5)
        socket.once('close', () => clearInterval(more))
      })
      const app = await startApp(t, [worker.url], {
        pool: { ...STEADY, timeouts: { response: 1000 } },
        forwarder: create(),
      })
      const one = await rawClient(t, app.port, head('GET /x'))
      let answer = await one.response()
      while (answer.status < 200) answer = await one.response()
      assert.ok([502, 504].includes(answer.status), String(answer.status))
      await isGivenUp(worker)
      await until('nobody is active', () => app.pool.metrics.active === 0)
      const next = await rawClient(t, app.port, head('GET /fine'))
      assert.equal((await next.response()).body, 'fine')
    })

  test('ten thousand interim answers at once do not hide the final one', async (t) => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'
    const { client, servesOn } = await stage(t, create, interim.repeat(10_000) + OK)
    const one = await client(head('GET /x'))
    await until('the final one', () => one.received.endsWith('ok'))
    const [, ...finals] = one.received.split('HTTP/1.1 200 OK')
    assert.equal(finals.length, 1)
    one.socket.destroy()
    await servesOn()
  })
}

const IN_CHUNKS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

/** The client gets a 502, or the beginning of an answer that is plainly cut; one head in any case. */
async function isCut(client: RawClient): Promise<void> {
  const answer = await client.response().catch(() => undefined)
  if (answer) assert.deepEqual([answer.status, client.received], [502, ''])
  else assert.match(client.received, /^(HTTP\/1\.1 200 OK\r\n(?![^]*(HTTP\/1|evil|\r\n0\r\n)))?/)
}

async function isGivenUp({ sockets }: Pick<Awaited<ReturnType<typeof rawWorker>>, 'sockets'>): Promise<void> {
  await until("the worker's connection is closed", () => sockets[0]?.closed === true)
}
