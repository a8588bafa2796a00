import type { TestContext } from 'node:test'
import type { Site } from '../reloading.ts'
import { serialAt } from '../secure.ts'
import type { Admin } from './admin.ts'
import type { Chance } from '../../../../scripts/soak/chance.ts'
import type { AuthorityFile, Pair } from './files.ts'
import type { Model } from './model.ts'
import type { Place, Wish } from './wish.ts'

/** A gateway that somebody operates, and what must be known of it to say what comes of that. */
export interface Scene {
  readonly t: TestContext
  readonly site: Site
  readonly admin: Admin
  readonly ports: { readonly plain: number; readonly secure: number; readonly admin: number }
  readonly place: Place
  readonly pairs: readonly Pair[]
  readonly authority: AuthorityFile
  readonly chance: Chance
  /** Tokens that are good no more. */
  readonly retired: string[]
  /** What was done, in its order. */
  readonly trail: string[]
  /** The serial number that a new handshake must show, by name; undefined while it changes. */
  readonly serials: Map<string, string | undefined>
  /** What the config in force says. */
  wish: Wish
  /** Who the workers must be. */
  model: Model
  /** Whose files cannot be used at the moment. */
  ruined: Pair | AuthorityFile | undefined
}

/** The first worker of the plain pool: it stays, and so do requests. */
export function anchorOf(scene: Scene): string {
  return new URL(scene.place.urls.plain[0] as string).host
}

export function note(scene: Scene, text: string): void {
  scene.trail.push(`  ${text}`)
}

/** What a new handshake shows. */
export function shownFor(scene: Scene, { name }: Pair): Promise<string> {
  return serialAt(scene.ports.secure, name)
}
