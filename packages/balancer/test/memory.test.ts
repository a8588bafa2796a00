import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { get, request } from 'node:http'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { startWorker } from './support/workers.ts'

const MB = 1_000_000

function* zeros(length: number): Generator<Buffer> {
  const chunk = Buffer.alloc(50_000)
  for (let sent = 0; sent < length; sent += chunk.length) yield chunk
}

/** Counts what it is given; `pace` makes it slow. */
class Counter extends Writable {
  bytes = 0
  readonly #pace: (() => Promise<unknown>) | undefined

  constructor(pace?: () => Promise<unknown>) {
    super()
    this.#pace = pace
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, taken: (error?: Error) => void): void {
    this.bytes += chunk.length
    if (this.#pace) this.#pace().then(() => taken(), taken)
    else taken()
  }
}

async function startBalancer(t: TestContext, worker: string) {
  // V8's nursery alone may take 48 MB before it is swept; kept small, what grows is what the balancer holds.
  const execArgv = ['--max-semi-space-size=1']
  const child = fork(new URL('support/balancer-process.ts', import.meta.url), [worker], { execArgv })
  t.after(() => child.kill('SIGKILL'))
  const [port] = (await once(child, 'message')) as [number]
  const tell = async (message: 'baseline' | 'peak'): Promise<number> => {
    child.send(message)
    return ((await once(child, 'message')) as [number])[0]
  }
  return { url: `http://127.0.0.1:${port}`, tell }
}

async function download(url: string, length: number, pace?: () => Promise<unknown>): Promise<number> {
  const sink = new Counter(pace)
  const [res] = (await once(get(`${url}/${length}`), 'response')) as [Readable]
  await pipeline(res, sink)
  return sink.bytes
}

async function upload(url: string, length: number): Promise<string> {
  const req = request(url, { method: 'POST' })
  const answer = once(req, 'response') as Promise<[Readable]>
  await pipeline(Readable.from(zeros(length)), req)
  const [res] = await answer
  return (await res.toArray()).join('')
}

for (const isSlow of [false, true])
  test(`100 MB down and 100 MB up grow the balancer by less than 32 MB${isSlow ? ', read slowly' : ''}`, async (t) => {
    const pace = isSlow ? async () => turn() : undefined
    const worker = await startWorker(t, (req, res) => {
      const sink = new Counter(pace)
      if (req.method === 'GET') Readable.from(zeros(Number(req.url?.slice(1)))).pipe(res)
      else req.pipe(sink).on('finish', () => res.end(String(sink.bytes)))
    })
    const { url, tell } = await startBalancer(t, worker.url)
    // Warmed by small ones, so that who holds a body in memory has not grown by it before it counts.
    for (let i = 0; i < 40; i++) await Promise.all([download(url, 8 * MB, pace), upload(url, 8 * MB)])
    await tell('baseline')
    assert.equal(await download(url, 100 * MB, pace), 100 * MB)
    assert.equal(await upload(url, 100 * MB), String(100 * MB))
    const grown = await tell('peak')
    t.diagnostic(`grown by ${(grown / MB).toFixed(1)} MB`)
    assert.ok(grown < 32 * MB, `grown by ${(grown / MB).toFixed(1)} MB`)
  })
