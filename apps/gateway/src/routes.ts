import type { IncomingMessage } from 'node:http'
import type { Route } from './config/route-schema.ts'

/** The first of the routes that a request matches; undefined if none does. */
export type Router = (req: IncomingMessage) => Route | undefined

/** Compiles routes once, for all requests. */
export function createRouter(routes: readonly Route[]): Router {
  const compiled = routes.map((route) => [route, matcher(route)] as const)
  const goesByPath = routes.some(({ path }) => path !== undefined)
  return (req) => {
    if (goesByPath && isAmbiguous(pathOf(req.url))) return undefined
    return compiled.find(([, matches]) => matches(req))?.[0]
  }
}

/** The URL that a route's workers are asked for instead of `url`: its origin stays, where it has one. */
export function rewritten({ path = '/', strip, rewrite }: Route, url: string): string {
  if (!strip && rewrite === undefined) return url
  const origin = originOf(url)
  const rest = pathOf(url).slice(plain(path).replace(/\/$/, '').length) + queryOf(url)
  const joined = rewrite === undefined ? rest : rewrite.replace(/\/$/, '') + rest
  return origin + (joined.startsWith('/') ? joined : `/${joined}`)
}

function matcher({ host, path, method, header }: Route): (req: IncomingMessage) => boolean {
  const methods =
    method === undefined ? undefined : new Set([method].flat().map((name) => name.toUpperCase()))
  const tests: ((req: IncomingMessage) => boolean)[] = []
  if (methods) tests.push((req) => methods.has(req.method ?? ''))
  if (host !== undefined) {
    const isHost = hostMatcher(host.toLowerCase())
    tests.push((req) => isHost(hostOf(req)))
  }
  if (path !== undefined) {
    const isPath = pathMatcher(path)
    tests.push((req) => isPath(pathOf(req.url)))
  }
  for (const [name, value] of Object.entries(header ?? {})) {
    const key = name.toLowerCase()
    tests.push(({ headers }) =>
      value === true ? headers[key] !== undefined : headers[key]?.toString() === value,
    )
  }
  return (req) => tests.every((test) => test(req))
}

/** `*.example.com` is every name below `example.com`, and not that name itself. */
function hostMatcher(host: string): (name: string) => boolean {
  if (!host.startsWith('*.')) return (name) => name === host
  const end = host.slice(1)
  return (name) => name.length > end.length && name.endsWith(end)
}

/** A prefix ends at a `/` or with the path, so that `/api` is not `/apix`; with a `*` it is a pattern for the whole path. */
function pathMatcher(text: string): (asked: string) => boolean {
  const path = plain(text)
  if (path.includes('*')) return patternMatcher(path)
  if (path.endsWith('/')) return (asked) => asked.startsWith(path)
  return (asked) => asked.startsWith(path) && (asked.length === path.length || asked[path.length] === '/')
}

/** Goes all ways through a pattern at once: a RegExp with some stars may take minutes for a path made for that. */
function patternMatcher(pattern: string): (asked: string) => boolean {
  const steps = pattern.match(/\*\*|[^]/gu) ?? []
  /** Adds a step, and those behind it that a star leads to which stands for nothing. */
  function add(to: Set<number>, step: number): void {
    to.add(step)
    if (steps[step]?.startsWith('*')) add(to, step + 1)
  }
  return (asked) => {
    let at = new Set<number>()
    add(at, 0)
    for (const char of asked) {
      const next = new Set<number>()
      for (const i of at) {
        if (steps[i] === '**' || (steps[i] === '*' && char !== '/')) add(next, i)
        else if (steps[i] === char) {
          add(next, i + 1)
          if (char === '/' && steps[i + 1] === '**' && steps[i + 2] === '/') add(next, i + 3) // one slash is enough
        }
      }
      at = next
    }
    return at.has(steps.length)
  }
}

/** The host of a request as routes know it: without a port or the dot of the root, in lower case. */
function hostOf({ headers, url = '' }: IncomingMessage): string {
  const origin = originOf(url)
  const host = origin === '' ? (headers.host ?? '') : origin.replace(/^.*[/@]/, '')
  return host.replace(/\.?(:\d*)?$/, '').toLowerCase()
}

/** The path of a request as routes know it. */
function pathOf(url = '/'): string {
  return plain(url.slice(originOf(url).length, url.length - queryOf(url).length)) || '/'
}

function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start)
}

/** What comes before the path of a URL in absolute form; empty for a path. */
function originOf(url: string): string {
  return /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? ''
}

/** Without escapes of what needs none: `/%61pi` is `/api` (RFC 3986, 6.2.2.2), and workers may read it so. */
function plain(path: string): string {
  return path.replaceAll(/%(2[de]|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Whether workers may read another path than routes do: one with `.` or `..` in it, or with a fragment, which no client sends. */
function isAmbiguous(path: string): boolean {
  return path.includes('#') || /(^|\/)\.\.?(\/|$)/.test(path)
}
