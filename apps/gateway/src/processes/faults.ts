import { OptionError } from '@rondo/balancer'

/** An error as it goes from one process to another. */
export interface Fault {
  readonly message: string
  /** Whether it is the operator's to mend, and tells how. */
  readonly isRefusal: boolean
}

/** What a process was told to do, and cannot: the message tells what is to be mended. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError'
}

/** An error as plain data. */
export function toFault(error: unknown): Fault {
  const isRefusal = error instanceof OptionError
  if (!(error instanceof Error)) return { message: String(error), isRefusal }
  return { message: isRefusal ? error.message : (error.stack ?? error.message), isRefusal }
}

/** The error that it was. */
export function toError({ message, isRefusal }: Fault): Error {
  return isRefusal ? new RefusalError(message) : new Error(message)
}
