import { styleText } from 'node:util'
import type { Look, StatsLine } from './stats-lines.ts'

const STYLES = { bold: 'bold', dim: 'dim', good: 'green', bad: 'red', odd: 'yellow' } as const

/** Another screen, so that the former is there again in the end; no cursor; nothing wraps. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const REST_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'

/** The part of a terminal that is needed: `process.stdout` is one. */
export interface Terminal {
  readonly columns: number
  readonly rows: number
  write(text: string): unknown
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

/** Lines that are drawn in place, as wide and high as the terminal is. */
export class Screen {
  readonly #terminal: Terminal
  #isEntered = false
  #lines: readonly StatsLine[] = []

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Takes the terminal, and draws what is shown. */
  enter(): void {
    if (this.#isEntered) return
    this.#isEntered = true
    this.#terminal.write(ENTER)
    this.#terminal.on('resize', this.#draw)
    this.#draw()
  }

  /** Shows these from now on. */
  show(lines: readonly StatsLine[]): void {
    this.#lines = lines
    if (this.#isEntered) this.#draw()
  }

  /** Gives the terminal back as it was. */
  leave(): void {
    if (!this.#isEntered) return
    this.#isEntered = false
    this.#terminal.off('resize', this.#draw)
    this.#terminal.write(LEAVE)
  }

  /** One write, lest half of it be seen. Who does not know its size has that of the first terminals. */
  readonly #draw = (): void => {
    const { columns, rows } = this.#terminal
    const drawn = fitted(this.#lines, rows || 24).map(
      ({ look, text }) => coloured(look, text.slice(0, columns || 80)) + REST_OF_LINE,
    )
    this.#terminal.write(`${HOME}${drawn.join('\n')}${REST_OF_SCREEN}`)
  }
}

/** What there is room for, and how much more there is. */
function fitted(lines: readonly StatsLine[], rows: number): readonly StatsLine[] {
  if (lines.length <= rows) return lines
  const shown = lines.slice(0, Math.max(rows - 1, 0))
  return [...shown, { look: 'dim', text: `... ${lines.length - shown.length} more lines` }]
}

function coloured(look: Look, text: string): string {
  return look === 'plain' ? text : styleText(STYLES[look], text, { stream: process.stdout })
}
