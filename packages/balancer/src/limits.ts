import { OptionError } from './errors.ts'

/** How much a client may send. */
export interface Limits {
  /** The longest body of a request, in bytes; more is a 413. Default Infinity: bodies are streamed, and cost little. */
  readonly body: number
}

/** @throws OptionError for what is no size. */
export function toLimits({ body = Infinity }: Partial<Limits> = {}): Limits {
  if (typeof body !== 'number' || !(body >= 0))
    throw new OptionError('limits.body', body, 'is not a size; give bytes, 0 or more')
  return { body }
}
