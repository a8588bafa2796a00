import type { IncomingMessage, RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What a subject is given when it starts; the same for every subject of a scenario. */
export interface Place {
  /** The port to listen on, on 127.0.0.1. */
  readonly port: number
  /** The origins to balance over, each `http://address:port`, of TCP `tcp://address:port`. */
  readonly backends: readonly string[]
  /** Present when the subject is to speak TLS: paths of PEM files; `both` is certificate and key in one. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly both: string }
  /** A folder of the subject's own, removed after the run. */
  readonly directory: string
  readonly settings: Settings
}

/** What the scenarios `features` and `processes` turn on and off in Rondo; other subjects ignore it. */
export interface Settings {
  /** The gateway's access log, written to /dev/null. Default off. */
  readonly log?: boolean
  /** `metrics(pool)` in front, as in the gateway. Default on. */
  readonly metrics?: boolean
  /** Sessions kept by a cookie. Default off. */
  readonly sticky?: boolean
  /** How many workers a request may be tried on. Default 3. */
  readonly attempts?: number
  /** False: Express and the forwarder alone, workers in turn; no leases, counters or failover. Default true. */
  readonly balance?: boolean
  /** Of the gateway alone: how many processes serve. Default 1. */
  readonly processes?: number
  /** Of the gateway alone. Default undici. */
  readonly forwarder?: 'undici' | 'http-proxy-middleware'
}

/** What a subject that runs in Node puts into a server. */
export interface Opened {
  readonly listener: RequestListener
  readonly upgrade?: (req: IncomingMessage, socket: Duplex, head: Buffer) => unknown
}

/** What a subject of TCP that runs in Node puts into a server, which leaves half-open connections open. */
export interface OpenedTcp {
  readonly connection: (socket: Socket) => unknown
}

/** How a program of the machine is run: its arguments, what it finds in its environment, and its files. */
export interface Command {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Content by path, written before the start. */
  readonly files: Readonly<Record<string, string>>
}

/** Something that is measured: a proxy, or for comparison a server that needs none. */
export interface Subject {
  /** What it is called on the command line and in the results. */
  readonly name: string
  /** What it is called in the chart. */
  readonly label: string
  /** What it can carry beside plain HTTP. */
  readonly carries: readonly ('websocket' | 'tls')[]
  readonly start: ScriptStart | ProgramStart | MainStart
  /** It answers itself; there are no backends to be spread over. */
  readonly answersItself?: boolean
}

/** A TypeScript file that exports `open(place)`: an `Opened` or `OpenedTcp`, or a promise of one. */
export interface ScriptStart {
  readonly kind: 'script'
  /** The file's URL: `import.meta.url`. */
  readonly file: string
  /** The npm package whose version the results name. */
  readonly package?: string
  /** Why it cannot be measured here; `undefined` when it can. */
  readonly missing?: () => Promise<string | undefined>
}

/** A program of this repository, which Node runs as its users have it run. */
export interface MainStart {
  readonly kind: 'main'
  readonly file: string
  readonly command: (place: Place) => Command
}

/** A program that the machine may have. */
export interface ProgramStart {
  readonly kind: 'program'
  readonly program: string
  /** Arguments that make it print its version. */
  readonly version: readonly string[]
  /** How to install it on Debian. */
  readonly install: string
  /** Why it cannot be measured here though it is installed; `undefined` when it can. */
  readonly missing?: () => string | undefined
  readonly command: (place: Place) => Command
}

/** A function that returns each of `items` in turn, for ever. */
export function inTurn<T>(items: readonly T[]): () => T {
  let i = 0
  return () => {
    const item = items[i++ % items.length]
    if (item === undefined) throw new Error('there is nothing to take turns')
    return item
  }
}
