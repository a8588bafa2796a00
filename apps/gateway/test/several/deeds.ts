import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from '../../../../scripts/soak/chance.ts'
import { call } from '../admin-site.ts'
import { textOf, until } from '../reloading.ts'
import type { Model } from './model.ts'
import { poolOf, type Several } from './site.ts'

/** All that a deed may need. */
export interface Scene {
  readonly site: Several
  readonly chance: Chance
  readonly model: Model
  /** By name. */
  readonly urls: ReadonlyMap<string, string>
  /** The config that the model stands for. */
  readonly config: () => object
  /** The processes that fell. */
  readonly fallen: Set<number>
}

/** What is done; returns what it was, in words, or undefined where it cannot be done now. */
export type Deed = (scene: Scene) => Promise<string | undefined>

const idOf = ({ urls }: Scene, name: string): string => new URL(urls.get(name) ?? '').host

async function admin(scene: Scene, method: string, path: string, body?: object): Promise<void> {
  const { status, text } = await call(method, `${scene.site.admin}/workers/main${path}`, { body })
  assert.ok(status < 300, `${method} ${path} is answered ${status}: ${text}`)
}

const crash: Deed = async ({ site, chance, model, fallen }) => {
  const { processes } = await site.stats()
  const able = processes.filter(({ state, number }) => state === 'serving' && model.mayFall(number))
  if (able.length === 0) return undefined
  const one = chance.one(able)
  const { length } = site.gateway.lines
  model.fell(one)
  fallen.add(one.pid)
  process.kill(one.pid, 'SIGKILL')
  await site.gateway.line(new RegExp(`\\(pid ${one.pid}\\) was ended by SIGKILL; another`), length)
  return `process ${one.number} (pid ${one.pid}) is killed`
}

const replace: Deed = async ({ site: { gateway } }) => {
  const { length } = gateway.lines
  gateway.child.kill('SIGUSR2')
  await gateway.line(/all processes are replaced/, length)
  return 'SIGUSR2'
}

const stop: Deed = async ({ site, chance }) => {
  const pid = chance.one(await site.serving())
  process.kill(pid, 'SIGSTOP')
  await pause(300)
  process.kill(pid, 'SIGCONT')
  return `process ${pid} stands still for 300 ms`
}

const reload: Deed = async (scene) => {
  const { site, chance, model, urls, config } = scene
  const names = [...urls.keys()].filter(() => chance.hits(0.5))
  const filed = names.length > 0 ? names : [chance.one([...urls.keys()])]
  model.filed.clear()
  for (const name of filed) model.filed.set(name, chance.between(1, 3))
  if (chance.hits(0.3)) model.processes = chance.between(2, 4)
  assert.match(await site.change(config()), / is in force/)
  return `${JSON.stringify([...model.filed])} and ${model.processes} processes by the file`
}

/** What is wrong with a file; the comment makes each another, since one that stays the same is not read. */
const FAULTS = [
  '{',
  textOf({ listen: 'nowhere' }),
  textOf({ listen: '192.0.2.1:80', workers: ['http://a.test'] }),
]

const spoil: Deed = async ({ site, chance }) => {
  const text = `# ${chance.next()}\n${chance.one(FAULTS)}`
  assert.match(await site.change(text), /not reloaded/)
  return `a file that cannot be: ${text}`
}

const resize: Deed = async ({ site, chance, model, config }) => {
  model.processes = chance.one([2, 3, 4].filter((number) => number !== model.processes))
  assert.match(await site.change(config()), / is in force/)
  return `${model.processes} processes`
}

const drain: Deed = async (scene) => {
  const { eligible, main } = scene.model
  if (eligible.main.length === 1) return undefined
  const name = scene.chance.one(eligible.main)
  await admin(scene, 'POST', `/${idOf(scene, name)}/drain`, { timeout: '20s' })
  Object.assign(main.get(name) ?? {}, { isDrained: true })
  return `${name} is drained`
}

const undrain: Deed = async (scene) => {
  const drained = [...scene.model.main].filter(([, { isDrained }]) => isDrained)
  if (drained.length === 0) return undefined
  const [name, member] = scene.chance.one(drained)
  await admin(scene, 'POST', `/${idOf(scene, name)}/undrain`)
  member.isDrained = false
  return `${name} is not drained`
}

const weigh: Deed = async (scene) => {
  const [name, member] = scene.chance.one([...scene.model.main])
  const weight = 1 + (member.weight % 3)
  await admin(scene, 'PUT', `/${idOf(scene, name)}/weight`, { weight })
  member.weight = weight
  return `${name} weighs ${weight}`
}

const add: Deed = async (scene) => {
  const { chance, model, urls } = scene
  const absent = [...urls.keys()].filter((name) => !model.main.has(name))
  if (absent.length === 0) return undefined
  const name = chance.one(absent)
  const weight = chance.between(1, 3)
  await admin(scene, 'POST', '', { url: urls.get(name), weight })
  model.main.set(name, { weight, isDrained: false })
  return `${name} is added, and weighs ${weight}`
}

const remove: Deed = async (scene) => {
  const { site, chance, model } = scene
  const { main } = model.eligible
  const able = [...model.main.keys()].filter((name) => main.length > 1 || name !== main[0])
  if (able.length === 0) return undefined
  const name = chance.one(able)
  await admin(scene, 'DELETE', `/${idOf(scene, name)}`, { timeout: '20s' })
  model.main.delete(name)
  await until('it has left', async () =>
    poolOf(await site.stats(), 'main').workers.every(({ id }) => id !== idOf(scene, name)),
  )
  return `${name} is removed`
}

/** Those that may change who is to answer. */
export const CHANGING: ReadonlySet<Deed> = new Set([reload, drain, undrain, add, remove])

/** All deeds; what is there twice is done twice as often. */
export const DEEDS: readonly Deed[] = [
  crash,
  crash,
  replace,
  stop,
  reload,
  spoil,
  resize,
  drain,
  drain,
  undrain,
  weigh,
  add,
  remove,
]
