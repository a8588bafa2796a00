import assert from 'node:assert/strict'
import { until } from '../reloading.ts'
import type { Refused } from './faults.ts'
import { idOf, type Spec } from './model.ts'
import { note, type Scene } from './scene.ts'
import { newcomer } from './wish.ts'

const POOLS = ['plain', 'secure', 'spare']

export async function add(scene: Scene): Promise<void> {
  const pool = scene.chance.one(POOLS)
  const spec = newcomer(scene.chance, pool, scene.model, scene.place)
  if (!spec) return
  note(scene, `${pool} ${JSON.stringify(spec)}`)
  const { status, text } = await scene.admin.ask('POST', `/workers/${pool}`, spec)
  if (!scene.model.pools.includes(pool)) return assert.equal(status, 404, text)
  assert.equal(status, 201, text)
  scene.model.edit(pool, idOf(spec), spec)
}

/** A worker that may be taken away, where there is one. */
function someone(scene: Scene): { pool: string; id: string; spec: Spec } | undefined {
  const all = scene.model.pools.flatMap((pool) =>
    Array.from(scene.model.workers(pool), ([id, spec]) => ({ pool, id, spec })),
  )
  const anchors = [scene.place.urls.plain[0], scene.place.urls.secure[0]].map(
    (url) => new URL(url as string).host,
  )
  const free = all.filter(({ pool, id }) => pool === 'spare' || !anchors.includes(id))
  return free.length === 0 ? undefined : scene.chance.one(free)
}

export async function remove(scene: Scene): Promise<void> {
  const one = someone(scene)
  if (!one) return
  const { pool, id } = one
  const wasDrained = scene.model.isDrained(pool, id)
  note(scene, `${pool} ${id}`)
  const { status, text } = await scene.admin.ask('DELETE', `/workers/${pool}/${id}`)
  if (scene.model.workers(pool).size === 1) return assert.equal(status, 409, text)
  assert.equal(status, 202, text)
  scene.model.edit(pool, id, undefined)
  if (wasDrained) await gone(scene)
}

export async function drain(scene: Scene): Promise<void> {
  const one = someone(scene)
  if (!one) return
  const { pool, id } = one
  note(scene, `${pool} ${id}`)
  const body = scene.chance.one([undefined, {}, { timeout: '30s' }, { sessions: 'leave' }])
  const { status, text } = await scene.admin.ask('POST', `/workers/${pool}/${id}/drain`, body)
  assert.equal(status, 202, text)
  scene.model.drain(pool, id)
}

/** Also of somebody who is leaving, unless that one is gone meanwhile. */
export async function undrain(scene: Scene): Promise<void> {
  const { staying, leaving } = await scene.admin.workers()
  const drained = staying.filter(({ draining }) => draining)
  const one = scene.chance.one([...drained, ...leaving, ...staying.slice(0, 1)])
  const { pool, id, url, weight } = one
  const isLeaving = leaving.some((other) => other === one)
  note(scene, `${pool} ${id}${isLeaving ? ', which is leaving' : ''}`)
  const { status, text } = await scene.admin.ask('POST', `/workers/${pool}/${id}/undrain`)
  if (isLeaving && status === 404) return
  assert.equal(status, 200, text)
  const host = new URL(url).host
  if (isLeaving) scene.model.edit(pool, id, { url, weight, ...(host !== id && { name: id }) })
  scene.model.undrain(pool, id)
}

export async function weigh(scene: Scene): Promise<void> {
  const pool = scene.chance.one(scene.model.pools)
  const [id, spec] = scene.chance.one(Array.from(scene.model.workers(pool)))
  const weight = scene.chance.between(1, 9)
  note(scene, `${pool} ${id} ${weight}`)
  const { status, text } = await scene.admin.ask('PUT', `/workers/${pool}/${id}/weight`, { weight })
  assert.equal(status, 200, text)
  scene.model.edit(pool, id, { ...spec, weight })
}

/** Waits for who was drained and leaves: if one came back before, it would be drained. */
export async function gone(scene: Scene): Promise<void> {
  await until('who leaves is gone', async () => (await scene.admin.workers()).leaving.length === 0)
}

export async function beRefused(scene: Scene, all: readonly Refused[]): Promise<void> {
  const { status, method, path, body, headers } = scene.chance.one(all)
  note(scene, `${method} ${path} ${JSON.stringify(body)} ${JSON.stringify(headers)}`.slice(0, 200))
  const answer = await scene.admin.ask(method, path, body, headers)
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
  assert.equal((JSON.parse(answer.text) as { status: number }).status, status)
}
