/** A count of your own, each value with the labels that tell it from the others of its name. */
export interface OwnCount {
  /** Without `_total`. */
  readonly name: string
  /** Whether it only grows, or may fall too. Default `counter`. */
  readonly type?: 'counter' | 'gauge'
  readonly help: string
  readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}
