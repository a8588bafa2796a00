import { STATUS_CODES } from 'node:http'
import type { Fault } from '../config/fault.ts'

/** One thing that is wrong with a request: with a field of its body, or with a place of a config file. */
export interface FieldError {
  readonly field: string
  /** The value, what is wrong with it, and the mend. */
  readonly detail: string
  readonly line?: number | undefined
  readonly column?: number | undefined
}

interface ProblemOptions {
  readonly errors?: readonly FieldError[]
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Why a request of the admin API is not done, as RFC 9457 has it. */
export class Problem extends Error {
  readonly status: number
  readonly errors: readonly FieldError[]
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, detail: string, { errors = [], headers = {} }: ProblemOptions = {}) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.errors = errors
    this.headers = headers
  }

  toJSON(): object {
    const { status, message: detail, errors } = this
    return { type: 'about:blank', title: STATUS_CODES[status], status, detail, errors }
  }
}

/** 422: what is said of some fields of a body is wrong. */
export function unprocessable(errors: readonly FieldError[]): Problem {
  return new Problem(422, errors.map(({ field, detail }) => said(field, detail)).join('\n'), { errors })
}

/** The faults of a config file. */
export function faulty(faults: readonly Fault[]): Problem {
  return unprocessable(
    faults.map(({ path, line, column, message }) => ({ field: path, detail: message, line, column })),
  )
}

function said(field: string, detail: string): string {
  return field === '' ? detail : `${field}: ${detail}`
}
