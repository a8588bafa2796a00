import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { fuzzStage } from '../support/fuzz-stage.ts'
import { fuzzed } from '../support/fuzzed.ts'
import type { Create } from '../support/hostile.ts'
import { responses } from '../support/hostile-bytes.ts'
import { readResponse, valuesOf, type StrictRequest, type StrictResponse } from '../support/strict-http.ts'

const exchange = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'HEAD', 'DELETE'),
  version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
  pieces: responses,
  /** What the worker does with its connection behind the bytes. */
  ending: fc.constantFrom('stay', 'stay', 'end', 'reset'),
})

/** Whether a response is the balancer's word on a worker's. */
function isOwn({ status, fields }: StrictResponse): boolean {
  return status === 502 && valuesOf(fields, 'x-answered').length === 0
}

/** Whatever workers answer, a client gets the answer that everybody would read in it, or none that looks whole. */
export function fuzzResponses(create: Create): void {
  test('whatever workers answer', async (t) => {
    let script: (socket: Socket) => Promise<void>
    let running: Promise<void>[] = []
    const { clear, talk, rests } = await fuzzStage(t, create, ({ target }: StrictRequest, socket) => {
      if (!target.endsWith('last')) {
        running.push(script(socket))
        return
      }
      const body = `answer to ${target}`
      socket.write(
        `HTTP/1.1 200 OK\r\nX-Answered: ${target}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    })
    let serial = 0
    const counts = { whole: 0, passed: 0, refused: 0, cut: 0 }

    await fuzzed(t, exchange, async ({ method, version, pieces: made, ending }) => {
      await clear()
      const mark = `m${serial++}x`
      const pieces = made.map((piece) => piece.replaceAll('$', mark))
      const stays = readResponse(pieces.join(''), method, false).end === 'whole'
      const end = ending === 'stay' && !stays ? 'end' : ending
      const sent = readResponse(pieces.join(''), method, end === 'end')
      running = []
      script = async (socket) => {
        for (const piece of pieces) {
          socket.write(piece, 'latin1')
          await turn()
        }
        if (end === 'end') socket.end()
        else if (end === 'reset') socket.resetAndDestroy()
      }

      const body = method === 'POST' ? 'Content-Length: 5\r\n\r\nhello' : '\r\n'
      const client = await talk([
        `${method} /${mark} HTTP/${version}\r\nHost: a.test\r\nConnection: keep-alive\r\n${body}`,
      ])
      const read = () => readResponse(client.received, method, client.over === 'ended')
      await client.until('a response', () => read().response !== undefined)
      const got = read()
      const isOver = got.response === undefined || client.over !== undefined
      if (isOver) await client.until('the end', () => false)
      await Promise.all(running)
      for (let i = 0; i < 3; i++) await turn() // what was written last is with the balancer by then

      const next = client.over ? await talk([]) : client
      const before = next === client ? client.received.length : 0
      await next.send([`GET /${mark}last HTTP/1.1\r\nHost: last.test\r\n\r\n`])
      const readNext = () => readResponse(next.received.slice(before), 'GET', false)
      await next.until('the next response', () => readNext().response !== undefined)
      const last = readNext()
      for (const side of [client, next]) side.socket.destroy()
      await rests()

      const tale = JSON.stringify(
        { client: client.received, next: next.received.slice(before), end },
        null,
        1,
      )
      assert.notEqual(got.end, 'bad', `the client gets ${got.why}: ${tale}`)
      if (got.response) assert.equal(got.rest, '', `more than a response: ${tale}`)
      assert.deepEqual([last.response?.body, last.rest], [`answer to /${mark}last`, ''], tale)
      if (sent.response) counts.whole++
      if (!got.response) counts.cut++
      else if (isOwn(got.response)) counts.refused++
      else {
        assert.ok(sent.response, `what is ${sent.end} (${sent.why}) looks whole: ${tale}`)
        assert.deepEqual(
          [got.response.status, got.response.body],
          [sent.response.status, sent.response.body],
          tale,
        )
        assert.deepEqual(
          got.response.interims.filter((status) => !sent.response?.interims.includes(status)),
          [],
        )
        counts.passed++
      }
    })
    t.diagnostic(JSON.stringify(counts))
    assert.ok(counts.passed > counts.whole * 0.8, 'what is whole is passed on')
  })
}
