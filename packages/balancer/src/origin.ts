import { OptionError } from './errors.ts'

const PROTOCOLS = ['http:', 'https:', 'tcp:', 'tls:']
const KNOWN = '"http://host:port", "https://host:port", "tcp://host:port" or "tls://host:port"'

/**
 * The URL of a worker's origin; `tcp:` and `tls:` have no port that goes without saying. `option` is what an error names.
 * @throws OptionError for what is no origin of a worker.
 */
export function parseOrigin(value: unknown, option: string): URL {
  const text = value instanceof URL ? value.href : value
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (!url) throw new OptionError(option, value, 'is not a URL; write it as "http://host:port"')
  const { protocol } = url
  if (!PROTOCOLS.includes(protocol))
    throw new OptionError(option, value, `has the unsupported protocol "${protocol}"; use ${KNOWN}`)
  const isTcp = protocol === 'tcp:' || protocol === 'tls:'
  // To WHATWG's URL only `http:` and its like have hosts of a known kind: the others' are left as they were written.
  const { hostname } = (isTcp ? URL.parse(`http://${url.host}`) : url) ?? {}
  if (!hostname) throw new OptionError(option, value, `names no host; write it as "${protocol}//host:port"`)
  if (url.port === '0')
    throw new OptionError(option, value, 'names port 0, where nobody can be reached; use 1 to 65535')
  if (isTcp && url.port === '')
    throw new OptionError(option, value, `names no port; write it as "${protocol}//${hostname}:port"`)
  const origin = originOf({ protocol, host: isTcp ? `${hostname}:${url.port}` : url.host })
  if (url.pathname.length > 1 || url.search || url.hash || url.username || url.password)
    throw new OptionError(option, value, `is more than an origin; write it as "${origin}"`)
  return isTcp ? new URL(origin) : url
}

/** An origin as it is shown: `URL.origin` is "null" for `tcp:` and `tls:`. */
export function originOf({ protocol, host }: { readonly protocol: string; readonly host: string }): string {
  return `${protocol}//${host}`
}
