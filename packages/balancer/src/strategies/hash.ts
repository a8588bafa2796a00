import type { Client } from '../client.ts'
import { OptionError } from '../errors.ts'
import type { Worker } from '../worker.ts'
import { addressOf } from './ip-hash.ts'
import { rendezvous } from './rendezvous.ts'
import type { Strategy } from './strategy.ts'

/** By what requests are told apart: a header, a cookie or a parameter of the query by its name, or the path. */
export type HashOptions =
  | { readonly by: 'header' | 'cookie' | 'query'; readonly name: string }
  | { readonly by: 'path' }

/**
 * The same worker for the same value, in every gateway over the same workers: `hash({ by: 'header', name: 'x-user' })`.
 * When a worker leaves, its share moves and nothing else. A request without the value, or with an empty one, goes by
 * the client's address.
 * @throws OptionError for a bad option.
 */
export function hash(
  options: HashOptions,
  { random = Math.random }: { random?: () => number } = {},
): Strategy {
  const valueOf = toValue(options)
  const pick = rendezvous((client) => valueOf(client) || addressOf(client), random)
  function hash(eligible: readonly Worker[], client: Client): Worker | undefined {
    return pick(eligible, client)
  }
  return Object.assign(hash, { needsRequest: true })
}

function toValue(options: HashOptions): (client: Client) => string | undefined {
  if (typeof options !== 'object' || options === null)
    throw new OptionError('hash', options, 'does not say by what; write { by: "header", name: "x-user" }')
  const { by } = options
  if (by === 'path') return (client) => client.path
  if (by !== 'header' && by !== 'cookie' && by !== 'query')
    throw new OptionError('hash.by', by, 'is unknown; use "header", "cookie", "query" or "path"')
  const { name } = options
  if (typeof name !== 'string' || name === '')
    throw new OptionError('hash.name', name, `is no name; say which ${by}, as { by: "${by}", name: "user" }`)
  return (client) => client[by](name)
}
