import type { Subject } from '../subject.ts'
import { caddy } from './caddy.ts'
import { ceiling } from './ceiling.ts'
import { expressHttpProxy } from './express-http-proxy.ts'
import { fastProxyUndici } from './fast-proxy-undici.ts'
import { fastProxy } from './fast-proxy.ts'
import { haproxyTcp } from './haproxy-tcp.ts'
import { haproxy } from './haproxy.ts'
import { hpmPlain } from './hpm-plain.ts'
import { hpm } from './hpm.ts'
import { nginxStream } from './nginx-stream.ts'
import { nginx } from './nginx.ts'
import { pipe } from './pipe.ts'
import { replyFromSubject } from './reply-from.ts'
import { rondoHttpProxy } from './rondo-http-proxy.ts'
import { rondoTcp } from './rondo-tcp.ts'
import { rondoUndici } from './rondo-undici.ts'

/** Everything that carries HTTP, in the order of the tables. */
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

/** Everything that carries connections, in the order of the tables. */
export const tcpSubjects: readonly Subject[] = [rondoTcp, pipe, haproxyTcp, nginxStream]
