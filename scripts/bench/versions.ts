import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { versionOf } from './processes/installed.ts'
import type { Subject } from './subject.ts'

const known = new Map<string, string | undefined>()

/** The version of a subject's package or program; `undefined` for what is of this repository, or can't be told. */
export function subjectVersion({ name, start }: Subject): string | undefined {
  if (!known.has(name)) {
    const version =
      start.kind === 'program'
        ? versionOf(start.program, start.version)
        : start.kind === 'script' && start.package !== undefined
          ? packageVersion(start.package, start.file)
          : undefined
    known.set(name, version)
  }
  return known.get(name)
}

/** Read from the package's folder, for few packages export their package.json. */
function packageVersion(name: string, from: string): string | undefined {
  for (const folder of createRequire(from).resolve.paths(name) ?? []) {
    try {
      const found = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as {
        version: string
      }
      return found.version
    } catch {
      continue
    }
  }
  return undefined
}
