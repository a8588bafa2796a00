import { parse, stringify } from 'yaml'
import { inUrl, readAddress } from '../config/address.ts'
import { DEFAULT_ADMIN } from '../config/config.ts'
import { lineOf } from '../config/fault.ts'
import { readSource } from '../config/source.ts'
import { CommandError } from './arguments.ts'

/** The admin API of a gateway. */
export interface Admin {
  readonly url: URL
  readonly token: string | undefined
}

/**
 * Where the admin API is, and its token: by the options, else by `RONDO_ADMIN` and `RONDO_TOKEN`, else by what a config
 * file says. Variables that the file names count only where they are needed.
 * @throws CommandError for an address that is none, and for a variable that is not set.
 */
export function findAdmin(
  options: { readonly admin?: string | undefined; readonly token?: string | undefined },
  env: NodeJS.ProcessEnv,
  text = '',
): Admin {
  const place = options.admin ?? (env['RONDO_ADMIN'] || undefined)
  const given = options.token ?? (env['RONDO_TOKEN'] || undefined)
  const file = adminIn(text, env, { listen: place === undefined, token: given === undefined })
  const token = given ?? file.token
  if (token !== undefined && /[^!-~]/.test(token))
    throw new CommandError('the token has characters that no header carries; give it as the gateway has it')
  return { url: toUrl(place ?? file.listen ?? DEFAULT_ADMIN), token }
}

/** `http://127.0.0.1:8081`, or a part of that: `127.0.0.1:8081`, `8081`. */
function toUrl(place: string): URL {
  const address = readAddress(place)
  const text = address ? `http://${hostOf(address.host)}:${address.port}` : place
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new CommandError(
      `--admin: ${JSON.stringify(place)} is no address; write it as http://127.0.0.1:8081`,
    )
  return new URL(text)
}

/** Who listens on all addresses is asked at the one that every machine has. */
function hostOf(host = '0.0.0.0'): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '[::1]' : inUrl(host)
}

/**
 * What a config file says of the admin API, however wrong the rest of it is. Of its variables only those of `wanted`
 * parts have to be set.
 */
function adminIn(
  text: string,
  env: NodeJS.ProcessEnv,
  wanted: { readonly listen: boolean; readonly token: boolean },
): { listen?: string; token?: string } {
  const { listen, token } = said(text)
  const admin = {
    listen: wanted.listen && listen !== 'off' ? placeIn(listen) : undefined,
    token: wanted.token ? [token].flat()[0] : undefined,
  }
  const source = readSource(stringify({ admin }), env)
  const [fault] = source.faults
  if (fault)
    throw new CommandError(
      `${lineOf('', { ...fault, line: undefined })}; or say where the gateway is with --admin and --token`,
    )
  const read = (source.value as { admin: typeof admin }).admin
  return {
    ...(isText(read.listen) && { listen: String(read.listen) }),
    ...(isText(read.token) && { token: String(read.token) }),
  }
}

/** The key `admin` of a file, with its shorthand written out; nothing where the file is not even YAML. */
function said(text: string): { readonly listen?: unknown; readonly token?: unknown } {
  try {
    const { admin } = parse(text, { logLevel: 'silent' }) as { admin?: unknown }
    return typeof admin === 'object' && admin !== null ? admin : { listen: admin }
  } catch {
    return {}
  }
}

/** The address of a listener that has more than that. */
function placeIn(listen: unknown): unknown {
  if (typeof listen !== 'object' || listen === null || !('port' in listen)) return listen
  const { port, host, tls } = listen as { port: unknown; host?: string; tls?: unknown }
  return `${tls === undefined ? 'http' : 'https'}://${hostOf(host)}:${String(port)}`
}

function isText(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}
