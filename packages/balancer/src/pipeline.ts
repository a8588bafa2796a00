import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Responses that wait behind others, by their connection. */
const waiting = new WeakMap<Socket, Set<ServerResponse>>()

/** Closes a response that waits behind others when its connection does: behind a CONNECT or an upgrade Node forgets it. */
export function endTogether(socket: Socket, res: ServerResponse): void {
  if (socket.destroyed) return void res.destroy()
  const all = waiting.get(socket) ?? new Set()
  if (!waiting.has(socket)) {
    waiting.set(socket, all)
    socket.once('close', () => {
      for (const one of all) one.destroy()
    })
  }
  all.add(res)
  res.once('close', () => all.delete(res))
}

/** Whether an answer to an earlier request is still to be given; only Node's own mark tells. */
export function isOwed({ _httpMessage: response }: Duplex & { _httpMessage?: unknown }): boolean {
  return Boolean(response)
}

const SHUT: unique symbol = Symbol('rondo.shut')

/**
 * Serves no more requests on a connection: one was refused that others may read otherwise, or an upgrade was declined,
 * behind which Node's parser drops what has come in the same segment, and takes what follows for a request.
 */
export function shut(socket: Socket & { [SHUT]?: boolean }): void {
  socket[SHUT] = true
}

export function isShut(socket: Socket & { [SHUT]?: boolean }): boolean {
  return socket[SHUT] === true
}
