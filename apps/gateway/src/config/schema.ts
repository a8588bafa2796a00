import { z } from 'zod'
import { admin } from './admin-schema.ts'
import { listen } from './listen-schema.ts'
import { bodyLimit, pool, poolFields, workers } from './pool-schema.ts'
import { processes } from './processes.ts'
import { route } from './route-schema.ts'
import { anyText, count, text } from './scalars.ts'
import { tcp } from './tcp-schema.ts'
import { durationOrNone, someSize } from './units.ts'

const format = z.enum(['combined', 'dev', 'json', 'rondo', 'off'])
const log = z
  .union(
    [
      format,
      z.strictObject({
        format: format.optional().describe('Default rondo'),
        file: text.optional().describe('Default the standard output'),
      }),
    ],
    'is no log; use "combined", "dev", "json", "rondo" or "off", or {format: json, file: access.log}',
  )
  .describe('The access log')

const network = z.string('is no address or network; write it as "10.0.0.0/8"')

/** The whole file. */
export const schema = z.strictObject(
  {
    listen: listen.optional(),
    tcp: tcp.optional(),
    ...poolFields,
    workers: workers.optional().describe('Of the pool named default, which serves what no route takes'),
    pools: z
      .record(
        z.string().regex(/^[\w.-]+$/, 'is no name of a pool; give letters, digits, "-", "_" and "."'),
        pool,
        'is no object; write it as {api: {workers: ["http://host:port"]}}',
      )
      .optional()
      .describe('By name'),
    routes: z
      .array(route, 'is no list of routes; write it as [{path: /api, pool: api}]')
      .optional()
      .describe('In order; the first that matches serves a request'),
    limits: z
      .strictObject({
        header: someSize.optional().describe('Of the head of a request; default 16KiB'),
        body: bodyLimit,
        connections: count.optional().describe('At a time; default 10000'),
      })
      .optional()
      .describe('What clients may ask of the gateway'),
    trustedProxies: z
      .array(network, 'is no list; write it as [10.0.0.0/8]')
      .optional()
      .describe('Whose X-Forwarded-* are believed; default none'),
    metrics: z.enum(['on', 'off']).optional().describe('Whether GET /metrics answers; default on'),
    log: log.optional(),
    admin: admin.optional(),
    processes: processes.optional(),
    shutdown: durationOrNone
      .optional()
      .describe('How long a shutdown waits for what is in flight; default 30s'),
    /** JSON has no comments to say it in. */
    $schema: anyText.optional().describe('Where editors find this schema'),
  },
  'is no config; begin it as "workers: [http://host:port]"',
)

/** What a file says, checked, with times in ms and sizes in bytes. */
export type File = z.output<typeof schema>
