import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { fuzzed } from '../support/fuzzed.ts'
import { fuzzStage } from '../support/fuzz-stage.ts'
import type { Create } from '../support/hostile.ts'
import { handshakes } from '../support/hostile-bytes.ts'
import { readResponse, valuesOf, type Response, type StrictResponse } from '../support/strict-http.ts'
import { upgradeHead } from '../support/web-sockets.ts'

const exchange = fc.record({ pieces: handshakes, ending: fc.constantFrom('stay', 'stay', 'end', 'reset') })

/** Whether a worker has agreed to a WebSocket and nothing else. */
function agrees({ status, fields }: StrictResponse): boolean {
  const words = valuesOf(fields, 'connection')
    .join()
    .toLowerCase()
    .split(/[\t ]*,[\t ]*/)
  const protocol = valuesOf(fields, 'upgrade').join().toLowerCase()
  return status === 101 && words.includes('upgrade') && protocol === 'websocket'
}

/** Whatever workers answer to handshakes, a WebSocket stands only where everybody would see one. */
export function fuzzUpgrades(create: Create): void {
  test('whatever workers answer to handshakes', async (t) => {
    let script: (socket: Socket) => Promise<void>
    let running: Promise<void>[] = []
    const { clear, talk, rests } = await fuzzStage(t, create, ({ target }, socket) => {
      if (target.endsWith('last'))
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`)
      else running.push(script(socket))
    })
    let serial = 0
    const counts = { stands: 0, passed: 0, refused: 0, cut: 0 }

    await fuzzed(t, exchange, async ({ pieces: made, ending }) => {
      await clear()
      const mark = `m${serial++}x`
      const pieces = made.map((piece) => piece.replaceAll('$', mark))
      const read = (text: string, ended: boolean): Response => readResponse(text, 'GET', ended, true)
      const stays = read(pieces.join(''), false).end === 'whole'
      const end = ending === 'stay' && !stays ? 'end' : ending
      const sent = read(pieces.join(''), end === 'end')
      running = []
      script = async (socket) => {
        for (const piece of pieces) {
          socket.write(piece, 'latin1')
          await turn()
        }
        if (end === 'end') socket.end()
        else if (end === 'reset') socket.resetAndDestroy()
      }

      const client = await talk([upgradeHead(`/${mark}`)])
      const got = (): Response => read(client.received, client.over === 'ended')
      await client.until('an answer', () => got().response !== undefined)
      await Promise.all(running)
      for (let i = 0; i < 4; i++) await turn() // what was written last is with the client by then
      const { response, rest, end: how, why } = got()
      const next = await talk([`GET /${mark}last HTTP/1.1\r\nHost: last.test\r\n\r\n`])
      await next.until('the next answer', () => next.received.endsWith(`/${mark}last`))
      for (const side of [client, next]) side.socket.destroy()
      await rests()

      const tale = JSON.stringify({ sent: pieces.join(''), client: client.received, end }, null, 1)
      assert.match(next.received, new RegExp(`^HTTP/1\\.1 200 OK\\r\\n[^]*\\r\\n\\r\\n/${mark}last$`), tale)
      assert.notEqual(how, 'bad', `the client gets ${why}: ${tale}`)
      if (!response) counts.cut++
      else if (response.status === 101) {
        assert.ok(sent.response && agrees(sent.response), `nobody has agreed: ${tale}`)
        assert.ok(agrees(response), tale)
        for (const name of ['content-length', 'transfer-encoding'])
          assert.deepEqual(valuesOf(response.fields, name), [], `a 101 has no body: ${tale}`)
        assert.ok(sent.rest.startsWith(rest), tale)
        if (end === 'stay') assert.equal(rest, sent.rest, tale)
        counts.stands++
      } else {
        assert.equal(rest, '', `more than an answer: ${tale}`)
        if (sent.response?.status === response.status && sent.response.body === response.body) counts.passed++
        else {
          assert.ok([502, 504].includes(response.status), `what is ${sent.end} looks whole: ${tale}`)
          counts.refused++
        }
      }
    })
    t.diagnostic(JSON.stringify(counts))
    for (const count of Object.values(counts)) assert.ok(count > 0, 'there is some of everything')
  })
}
