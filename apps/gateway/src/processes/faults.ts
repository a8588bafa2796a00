import { OptionError } from '@rondo/balancer'

/** An error as it goes from one process to another. */
export interface Fault {
  readonly message: string
  /** Whether it is the operator's to mend, and tells how. */
  readonly isRefusal: boolean
  /** Of the system's error behind it. */
  readonly code: string | undefined
}

/** What a process was told to do, and cannot: the message tells what is to be mended. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError'
}

/** An error as plain data. */
export function toFault(error: unknown): Fault {
  const isRefusal = error instanceof OptionError
  if (!(error instanceof Error)) return { message: String(error), isRefusal, code: undefined }
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  return { message: isRefusal ? error.message : (error.stack ?? error.message), isRefusal, code }
}

/** The error that it was. */
export function toError({ message, isRefusal, code }: Fault): Error {
  return isRefusal ? new RefusalError(message, { cause: { code } }) : new Error(message)
}
