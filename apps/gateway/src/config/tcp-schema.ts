import { z } from 'zod'
import { acceptProxy } from './listen-schema.ts'
import { count, text } from './scalars.ts'
import { ownTls } from './tls-schema.ts'
import { duration, durationOrNone } from './units.ts'

const ADDRESS = 'is no address; write it as 6379, "127.0.0.1:6379" or "[::1]:6379"'
const NONE = 'is not a duration; write it with its unit, as "10m", or 0 for no bound'

const entry = z
  .strictObject(
    {
      listen: z.union([z.int(), z.string()], ADDRESS).describe('A port, or host:port'),
      pool: text.optional().describe('Who gets its connections; with sni, those for all other names'),
      sni: z
        .record(z.string(), text, 'is no object; write it as {a.example: pool}')
        .optional()
        .describe(
          'Pools by the names that TLS clients ask for, a.example or *.a.example; TLS passes through',
        ),
      idleTimeout: z
        .union([z.literal(0), durationOrNone], NONE)
        .optional()
        .describe('How long a connection may be silent; default 10m, 0 for ever'),
      halfCloseTimeout: duration
        .optional()
        .describe('The same once one side has ended and the other has not; default 1m'),
      maxConnections: count.optional().describe('At a time; default limits.connections'),
      tls: ownTls.optional(),
      proxyProtocol: z
        .strictObject({
          accept: acceptProxy.optional(),
          send: z
            .enum(['v1', 'v2'])
            .optional()
            .describe('Begins connections to workers with one; default none'),
        })
        .optional()
        .describe('Headers of the PROXY protocol, which tell who the client is'),
    },
    'is no TCP listener; write it as {listen: 6379, pool: redis}',
  )
  .describe('A listener whose connections are carried to workers as they are')

export const tcp = z
  .array(entry, 'is no list; write it as [{listen: 6379, pool: redis}]')
  .describe('Listeners for TCP')

export type TcpFile = z.output<typeof entry>
