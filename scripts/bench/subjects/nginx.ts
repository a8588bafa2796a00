import { join } from 'node:path'
import type { Place, Subject } from '../subject.ts'

/** One nginx process, upstream connections kept alive, no log. */
export const nginx: Subject = {
  name: 'nginx',
  label: 'nginx',
  carries: ['websocket', 'tls'],
  start: {
    kind: 'program',
    program: 'nginx',
    version: ['-v'],
    install: 'apt-get install nginx-light',
    command: (place) => {
      const file = join(place.directory, 'nginx.conf')
      return { args: ['-p', place.directory, '-e', 'stderr', '-c', file], files: { [file]: config(place) } }
    },
  },
}

/** What every nginx of the bench has on top: in the foreground, one process, all its files in `directory`. */
export function nginxTop(directory: string, connections = 16_384): string {
  return `
daemon off;
master_process off;
pid ${join(directory, 'nginx.pid')};
error_log stderr error;
worker_rlimit_nofile 65536;
events { worker_connections ${connections}; }`
}

/** Temp files of nginx, which its package would put where only root may write. */
export function nginxPaths(directory: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${join(directory, `${kind}-temp`)};`)
    .join('\n')
}

function config({ port, backends, tls, directory }: Place): string {
  const servers = backends.map((backend) => `    server ${new URL(backend).host} max_fails=0;`)
  return `${nginxTop(directory)}
http {
${nginxPaths(directory)}
  access_log off;
  server_tokens off;
  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_buffer_size 128k; # the default puts bodies of 16 KB on the disk
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream backends {
${servers.join('\n')}
    keepalive ${Math.max(1024, backends.length * 4)};
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096${tls ? ' ssl' : ''};
${tls ? `    ssl_certificate ${tls.cert};\n    ssl_certificate_key ${tls.key};` : ''}
    location / {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_max_temp_file_size 0;
    }
  }
}
`
}
