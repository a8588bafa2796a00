import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { createAuthority } from '../../../packages/balancer/test/support/certificates.ts'
import { Admin } from './operations/admin.ts'
import { Chance } from '../../../scripts/soak/chance.ts'
import { AuthorityFile, Pair } from './operations/files.ts'
import { Model } from './operations/model.ts'
import { operate, settle } from './operations/operator.ts'
import type { Scene } from './operations/scene.ts'
import { traffic, type Front } from './operations/traffic.ts'
import { configOf, firstWish, type Place } from './operations/wish.ts'
import { startWorker, TICKS } from './operations/workers.ts'
import { folder, startSite, until } from './reloading.ts'

/** Repeats a run: what an operator does, and in which order. */
const SEED = Number(process.env['SEED'] ?? 1 + Math.floor(Math.random() * 999_999))
const DEEDS = 150
/** After so many, all is open that will be. */
const WARM = 40
/** How much the heap may be larger in the end than it was before, in bytes. */
const GROWTH = 2_000_000

/** What a log must not have. */
const COMPLAINT = /Warning|^ +at |admin \S+ ".*" failed: |cut: [1-9]|is not seen|are not seen/

interface Usage {
  readonly heap: number
  readonly kinds: Readonly<Record<string, number>>
}

async function placeOf(
  t: TestContext,
  forwarder: string,
): Promise<Place & { pairs: Pair[]; authority: string }> {
  const [authority, others] = [createAuthority(t), createAuthority(t, 'others')]
  const names = ['127.0.0.1', 'worker.test', 'other.test']
  const [known, stranger] = [authority.issue(names), others.issue(names)]
  const start = (name: string, certificate?: typeof known): Promise<string> =>
    startWorker(t, name, certificate)
  const plain = [
    start('plain-0'),
    start('plain-1'),
    start('plain-2'),
    start('plain-3'),
    start('plain-4', known),
  ]
  const secure = [
    ...['secure-0', 'secure-1', 'secure-2'].map((name) => start(name, known)),
    start('secure-by-http'),
    start('stranger', stranger),
  ]
  const path = folder(t)
  const pairs = ['a.test', 'b.test'].map((name) => new Pair(authority, path, name, 6))
  const ca = join(path, 'ca.pem')
  writeFileSync(ca, authority.cert)
  const urls = { plain: await Promise.all(plain), secure: await Promise.all(secure) }
  return {
    certificates: pairs.map(({ cert, key }) => ({ cert, key })),
    ca,
    urls,
    forwarder,
    pairs,
    authority: authority.cert,
  }
}

for (const forwarder of ['http-proxy-middleware', 'undici'])
  test(`${DEEDS} deeds of an operator under 60 connections of traffic cost no request and leave nothing, by ${forwarder}`, async (t) => {
    t.diagnostic(`SEED=${SEED}`)
    const { pairs, authority, ...place } = await placeOf(t, forwarder)
    const wish = firstWish(place)
    const usageFile = new URL('operations/usage.ts', import.meta.url).href
    const site = await startSite(t, configOf(place, wish), {
      ADMIN: undefined,
      NODE_OPTIONS: `--expose-gc --import=${usageFile}`,
    })
    const { gateway } = site
    const portOf = async (place: RegExp): Promise<number> =>
      Number((place.exec(await gateway.line(place)) as RegExpExecArray)[1])
    const ports = {
      plain: await portOf(/http:\/\/127\.0\.0\.2:(\d+)/),
      secure: await portOf(/https:\/\/127\.0\.0\.1:(\d+)/),
      admin: await portOf(/admin API on http:\/\/127\.0\.0\.1:(\d+)/),
    }
    const admin = new Admin(ports.admin, wish.token)
    const scene: Scene = {
      t,
      site,
      admin,
      ports,
      place,
      pairs,
      authority: new AuthorityFile(place.ca, authority),
      chance: new Chance(SEED),
      retired: [],
      trail: [],
      serials: new Map(pairs.map(({ name, serial }) => [name, serial])),
      wish,
      model: new Model(wish.pools),
      ruined: undefined,
    }
    const front: Front = { ...ports, ca: authority, serial: (name) => scene.serials.get(name) }
    await until('all are well', async () => (await admin.ask('GET', '/readyz')).status === 200)

    async function usage(): Promise<Usage> {
      const since = gateway.lines.length
      gateway.child.kill('SIGUSR2')
      return JSON.parse((await gateway.line(/^usage /, since)).slice('usage '.length)) as Usage
    }
    /** The least of what it uses at rest, since probes come and go. */
    async function rested(): Promise<Usage> {
      const all: Usage[] = []
      for (let i = 0; i < 10; i++) {
        await pause(150)
        all.push(await usage())
      }
      const kinds = new Set(all.flatMap((one) => Object.keys(one.kinds)))
      return {
        heap: Math.min(...all.map(({ heap }) => heap)),
        kinds: Object.fromEntries(
          Array.from(kinds, (kind) => [kind, Math.min(...all.map((one) => one.kinds[kind] ?? 0))]),
        ),
      }
    }
    let exchanges = 0
    async function work(deeds: number): Promise<Usage> {
      const stop = new AbortController()
      const { failures, count, over } = traffic(t, front, stop.signal)
      await until('there is traffic', () => count() > 100)
      try {
        for (let i = 0; i < deeds; i++) {
          await operate(scene)
          assert.deepEqual(failures, [])
        }
        await settle(scene, {})
      } catch (error) {
        t.diagnostic(scene.trail.slice(-60).join('\n'))
        t.diagnostic(gateway.lines.slice(-40).join('\n'))
        throw error
      } finally {
        stop.abort()
        await over
      }
      assert.deepEqual(failures, [])
      exchanges += count()
      const { pools: ofNow, token } = scene.wish
      await settle(scene, { ...wish, pools: ofNow, token })
      const { pools } = await admin.stats()
      for (const [name, { requests, workers }] of Object.entries(pools)) {
        assert.deepEqual([requests.active, requests.failed, requests.unattempted], [0, 0, 0], name)
        assert.ok(workers.every(({ inFlight }) => inFlight === 0))
      }
      return rested()
    }
    const before = await work(WARM)
    const amid = await work((DEEDS - WARM) / 2)
    const after = await work((DEEDS - WARM) / 2)
    t.diagnostic(
      `${exchanges} exchanges; ${[before, amid, after].map((one) => JSON.stringify(one)).join(' → ')}`,
    )
    for (const [kind, number] of Object.entries(after.kinds))
      assert.ok(number <= (before.kinds[kind] ?? 0), `${kind}: ${before.kinds[kind]} became ${number}`)
    const heap = Math.max(before.heap, amid.heap)
    assert.ok(after.heap - heap < GROWTH, `the heap grew from ${heap} to ${after.heap}`)
    const complaints = gateway.lines.filter((line) => COMPLAINT.test(line))
    assert.deepEqual(complaints, [])

    const [res] = (await once(
      request(`http://127.0.0.2:${ports.plain}/plain/events`, { agent: false }).end(),
      'response',
    )) as [IncomingMessage]
    const [body, code] = await Promise.all([text(res), gateway.end('SIGTERM')])
    assert.ok(body.endsWith(`data: ${TICKS}\n\n`), body)
    assert.equal(code, 0)
    assert.match(gateway.lines.join('\n'), /gateway stopped$/m)
  })
