import { OptionError } from './errors.ts'
import { parseOrigin } from './origin.ts'

/** How a worker is given to a pool: its origin, or the origin with what belongs to it. */
export type WorkerSpec =
  | string
  | URL
  | {
      /** `http://host:port` or `https://host:port`, or for TCP `tcp://host:port` or `tls://host:port`; without path, credentials or query. */
      readonly url: string | URL
      /** The worker's id; default `host:port`. */
      readonly name?: string
      /** Share of the traffic, relative to the other workers, under strategies that know weights. Default 1. */
      readonly weight?: number
    }

/** What a spec says of a worker. @throws OptionError that names `option` when it is none. */
export function parseSpec(
  spec: WorkerSpec,
  option: string,
): { readonly url: URL; readonly name: string | undefined; readonly weight: number } {
  const isUrl = typeof spec !== 'object' || spec === null || spec instanceof URL
  const { url, name, weight = 1 } = isUrl ? { url: spec } : spec
  const origin = parseOrigin(url, option)
  if (name !== undefined && (typeof name !== 'string' || name.trim() === ''))
    throw new OptionError(`${option}.name`, name, 'is not a name; give a string that is not empty')
  if (typeof weight !== 'number' || !Number.isFinite(weight) || weight <= 0)
    throw new OptionError(`${option}.weight`, weight, 'is not a weight; give a number above 0')
  return { url: origin, name, weight }
}
