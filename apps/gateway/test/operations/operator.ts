import assert from 'node:assert/strict'
import { until } from '../reloading.ts'
import { breakCertificate, renewCertificate, repair } from './deeds-certificates.ts'
import { breakFile, burst, hurry, reload } from './deeds-files.ts'
import { look, plan, rondoPlan } from './deeds-plan.ts'
import { add, beRefused, drain, remove, undrain, weigh } from './deeds-workers.ts'
import { intrusions, refusals } from './faults.ts'
import { anchorOf, type Scene } from './scene.ts'
import { mutated, type Wish } from './wish.ts'

/** What an operator does, and so many times in about a hundred. */
const DEEDS: Readonly<Record<string, readonly [number, (scene: Scene) => Promise<void>]>> = {
  add: [12, add],
  remove: [12, remove],
  drain: [12, drain],
  undrain: [12, undrain],
  weigh: [12, weigh],
  'bad request': [8, (scene) => beRefused(scene, refusals(anchorOf(scene)))],
  intrusion: [8, (scene) => beRefused(scene, intrusions(anchorOf(scene), scene.retired))],
  reload: [16, (scene) => reload(scene, mutated(scene.chance, scene.wish, scene.place))],
  'broken file': [8, breakFile],
  burst: [6, burst],
  hurry: [5, hurry],
  'new certificate': [8, renewCertificate],
  'broken certificate': [6, breakCertificate],
  plan: [6, plan],
  'rondo plan': [2, rondoPlan],
  look: [6, look],
}

const NAMES = Object.entries(DEEDS).flatMap(([name, [share]]) => Array<string>(share).fill(name))

/** Does something by chance, and looks whether that is what came of it. */
export async function operate(scene: Scene): Promise<void> {
  const name = scene.chance.one(NAMES)
  scene.trail.push(name)
  await DEEDS[name]?.[1](scene)
  await check(scene)
}

/** All workers are who they must be. */
async function check({ admin, model }: Scene): Promise<void> {
  assert.deepEqual((await admin.workers()).staying, model.shown())
}

/** Repairs what is broken, and has the gateway go by a wish. */
export async function settle(scene: Scene, wish: Partial<Wish>): Promise<void> {
  await repair(scene)
  await reload(scene, { ...scene.wish, ...wish, round: scene.wish.round + 1 })
  await until('nobody is leaving', async () => (await scene.admin.workers()).leaving.length === 0)
  await check(scene)
  await plan(scene)
}
