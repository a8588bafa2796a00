import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { suite, test, type TestContext } from 'node:test'
import { lacking, run, start } from './support/programs.ts'
import { assertCounts, outcomes, over, startTcp, tcpWorker } from './support/tcp.ts'

/** A worker that answers when the client has ended its side, and not before: the SHA-256 of all that came. */
const HASHING: Readonly<Record<string, (t: TestContext) => Promise<string>>> = {
  Node: async (t) => {
    const { port } = await tcpWorker(t, (socket) => {
      const hash = createHash('sha256')
      socket.on('data', (chunk) => hash.update(chunk)).on('end', () => socket.end(`${hash.digest('hex')}\n`))
    })
    return `tcp://127.0.0.1:${port}`
  },
  socat: async (t) => {
    const args = ['-d', '-d', '-t', '20', 'TCP-LISTEN:0,bind=127.0.0.1,fork', 'EXEC:sha256sum']
    const { stderr } = start(t, 'socat', args)
    const [line] = (await once(createInterface({ input: stderr as NonNullable<typeof stderr> }), 'line')) as [
      string,
    ]
    return `tcp://${/127\.0\.0\.1:\d+$/.exec(line)?.[0]}`
  },
}

/** A client that sends its input, ends its side, and prints what comes until the worker ends its own. */
const ASKING: Readonly<Record<string, (port: string) => readonly [program: string, ...args: string[]]>> = {
  Node: (port) => [
    process.execPath,
    '--eval',
    `process.stdin.pipe(require('node:net').connect({ port: ${port}, host: '127.0.0.1', allowHalfOpen: true })).pipe(process.stdout)`,
  ],
  socat: (port) => ['socat', '-t', '20', '-', `TCP:127.0.0.1:${port}`],
  'nc -N': (port) => ['nc.openbsd', '-N', '127.0.0.1', port],
}

const skip: Readonly<Record<string, string | false>> = {
  Node: false,
  socat: lacking(['socat'], 'socat'),
  'nc -N': lacking(['nc.openbsd'], 'netcat-openbsd'),
}

suite('a half-closed connection', () => {
  for (const [worker, hashing] of Object.entries(HASHING))
    for (const [client, asking] of Object.entries(ASKING))
      test(
        `of ${client} still gets the answer of ${worker}`,
        { skip: skip[client] || skip[worker] || false },
        async (t) => {
          const app = await startTcp(t, [await hashing(t)])
          const bytes = randomBytes(3 << 20)
          const [program, ...args] = asking(String(app.port))
          const hash = createHash('sha256').update(bytes).digest('hex')
          assert.equal((await run(t, program, args, bytes)).toString().slice(0, 64), hash)
          await over(app)
          assertCounts(app, { total: 1 })
          assert.deepEqual(outcomes(app.pool.workers), { closed: 1 })
          assert.equal(app.pool.workers[0]?.sent, bytes.length)
        },
      )
})
