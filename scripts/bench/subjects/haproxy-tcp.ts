import { join } from 'node:path'
import { mostConnections } from '../processes/open-files.ts'
import type { Place, Subject } from '../subject.ts'

/** HAProxy in TCP mode with one thread, round robin, health checks as often as Rondo's, no log. */
export const haproxyTcp: Subject = {
  name: 'haproxy-tcp',
  label: 'HAProxy, mode tcp',
  carries: [],
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

function config({ port, backends }: Place): string {
  const servers = backends.map((backend, i) => `  server b${i} ${new URL(backend).host} check inter 2s`)
  return `global
  nbthread 1
  maxconn ${mostConnections()}
defaults
  mode tcp
  balance roundrobin
  timeout connect 3s
  timeout client 10m
  timeout server 10m
frontend front
  bind 127.0.0.1:${port}
  default_backend backends
backend backends
${servers.join('\n')}
`
}
