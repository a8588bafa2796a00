import { z } from 'zod'
import { listener } from './listen-schema.ts'
import { ownTls } from './tls-schema.ts'

/** Bytes of a token: shorter ones may be guessed. */
const LEAST = 16
const TOKEN_MEND = `give ${LEAST} bytes or more, such as the output of "openssl rand -hex 32", in quotes`
const TOKEN = `is no token; ${TOKEN_MEND}`
const token = z
  .string(TOKEN)
  .regex(/^[!-~]*$/, {
    error: `has characters that no header carries; ${TOKEN_MEND}`,
    abort: true,
  })
  .refine((value) => Buffer.byteLength(value) >= LEAST, {
    error: ({ input }) => `has ${Buffer.byteLength(String(input))} bytes; ${TOKEN_MEND}`,
  })

const ADDRESS =
  'is no address; write it as 8081, "127.0.0.1:8081", "[::1]:8081" or {port: 8081, tls: {cert: cert.pem, key: key.pem}}'

/** A listener that sends nobody on, and has no workers to tell who came. */
const adminListener = listener
  .omit({ redirect: true, proxyProtocol: true })
  .extend({ tls: ownTls.optional().describe('Speaks https') })

/** The admin API: `off`, an address in short, or an object. */
export const admin = z
  .union(
    [
      z.int(),
      z.string(),
      z.strictObject({
        listen: z
          .union([z.int(), z.string(), adminListener], ADDRESS)
          .optional()
          .describe('A port, or host:port; default 127.0.0.1:8081'),
        token: z
          .union([token, z.array(token).min(1, TOKEN)], TOKEN)
          .optional()
          .describe('What a request has to bear, or several; needed beyond this machine'),
      }),
    ],
    'is no admin API; use off, an address such as "127.0.0.1:8081", or {listen: 8081, token: "${ADMIN_TOKEN}"}',
  )
  .describe('Where the admin API listens; default 127.0.0.1:8081')
