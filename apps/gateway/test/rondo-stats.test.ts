import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { suite, test, type TestContext } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { Screen } from '../src/commands/screen.ts'
import { statsLines } from '../src/commands/stats-lines.ts'
import { startBackend, startSite } from './reloading.ts'
import { fakeAdmin, rondo, RONDO, type FakeAdmin } from './rondo.ts'

const ENTER = '\u001b[?1049h'
const LEAVE = '\u001b[?1049l'

/** What `GET /stats` says of a worker, where nothing else is said. */
function workerOf(said: object = {}) {
  return {
    id: 'blue',
    url: 'http://127.0.0.1:3001',
    weight: 1,
    weightNow: 1,
    alive: true,
    draining: false,
    leaving: false,
    breaker: 'closed',
    inFlight: 0,
    attempts: 0,
    outcomes: { failed: 0 },
    quantiles: null,
    lastProbe: { at: '2026-11-21T03:21:14.747Z', isWell: true, reason: 'status 200', streak: 3 },
    ...said,
  }
}

function statsOf(
  workers: readonly ReturnType<typeof workerOf>[],
  { gateway = {}, requests = {} }: { gateway?: object; requests?: object } = {},
) {
  return {
    gateway: {
      pid: 7,
      startedAt: '2026-11-21T03:00:00.000Z',
      uptime: 3723,
      isReady: true,
      isStopping: false,
      ...gateway,
    },
    pools: {
      api: {
        requests: { total: 0, failed: 0, active: 0, ...requests },
        eligible: 1,
        quantiles: null,
        workers,
      },
    },
  }
}

const sampleOf = (at: number, stats: ReturnType<typeof statsOf>) => ({ at, origin: 'http://here', stats })
const textOf = (lines: readonly { text: string }[]): string[] => lines.map(({ text }) => text)

suite('the table of rondo stats', () => {
  test('has a line of the gateway, a block for each pool and a row for each worker', () => {
    const quantiles = { count: 9, p50: 1.25, p90: 99.96, p99: 1234.5, max: 2000 }
    const before = statsOf([workerOf({ attempts: 10 }), workerOf({ id: 'green' })], {
      requests: { total: 100 },
    })
    const now = statsOf(
      [
        workerOf({ attempts: 35, inFlight: 4, outcomes: { failed: 2 }, quantiles }),
        workerOf({
          id: 'green',
          alive: false,
          weight: 3,
          weightNow: 3,
          lastProbe: { isWell: false, reason: 'connect ECONNREFUSED', streak: 4 },
        }),
      ],
      { requests: { total: 1100, failed: 2, active: 5 } },
    )
    Object.assign(now.pools.api, { quantiles })
    assert.deepEqual(textOf(statsLines(sampleOf(3000, now), sampleOf(1000, before))), [
      'http://here  up 1h 2m  ready  500 req/s  5 active  2 failed  pid 7',
      '',
      'api  1 of 2 eligible  500 req/s  5 active  2 failed  p50 1.3  p90 100.0  p99 1235 ms',
      '  worker  state  weight  in flight  req/s  failed  p50    p90   p99',
      '  blue    up          1          4   12.5       2  1.3  100.0  1235',
      '  green   down        3          0      0       0    -      -     -  connect ECONNREFUSED (4 in a row)',
    ])
  })

  test('says what state each worker is in', () => {
    const states = [
      {},
      { alive: false },
      { alive: false, lastProbe: null },
      { draining: true },
      { draining: true, leaving: true, alive: false },
      { breaker: 'open' },
      { breaker: 'half-open' },
    ].map((said) => {
      const row = statsLines(sampleOf(0, statsOf([workerOf(said)]))).at(-1)
      return [row?.text.split(/ +/)[2], row?.look]
    })
    assert.deepEqual(states, [
      ['up', 'plain'],
      ['down', 'bad'],
      ['unknown', 'dim'],
      ['draining', 'odd'],
      ['leaving', 'odd'],
      ['paused', 'odd'],
      ['up', 'plain'],
    ])
  })

  test('shows the weight of a worker that starts slowly beside its full one', () => {
    const lines = textOf(statsLines(sampleOf(0, statsOf([workerOf({ weight: 2, weightNow: 0.2466 })]))))
    assert.match(lines.at(-1) ?? '', / 0\.25 of 2 /)
  })

  test('has no rates from one look, across a restart, or of a worker that is new', () => {
    const stats = statsOf([workerOf({ attempts: 5 })], { requests: { total: 5 } })
    const restarted = statsOf([workerOf({ attempts: 9 })], { requests: { total: 9 }, gateway: { pid: 8 } })
    const rates = (lines: readonly { text: string }[]): unknown[] => [
      /(\S+) req\/s/.exec(lines[0]?.text ?? '')?.[1],
      lines.at(-1)?.text.split(/ +/)[5],
    ]
    assert.deepEqual(rates(statsLines(sampleOf(1000, stats))), ['-', '-'])
    assert.deepEqual(rates(statsLines(sampleOf(1000, restarted), sampleOf(0, stats))), ['-', '-'])
    const others = statsOf([workerOf({ id: 'other' })])
    assert.deepEqual(rates(statsLines(sampleOf(1000, stats), sampleOf(0, others))), ['5.0', '-'])
  })

  test('is visible ASCII, whatever workers and pools are named', () => {
    const name = '\u001b[31mé\n\u009b2J\u202e漢'
    const stats = statsOf([
      workerOf({ id: name, alive: false, lastProbe: { isWell: false, reason: name, streak: 1 } }),
    ])
    const named = { ...stats, pools: { [name]: stats.pools.api } } as unknown as typeof stats
    for (const text of textOf(statsLines(sampleOf(0, named)))) assert.match(text, /^[ -~]*$/)
  })

  test('gives a long name no more than its room', () => {
    const rows = textOf(statsLines(sampleOf(0, statsOf([workerOf({ id: 'x'.repeat(500) })]))))
    for (const row of rows) assert.ok(row.length < 130)
  })
})

suite('the screen of rondo stats', () => {
  /** A terminal that keeps what is written to it. */
  function terminal(columns: number, rows: number) {
    const written: string[] = []
    return Object.assign(new EventEmitter(), {
      columns,
      rows,
      written,
      write: (text: string) => written.push(text),
    })
  }
  const LINES = ['one and a half', 'two', 'three', 'four'].map((text) => ({ look: 'plain' as const, text }))
  const drawn = (text = ''): string[] => stripVTControlCharacters(text).split('\n')

  test('cuts lines at the width of the terminal, and says how many more there are', () => {
    const tty = terminal(12, 3)
    const screen = new Screen(tty)
    screen.show(LINES)
    assert.deepEqual(tty.written, [], 'not before it is entered')
    screen.enter()
    assert.deepEqual(drawn(tty.written.at(-1)), ['one and a ha', 'two', '... 2 more l'])
  })

  test('is drawn anew, in one write, when the terminal gets another size, until it is left', () => {
    const tty = terminal(80, 24)
    const screen = new Screen(tty)
    screen.enter()
    screen.show(LINES)
    assert.deepEqual(
      drawn(tty.written.at(-1)),
      LINES.map(({ text }) => text),
    )
    const count = tty.written.length
    Object.assign(tty, { columns: 5 }).emit('resize')
    assert.deepEqual(drawn(tty.written.at(-1)), ['one a', 'two', 'three', 'four'])
    assert.equal(tty.written.length, count + 1)
    screen.leave()
    screen.leave()
    tty.emit('resize')
    screen.show(LINES)
    assert.equal(tty.written.length, count + 2)
    assert.ok(tty.written.at(-1)?.endsWith(LEAVE))
    screen.enter()
    assert.deepEqual(drawn(tty.written.at(-1)), ['one a', 'two', 'three', 'four'], 'as after Ctrl-Z and fg')
  })

  test('has the size of old terminals where none is told', () => {
    const tty = terminal(0, 0)
    const screen = new Screen(tty)
    screen.show(Array.from({ length: 30 }, () => ({ look: 'plain' as const, text: 'x'.repeat(100) })))
    screen.enter()
    assert.deepEqual(
      drawn(tty.written.at(-1)).map(({ length }) => length),
      [...Array.from({ length: 23 }, () => 80), 16],
    )
  })
})

suite('rondo stats beside a terminal', () => {
  test('prints one table of two looks, and exits with 0', async (t) => {
    let total = 0
    const { url, asked } = await fakeAdmin(t, () => ({
      body: statsOf([workerOf()], { requests: { total: (total += 100) } }),
    }))
    const { code, stdout, stderr } = await rondo(
      t,
      ['stats', '--token', 'secret', '--every', '100ms'],
      {},
      { RONDO_ADMIN: url },
    )
    assert.deepEqual([code, stderr], [0, ''])
    const lines = stdout.split('\n')
    assert.deepEqual([lines.length, lines[5]], [6, ''])
    assert.match(lines[0] ?? '', /^http:\/\/127\.0\.0\.1:\d+ {2}up 1h 2m {2}ready {2}[1-9]\d* req\/s /)
    assert.ok(!stdout.includes('\u001b'))
    assert.deepEqual(
      asked.map(({ url, headers }) => [url, headers.authorization]),
      Array.from({ length: 2 }, () => ['/stats', 'Bearer secret']),
    )
  })

  test('prints what the gateway says as JSON', async (t) => {
    const body = { ...statsOf([workerOf()]), more: ['than', 'is', 'shown'] }
    const { url } = await fakeAdmin(t, () => ({ body }))
    const { code, stdout } = await rondo(t, ['stats', '--json', '--admin', url])
    assert.deepEqual([code, JSON.parse(stdout)], [0, body])
  })

  test('has one line where there is no gateway, or none of Rondo', async (t) => {
    const { url } = await fakeAdmin(t, () => ({ body: { pools: {} } }))
    assert.match(
      (await rondo(t, ['stats', '--admin', url])).stderr,
      / is no admin API of a Rondo gateway; .*\n$/,
    )
    const { code, stdout, stderr } = await rondo(t, ['stats', '--admin', '1'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^http:\/\/127\.0\.0\.1:1 cannot be reached: nobody listens there; .*\n$/)
  })

  test('is of a real gateway', async (t) => {
    const [one, gone] = [await startBackend(t, 'one'), await startBackend(t, 'gone')]
    const config = {
      listen: 0,
      admin: '127.0.0.1:0',
      workers: [{ url: one.url, name: 'one' }],
      pools: {
        api: {
          workers: [
            { url: gone.url, name: 'two words' },
            { url: 'http://127.0.0.1:1', name: 'ill' },
          ],
        },
      },
    }
    const { gateway } = await startSite(t, config, { ADMIN: undefined })
    const [admin = ''] = /http:\S+$/.exec(await gateway.line(/admin API on/)) ?? []
    await gateway.line(/worker ill is down/)
    for (let i = 0; i < 3; i++) await (await fetch(gateway.url)).text()
    const { code, stdout, stderr } = await rondo(t, ['stats', '--admin', admin, '--every', '100ms'])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^http:\S+ {2}up \d+s {2}ready {2}\S+ req\/s {2}0 active {2}0 failed {2}pid \d+\n/)
    assert.match(stdout, /\ndefault {2}1 of 1 eligible .* p50 [\d.]+ {2}p90 [\d.]+ {2}p99 [\d.]+ ms\n/)
    assert.match(stdout, /\n {2}one +up +1 +0 +\S+ +0 +[\d.]+ +[\d.]+ +[\d.]+\n/)
    assert.match(stdout, /\n {2}two\\x20words |\n {2}two words /)
    assert.match(stdout, /\n {2}ill +down .* connect ECONNREFUSED 127\.0\.0\.1:1 \(\d+ in a row\)\n/)
    const { pools } = JSON.parse((await rondo(t, ['stats', '--admin', admin, '--json'])).stdout) as {
      pools: { default: { quantiles: { count: number } } }
    }
    assert.equal(pools.default.quantiles.count, 3)
  })
})

/** `rondo stats` in a terminal of its own. */
interface Live {
  readonly child: ChildProcess
  /** What it wrote so far, and from the index `since` on. */
  output(since?: number): string
  /** Waits for it to have written something, from the index `since` on. */
  shows(what: RegExp | ((output: string) => boolean), since?: number): Promise<void>
  /** Types a key. */
  type(key: string): void
  /** Sets the size of the terminal. */
  resize(columns: number, rows: number): void
  /** Sends a signal to the command itself. */
  kill(signal: NodeJS.Signals): void
  /** Resolves with its exit code. */
  ended(): Promise<number | null>
}

const NO_TERMINAL =
  spawnSync('script', ['-qfec', 'true', '/dev/null']).status === 0 ? false : 'no script (util-linux)'

async function live(t: TestContext, { url }: FakeAdmin, columns = 60, rows = 20): Promise<Live> {
  const inner = `tty; echo "pid $$"; stty cols ${columns} rows ${rows}; exec '${process.execPath}' '${RONDO}' stats --admin ${url} --every 50ms`
  const env = {
    ...process.env,
    TERM: 'xterm-256color',
    NO_COLOR: undefined,
    FORCE_COLOR: undefined,
    CI: undefined,
  }
  const child = spawn('script', ['-qfec', inner, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    output += part
    child.emit('output')
  })
  const closed = once(child, 'close')
  t.after(async () => {
    child.kill('SIGKILL')
    await closed
  })
  const shows: Live['shows'] = (what, since = 0) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const text = output.slice(since)
        if (typeof what === 'function' ? what(text) : what.test(text)) end(resolve)
      }
      const fail = (): void =>
        end(() =>
          reject(new Error(`no ${String(what)} in ${JSON.stringify(output.slice(since).slice(-2000))}`)),
        )
      const timer = setTimeout(fail, 20_000)
      function end(settle: () => void): void {
        clearTimeout(timer)
        child.off('output', look).off('close', fail)
        settle()
      }
      child.on('output', look).on('close', fail)
      look()
    })
  await shows(/req\/s/)
  const [, tty = ''] = /(\/dev\/\S+)/.exec(output) ?? []
  const [, pid = ''] = /pid (\d+)\r/.exec(output) ?? []
  return {
    child,
    output: (since = 0) => output.slice(since),
    shows,
    type: (key) => void child.stdin.write(key),
    resize: (columns, rows) =>
      void spawnSync('stty', ['-F', tty, 'cols', String(columns), 'rows', String(rows)]),
    kill: (signal) => void process.kill(Number(pid), signal),
    async ended() {
      await closed
      return child.exitCode
    },
  }
}

/** The lines of each picture that was drawn. */
function pictures(output: string): string[][] {
  const all = output.slice(output.indexOf(ENTER), output.includes(LEAVE) ? output.indexOf(LEAVE) : undefined)
  return all
    .split('\u001b[H')
    .slice(1)
    .map((picture) => stripVTControlCharacters(picture).split('\r\n'))
}

suite('rondo stats in a terminal', { skip: NO_TERMINAL }, () => {
  const body = statsOf([workerOf(), workerOf({ id: 'a worker of a long name', alive: false })])

  test('draws one table in the place of the other, until Ctrl-C gives the terminal back', async (t) => {
    const terminal = await live(t, await fakeAdmin(t, () => ({ body })))
    await terminal.shows((output) => pictures(output).length > 4)
    assert.ok(terminal.output().includes(`${ENTER}\u001b[?25l\u001b[?7l`))
    assert.ok(terminal.output().includes('\u001b[31m  a worker of a long name  down'), 'with colours')
    for (const picture of pictures(terminal.output()).slice(0, -1)) {
      assert.equal(picture.length, 6)
      for (const line of picture) assert.ok(line.length <= 60, line)
    }
    terminal.type('\u0003')
    assert.equal(await terminal.ended(), 0)
    const end = terminal.output().slice(terminal.output().lastIndexOf('\u001b[J'))
    assert.ok(end.includes(`\u001b[?7h\u001b[?25h${LEAVE}`))
  })

  test('gives the terminal back on SIGTERM too, at once, though the gateway does not answer', async (t) => {
    const asked = Promise.withResolvers<void>()
    let looks = 0
    const admin = await fakeAdmin(t, () => {
      if (++looks < 3) return { body }
      asked.resolve()
      return new Promise<never>(() => {})
    })
    const terminal = await live(t, admin)
    await asked.promise
    terminal.kill('SIGTERM')
    assert.equal(await terminal.ended(), 0)
    assert.ok(terminal.output().includes(LEAVE))
  })

  test('follows the size of the terminal', async (t) => {
    const terminal = await live(t, await fakeAdmin(t, () => ({ body })))
    const since = terminal.output().length
    terminal.resize(20, 4)
    await terminal.shows(/\.\.\. 3 more lines/, since)
    const [picture] = pictures(terminal.output()).filter((lines) => lines.at(-1)?.includes('more lines'))
    assert.deepEqual(
      picture?.map(({ length }) => length <= 20),
      [true, true, true, true],
    )
  })

  test('says that the gateway is away, and goes on when it is back', async (t) => {
    const admin = await fakeAdmin(t, () => ({ body }))
    const terminal = await live(t, admin, 100)
    await admin.close()
    await terminal.shows(/away: http:\S+ cannot be reached/)
    const since = terminal.output().length
    await fakeAdmin(
      t,
      () => ({ body: statsOf([workerOf({ id: 'after' })], { gateway: { pid: 8 } }) }),
      admin.port,
    )
    await terminal.shows(/ after +up /, since)
    await terminal.shows(/pid 8/, since)
    const back = pictures(terminal.output()).filter((lines) => lines.some((line) => line.includes('pid 8')))
    assert.ok(back.every((lines) => !lines.some((line) => line.includes('away'))))
  })

  test('does not hand the terminal what a worker is named', async (t) => {
    const id = '\u001b]0;owned\u0007\u001b[2J'
    const terminal = await live(t, await fakeAdmin(t, () => ({ body: statsOf([workerOf({ id })]) })))
    await terminal.shows(/\\x1b\]0;owned\\x07\\x1b\[2J/)
    assert.ok(!terminal.output().includes('\u001b]0') && !terminal.output().includes('\u001b[2J'))
  })
})
