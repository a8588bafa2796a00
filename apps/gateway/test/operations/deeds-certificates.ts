import assert from 'node:assert/strict'
import { textOf, until } from '../reloading.ts'
import { Pair, type AuthorityFile } from './files.ts'
import { note, shownFor, type Scene } from './scene.ts'
import { configOf } from './wish.ts'

/** A good one, in one step or with files that do not match for a moment. */
export async function renewCertificate(scene: Scene): Promise<void> {
  const pair = scene.ruined ?? scene.chance.one(scene.pairs)
  if (!(pair instanceof Pair)) return repairAuthority(scene, pair)
  const former = scene.serials.get(pair.name)
  note(scene, pair.name)
  pair.choose(scene.chance)
  scene.serials.set(pair.name, undefined)
  const since = scene.site.gateway.lines.length
  if (scene.chance.hits(0.5)) {
    pair.putCert()
    await scene.site.gateway.line(/certificates are kept as they were/, since)
    assert.equal(await shownFor(scene, pair), former)
    pair.putKey()
  } else {
    pair.putKey()
    pair.putCert()
  }
  await until('the new certificate is shown', async () => (await shownFor(scene, pair)) === pair.serial)
  scene.serials.set(pair.name, pair.serial)
  scene.ruined = undefined
}

/** It stays broken for some deeds. */
export async function breakCertificate(scene: Scene): Promise<void> {
  if (scene.ruined) return repair(scene)
  const file = scene.chance.one([...scene.pairs, scene.authority])
  const since = scene.site.gateway.lines.length
  file.ruin(scene.chance)
  scene.ruined = file
  note(scene, file.name)
  await scene.site.gateway.line(/certificates are kept as they were/, since)
  for (const pair of scene.pairs) assert.equal(await shownFor(scene, pair), scene.serials.get(pair.name))
  const { status, text } = await scene.admin.ask('POST', '/plan', textOf(configOf(scene.place, scene.wish)))
  assert.equal(status, 422, text)
}

async function repairAuthority(scene: Scene, file: AuthorityFile): Promise<void> {
  note(scene, file.name)
  const since = scene.site.gateway.lines.length
  file.repair(scene.chance)
  await scene.site.gateway.line(/new certificates are in force/, since)
  scene.ruined = undefined
}

export async function repair(scene: Scene): Promise<void> {
  if (scene.ruined) await renewCertificate(scene)
}
