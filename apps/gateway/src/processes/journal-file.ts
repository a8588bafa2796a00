import { randomUUID } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { say } from '../access-log.ts'
import type { Note } from './messages.ts'

let hasWarned = false

/** The file that a process writes its journal to: it has no name, and is gone with those who have it open. */
export class JournalFile {
  /** Undefined where no file can be written. */
  readonly fd: number | undefined

  constructor() {
    const path = join(tmpdir(), `rondo-${randomUUID()}`)
    try {
      this.fd = openSync(path, 'wx+', 0o600)
      unlinkSync(path)
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException
      const loss = 'of a process that falls, what it has counted in its last 50 ms is lost'
      if (!hasWarned) say(`warning: no file can be written in ${tmpdir()} (${code}): ${loss}; set TMPDIR`)
      hasWarned = true
    }
  }

  /**
   * What a process that has ended has written and not summed up; `last` is the number of its last summary that came.
   * Closes the file, so it can be asked once.
   */
  rest(last: number): Note[] {
    if (this.fd === undefined) return []
    try {
      const bytes = Buffer.alloc(fstatSync(this.fd).size)
      readSync(this.fd, bytes, 0, bytes.length, 0)
      const notes = bytes.toString().split('\n').flatMap(readLine)
      return notes.filter(({ summary }) => summary > last)
    } catch (error) {
      say(`warning: the journal of a process cannot be read: ${(error as Error).message}`)
      return []
    } finally {
      closeSync(this.fd)
    }
  }
}

/** Nothing of a line that was not written to its end. */
function readLine(line: string): Note[] {
  try {
    return [JSON.parse(line) as Note]
  } catch {
    return []
  }
}
