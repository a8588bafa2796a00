/** A count that only grows, each with the labels that tell it from the others of its name. */
export interface OwnCount {
  /** Without `_total`. */
  readonly name: string
  readonly help: string
  readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}
