import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

const found = new Map<string, boolean>()

/** Whether `program` is on the PATH; `/usr/sbin` counts too, where Debian puts servers. */
export function installed(program: string): boolean {
  let is = found.get(program)
  if (is === undefined)
    found.set(program, (is = searchPath().some((folder) => isProgram(join(folder, program)))))
  return is
}

/** The PATH on which the bench looks for programs. */
export function searchPath(): readonly string[] {
  return [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']
}

/** The first version number that `program` prints when it is called so; `undefined` when it prints none. */
export function versionOf(program: string, args: readonly string[]): string | undefined {
  const env = { ...process.env, PATH: searchPath().join(':') }
  const { stdout, stderr } = spawnSync(program, [...args], { encoding: 'utf8', timeout: 5000, env })
  return /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0]
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
