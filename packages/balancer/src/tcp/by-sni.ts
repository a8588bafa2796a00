import { isIP, type Socket } from 'node:net'
import { Bag } from '../bag.ts'
import { checkFunction, OptionError } from '../errors.ts'
import { tell } from '../tell.ts'
import { checkDuration } from '../timeouts.ts'
import { ALERT, ClientHelloReader, HelloError, type ClientHello } from './client-hello.ts'
import { ignore } from './ignore.ts'

/** Takes a connection of which nothing has been read, whose hello says this; `balanceTcp(pool)` is one. */
export type SniHandler = (socket: Socket, hello: ClientHello) => unknown

/**
 * Why a connection went to nobody:
 * - `hello-timeout`: its hello was not whole in time
 * - `hello-malformed`: it does not speak TLS, its hello is broken, or it has left before it was whole
 * - `hello-too-large`: its hello is longer than 64 KiB
 * - `no-route`: it wants a name that nobody has, or none, and there is no fallback
 */
export type SniRefusal = 'hello-timeout' | 'hello-malformed' | 'hello-too-large' | 'no-route'

export interface BySniOptions {
  /** Takes connections for other names, and for none. Without it they are refused. */
  readonly fallback?: SniHandler
  /** How long a client may take for its hello, in ms. Default 3000. */
  readonly timeout?: number
  /** Is told who was refused, and why; the connection is ending. `hello` is there where it was whole. */
  readonly onRefused?: (kind: SniRefusal, socket: Socket, hello?: ClientHello) => unknown
}

/** A listener for the connections of a server of `node:net`. */
export interface BySni {
  (socket: Socket): void
  /** Takes no more connections and cuts those that have no handler yet; resolves when they are closed. */
  close(): Promise<void>
}

/** A host's, or a wildcard of one label, in lower case; Unicode in its ASCII form (RFC 5890, 2.3.2.1). */
const NAME = /^(?=.{1,253}$)(?:\*\.)?(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/

/** What to give where there is no handler. */
const HANDLER = 'balanceTcp(pool), or one that takes a socket'

/** How long a client that was refused has to end its side, in ms, lest what it is still sending costs it the alert. */
const LINGER = 1000

/**
 * Hands each TLS connection to the handler of the name it wants, as it came, and no key is needed for that:
 * `net.createServer(bySni({ 'a.example': balanceTcp(a), '*.b.example': balanceTcp(b) }))`. `*` is for one label; a name
 * in full goes before it. Who is refused gets the alert that TLS has for it (RFC 8446, 6.2; RFC 6066, 3).
 * @throws OptionError for a bad name or option.
 */
export function bySni(routes: Readonly<Record<string, SniHandler>>, options: BySniOptions = {}): BySni {
  const { fallback, timeout = 3000, onRefused } = options
  checkDuration('timeout', timeout)
  if (fallback !== undefined) checkFunction('fallback', fallback, HANDLER)
  if (onRefused !== undefined) checkFunction('onRefused', onRefused, '(kind, socket, hello) => {}')
  const table = new Routes(routes, fallback)
  const waiting = new Bag<Socket>()
  const over = Promise.withResolvers<void>()
  let isClosing = false

  function route(socket: Socket): void {
    if (isClosing || socket.destroyed) return void socket.destroy()
    const entry = waiting.add(socket)
    const reader = new ClientHelloReader()
    let timer = setTimeout(() => setImmediate(expire), timeout) // the event loop may have been blocked
    let isSettled = false
    socket.on('readable', read).on('end', leave).on('close', forget).on('error', ignore)

    function read(): void {
      const chunk = socket.read() as Buffer | null
      if (!chunk) return
      let hello: ClientHello | undefined
      try {
        hello = reader.push(chunk)
      } catch (error) {
        if (!(error instanceof HelloError)) throw error
        return refuse(error.kind, error.alert)
      }
      if (!hello) return
      const handler = table.find(hello.serverName)
      if (handler) pass(handler, hello)
      else refuse('no-route', ALERT.unrecognizedName, hello)
    }

    function pass(handler: SniHandler, hello: ClientHello): void {
      settle()
      forget()
      socket.off('close', forget).off('error', ignore)
      socket.unshift(reader.bytes)
      handler(socket, hello)
    }

    function refuse(kind: SniRefusal, alert?: number, hello?: ClientHello): void {
      settle()
      timer = setTimeout(() => socket.destroy(), LINGER)
      socket.resume()
      if (alert === undefined) socket.end()
      else socket.end(Buffer.of(21, 3, 1, 0, 2, 2, alert))
      if (onRefused) tell(() => onRefused(kind, socket, hello))
    }

    function expire(): void {
      if (!isSettled) refuse('hello-timeout')
    }

    function leave(): void {
      refuse('hello-malformed')
    }

    /** What it says, and when, is no longer looked at. */
    function settle(): void {
      isSettled = true
      clearTimeout(timer)
      socket.off('readable', read).off('end', leave)
    }

    function forget(): void {
      if (!isSettled && !isClosing) leave()
      settle()
      waiting.delete(entry)
      if (isClosing && waiting.size === 0) over.resolve()
    }
  }

  function close(): Promise<void> {
    isClosing = true
    if (waiting.size === 0) over.resolve()
    for (const socket of waiting.values()) socket.destroy()
    return over.promise
  }

  return Object.assign(route, { close })
}

/** Which handler a name has. */
class Routes {
  readonly #handlers = new Map<string, SniHandler>()
  readonly #fallback: SniHandler | undefined

  /** @throws OptionError for a bad name, or a handler that is none. */
  constructor(routes: Readonly<Record<string, SniHandler>>, fallback: SniHandler | undefined) {
    for (const [name, handler] of Object.entries(routes)) {
      const key = name.toLowerCase()
      if (!NAME.test(key) || isIP(key) !== 0)
        throw new OptionError(
          'routes',
          name,
          'is no name of a host; write it as "a.example" or "*.a.example"',
        )
      if (this.#handlers.has(key))
        throw new OptionError('routes', name, 'is there already; names know no case')
      checkFunction(`routes["${name}"]`, handler, HANDLER)
      this.#handlers.set(key, handler)
    }
    if (this.#handlers.size === 0 && !fallback)
      throw new OptionError('routes', routes, 'leads nowhere; name a host, or give a fallback')
    this.#fallback = fallback
  }

  find(name: string | undefined): SniHandler | undefined {
    return (name === undefined ? undefined : this.#named(name)) ?? this.#fallback
  }

  #named(name: string): SniHandler | undefined {
    const dot = name.indexOf('.')
    return this.#handlers.get(name) ?? (dot > 0 ? this.#handlers.get(`*${name.slice(dot)}`) : undefined)
  }
}
