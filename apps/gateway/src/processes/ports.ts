import { showAddress, type Address } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import { hold, type Held } from '../listeners.ts'

/**
 * The ports of listeners that several processes are to have: the same for all, those that come later too, also where 0
 * means any.
 */
export class Ports {
  readonly #chosen = new Map<string, number>()

  /** The port that stands for the one of an address. */
  of(address: Address): number {
    return this.#chosen.get(showAddress(address)) ?? address.port
  }

  /**
   * A config whose listeners all have ports. Those that `current` has not are tried first: a process that fails to
   * listen is spoilt, since `node:cluster` keeps what it could not bind for the address that it was for. All are held
   * until the last is tried: two of them may be one, such as `localhost:80` and `127.0.0.1:80`.
   * @throws OptionError for an address that cannot be listened on.
   */
  async fill(config: Config, current?: Config): Promise<Config> {
    const held: Held[] = []
    const tryPort = async ({ host, port }: Address, option: 'listen' | 'tcp.listen'): Promise<number> => {
      const one = await hold({ host, port }, option)
      held.push(one)
      return one.port
    }
    const fill = async <A extends Address>(
      wanted: readonly A[],
      open: readonly A[] = [],
      option: 'listen' | 'tcp.listen',
    ): Promise<A[]> => {
      const known = new Set(open.map(showAddress))
      const filled: A[] = []
      for (const address of wanted) {
        const port = this.of(address)
        const isKnown = known.has(showAddress({ ...address, port }))
        const tried = isKnown ? port : await tryPort({ ...address, port }, option)
        if (address.port === 0) this.#chosen.set(showAddress(address), tried)
        filled.push({ ...address, port: tried })
      }
      return filled
    }
    try {
      const listen = await fill(config.listen, current?.listen, 'listen')
      const tcp = await fill(config.tcp, current?.tcp, 'tcp.listen')
      return { ...config, listen, tcp }
    } finally {
      await Promise.all(held.map((one) => one.release()))
    }
  }

  /** What was chosen for 0 and `current` has not is chosen anew the next time. Returns whether there is such. */
  forget(current?: Config): boolean {
    const open = new Set([...(current?.listen ?? []), ...(current?.tcp ?? [])].map(({ port }) => port))
    const before = this.#chosen.size
    for (const [key, port] of this.#chosen) if (!open.has(port)) this.#chosen.delete(key)
    return this.#chosen.size < before
  }
}
