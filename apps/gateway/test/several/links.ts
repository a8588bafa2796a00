import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'

/** A client's connection: its own port, 0 until it stands, and when it was begun, in ms since 1970. */
export interface Link {
  readonly port: number
  readonly since: number
}

const links = new WeakMap<Socket, Link>()

/** The connection of a socket. To be called when it is new, and whenever it is used again. */
export function linkOf(socket: Socket): Link {
  const known = links.get(socket)
  if (known) return known
  const link = { port: socket.localPort ?? 0, since: Date.now() }
  socket.once('connect', () => (link.port = socket.localPort ?? 0))
  links.set(socket, link)
  return link
}

/** Says, by what `hook.ts` noted in a folder, which process took a connection; undefined where none did. */
export function takers(folder: string): (link: Link) => number | undefined {
  const taken = new Map<number, { at: number; pid: number }[]>()
  for (const pid of readdirSync(folder))
    for (const line of readFileSync(join(folder, pid), 'utf8').split('\n')) {
      const [at = 0, port = 0] = line.split(' ').map(Number)
      const all = taken.get(port) ?? []
      taken.set(port, all)
      all.push({ at, pid: Number(pid) })
    }
  for (const all of taken.values()) all.sort((one, other) => one.at - other.at)
  // A port may be used again, later. A link is noted a moment after it was begun.
  return ({ port, since }) => taken.get(port)?.find(({ at }) => at >= since - 50)?.pid
}

/**
 * Fails for what failed on a connection of a process that did not fall. One that falls may have taken a connection, one
 * at most, and not lived to note it.
 */
export function assertOfFallen(
  failures: readonly { readonly link?: Link | undefined }[],
  taker: (link: Link) => number | undefined,
  fallen: ReadonlySet<number>,
): void {
  const others = failures.filter(({ link }) => !fallen.has((link && taker(link)) ?? 0))
  const unnoted = others.filter(({ link }) => link && link.port !== 0 && taker(link) === undefined)
  assert.deepEqual(others, unnoted.slice(0, fallen.size))
}

/** By process, when it was told to end, in ms since 1970. */
export type Told = ReadonlyMap<number, number>

/**
 * What did not fail because its time was over: on a slow machine, a conversation may last longer than a process that is
 * told to end has for it, and is cut then. What such a process cuts before its `bound`, in ms, is left.
 */
export function withoutOverdue<F extends { readonly link?: Link | undefined; readonly at: number }>(
  failures: readonly F[],
  taker: (link: Link) => number | undefined,
  told: Told,
  bound: number,
): F[] {
  const end = (link?: Link): number => (told.get((link && taker(link)) ?? 0) ?? Infinity) + bound
  return failures.filter(({ link, at }) => at < end(link) - 10) // timers of two processes
}
