import { z } from 'zod'

/** Shorter ones may be guessed. */
const BYTES = 16
const TOKEN_MEND = `give ${BYTES} bytes or more, such as the output of "openssl rand -hex 32", in quotes`
const TOKEN = `is no token; ${TOKEN_MEND}`
const token = z
  .string(TOKEN)
  .regex(/^[!-~]*$/, {
    error: `has characters that no header carries; ${TOKEN_MEND}`,
    abort: true,
  })
  .refine((value) => Buffer.byteLength(value) >= BYTES, {
    error: ({ input }) => `has ${Buffer.byteLength(String(input))} bytes; ${TOKEN_MEND}`,
  })

/** The admin API: `off`, an address in short, or an object; there, `address` is what listeners have too. */
export function adminOf<Address extends z.ZodType>(address: Address) {
  return z
    .union(
      [
        z.int(),
        z.string(),
        z.strictObject({
          listen: address.optional().describe('A port, or host:port; default 127.0.0.1:8081'),
          token: z
            .union([token, z.array(token).min(1, TOKEN)], TOKEN)
            .optional()
            .describe('What a request has to bear, or several; needed beyond this machine'),
        }),
      ],
      'is no admin API; use off, an address such as "127.0.0.1:8081", or {listen: 8081, token: "${ADMIN_TOKEN}"}',
    )
    .describe('Where the admin API listens; default 127.0.0.1:8081')
}
