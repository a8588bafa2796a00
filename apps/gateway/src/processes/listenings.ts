import { showAddress, type Address } from '../config/address.ts'
import type { Listening } from '../listeners.ts'
import type { Note } from './messages.ts'
import type { Ports } from './ports.ts'
import type { ServingProcess } from './serving-process.ts'

/** Listeners that several processes serve together. */
export class Listenings {
  readonly #ports: Ports
  readonly #processes: () => Iterable<ServingProcess>
  /** By listener and kind; those of processes that have ended too. */
  readonly #refused = new Map<string, Map<string, number>>()

  constructor(ports: Ports, processes: () => Iterable<ServingProcess>) {
    this.#ports = ports
    this.#processes = processes
  }

  /** The listeners at these addresses. */
  of<A extends Address & { readonly tls?: unknown }>(addresses: readonly A[], isTcp = false): Listening<A>[] {
    return addresses.map((address) => {
      const port = this.#ports.of(address)
      const key = showAddress({ ...address, port })
      const protocol = isTcp ? 'tcp' : address.tls ? 'https' : 'http'
      const connections = async (): Promise<number> => {
        const all = Array.from(this.#processes(), ({ report }) => report?.connections[key] ?? 0)
        return all.reduce((sum, count) => sum + count, 0)
      }
      return {
        address,
        port,
        served: { protocol, refusals: this.#refused.get(key) ?? new Map(), connections },
      }
    })
  }

  /** Adds what a process has noted. */
  add(refused: Note['refused'] = {}): void {
    for (const [listener, kinds] of Object.entries(refused)) {
      const counts = this.#refused.get(listener) ?? new Map<string, number>()
      this.#refused.set(listener, counts)
      for (const [kind, count] of Object.entries(kinds)) counts.set(kind, (counts.get(kind) ?? 0) + count)
    }
  }
}
