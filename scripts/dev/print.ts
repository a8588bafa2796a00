import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { styleText } from 'node:util'

/** Prints one line of what `name` has to say. */
export type Print = (name: string, line: string, stream?: 'stdout' | 'stderr') => void

const COLORS = ['cyan', 'green', 'yellow', 'magenta', 'blue'] as const
const WIDTH = 'worker 65535'.length

/** First come, first coloured. */
const colors = new Map<string, (typeof COLORS)[number]>()

/** The line behind its speaker's name; the name in colour where the stream shows colours (TTY, NO_COLOR, FORCE_COLOR). */
export const printLine: Print = (name, line, stream = 'stdout') => {
  const color = colors.get(name) ?? COLORS[colors.size % COLORS.length] ?? 'cyan'
  colors.set(name, color)
  const prefix = styleText(color, `${name.padEnd(WIDTH)} |`, { stream: process[stream] })
  process[stream].write(`${prefix} ${line}\n`)
}

/** Calls `print` for every whole line; a last one without a line end counts when the stream ends. */
export function eachLine(stream: Readable, print: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', print)
}
