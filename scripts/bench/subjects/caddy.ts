import { join } from 'node:path'
import type { Place, Subject } from '../subject.ts'

/** Caddy with one thread for Go code, round robin, health checks as often as Rondo's, no log. */
export const caddy: Subject = {
  name: 'caddy',
  label: 'Caddy',
  carries: ['websocket', 'tls'],
  start: {
    kind: 'program',
    program: 'caddy',
    version: ['version'],
    install: 'apt-get install caddy',
    command: (place) => {
      const file = join(place.directory, 'Caddyfile')
      const home = { HOME: place.directory, XDG_DATA_HOME: place.directory, XDG_CONFIG_HOME: place.directory }
      return {
        args: ['run', '--config', file, '--adapter', 'caddyfile'],
        env: { ...home, GOMAXPROCS: '1' },
        files: { [file]: config(place) },
      }
    },
  },
}

function config({ port, backends, tls }: Place): string {
  return `{
  admin off
  auto_https off
  default_bind 127.0.0.1
  log {
    level ERROR
  }
  servers {
    protocols h1
  }
}
${tls ? `https://127.0.0.1:${port}, https://localhost:${port}` : `http://:${port}`} {
  ${tls ? `tls ${tls.cert} ${tls.key}` : ''}
  reverse_proxy ${backends.map((backend) => new URL(backend).host).join(' ')} {
    lb_policy round_robin
    health_uri /health
    health_interval 2s
    transport http {
      keepalive_idle_conns 4096
      keepalive_idle_conns_per_host 1024
      compression off
    }
  }
}
`
}
