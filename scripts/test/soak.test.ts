import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readArguments } from '../soak/arguments.ts'
import type { Counts, Trouble } from '../soak/balancer.ts'
import { Chance } from '../soak/chance.ts'
import { fewest, handleGrowth, heapGrowth } from '../soak/growth.ts'
import { brokenInvariants, judge, type Ending, type Exchange, type Kind } from '../soak/rules.ts'
import { Tally } from '../soak/tally.ts'
import { allGone, waitFor } from './processes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

suite('arguments', () => {
  test('are seconds, a seed and a forwarder; without them both are soaked for two minutes', () => {
    const { seed, ...rest } = readArguments([])
    assert.deepEqual(rest, {
      seconds: 120,
      forwarders: ['http-proxy', 'undici'],
      gateway: false,
      help: false,
    })
    assert.ok(seed >= 1)
    assert.deepEqual(
      readArguments(['--', '--seconds', '9', '--seed', '3', '--forwarder', 'undici', '--gateway']),
      {
        seconds: 9,
        seed: 3,
        forwarders: ['undici'],
        gateway: true,
        help: false,
      },
    )
  })

  for (const [args, message] of [
    [['--seconds', '0'], /--seconds is "0"; give a whole number from 1 to 86400/],
    [['--seed', 'x'], /--seed is "x"; give a whole number/],
    [['--forwarder', 'nginx'], /no forwarder "nginx"; use one of: http-proxy, undici/],
    [['--fast'], /--fast/],
  ] as const)
    test(`that are bad are one line: ${args.join(' ')}`, () => {
      assert.throws(() => readArguments(args), message)
    })
})

test('chance is the same for the same seed, and within its bounds', () => {
  const draw = (seed: number): number[] => {
    const chance = new Chance(seed)
    return Array.from({ length: 1000 }, () => chance.between(1, 6))
  }
  assert.deepEqual(draw(5), draw(5))
  assert.notDeepEqual(draw(5), draw(6))
  assert.deepEqual(new Set(draw(5)), new Set([1, 2, 3, 4, 5, 6]))
  assert.throws(() => new Chance(1).one([]), RangeError)
})

const CUT: Ending = { how: 'cut', begun: false, why: 'socket hang up' }
const CUT_LATE: Ending = { how: 'cut', begun: true, why: 'aborted' }
const BAD_GATEWAY: Ending = { how: 'refused', status: 502 }

/** An exchange from 1000 to 2000 ms; worker `a` served it, and was killed at 1500 unless said otherwise. */
function verdict(
  kind: Kind,
  ending: Ending,
  about: { killedAt?: number; worker?: string; begun?: boolean } = {},
) {
  const { killedAt = 1500, worker = 'a', begun = false } = about
  const exchange: Exchange = { id: 'x', kind, began: 1000, ended: 2000, ending }
  const trouble: Trouble = { id: 'x', worker, attempts: 1, begun, error: undefined }
  return judge(exchange, trouble, [{ worker: 'a', at: killedAt, gone: killedAt + 10 }])
}

suite('the rules', () => {
  for (const kind of ['get', 'slow-get', 'large-get', 'head', 'events', 'websocket'] as const) {
    test(`let no ${kind} fail before its response began, even if its worker was killed`, () => {
      for (const ending of [CUT, BAD_GATEWAY, { how: 'refused', status: 503 }] as const)
        assert.equal(verdict(kind, ending).allowed, false)
    })

    test(`let a ${kind} be cut afterwards when its worker was killed, and only then`, () => {
      assert.equal(verdict(kind, CUT_LATE).allowed, true)
      assert.equal(verdict(kind, CUT_LATE, { worker: 'b' }).allowed, false)
      assert.equal(verdict(kind, CUT_LATE, { killedAt: 2100 }).allowed, false)
      assert.equal(verdict(kind, CUT_LATE, { killedAt: 500 }).allowed, false)
    })
  }

  for (const kind of ['post', 'post-chunked'] as const)
    test(`let a ${kind} be lost with its worker, but not be answered 503 or 504`, () => {
      for (const ending of [CUT, CUT_LATE, BAD_GATEWAY]) {
        assert.equal(verdict(kind, ending).allowed, true)
        assert.equal(verdict(kind, ending, { worker: 'b' }).allowed, false)
      }
      for (const status of [503, 504]) assert.equal(verdict(kind, { how: 'refused', status }).allowed, false)
    })

  test('believe the balancer that a response had begun of which the client had seen nothing', () => {
    assert.equal(verdict('get', CUT, { begun: true }).allowed, true)
    assert.equal(verdict('websocket', BAD_GATEWAY, { begun: true }).allowed, false)
  })

  test('let nothing be wrong or late, whoever was killed', () => {
    assert.equal(verdict('post', { how: 'wrong', why: 'other bytes' }).allowed, false)
    assert.equal(verdict('post', { how: 'late' }).allowed, false)
  })

  test('give the time to notice that a process has gone', () => {
    assert.equal(verdict('post', BAD_GATEWAY, { killedAt: 900 }).allowed, true)
  })

  test('allow nothing of which the balancer says nothing, and tell what is known', () => {
    const exchange: Exchange = { id: 'x', kind: 'get', began: 1000, ended: 2000, ending: CUT_LATE }
    const kills = [{ worker: 'a', at: 1500, gone: 1510 }]
    assert.deepEqual(judge(exchange, undefined, kills), { allowed: false, cause: 'get was cut (aborted)' })
    assert.equal(
      verdict('get', BAD_GATEWAY).cause,
      'get was answered 502; worker a (killed), attempts 1, response not begun',
    )
  })
})

suite('growth', () => {
  const flat = Array.from({ length: 40 }, (_, i) => 20e6 + (i % 2) * 1e6)

  test('of the heap is told by medians of quarters, without the warm-up', () => {
    assert.equal(heapGrowth(flat)?.grew, false)
    assert.equal(heapGrowth([...Array<number>(8).fill(1e6), ...flat.slice(8)])?.grew, false)
    assert.equal(heapGrowth([...flat.slice(0, -1), 90e6])?.grew, false)
    assert.deepEqual(heapGrowth(flat.map((_, i) => 20e6 + i * 1e6))?.grew, true)
  })

  test('of the heap is more than a tenth and more than 3 MB', () => {
    const step = (from: number, to: number) => heapGrowth(flat.map((_, i) => (i < 24 ? from : to)))?.grew
    assert.equal(step(100e6, 109e6), false)
    assert.equal(step(10e6, 12.9e6), false)
    assert.equal(step(10e6, 13.1e6), true)
  })

  test('of the heap is not told from a few samples', () => {
    assert.equal(heapGrowth(flat.slice(0, 19)), undefined)
  })

  test('of handles is any kind of which there are more, but for what is open for a moment', () => {
    const after = fewest([
      { TCPSocketWrap: 4, Timeout: 1 },
      { TCPSocketWrap: 2, Timeout: 2 },
      { TCPSocketWrap: 3 },
    ])
    assert.deepEqual(after, { TCPSocketWrap: 2, Timeout: 0 })
    assert.deepEqual(handleGrowth({ TCPSocketWrap: 2 }, after), [])
    assert.deepEqual(handleGrowth({ TCPSocketWrap: 1 }, after), ['TCPSocketWrap 1 → 2'])
    assert.deepEqual(handleGrowth({}, after), ['TCPSocketWrap 0 → 2'])
  })
})

test('the invariants are that nothing is under way, all attempts are accounted for, and all workers live', () => {
  const good: Counts = {
    total: 100,
    failed: 1,
    active: 0,
    unattempted: 3,
    retries: 5,
    retriesDenied: 0,
    inFlight: 0,
    attempts: 102,
    repeated: 5,
    dead: [],
  }
  assert.deepEqual(brokenInvariants(good), [])
  const bad = { ...good, active: 1, inFlight: 2, attempts: 103, repeated: 4, dead: ['w1'] }
  assert.deepEqual(brokenInvariants(bad), [
    'requests are still active: 1',
    'attempts are still in flight: 2',
    'attempts are 103, not total − unattempted + retries = 102',
    'the workers know of 4 retries, the balancer of 5',
    'workers are down: w1',
  ])
})

test('the tally judges a failure when the balancer has said what it knows of it', async () => {
  const tally = new Tally([{ worker: 'a', at: 1500, gone: 1510 }])
  const exchange = { id: 'x', kind: 'post', began: 1000, ended: 2000, ending: BAD_GATEWAY } as const
  tally.count(exchange)
  tally.count({ ...exchange, ending: { how: 'whole' } })
  tally.count({ ...exchange, ending: { how: 'aborted' } })
  tally.trouble({ id: 'x', worker: 'a', attempts: 1, begun: false, error: 'read ECONNRESET' })
  await tally.settled()
  assert.deepEqual([tally.total, tally.aborted, tally.lost, tally.failed], [3, 1, 1, 0])
  assert.deepEqual(Array.from(tally.losses.values()), [1])
})

suite('pnpm soak', () => {
  const command = ['--require', './scripts/check-node.cjs', 'scripts/soak.ts']

  test('says in one line what is wrong with its arguments', async (t) => {
    const options = { cwd: ROOT, signal: t.signal, killSignal: 'SIGKILL' } as const
    const run = promisify(execFile)(process.execPath, [...command, '--forwarder', 'nginx'], options)
    await assert.rejects(run, { code: 1, stderr: /^soak: there is no forwarder "nginx".*\n$/ })
  })

  test('ends with everything it has started on Ctrl-C', { skip: process.platform !== 'linux' }, async (t) => {
    const child = spawn(process.execPath, [...command, '--forwarder', 'http-proxy'], { cwd: ROOT })
    t.after(() => child.kill('SIGKILL'))
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.resume()
    const closed = once(child, 'close')
    const children = (): number[] => childrenOf(child.pid ?? 0)
    await waitFor(
      'four workers and a balancer',
      () => output,
      () => children().length === 5,
    )
    const pids = children()
    child.kill('SIGINT')
    assert.deepEqual(await closed, [130, null])
    assert.match(output, /SIGINT: everything stops/)
    await allGone(pids)
  })
})

function childrenOf(pid: number): number[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return processes.map(Number).filter((other) => {
    try {
      const stat = readFileSync(`/proc/${other}/stat`, 'utf8')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid
    } catch {
      return false // it has ended meanwhile
    }
  })
}
