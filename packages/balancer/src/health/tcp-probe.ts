import { connectProbe, type Way } from './connect.ts'
import { WrongAnswer } from './deadline.ts'
import type { Probe } from './probe.ts'

/** What is said once a connection stands, and what must come then. */
export interface Talk {
  /** Text is sent as UTF-8. */
  readonly send?: string | Buffer | undefined
  /** To be found anywhere in what has come so far; a regular expression sees each byte as one character (Latin-1). */
  readonly expect?: string | Buffer | RegExp | undefined
}

/** How many bytes are sent at the most, and within how many the expected must come. */
export const MOST = 65_536

/** How many bytes of an answer a reason tells. */
const EXCERPT = 60

/**
 * Connects, on a connection of its own that is closed in order when the worker is well: without `expect` once it stands
 * and has taken what was sent, else when that has come. An `https:` or `tls:` worker's certificate is verified each time.
 */
export function tcpProbe({ send, expect }: Talk, way: Way): Probe {
  return (worker, signal) =>
    new Promise((resolve, reject) => {
      connectProbe(worker, way, signal, (error, socket) => {
        if (error) return reject(error)
        let answer: Buffer = Buffer.alloc(0)
        let isSent = send === undefined

        function look(): void {
          if (!isSent || !isIn(answer, expect)) return
          resolve()
          socket.off('data', hear).off('end', close).off('close', close).destroySoon()
        }
        function hear(chunk: Buffer): void {
          answer = Buffer.concat([answer, chunk.subarray(0, MOST - answer.length)])
          if (isIn(answer, expect)) look()
          else if (answer.length === MOST) fail(`answered ${MOST} bytes without ${show(expect)}`)
        }
        function fail(why: string): void {
          reject(new Error(why))
          socket.destroy()
        }
        function close(): void {
          const said =
            answer.length === 0 ? 'without an answer' : `after ${show(answer)}, without ${show(expect)}`
          fail(`closed the connection ${said}`)
        }

        signal.addEventListener('abort', () => {
          if (answer.length > 0) reject(new WrongAnswer(`answered ${show(answer)}, not ${show(expect)}`))
        })
        socket.on('error', reject).on('close', close)
        if (send !== undefined)
          socket.write(send, (failure) => {
            isSent = !failure
            look()
          })
        if (expect === undefined) return look()
        socket.on('data', hear).on('end', close)
      })
    })
}

function isIn(answer: Buffer, expect: Talk['expect']): boolean {
  if (expect === undefined) return true
  return expect instanceof RegExp ? answer.toString('latin1').search(expect) >= 0 : answer.includes(expect)
}

/** Bytes as a text that no terminal takes for orders; what is expected as it was given. */
function show(what: Talk['expect']): string {
  if (what instanceof RegExp) return String(what)
  if (!Buffer.isBuffer(what)) return JSON.stringify(what)
  const text = what.toString('latin1', 0, EXCERPT) + (what.length > EXCERPT ? '…' : '')
  return JSON.stringify(text).replaceAll(/[\x7f-\xff]/g, (byte) => `\\u00${byte.charCodeAt(0).toString(16)}`)
}
