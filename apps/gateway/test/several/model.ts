/** What holds of a worker of `main`, by its name. */
export interface Member {
  weight: number
  isDrained: boolean
}

/** What must hold of the gateway. `main` is changed by the admin API, `filed` by the file. */
export class Model {
  readonly main = new Map<string, Member>()
  readonly filed = new Map<string, number>()
  processes: number
  /** Of each place, how many of its processes fell in a row before they had lived for 10 s. */
  readonly #young = new Map<number, number>()

  constructor(main: readonly string[], filed: readonly string[], processes: number) {
    for (const name of main) this.main.set(name, { weight: 1, isDrained: false })
    for (const name of filed) this.filed.set(name, 1)
    this.processes = processes
  }

  /** Who is to answer. */
  get eligible(): { readonly main: string[]; readonly filed: string[] } {
    const main = Array.from(this.main).filter(([, { isDrained }]) => !isDrained)
    return { main: main.map(([name]) => name), filed: [...this.filed.keys()] }
  }

  /** The weights of those. */
  get weights(): Readonly<Record<'main' | 'filed', Readonly<Record<string, number>>>> {
    const main = this.eligible.main.map((name) => [name, this.main.get(name)?.weight ?? 0] as const)
    return { main: Object.fromEntries(main), filed: Object.fromEntries(this.filed) }
  }

  /** Whether a process may fall, and the gateway goes on: with five in a row in one place it gives up. */
  mayFall(place: number): boolean {
    return (this.#young.get(place) ?? 0) < 3
  }

  fell({ number, startedAt }: { readonly number: number; readonly startedAt: string }): void {
    const hasSettled = Date.now() - Date.parse(startedAt) >= 10_000
    this.#young.set(number, (hasSettled ? 0 : (this.#young.get(number) ?? 0)) + 1)
  }
}
