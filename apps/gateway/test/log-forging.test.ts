import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { exchange } from './raw.ts'
import { get, startGateway, startWorker } from './processes.ts'

/** What would begin a line of its own, or turn up as a field, if the log took it as it comes. */
const FORGED =
  '2026-01-01T00:00:00.000Z 6.6.6.6 "GET /forged" 200 1 worker=forged attempts=1 1.0 ms id=forged'
/** The bytes that Node's parser lets pass in a header's value, beside visible ASCII. */
const ODD_BYTES = `\t"\\'\x80\x85\x9b\xa0\xe2\x80\xa8\xff`

/** Lines of the log hold nothing but visible ASCII and the mark of what was cut. */
const PLAIN_LINE = /^[ -~…]*$/

for (const FORWARDER of ['http-proxy', 'undici'])
  test(`no header, path or method forges a line of the log, by ${FORWARDER}`, async (t) => {
    const worker = await startWorker(t, 'a')
    const gateway = await startGateway(t, [worker.url], { FORWARDER })
    await gateway.line(/ is up/)
    const before = gateway.lines.length

    const path = `/q"${FORGED.replaceAll(' ', '"')}\\x0a%0d%0a${FORGED.replaceAll(' ', '%20')}`
    const attempts: [string, string][] = [
      [`GET ${path} HTTP/1.1\r\nHost: a\r\n`, String.raw`GET /q\x222026-01`],
      [`GET /u/${'u'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n`, `GET /u/${'u'.repeat(1997)}…" 200 `],
      [
        `GET /id HTTP/1.1\r\nHost: a\r\nX-Request-Id: x" ${FORGED}${ODD_BYTES}\r\n`,
        String.raw` id=x\x22\x202026-`,
      ],
      [`GET /long HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${'i'.repeat(9000)}\r\n`, ` id=${'i'.repeat(200)}…`],
      [
        `GET /agent HTTP/1.1\r\nHost: a\r\nUser-Agent: ${FORGED}${ODD_BYTES}\r\nVia: ${FORGED}\r\n`,
        '"GET /agent" ',
      ],
      [`M-SEARCH /method HTTP/1.1\r\nHost: a\r\n`, '"M-SEARCH /method" '],
    ]
    for (const [head] of attempts) await exchange(t, gateway.port, `${head}Connection: close\r\n\r\n`)
    for (const [, shown] of attempts)
      await gateway.line(new RegExp(shown.replaceAll(/[\\"/.]/g, String.raw`\$&`)))

    // What is refused by the parser is told without its bytes.
    for (const bytes of [
      `FORGED / HTTP/1.1\r\n${FORGED}\r\n\r\n`,
      `GET /\x1b[2Jforged HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET /\u0085forged HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\nb${FORGED}\x07\r\n\r\n`,
    ])
      assert.match(await exchange(t, gateway.port, bytes), /^HTTP\/1\.1 400 Bad Request\r\n/)

    await gateway.line(/ client 127\.0\.0\.1 was answered 400: /)

    const lines = gateway.lines.slice(before)
    for (const line of lines) assert.match(line, PLAIN_LINE)
    const ordinary = lines.filter((line) => !line.includes(' client '))
    assert.equal(ordinary.length, attempts.length, ordinary.join('\n'))
    for (const line of ordinary) {
      assert.match(
        line,
        /^\S+Z 127\.0\.0\.1 "[^" ]+ [^" ]+" \d+ \S+ worker=\S+ attempts=\d [\d.]+ ms id=\S+$/,
      )
      assert.doesNotMatch(line, / worker=forged | id=forged$/)
    }
    assert.doesNotMatch(lines.filter((line) => line.includes(' client ')).join('\n'), /forged|FORGED/)
  })

for (const FORWARDER of ['http-proxy', 'undici'])
  test(`no worker forges a line of the log by what it answers, by ${FORWARDER}`, async (t) => {
    const worker = createServer((socket) => {
      socket
        .on('error', () => {})
        .on('data', (data) => {
          const isProbe = data.toString('latin1').startsWith('GET /health ')
          if (isProbe) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
          else socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${FORGED}${ODD_BYTES}\r\n\r\n`, 'latin1')
        })
    }).listen(0, '127.0.0.1')
    t.after(() => worker.close())
    await once(worker, 'listening')
    const { port } = worker.address() as { port: number }
    const gateway = await startGateway(t, [`http://127.0.0.1:${port}`], { FORWARDER })
    await gateway.line(/ is up/)
    const before = gateway.lines.length
    assert.equal((await get(`${gateway.url}/x`, { 'x-request-id': 'mine' })).status, 502)
    await gateway.line(/ 502 /)
    const lines = gateway.lines.slice(before)
    assert.equal(lines.length, 2, lines.join('\n'))
    assert.match(lines[0] ?? '', /^\S+Z "GET \/x" failed: [ -~]+ id=mine$/)
    assert.match(
      lines[1] ?? '',
      /^\S+Z 127\.0\.0\.1 "GET \/x" 502 \d+ worker=\S+ attempts=1 [\d.]+ ms id=mine$/,
    )
    assert.equal(lines[0]?.split('"').length, 3, 'no quotes but those around the request')
  })
