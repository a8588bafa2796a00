import { join } from 'node:path'
import type { Place, Subject } from '../subject.ts'

/** HAProxy with one thread, round robin, health checks as often as Rondo's, no log. */
export const haproxy: Subject = {
  name: 'haproxy',
  label: 'HAProxy',
  carries: ['websocket', 'tls'],
  start: {
    kind: 'program',
    program: 'haproxy',
    version: ['-v'],
    install: 'apt-get install haproxy',
    command: (place) => {
      const file = join(place.directory, 'haproxy.cfg')
      return { args: ['-db', '-f', file], files: { [file]: config(place) } }
    },
  },
}

function config({ port, backends, tls }: Place): string {
  const servers = backends.map((backend, i) => `  server b${i} ${new URL(backend).host} check inter 2s`)
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  balance roundrobin
  http-reuse always
  option forwardfor
  timeout connect 3s
  timeout client 75s
  timeout server 75s
  timeout tunnel 75s
frontend front
  bind 127.0.0.1:${port}${tls ? ` ssl crt ${tls.both} alpn http/1.1` : ''}
  default_backend backends
backend backends
${servers.join('\n')}
`
}
