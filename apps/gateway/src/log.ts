import { createWriteStream, openSync, type WriteStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { OptionError } from '@rondo/balancer'
import morgan from 'morgan'
import { fieldsOf, lineOf, say, timed, type Entry } from './access-log.ts'
import type { Config, LogFormat } from './config/config.ts'
import { tcpFieldsOf, tcpLineOf, type TcpEntry } from './tcp-log.ts'

/** How the lines look, and where they go. */
export interface AccessLog {
  /** The line for a request that is over; null for none. */
  readonly line: morgan.FormatFn
  write(line: string): void
  /** Logs what has a socket and no response. */
  upgrade(entry: Entry): void
  /** Logs a TCP connection. */
  connection(entry: TcpEntry): void
  /** Closes its file; resolves when all is written. */
  close(): Promise<void>
}

/**
 * `off` logs nothing; upgrades and TCP connections, of which morgan's formats know nothing, have the gateway's own line in those.
 * @throws OptionError for a file that cannot be written.
 */
export function openLog({ format, file }: Config['log']): AccessLog {
  if (format === 'off')
    return { line: () => null, write() {}, upgrade() {}, connection() {}, async close() {} }
  const out = file === undefined ? undefined : openFile(file)
  const write = (line: string): void => void (out ?? process.stdout).write(line)
  return {
    line: formatOf(format),
    write,
    upgrade: (entry) => write(`${written(format === 'json' ? 'json' : 'rondo', entry)}\n`),
    connection: (entry) =>
      write(`${format === 'json' ? JSON.stringify(tcpFieldsOf(entry)) : timed(tcpLineOf(entry))}\n`),
    close: () => new Promise((resolve) => (out ? void out.end(resolve) : resolve())),
  }
}

/** Logs each request as the log says that is current when the request is over: one that is closed meanwhile misses nothing. */
export function logRequests(current: () => AccessLog): (req: IncomingMessage, res: ServerResponse) => void {
  const stream = { write: (line: string): void => current().write(line) }
  const log = morgan((...of) => current().line(...of), { stream })
  return (req, res) => log(req, res, () => {})
}

function formatOf(format: Exclude<LogFormat, 'off'>): morgan.FormatFn {
  if (format === 'rondo' || format === 'json')
    return (tokens, req, res) => written(format, entryOf(tokens, req, res))
  const known = (morgan as unknown as Record<string, string | morgan.FormatFn>)[format] as
    | string
    | morgan.FormatFn
  return typeof known === 'string' ? morgan.compile(known) : known
}

function openFile(file: string): WriteStream {
  const out = createWriteStream(file, { fd: descriptorOf(file) })
  out.on('error', (error) => say(`the access log cannot be written: ${error.message}`))
  return out
}

function descriptorOf(file: string): number {
  try {
    return openSync(file, 'a')
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    throw new OptionError(
      'log.file',
      file,
      `cannot be written (${code}); name a file in a folder that is there`,
    )
  }
}

function entryOf(tokens: morgan.TokenIndexer, req: IncomingMessage, res: ServerResponse): Entry {
  return {
    req,
    address: req.socket?.remoteAddress,
    status: tokens['status']?.(req, res),
    length: tokens['res']?.(req, res, 'content-length')?.toString(),
    duration: tokens['total-time']?.(req, res, '1'),
  }
}

function written(format: 'rondo' | 'json', entry: Entry): string {
  return format === 'rondo' ? timed(lineOf(entry)) : JSON.stringify(fieldsOf(entry))
}
