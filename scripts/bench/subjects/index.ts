import type { Subject } from '../subject.ts'
import { caddy } from './caddy.ts'
import { ceiling } from './ceiling.ts'
import { expressHttpProxy } from './express-http-proxy.ts'
import { fastProxyUndici } from './fast-proxy-undici.ts'
import { fastProxy } from './fast-proxy.ts'
import { haproxy } from './haproxy.ts'
import { hpmPlain } from './hpm-plain.ts'
import { hpm } from './hpm.ts'
import { nginx } from './nginx.ts'
import { replyFromSubject } from './reply-from.ts'
import { rondoHttpProxy } from './rondo-http-proxy.ts'
import { rondoUndici } from './rondo-undici.ts'

/** Everything that can be measured, in the order of the tables. */
export const subjects: readonly Subject[] = [
  rondoUndici,
  rondoHttpProxy,
  hpm,
  hpmPlain,
  replyFromSubject,
  fastProxy,
  fastProxyUndici,
  expressHttpProxy,
  ceiling,
  nginx,
  haproxy,
  caddy,
]
