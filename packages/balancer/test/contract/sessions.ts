import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startApp, startPlainApp, STEADY, type TestApp } from '../support/app.ts'
import type { Create } from '../support/hostile.ts'
import { visitor } from '../support/visitor.ts'
import { rawClient } from '../support/raw-client.ts'
import { upgradeHead } from '../support/web-sockets.ts'
import { startWorkers, type TestWorker } from '../support/workers.ts'

const sticky = { secret: 'the secret of all balancers in these tests' }

/** Answers with its name, and with cookies of its own if it is asked for them. */
function answer(
  req: { url?: string | undefined },
  res: { setHeader: Set; end: (body: string) => unknown },
  { name }: TestWorker,
): void {
  if (req.url === '/login') res.setHeader('Set-Cookie', ['sid=1; Path=/', 'theme=dark; Secure'])
  if (req.url === '/one') res.setHeader('Set-Cookie', 'sid=2')
  res.end(name)
}
type Set = (name: string, value: string | string[]) => unknown

interface Scene {
  readonly workers: TestWorker[]
  readonly app: TestApp
}

async function scene(t: TestContext, create: Create): Promise<Scene> {
  const workers = await startWorkers(t, 3, answer)
  const app = await startApp(
    t,
    workers.map(({ url }) => url),
    { forwarder: create(), pool: { ...STEADY, sticky } },
  )
  await app.pool.ready
  return { workers, app }
}

/** What keeps a session with its worker, and what leaves it alone. */
export function sessions(create: Create): void {
  test('a session stays with its worker, while requests without one go round', async (t) => {
    const { app } = await scene(t, create)
    const one = visitor(app.url)
    const mine = await one.visit()
    assert.match(one.set.join(), /^rondo=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
    const others = new Set<string>()
    for (let i = 0; i < 20; i++) {
      assert.equal(await one.visit(), mine)
      assert.deepEqual(one.set, [], 'it has its cookie')
      others.add(await visitor(app.url).visit())
    }
    assert.equal(others.size, 3)
  })

  test("the worker's own cookies pass, and ours is beside them", async (t) => {
    const { app } = await scene(t, create)
    const one = visitor(app.url)
    await one.visit('/login')
    const [sid, theme, ours, ...more] = one.set
    assert.deepEqual([sid, theme, more], ['sid=1; Path=/', 'theme=dark; Secure', []])
    assert.match(ours ?? '', /^rondo=/)
    await one.visit('/login')
    assert.deepEqual(one.set, ['sid=1; Path=/', 'theme=dark; Secure'])
    const other = visitor(app.url)
    await other.visit('/one')
    assert.deepEqual(
      other.set.map((value) => value.split('=')[0]),
      ['sid', 'rondo'],
    )
  })

  test('the worker gets the cookie too: it is among those of the client, which pass as they are', async (t) => {
    const seen: unknown[] = []
    const workers = await startWorkers(t, 1, (req, res) => {
      seen.push(req.headers.cookie)
      res.end()
    })
    const app = await startApp(t, [workers[0]?.url ?? ''], {
      forwarder: create(),
      pool: { ...STEADY, sticky },
    })
    await visitor(app.url, 'a=1; rondo=x; b=2').visit()
    assert.deepEqual(seen, ['a=1; rondo=x; b=2'])
  })

  test('a forged cookie is nobody’s, and replaced', async (t) => {
    const { app } = await scene(t, create)
    const names = new Set<string>()
    for (const forged of ['rondo=', `rondo=${'A'.repeat(43)}`, `rondo=${app.pool.workers[0]?.id}`]) {
      const one = visitor(app.url, forged)
      const mine = await one.visit()
      names.add(mine)
      assert.equal(one.set.length, 1)
      assert.equal(await one.visit(), mine)
    }
    assert.equal(names.size, 3, 'they went round')
  })

  test('balancers that have one secret agree, and one with another does not', async (t) => {
    const { workers, app } = await scene(t, create)
    const urls = workers.map(({ url }) => url)
    const same = await startPlainApp(t, urls.toReversed(), {
      forwarder: create(),
      pool: { ...STEADY, sticky },
    })
    const foreign = await startPlainApp(t, urls, {
      forwarder: create(),
      pool: { ...STEADY, sticky: { secret: 'a secret that these balancers do not know' } },
    })
    await Promise.all([same.pool.ready, foreign.pool.ready])
    for (let i = 0; i < 6; i++) {
      const one = visitor(app.url)
      const mine = await one.visit()
      const there = visitor(same.url, one.cookie)
      assert.equal(await there.visit(), mine)
      assert.deepEqual(there.set, [])
      const abroad = visitor(foreign.url, one.cookie)
      await abroad.visit()
      assert.equal(abroad.set.length, 1)
    }
  })

  test('without the option there is no cookie', async (t) => {
    const workers = await startWorkers(t, 1)
    const app = await startApp(t, [workers[0]?.url ?? ''], { forwarder: create() })
    const one = visitor(app.url)
    await one.visit()
    assert.deepEqual(one.set, [])
  })

  test('the cookie is Secure behind a trusted proxy that speaks TLS to the client, and only there', async (t) => {
    const [worker] = await startWorkers(t, 1)
    for (const [trustedProxies, isSecure] of [
      [['loopback'], true],
      [[], false],
    ] as const) {
      const app = await startPlainApp(t, [worker?.url ?? ''], {
        forwarder: create(),
        pool: { ...STEADY, sticky },
        trustedProxies,
      })
      const { headers } = await fetch(app.url, { headers: { 'x-forwarded-proto': 'https' } })
      assert.equal(headers.getSetCookie().join().endsWith('; Secure'), isSecure)
    }
  })

  test('a refused upgrade carries the cookie as any answer does', async (t) => {
    const { app } = await scene(t, create)
    const client = await rawClient(t, app.port, upgradeHead('/login'))
    const { headers } = await client.response()
    const cookies = headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value)
    assert.deepEqual(
      cookies.map((value) => value.split('=')[0]),
      ['sid', 'theme', 'rondo'],
    )
  })
}
