/** Express's `req.query`: every value as the client wrote it, an array when it wrote several. */
export type Query = Readonly<Record<string, unknown>>

export interface Range {
  readonly min: number
  readonly max: number
}

/** A query parameter that cannot be used: which one, what it was, and what would do. */
export class BadParameter extends Error {
  readonly parameter: string
  readonly value: string
  readonly mend: string

  constructor(parameter: string, value: string, mend: string) {
    super(`${parameter} is ${JSON.stringify(value)}: ${mend}`)
    this.name = 'BadParameter'
    this.parameter = parameter
    this.value = value
    this.mend = mend
  }
}

/** The named query parameter as a whole number, `undefined` when absent; throws BadParameter for anything else. */
export function wholeNumber(query: Query, name: string, { min, max }: Range): number | undefined {
  const given = query[name]
  if (given === undefined) return undefined
  const value = typeof given === 'string' ? given : JSON.stringify(given) // a repeated one is a list, and refused
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw new BadParameter(name, value, `give one whole number from ${min} to ${max}`)
}
