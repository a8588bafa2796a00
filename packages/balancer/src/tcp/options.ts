import { checkFunction, OptionError } from '../errors.ts'
import { checkDuration } from '../timeouts.ts'
import type { Outcome, Worker } from '../worker.ts'
import type { ProxyVersion } from './proxy-protocol.ts'

/** How connections are balanced, beside what the pool says. */
export interface BalanceTcpOptions {
  /** After how many ms without a byte either way a connection is closed; 0 for never. Default 600 000. */
  readonly idleTimeout?: number
  /** The same where one side has ended and the other has not. Default 60 000. */
  readonly halfCloseTimeout?: number
  /** How many connections there may be at a time; who comes beyond is sent away with a clean end. Default no bound. */
  readonly maxConnections?: number
  readonly proxyProtocol?: {
    /**
     * Begins each connection to a worker with a header of the PROXY protocol, which tells it the client's address and
     * the one that the client connected to. Default none.
     */
    readonly send?: ProxyVersion | undefined
  }
  /** Is told of each connection that is over; of those beyond `maxConnections` it is not. */
  readonly onClose?: (closed: ClosedTcp) => unknown
}

/** A connection that is over. */
export interface ClosedTcp {
  /** The client's; undefined where it has left before it was asked for. */
  readonly address: string | undefined
  /** The worker that carried it or, if none did, that was tried last; undefined where none was. */
  readonly worker: Worker | undefined
  /** How many workers were tried. */
  readonly attempts: number
  /** `failed` is a worker's failure, and that no worker was to be had. */
  readonly outcome: Outcome
  /** Why it failed: a `WorkerFailure`, a `NoWorkerError`, or what a strategy has thrown; undefined if it did not. */
  readonly error: unknown
  /** Bytes from the worker, and to it. */
  readonly received: number
  readonly sent: number
  /** In ms, from when the connection was handed over. */
  readonly duration: number
}

/** The options with their defaults. */
export interface TcpSettings {
  readonly idleTimeout: number
  readonly halfCloseTimeout: number
  readonly maxConnections: number
  readonly send: ProxyVersion | undefined
  readonly onClose: BalanceTcpOptions['onClose']
}

/** @throws OptionError for what is no duration, no count, no version or no function. */
export function toTcpOptions(options: BalanceTcpOptions): TcpSettings {
  const {
    idleTimeout = 600_000,
    halfCloseTimeout = 60_000,
    maxConnections = Infinity,
    proxyProtocol = {},
    onClose,
  } = options
  if (idleTimeout !== 0) checkDuration('idleTimeout', idleTimeout)
  checkDuration('halfCloseTimeout', halfCloseTimeout)
  if (maxConnections !== Infinity && (!Number.isInteger(maxConnections) || maxConnections < 1))
    throw new OptionError(
      'maxConnections',
      maxConnections,
      'is not a count; give a whole number of 1 or more',
    )
  if (onClose !== undefined) checkFunction('onClose', onClose, '(closed) => {}')
  return { idleTimeout, halfCloseTimeout, maxConnections, send: toSend(proxyProtocol), onClose }
}

function toSend(proxyProtocol: NonNullable<BalanceTcpOptions['proxyProtocol']>): ProxyVersion | undefined {
  if (typeof proxyProtocol !== 'object' || proxyProtocol === null)
    throw new OptionError('proxyProtocol', proxyProtocol, 'is no object; write it as { send: "v2" }')
  const { send, accept } = proxyProtocol as { readonly send?: ProxyVersion; readonly accept?: unknown }
  if (accept !== undefined)
    throw new OptionError(
      'proxyProtocol.accept',
      accept,
      'is of the server; give that to acceptProxyProtocol(server, { trustedProxies })',
    )
  if (send !== undefined && send !== 'v1' && send !== 'v2')
    throw new OptionError('proxyProtocol.send', send, 'is no version; give "v1" or "v2"')
  return send
}
