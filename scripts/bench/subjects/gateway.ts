import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Place, Subject } from '../subject.ts'

/** Rondo's gateway as a program, by a config file, without its access log. */
export const gateway: Subject = {
  name: 'gateway',
  label: 'Rondo, gateway',
  carries: ['websocket', 'tls'],
  start: {
    kind: 'main',
    file: fileURLToPath(new URL('../../../apps/gateway/src/main.ts', import.meta.url)),
    command: (place) => {
      const file = join(place.directory, 'rondo.yaml')
      return { args: [file], files: { [file]: JSON.stringify(config(place)) } } // JSON is YAML too
    },
  },
}

function config({ port, backends, tls, settings }: Place): object {
  const { processes = 1, forwarder = 'undici' } = settings
  const common = { processes, log: 'off', admin: 'off', shutdown: '500ms' }
  if (backends.some((backend) => backend.startsWith('tcp:')))
    return {
      ...common,
      tcp: [{ listen: `127.0.0.1:${port}`, pool: 'bytes' }],
      pools: { bytes: { workers: backends } },
    }
  const secure = tls && { tls: { cert: tls.cert, key: tls.key } }
  return { ...common, listen: { host: '127.0.0.1', port, ...secure }, workers: backends, forwarder }
}
