import { z } from 'zod'
import { flag, onOff } from './scalars.ts'
import { listenerTls } from './tls-schema.ts'

const PORT = 'is not a port; give a whole number from 0 to 65535'
const TARGET = 'is not a port; give that of the listener with tls, as 443'
const HOST = 'is no host; give an address of this machine, as "127.0.0.1" or "::1"'

/** Whether a listener reads headers of the PROXY protocol. */
export const acceptProxy = z
  .union([onOff, flag], 'is neither on nor off; give one of them')
  .transform((value) => value === 'on' || value === true)
  .describe('Whether each connection begins with one, from one of trustedProxies; default off')

/** A listener as an object: where, and how it is spoken to. */
export const listener = z.strictObject({
  port: z.int(PORT).min(0, PORT).max(65_535, PORT).describe('0 is any free one'),
  host: z
    .string(HOST)
    .regex(/^([^\s/[\]]+|\[[\da-f:.]+\])$/i, HOST)
    .optional()
    .describe('Default every address of the machine'),
  tls: listenerTls.optional(),
  redirect: z
    .int(TARGET)
    .min(1, TARGET)
    .max(65_535, TARGET)
    .optional()
    .describe('Sends all to https, at this port'),
  proxyProtocol: z
    .strictObject({ accept: acceptProxy.optional() })
    .optional()
    .describe('Headers of the PROXY protocol, which tell who the client is'),
})

const ADDRESS =
  'is no address; write it as 8080, "127.0.0.1:8080", "[::1]:8080" or {port: 443, tls: {cert: cert.pem, key: key.pem}}'
const LISTEN = `${ADDRESS}, or as a list of them`

/** Where the gateway listens. */
export const listen = z
  .union(
    [
      z.int(),
      z.string(),
      listener,
      z.array(z.union([z.int(), z.string(), listener], ADDRESS)).min(1, LISTEN),
    ],
    LISTEN,
  )
  .describe('A port, host:port, an object, or a list of them; default 80')

export type ListenerFile = z.output<typeof listener>
