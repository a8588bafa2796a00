import { OptionError } from './errors.ts'

/** @throws OptionError for what is no origin of a worker. */
export function parseOrigin(value: unknown, option: string): URL {
  const text = value instanceof URL ? value.href : value
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (!url) throw new OptionError(option, value, 'is not a URL; write it as "http://host:port"')
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new OptionError(
      option,
      value,
      `has the unsupported protocol "${url.protocol}"; use "http://host:port" or "https://host:port"`,
    )
  if (url.port === '0')
    throw new OptionError(option, value, 'names port 0, where nobody can be reached; use 1 to 65535')
  if (url.pathname !== '/' || url.search || url.hash || url.username || url.password)
    throw new OptionError(option, value, `is more than an origin; write it as "${url.origin}"`)
  return url
}
