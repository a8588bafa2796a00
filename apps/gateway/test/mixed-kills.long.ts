import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { test } from 'node:test'
import { invariants } from './invariants.ts'
import { lastingPort, startGateway, startWorker, type Running } from './processes.ts'

const ROUNDS = 5
const CLIENTS = 200
/** Every fourth request is a POST. */
const POST_EVERY = 4
const BODY = randomBytes(16 * 1024)

interface Answer {
  readonly status: number
  readonly body: Buffer
  /** Whether the body came to its end. */
  readonly isWhole: boolean
}

/** One request over a connection that its client keeps; the answer as far as it came, status 0 if none did. */
function ask(url: string, agent: Agent, body?: Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    let status = 0
    const end = (isWhole: boolean): void => resolve({ status, body: Buffer.concat(parts), isWhole })
    const headers = body && { 'content-length': body.length, 'content-type': 'application/octet-stream' }
    const req = request(url, { agent, method: body ? 'POST' : 'GET', ...(headers && { headers }) }, (res) => {
      status = res.statusCode ?? 0
      res.on('data', (part: Buffer) => void parts.push(part))
      res.on('end', () => end(true)).on('error', () => end(false))
    })
    req.on('error', () => end(false)).end(body)
  })
}

for (const FORWARDER of ['http-proxy', 'undici'])
  test(`${CLIENTS} clients lose no GET, and no POST but those that a killed worker had, by ${FORWARDER}`, async (t) => {
    const workers = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => startWorker(t, name, await lastingPort())),
    )
    const urls = workers.map(({ url }) => url)
    const gateway = await startGateway(t, urls, { FORWARDER })
    await gateway.line(/ is up/)

    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
    t.after(() => agent.destroy())
    const wrong: string[] = []
    const run = { goesOn: true }
    const counts = { gets: 0, posts: 0, lost: 0 }
    let postsInFlight = 0
    async function post(): Promise<void> {
      counts.posts++
      postsInFlight++
      const answer = await ask(`${gateway.url}/echo?delay=2`, agent, BODY)
      postsInFlight--
      if (answer.status === 200 && answer.isWhole && answer.body.equals(BODY)) return
      const isClean = answer.status === 502 && answer.isWhole && answer.body.length > 0
      if (isClean) counts.lost++
      else wrong.push(`POST: ${answer.status}, ${answer.body.length} bytes, whole: ${answer.isWhole}`)
    }
    async function fetchOne(): Promise<void> {
      counts.gets++
      const { status, body, isWhole } = await ask(`${gateway.url}/load?delay=2`, agent)
      if (status !== 200 || !isWhole) wrong.push(`GET: ${status} ${String(body)}, whole: ${isWhole}`)
    }
    const clients = Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => {
        for (let n = i; run.goesOn; n++) await (n % POST_EVERY === 0 ? post() : fetchOne())
      }),
    )

    let atRisk = 0
    for (let round = 0; round < ROUNDS; round++) {
      const victim = workers[round % workers.length] as Running
      const about = `worker 127.0.0.1:${victim.port} is`
      const before = gateway.lines.length
      // The victim has a third of these, so there is room for those that reach it between here and its end.
      atRisk += postsInFlight
      await victim.end('SIGKILL')
      await gateway.line(new RegExp(`${about} down`), before)
      workers[round % workers.length] = await startWorker(t, 'again', victim.port)
      await gateway.line(new RegExp(`${about} up`), before)
    }
    run.goesOn = false
    await clients
    assert.deepEqual(wrong, [])

    const sample = await invariants(gateway)
    const [total, retries] = [sample('rondo_requests_total'), sample('rondo_retries_total')]
    const { gets, posts, lost } = counts
    t.diagnostic(
      `${gets} GETs, ${posts} POSTs, ${retries} retries; of ${atRisk} POSTs under way at the kills ${lost} were lost`,
    )
    assert.ok(lost <= atRisk, `${lost} POSTs were lost, though ${atRisk} were under way`)
    assert.equal(total, gets + posts)
    assert.equal(sample('rondo_requests_failed_total'), lost)
  })
