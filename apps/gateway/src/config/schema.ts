import { METHODS } from 'node:http'
import { z } from 'zod'
import { duration, durationOrNone, seconds, size, someSize } from './units.ts'

const count = z
  .int('is not a count; give a whole number of 1 or more')
  .min(1, 'is not a count; give a whole number of 1 or more')
const TEXT = 'is not a text; give one, in quotes if it looks like a number'
const anyText = z.string(TEXT)
const share = z
  .number('is not a share; give a number from 0 to 1')
  .min(0, 'is not a share; give a number from 0 to 1')
  .max(1, 'is not a share; give a number from 0 to 1')
const rate = z
  .number('is not a rate; give retries per second, 0 or more')
  .min(0, 'is not a rate; give retries per second, 0 or more')
const text = anyText.min(1, { error: 'says nothing; give a text that is not empty', abort: true })
const flag = z.boolean('is neither true nor false; give one of them')

const url = z
  .string('is not a URL; write it as "http://host:port"')
  .min(1, 'is not a URL; write it as "http://host:port"')

const worker = z
  .union(
    [
      url,
      z.strictObject({
        url: url.describe('Its origin, as http://host:port'),
        name: text.optional().describe('Its id in logs and metrics; default host:port'),
        weight: z
          .number('is not a weight; give a number above 0')
          .optional()
          .describe('Its share of the traffic; default 1'),
      }),
    ],
    'is no worker; write it as "http://host:port", or as {url: "http://host:port", weight: 2}',
  )
  .describe('A worker: its URL, or an object')

const workers = z
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

const health = z
  .strictObject({
    schedule: text.optional().describe('Cron, with seconds; default "*/2 * * * * *"'),
    path: text.optional().describe('Default /health'),
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

const drain = z
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
}

const bodyLimit = size.optional().describe('Of the body of a request; default unlimited')

const pool = z
  .strictObject({
    workers,
    ...poolFields,
    limits: z.strictObject({ body: bodyLimit }).optional().describe('What a request may be'),
  })
  .describe('Workers that serve the same thing')

const HEADER_NAME = 'is no name of a header; give letters, digits and "-", as in "x-user"'
const headerName = z.string(HEADER_NAME).regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: HEADER_NAME, abort: true })
/** What frames a message, or is about one connection, is the gateway's to say. */
const FRAMING = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
const ownHeaderName = headerName.refine(
  (name) => !FRAMING.includes(name.toLowerCase()),
  'is about the connection; leave it to the gateway',
)
const headerValue = anyText.regex(
  /^[\t\x20-\x7e\x80-\xff]*$/,
  'has characters that no header may have; leave out line breaks and what is not Latin-1',
)

const METHOD = 'is no method; write it as "GET", or as ["GET", "HEAD"]'
const method = z.string(METHOD).refine((name) => METHODS.includes(name.toUpperCase()), METHOD)
const HOST = 'is no host; write it as "api.example.com" or "*.example.com", without a port'
const host = z.string(HOST).regex(/^((\*\.)?[\w.-]+|\[[\da-fA-F:.]+\])$/, HOST)
const PATH = 'is no path; write it as "/api" or "/files/*.jpg", in what may stand in a URL before "?"'
const path = z.string(PATH).regex(/^\/[!"$->@-~]*$/, PATH)
const REWRITE = 'is no path; write it as "/new"'
const STATUS = 'is no status; give a number from 200 to 599'
const TYPE = 'is no type; write it as "text/html"'
const TO = 'is no URL or path; write it as "https://example.com$path" or "/new"'

const route = z
  .strictObject(
    {
      host: host.optional().describe('api.example.com, or *.example.com'),
      path: path.optional().describe('A prefix, /api, or a pattern: * is any text but /, ** any text'),
      method: z
        .union([method, z.array(method).min(1, METHOD)], METHOD)
        .optional()
        .describe('One, or a list'),
      header: z
        .record(
          headerName,
          z.union(
            [anyText, z.literal(true)],
            'is no value; give a text, in quotes if it looks like a number, or true for any',
          ),
          'is no object; write it as {x-user: "7"}',
        )
        .optional()
        .describe('Values that headers must have; true: any'),
      pool: text.optional().describe('Who serves it'),
      strip: flag.optional().describe('Whether workers see the path without the prefix; default false'),
      rewrite: z
        .string(REWRITE)
        .regex(/^\/[!"$->@-~]*$/, REWRITE)
        .optional()
        .describe('What the prefix is replaced by'),
      headers: z
        .strictObject({
          set: z
            .record(ownHeaderName, headerValue, 'is no object; write it as {x-from: gateway}')
            .optional()
            .describe('By name, instead of what a client says'),
          remove: z.array(ownHeaderName, 'is no list; write it as [cookie]').optional().describe('By name'),
        })
        .optional()
        .describe('Changes of the headers that workers get'),
      answer: z
        .strictObject({
          status: z.int(STATUS).min(200, STATUS).max(599, STATUS).describe('From 200 to 599'),
          body: anyText.optional().describe('Default empty'),
          type: headerValue
            .min(1, TYPE)
            .optional()
            .describe('Content-Type; default text/plain; charset=utf-8'),
        })
        .optional()
        .describe('A fixed answer'),
      redirect: z
        .strictObject({
          to: z
            .string(TO)
            .regex(/^(\/|https?:\/\/|\$path)[!-~]*$/, TO)
            .describe('A URL or a path; $path is the path and query that were asked for'),
          status: z.literal([301, 302, 303, 307, 308]).optional().describe('Default 302'),
        })
        .optional()
        .describe('A redirect'),
    },
    'is no route; write it as {path: /api, pool: api}',
  )
  .describe('The first route that matches serves a request')

const ADDRESS = 'is no address; write it as 8080, "127.0.0.1:8080" or "[::1]:8080"'
const LISTEN = `${ADDRESS}, or as a list of them`
const address = z.union([z.int(), z.string()], ADDRESS)
const listen = z
  .union([z.int(), z.string(), z.array(address).min(1, LISTEN)], LISTEN)
  .describe('A port, host:port, or a list of them; default 80')

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
export type PoolFile = z.output<typeof pool>
export type Route = z.output<typeof route>
