import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let root: string | undefined
let count = 0

/** A new folder that is removed when this process exits. */
export async function temporary(name: string): Promise<string> {
  if (root === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'rondo-bench-'))
    process.on('exit', () => rmSync(made, { recursive: true, force: true }))
    root = made
  }
  const folder = join(root, `${count++}-${name}`)
  await mkdir(folder)
  return folder
}
