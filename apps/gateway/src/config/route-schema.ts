import { METHODS } from 'node:http'
import { z } from 'zod'
import { anyText, flag, text } from './scalars.ts'

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

export const route = z
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

export type Route = z.output<typeof route>
