import assert from 'node:assert/strict'
import type { Plan } from '../../src/plan.ts'
import { textOf } from '../reloading.ts'
import { rondo } from '../rondo.ts'
import { digestOfPlan } from './admin.ts'
import { reload } from './deeds-files.ts'
import type { Scene } from './scene.ts'
import { configOf, digestOf, mutated, type Wish } from './wish.ts'

/** The plan of what is in force is empty, and that of something else is what the model says. Nothing changes. */
export async function plan(scene: Scene): Promise<void> {
  if (scene.ruined) return
  const plan = async (wish: Wish): Promise<Plan> => {
    const { status, text } = await scene.admin.ask('POST', '/plan', textOf(configOf(scene.place, wish)))
    assert.equal(status, 200, text)
    return JSON.parse(text) as Plan
  }
  const now = await plan(scene.wish)
  assert.ok(now.isEmpty, JSON.stringify(now))
  const next = mutated(scene.chance, scene.wish, scene.place)
  const after = scene.model.with(next.pools)
  assert.deepEqual(digestOfPlan(await plan(next)), digestOf(scene.wish, next, scene.model, after))
}

/** By the command line; and then it is done, and is what was planned. */
export async function rondoPlan(scene: Scene): Promise<void> {
  if (scene.ruined) return
  const next = mutated(scene.chance, scene.wish, scene.place)
  const text = textOf(configOf(scene.place, next))
  const where = ['--admin', `http://127.0.0.1:${scene.ports.admin}`, '--token', scene.admin.token]
  const told = await rondo(scene.t, ['plan', '--json', ...where, 'next.yaml'], { 'next.yaml': text })
  assert.equal(told.code, 0, told.stderr)
  const digest = digestOfPlan(JSON.parse(told.stdout) as Plan)
  const [before, listenersBefore] = [await scene.admin.workers(), await scene.admin.stats()]
  await reload(scene, next)
  const [after, listenersAfter] = [await scene.admin.workers(), await scene.admin.stats()]
  const key = (one: (typeof after.staying)[number]): string => `${one.pool} ${one.id} ${one.url}`
  const old = new Map(before.staying.map((one) => [key(one), one]))
  const now = new Map(after.staying.map((one) => [key(one), one]))
  const changes = [
    ...before.staying.flatMap((one) => (now.has(key(one)) ? [] : [`- ${key(one)}`])),
    ...after.staying.flatMap((one) => {
      const former = old.get(key(one))
      if (!former) return [`+ ${key(one)} ${one.weight}`]
      return former.weight === one.weight ? [] : [`~ ${one.pool} ${one.id} ${one.weight}`]
    }),
  ]
  assert.deepEqual(
    changes.toSorted(),
    digest.workers.filter((change) => change.split(' ').length > 2),
  )
  assert.equal(
    listenersAfter.listeners.length - listenersBefore.listeners.length,
    digest.opened.length - digest.closed.length,
  )
}

/** What it shows is what is. */
export async function look(scene: Scene): Promise<void> {
  const text = JSON.stringify(await scene.admin.get('/config'))
  assert.ok(!text.includes(scene.wish.token), 'a secret is shown')
  const { limits, pools } = JSON.parse(text) as { limits: object; pools: object }
  assert.deepEqual(limits, { connections: scene.wish.connections })
  assert.deepEqual(Object.keys(pools).toSorted(), scene.model.pools.toSorted())
  await scene.admin.get('/stats')
  for (const path of ['/healthz', '/metrics']) assert.equal((await scene.admin.ask('GET', path)).status, 200)
}
