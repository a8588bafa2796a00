import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nginxPaths, nginxTop } from '../subjects/nginx.ts'
import { BACKEND_HEADER } from './answers.ts'
import { contents } from './contents.ts'

/** Writes what an nginx needs to answer the paths of `contents` on all of `addresses`; returns its arguments. */
export async function writeNginxBackend(directory: string, addresses: readonly string[]): Promise<string[]> {
  const files = join(directory, 'files')
  await mkdir(files, { recursive: true })
  for (const [path, body] of Object.entries(contents)) await writeFile(join(files, path), body)
  const file = join(directory, 'nginx.conf')
  await writeFile(file, config(directory, files, addresses))
  return ['-p', directory, '-e', 'stderr', '-c', file]
}

function config(directory: string, files: string, addresses: readonly string[]): string {
  const small = (['/small', '/health'] as const).map(
    (path) => `    location = ${path} { return 200 "${contents[path]}"; }`,
  )
  return `${nginxTop(directory)}
http {
${nginxPaths(directory)}
  access_log off;
  server_tokens off;
  etag off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=16 inactive=1h;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  server {
${addresses.map((address) => `    listen ${address} backlog=4096;`).join('\n')}
    root ${files};
    default_type text/plain;
    add_header ${BACKEND_HEADER} $server_addr:$server_port;
${small.join('\n')}
  }
}
`
}
