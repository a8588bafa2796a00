import type { ClosedTcp } from '@rondo/balancer'
import { plain } from './access-log.ts'
import { sentence, word } from './printable.ts'

/** A TCP connection that is over, and the URL of the listener that it came by. */
export interface TcpEntry extends ClosedTcp {
  readonly listener: string
}

/** Who came by which listener, how it ended, the bytes from the client (in) and to it (out), who carried it, and why it failed. */
export function tcpLineOf(entry: TcpEntry): string {
  const { address, listener, outcome, error, sent, received, worker, attempts, duration } = entry
  const by = `worker=${worker ? word(worker.id) : '-'} attempts=${attempts}`
  const why = error === undefined ? '' : `: ${sentence(messageOf(error))}`
  return `${plain(address)} "${listener}" ${outcome} in=${sent} out=${received} ${by} ${duration.toFixed(1)} ms${why}`
}

/** The same as an object, for logs in JSON. */
export function tcpFieldsOf(entry: TcpEntry): object {
  const { address, listener, outcome, error, sent, received, worker, attempts, duration } = entry
  return {
    time: new Date().toISOString(),
    client: plain(address),
    listener,
    outcome,
    error: error === undefined ? undefined : messageOf(error),
    in: sent,
    out: received,
    worker: worker?.id,
    attempts,
    duration: Math.round(duration * 10) / 10,
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
