import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { searchPath } from '../processes/installed.ts'
import { mostConnections } from '../processes/open-files.ts'
import type { Place, Subject } from '../subject.ts'
import { nginxTop } from './nginx.ts'

/** One nginx process with its module `stream`, no log. */
export const nginxStream: Subject = {
  name: 'nginx-stream',
  label: 'nginx, stream',
  carries: [],
  start: {
    kind: 'program',
    program: 'nginx',
    version: ['-v'],
    install: 'apt-get install nginx-light libnginx-mod-stream',
    missing: () => (loadStream() === undefined ? 'it lacks its module stream' : undefined),
    command: (place) => {
      const file = join(place.directory, 'nginx.conf')
      return { args: ['-p', place.directory, '-e', 'stderr', '-c', file], files: { [file]: config(place) } }
    },
  },
}

/** The line that loads the module, empty where it is built in; `undefined` where there is none. */
function loadStream(): string | undefined {
  const env = { ...process.env, PATH: searchPath().join(':') }
  const { stderr } = spawnSync('nginx', ['-V'], { encoding: 'utf8', timeout: 5000, env })
  if (/ --with-stream(?= |$)/m.test(stderr)) return ''
  const module = join(/ --modules-path=(\S+)/.exec(stderr)?.[1] ?? '', 'ngx_stream_module.so')
  return existsSync(module) ? `load_module ${module};` : undefined
}

function config({ port, backends, directory }: Place): string {
  const servers = backends.map((backend) => `    server ${new URL(backend).host} max_fails=0;`)
  return `${loadStream() ?? ''}
${nginxTop(directory, 2 * mostConnections() + 100)}
stream {
  upstream backends {
${servers.join('\n')}
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    proxy_pass backends;
    proxy_half_close on; # as all the others do
  }
}
`
}
