import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { fuzzed } from '../support/fuzzed.ts'
import { fuzzStage } from '../support/fuzz-stage.ts'
import type { Create } from '../support/hostile.ts'
import { requests } from '../support/hostile-bytes.ts'
import {
  readRequests,
  readResponse,
  valuesOf,
  type StrictRequest,
  type StrictResponse,
} from '../support/strict-http.ts'

/** What a request asks for, as a worker has it; for no Host, or an empty one, the worker's own. */
function asked({ target, fields }: StrictRequest, workerHost = ''): { path: string; host: string } {
  const [, authority, path] = /^https?:\/\/(?:[^/?#]*@)?([^/?#]*)([^#]*)/i.exec(target) ?? []
  if (path === undefined) return { path: target, host: valuesOf(fields, 'host')[0] || workerHost }
  return { path: path.startsWith('/') ? path : `/${path}`, host: authority ?? '' }
}

/** What of a request a worker must have as the client has sent it. */
function essence(request: StrictRequest, workerHost: string): string {
  return JSON.stringify([request.method, asked(request, workerHost), request.body])
}

/** What the balancer says itself, or says anew. */
const OWN =
  /^(connection|content-length|host|max-forwards|te|transfer-encoding|via|x-forwarded-(for|host|port|proto)|x-request-id)$/

/** The headers that a worker gets from the client. */
function names({ fields }: StrictRequest): string[] {
  return fields.map(([name]) => name.toLowerCase()).filter((name) => !OWN.test(name))
}

/** The final responses that have come, to requests with these methods. */
function readAnswers(received: string, methods: readonly string[], ended: boolean) {
  const answers: StrictResponse[] = []
  let text = received
  while (text !== '') {
    const { response, end, why, rest } = readResponse(text, methods[answers.length] ?? 'GET', ended)
    assert.notEqual(end, 'bad', `the client gets ${why} in ${JSON.stringify(received)}`)
    if (!response) break
    answers.push(response)
    text = rest
  }
  return answers
}

/** Whatever clients send, workers get the requests that everybody would read in it, and clients the answers to these. */
export function fuzzRequests(create: Create): void {
  test('whatever clients send', async (t) => {
    const { pool, clear, talk, rests } = await fuzzStage(t, create, (request, socket) => {
      const body = `answer to ${request.target}`
      socket.write(
        `HTTP/1.1 200 OK\r\nX-Answered: ${asked(request).path}\r\nContent-Length: ${body.length}\r\n\r\n${request.method === 'HEAD' ? '' : body}`,
        'latin1',
      )
    })
    const workerHost = pool.workers[0]?.url.host ?? ''
    let serial = 0
    const counts = { good: 0, served: 0, refused: 0, silent: 0 }

    await fuzzed(t, requests, async (made) => {
      const { failed } = pool.metrics
      await clear()
      const mark = `m${serial++}x`
      const last = `GET /${mark}last HTTP/1.1\r\nHost: last.test\r\n\r\n`
      const pieces = [...made.map((piece) => piece.replaceAll('$', mark)), last]
      const reading = readRequests(pieces.join(''))
      const methods = reading.requests.map(({ method }) => method)
      const client = await talk(pieces)
      const answers = (ended = false): StrictResponse[] => readAnswers(client.received, methods, ended)
      await client.until('an answer', () => answers().length >= methods.length)
      if (reading.end !== 'whole') for (let i = 0; i < 5; i++) await turn() // what is wrong has time to go wrong
      client.socket.end()
      await client.until('the end', () => false)
      client.socket.destroy()
      const { whole, partial } = await rests()
      assert.equal(pool.metrics.failed, failed, 'no worker is blamed')

      const expected = reading.requests
        .filter(({ unfit }) => unfit === undefined)
        .map((one) => ({ essence: essence(one, workerHost), names: names(one) }))
      for (const request of whole) {
        const got = essence(request, workerHost)
        const at = expected.findIndex((one) => one.essence === got)
        assert.notEqual(at, -1, `a worker got ${got} that nobody sent`)
        const sent = new Set(expected.splice(at, 1)[0]?.names)
        assert.deepEqual(
          names(request).filter((name) => !sent.has(name)),
          [],
          'no header comes from nowhere',
        )
      }
      const begun = [...reading.requests, ...(reading.partial ? [reading.partial] : [])]
      for (const { method, target } of partial)
        assert.ok(
          begun.some((one) => one.method === method && asked(one).path === target),
          `a worker got ${target}`,
        )
      for (const [i, answer] of answers(client.over === 'ended').entries()) {
        const request = reading.requests[i]
        const [answered] = valuesOf(answer.fields, 'x-answered')
        if (answered === undefined) counts.refused++
        else {
          assert.ok(request, `an answer to ${answered}, which was not asked`)
          assert.equal(answered, asked(request).path)
          counts.served++
        }
      }
      counts.good += methods.length
      if (client.received === '') counts.silent++
    })
    t.diagnostic(JSON.stringify(counts))
    assert.ok(counts.served > counts.good / 4, 'what is good is served')
  })
}
