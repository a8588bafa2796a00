import { z } from 'zod'
import { count, text } from './scalars.ts'
import { workerTls } from './tls-schema.ts'
import { duration, seconds, size } from './units.ts'

const share = z
  .number('is not a share; give a number from 0 to 1')
  .min(0, 'is not a share; give a number from 0 to 1')
  .max(1, 'is not a share; give a number from 0 to 1')
const rate = z
  .number('is not a rate; give retries per second, 0 or more')
  .min(0, 'is not a rate; give retries per second, 0 or more')

const NO_URL = 'is not a URL; write it as "http://host:port"'
const url = z.string(NO_URL).min(1, NO_URL)

/** What is said of a weight that is none. */
export const WEIGHT = 'is not a weight; give a number above 0'

/** A worker as an object; the balancer checks the values. */
export const workerObject = z.strictObject({
  url: url.describe('Its origin, as http://host:port'),
  name: text.optional().describe('Its id in logs and metrics; default host:port'),
  weight: z.number(WEIGHT).optional().describe('Its share of the traffic; default 1'),
})

const worker = z
  .union(
    [url, workerObject],
    'is no worker; write it as "http://host:port", or as {url: "http://host:port", weight: 2}',
  )
  .describe('A worker: its URL, or an object')

export const workers = z
  .array(worker, 'is no list of workers; write it as ["http://host:port"]')
  .describe('Who serves its requests')

const strategies = [
  'round-robin',
  'weighted-round-robin',
  'least-connections',
  'least-response-time',
  'random-two-choices',
  'ip-hash',
] as const

const strategy = z
  .union(
    [
      z.enum(strategies),
      z.strictObject({
        hash: z
          .strictObject(
            {
              by: z.enum(['header', 'cookie', 'query', 'path']).describe('What of a request is hashed'),
              name: text.optional().describe('Of the header, cookie or parameter'),
            },
            'does not say by what; write it as {by: header, name: x-user}',
          )
          .describe('One worker for all requests that have the same of something'),
      }),
    ],
    `is unknown; use "${strategies.join('", "')}", or {hash: {by: header, name: x-user}}`,
  )
  .describe('Who of the alive workers gets a request; default round-robin')

const PORT = 'is not a port; give a whole number from 1 to 65535'

const expected = text
  .refine((value) => wrongWith(value) === undefined, {
    error: ({ input }) =>
      `is no pattern (${wrongWith(String(input))}); mend it, or leave out the slashes for a text`,
  })
  .transform((value) => patternOf(value) ?? value)

/** What `/pattern/flags` means; undefined for a text that is to be taken as it is. */
function patternOf(value: string): RegExp | undefined {
  const [, pattern, flags] = /^\/(.+)\/([a-z]*)$/s.exec(value) ?? []
  return pattern === undefined ? undefined : new RegExp(pattern, flags)
}

function wrongWith(value: string): string | undefined {
  try {
    patternOf(value)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const health = z
  .strictObject({
    schedule: text.optional().describe('Cron, with seconds; default "*/2 * * * * *"'),
    type: z.enum(['http', 'tcp']).optional().describe('Default by the workers: tcp for tcp:// and tls://'),
    port: z.int(PORT).min(1, PORT).max(65_535, PORT).optional().describe("Default the worker's"),
    path: text.optional().describe('Of probes by HTTP; default /health'),
    send: text.optional().describe('What probes by TCP send, as "PING\\r\\n"; default nothing'),
    expect: expected
      .optional()
      .describe(
        'What must be in the answer to probes by TCP: a text, or a pattern as "/^OK/i"; default nothing',
      ),
    timeout: duration.optional().describe('Default 1s, or half the shortest gap of the schedule'),
    rise: count.optional().describe('Good probes in a row that bring a worker back; default 2'),
    fall: count.optional().describe('Bad probes in a row that take a worker out; default 3'),
  })
  .describe('How liveness is polled')

const failover = z
  .strictObject({
    attempts: count.optional().describe('The first one included; default 3'),
    deadline: duration.optional().describe('For all attempts, until the response begins; default 1m'),
    budget: z
      .strictObject({
        ratio: share.optional().describe('Retries as a share of the requests; default 0.2'),
        floor: rate.optional().describe('Retries per second that are free; default 3'),
      })
      .optional()
      .describe('How much retries may add to the load'),
    retryOn: z
      .array(
        z
          .literal(
            [502, 503, 504, '502', '503', '504', 'timeout'],
            'is no reason; use 502, 503, 504 or timeout',
          )
          .transform((reason) => `${reason}` as const),
        'is no list; write it as [503, timeout]',
      )
      .optional()
      .describe('Default none'),
  })
  .describe('When a request goes on to another worker')

const timeouts = z
  .strictObject({
    connect: duration.optional().describe('Default 3s'),
    response: duration.optional().describe('Until the head of the response; default 30s'),
    idle: duration.optional().describe('Between two parts of a response; default 60s'),
    body: duration.optional().describe('Between two parts of a body of a request; default 30s'),
    upgrade: duration.optional().describe('Until an upgrade is answered; default 10s'),
  })
  .describe('How long the parts of an exchange may take')

const SECRET_MEND = 'give a text of 32 bytes or more, such as the output of "openssl rand -base64 32"'
const SECRET = `is no secret; ${SECRET_MEND}`
const secret = z.string(SECRET).refine((value) => Buffer.byteLength(value) >= 32, {
  error: ({ input }) => `has ${Buffer.byteLength(String(input))} bytes; ${SECRET_MEND}`,
})

const sticky = z
  .strictObject({
    secret: z
      .union([secret, z.array(secret, SECRET).min(1, SECRET)], SECRET)
      .describe('32 bytes or more; of several the first signs'),
    name: text.optional().describe('Of the cookie; default rondo'),
    path: text.optional().describe('Of the cookie; default /'),
    maxAge: seconds.optional().describe('How long a browser keeps it; default its session'),
  })
  .describe('Keeps sessions with their worker by a cookie')

const breaker = z
  .strictObject({
    failures: count.optional().describe('Default 5'),
    within: duration.optional().describe('Default 10s'),
    open: duration.optional().describe('Default 30s'),
  })
  .describe('Pauses workers that live but fail')

export const drain = z
  .strictObject({
    timeout: duration.optional().describe('Default 30s'),
    sessions: z.enum(['stay', 'leave']).optional().describe('Default stay'),
  })
  .describe('How workers are drained')

const forwarder = z
  .enum(['http-proxy-middleware', 'undici'])
  .describe('What carries requests to workers; default http-proxy-middleware')

/** What a pool may say, and the top level for the pool named `default`. */
export const poolFields = {
  strategy: strategy.optional(),
  forwarder: forwarder.optional(),
  sticky: sticky.optional(),
  health: health.optional(),
  failover: failover.optional(),
  timeouts: timeouts.optional(),
  keepAlive: z
    .strictObject({ idle: duration.optional().describe('Default 4s') })
    .optional()
    .describe('How connections to workers are kept'),
  drain: drain.optional(),
  breaker: breaker.optional(),
  slowStart: duration
    .optional()
    .describe('Over what time the weight of a worker that comes grows; default off'),
  tls: workerTls.optional(),
}

export const bodyLimit = size.optional().describe('Of the body of a request; default unlimited')

export const pool = z
  .strictObject({
    workers,
    ...poolFields,
    limits: z.strictObject({ body: bodyLimit }).optional().describe('What a request may be'),
  })
  .describe('Workers that serve the same thing')

export type PoolFile = z.output<typeof pool>
