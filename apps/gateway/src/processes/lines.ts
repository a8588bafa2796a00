import type { Readable, Writable } from 'node:stream'

const BREAK = 0x0a
/** A line has so many bytes at most: what is longer becomes several. */
const LONGEST = 2 ** 20

/**
 * Passes on what a process writes, in whole lines alone: those of several processes do not come between each other. The
 * rest of a line that its end left behind is made a line.
 */
export function passLines(from: Readable, to: Writable): void {
  let begun: Buffer[] = []
  to.setMaxListeners(0) // all processes may wait for it at once, and that is no leak
  function write(lines: Buffer): void {
    if (to.write(lines)) return
    from.pause()
    to.once('drain', () => from.resume())
  }
  function endLine(): void {
    if (begun.length > 0) write(Buffer.concat([...begun, Buffer.of(BREAK)]))
    begun = []
  }
  from.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(BREAK) + 1
    if (end > 0) {
      write(Buffer.concat([...begun, chunk.subarray(0, end)]))
      begun = []
    }
    if (end < chunk.length) begun.push(chunk.subarray(end))
    if (begun.reduce((sum, { length }) => sum + length, 0) > LONGEST) endLine()
  })
  from.once('end', endLine)
}
