import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { get } from '../processes.ts'
import { replaceFile, textOf, until } from '../reloading.ts'
import type { Stats } from './admin.ts'
import { gone } from './deeds-workers.ts'
import { BROKEN } from './faults.ts'
import { idOf, type Model } from './model.ts'
import { note, shownFor, type Scene } from './scene.ts'
import { configOf, digestOf, newcomer, unrelated, type Wish } from './wish.ts'

/** So many of the unrelated changes leave the token and the listeners as they are. */
const HARMLESS = 11

/** Has the gateway go by a file, in one of the ways that there are; it cannot while certificates are broken. */
export async function reload(scene: Scene, next: Wish): Promise<void> {
  const text = textOf(configOf(scene.place, next))
  const model = scene.model.with(next.pools)
  const digest = digestOf(scene.wish, next, scene.model, model)
  const isGood = scene.ruined === undefined
  const way = scene.chance.one(['file', 'signal', 'api', 'in place'])
  note(scene, `${way}${isGood ? '' : ', which cannot be'}: ${JSON.stringify(digest)}`)
  const leavesDrained = scene.model
    .shown()
    .some(({ pool, id, draining }) => draining && !model.isDrained(pool, id))
  await read(scene, way, text, isGood)
  if (!isGood) return read(scene, 'file', textOf(configOf(scene.place, scene.wish)), false)
  await inForce(scene, next, model)
  if (leavesDrained) await gone(scene)
}

/** Writes the file, and waits until all has been read that is to be. */
async function read(scene: Scene, way: string, text: string, isGood: boolean): Promise<void> {
  const { gateway, file } = scene.site
  const since = gateway.lines.length
  const began = Date.now()
  if (way === 'in place' && isGood) writeFileSync(file, text)
  else replaceFile(file, text)
  if (way === 'signal') gateway.child.kill('SIGHUP')
  if (way === 'api') {
    const answer = await scene.admin.ask('POST', '/reload')
    assert.equal(answer.status, isGood ? 200 : 422, answer.text)
  }
  const wanted = way === 'signal' || way === 'api' ? 2 : 1
  if (isGood) {
    const seen = (): number =>
      gateway.lines.slice(since).filter((line) => line.includes(' is in force: ')).length
    await until(`${wanted} reloads by ${way}`, () => seen() >= wanted)
  } else await failed(scene, wanted, began)
}

/** So many reloads have failed since, and nothing has changed. */
async function failed(scene: Scene, wanted: number, began: number): Promise<void> {
  const isOne = ({ by, at, error }: Stats['reloads'][number]): boolean =>
    by !== 'certificate' && Date.parse(at) >= began && error !== null
  await until(`${wanted} reloads have failed`, async () => {
    const { reloads } = await scene.admin.stats()
    await pause(15)
    return reloads.filter(isOne).length >= wanted
  })
  assert.equal(await roundOf(scene), String(scene.wish.round))
}

/** Tells which config is in force. */
async function roundOf({ ports }: Scene): Promise<string> {
  return (await get(`http://127.0.0.2:${ports.plain}/round`)).body
}

/** An earlier file may have been read late, and have logged so in place of this one. */
async function inForce(scene: Scene, next: Wish, model: Model): Promise<void> {
  if (next.token !== scene.wish.token) scene.retired.push(scene.wish.token)
  scene.wish = next
  scene.model = model
  scene.admin.token = next.token
  await until('it is in force', async () => (await roundOf(scene)) === String(next.round))
  const { listeners } = await scene.admin.stats()
  assert.equal(listeners.length, next.isExtra ? 3 : 2)
}

export async function breakFile(scene: Scene): Promise<void> {
  const text = `# ${scene.chance.next()}\n${scene.chance.one(BROKEN)}` // another each time, lest it be no change
  const way = scene.chance.one(['file', 'signal', 'api'])
  note(scene, `${way}: ${JSON.stringify(text)}`)
  await read(scene, way, text, false)
  if (scene.ruined || scene.chance.hits(0.5)) return
  await read(scene, 'file', textOf(configOf(scene.place, scene.wish)), true)
}

/** Edits, a new certificate and a reload of an unrelated part at once: their order does not matter. */
export async function burst(scene: Scene): Promise<void> {
  if (scene.ruined) return
  const change = scene.chance.one(unrelated(scene.chance).slice(0, HARMLESS))()
  const pair = scene.chance.one(scene.pairs)
  const next = { ...scene.wish, ...change, round: scene.wish.round + 1 }
  const spec = newcomer(scene.chance, 'plain', scene.model, scene.place)
  const weights = scene.model.pools.map((pool) => {
    const [id, old] = scene.chance.one(Array.from(scene.model.workers(pool)))
    return { pool, id, spec: { ...old, weight: scene.chance.between(1, 9) } }
  })
  note(scene, `${JSON.stringify(change)} ${JSON.stringify(spec)} ${JSON.stringify(weights)}`)
  pair.choose(scene.chance)
  scene.serials.set(pair.name, undefined)
  pair.putKey()
  pair.putCert()
  await Promise.all([
    read(scene, 'file', textOf(configOf(scene.place, next)), true),
    ...weights.map(async ({ pool, id, spec: { weight } }) => {
      const { status, text } = await scene.admin.ask('PUT', `/workers/${pool}/${id}/weight`, { weight })
      assert.equal(status, 200, text)
    }),
    spec &&
      scene.admin
        .ask('POST', '/workers/plain', spec)
        .then(({ status, text }) => assert.equal(status, 201, text)),
  ])
  for (const one of weights) scene.model.edit(one.pool, one.id, one.spec)
  if (spec) scene.model.edit('plain', idOf(spec), spec)
  await inForce(scene, next, scene.model.with(next.pools))
  assert.equal(await shownFor(scene, pair), pair.serial, 'a reload reads certificates too')
  scene.serials.set(pair.name, pair.serial)
}

/** Files that follow each other too fast for each to be read: the last one counts. */
export async function hurry(scene: Scene): Promise<void> {
  if (scene.ruined) return
  const { gateway, file } = scene.site
  let next = scene.wish
  for (let left = scene.chance.between(2, 5); left > 0; left--) {
    const change = scene.chance.one(unrelated(scene.chance).slice(0, HARMLESS))()
    next = { ...next, ...change, round: next.round + 1 }
    replaceFile(file, textOf(configOf(scene.place, next)))
    if (scene.chance.hits(0.5)) gateway.child.kill('SIGHUP')
    if (scene.chance.hits(0.5)) await pause(scene.chance.between(1, 60))
  }
  note(scene, `round ${next.round}`)
  await inForce(scene, next, scene.model.with(next.pools))
}
