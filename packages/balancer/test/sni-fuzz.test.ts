import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { suite, test } from 'node:test'
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import * as fc from 'fast-check'
import { ClientHelloReader, HelloError, type ClientHello } from '../src/tcp/client-hello.ts'
import { createAuthority } from './support/certificates.ts'
import {
  helloOf,
  nodeHello,
  putTogether,
  records,
  serverName,
  takeApart,
  vector,
} from './support/client-hellos.ts'
import { fuzzed } from './support/fuzzed.ts'

const HANDSHAKE = 22

type Extension = readonly [number, Buffer]

/** What a reader comes to: a hello, why there is none, or undefined where it waits for more. */
type Answer = ClientHello | { readonly refused: string; readonly alert: number | undefined } | undefined

function answer(parts: readonly Buffer[]): Answer {
  const reader = new ClientHelloReader()
  try {
    for (const part of parts) {
      const hello = reader.push(part)
      if (hello) return hello
    }
    return undefined
  } catch (error) {
    if (!(error instanceof HelloError)) throw error
    return { refused: error.kind, alert: error.alert }
  }
}

const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array))

const name = fc.oneof(
  fc.constantFrom(
    'a.test',
    'A.Test',
    'a.test.',
    '127.0.0.1',
    '',
    'a\0b',
    'é',
    'a b',
    'x'.repeat(255),
    'x'.repeat(256),
  ),
  fc.string({ maxLength: 20 }),
)

/** Data of a server_name or ALPN extension, mostly as they should be. */
const data: fc.Arbitrary<Extension> = fc.oneof(
  name.map((one): Extension => [0, serverName(one)]),
  fc.tuple(name, name).map((both): Extension => [0, serverName(...both)]),
  fc.tuple(fc.nat(2), name).map(([type, one]): Extension => {
    return [0, vector(2, Buffer.of(type), vector(2, Buffer.from(one)))]
  }),
  fc.array(bytes(5), { maxLength: 4 }).map((list): Extension => {
    return [16, vector(2, ...list.map((one) => vector(1, one)))]
  }),
  fc.tuple(fc.constantFrom(0, 16, 21, 0x0a0a, 0xfe0d), bytes(20)),
)

/** Changes a list of extensions. */
const rearranged: fc.Arbitrary<(list: readonly Extension[]) => readonly Extension[]> = fc
  .array(fc.tuple(fc.constantFrom('put', 'replace', 'copy', 'drop', 'lengthen'), fc.nat(), fc.nat(), data), {
    maxLength: 3,
  })
  .map((steps) => (list) => {
    const all = [...list]
    for (const [how, n, m, one] of steps) {
      const [at, from] = [n % (all.length + 1), all[m % all.length] ?? one]
      if (how === 'put') all.splice(at, 0, one)
      else if (how === 'replace') {
        const place = all.findIndex(([type]) => type === one[0])
        if (place >= 0) all[place] = one
      } else if (how === 'copy') all.splice(at, 0, from)
      else if (how === 'drop') all.splice(at, 1)
      else if (all[at]) all[at] = [all[at][0], Buffer.concat([all[at][1], one[1]])]
    }
    return all
  })

/** Changes single bytes, most often among the lengths at the front. */
const spoilt: fc.Arbitrary<(hello: Buffer) => Buffer> = fc
  .array(fc.tuple(fc.oneof(fc.nat(80), fc.nat()), fc.nat(255), fc.constantFrom('set', 'insert', 'drop')), {
    maxLength: 2,
  })
  .map((changes) => (hello) => {
    let changed = hello
    for (const [n, value, how] of changes) {
      const at = n % changed.length
      changed = Buffer.concat([
        changed.subarray(0, at),
        how === 'drop' ? Buffer.alloc(0) : Buffer.of(value),
        changed.subarray(how === 'insert' ? at : at + 1),
      ])
    }
    return changed
  })

/** Bytes in parts of these sizes, over and over. */
function cut(all: Buffer, sizes: readonly number[]): Buffer[] {
  const parts = []
  for (let at = 0, i = 0; at < all.length; i++) {
    const end = at + (sizes[i % sizes.length] ?? all.length)
    parts.push(all.subarray(at, end))
    at = end
  }
  return parts
}

/** What OpenSSL has read when it answers a hello with its own; undefined if it does not. */
function openssl(hello: Buffer, secureContext: SecureContext): Promise<ClientHello | undefined> {
  const { promise, resolve } = Promise.withResolvers<ClientHello | undefined>()
  let serverName: string | undefined
  const wire = new Duplex({
    read() {},
    write(record: Buffer, _encoding, done) {
      done()
      end(record[0] === HANDSHAKE ? { serverName, protocols: [] } : undefined)
    },
  })
  const socket = new TLSSocket(wire, {
    isServer: true,
    secureContext,
    SNICallback(name, done) {
      serverName = asRead(name)
      done(null)
    },
    ALPNCallback({ servername, protocols }) {
      end({ serverName: asRead(servername), protocols })
      return undefined
    },
  })
  function end(read?: ClientHello): void {
    resolve(read)
    socket.destroy()
    wire.destroy()
  }
  const nothing = (): void => end()
  socket.on('error', nothing).on('end', nothing).on('close', nothing).resume()
  wire.push(hello)
  wire.push(null)
  return promise
}

function asRead(servername: string | false): string | undefined {
  return servername === false ? undefined : servername.toLowerCase().replace(/\.$/, '')
}

/** As Node hands protocols to `ALPNCallback`. */
function toAscii(text: string): string {
  return Buffer.from(text, 'latin1').toString('ascii')
}

suite('any bytes for a hello', () => {
  test('come to the same in whatever parts they come, and whatever comes behind', async (t) => {
    const hello = fc
      .tuple(rearranged, spoilt, fc.integer({ min: 1, max: 600 }))
      .map(([arrange, spoil, size]) => {
        const { front, extensions } = takeApart(helloOf({ name: 'a.test', protocols: ['h2'] }))
        return spoil(records(putTogether(front, arrange(extensions)).subarray(5), size))
      })
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 })
    await fuzzed(
      t,
      fc.tuple(fc.oneof({ weight: 9, arbitrary: hello }, bytes(200)), sizes, bytes(50)),
      async ([all, some, behind]) => {
        const whole = answer([all])
        assert.deepEqual(answer(cut(all, some)), whole)
        assert.deepEqual(answer(cut(all, [1])), whole)
        if (whole) assert.deepEqual(answer([Buffer.concat([all, behind])]), whole)
        // Nothing but these bytes is looked at: they may stand in the middle of others.
        const around = Buffer.concat([behind, all, behind])
        assert.deepEqual(answer([around.subarray(behind.length, behind.length + all.length)]), whole)
      },
    )
  })

  test('never name another host or other protocols than OpenSSL reads in them', async (t) => {
    const { cert, key } = createAuthority(t).issue(['a.test'])
    const context = createSecureContext({ cert, key })
    const base = await Promise.all(
      (['TLSv1.2', 'TLSv1.3'] as const).map((maxVersion) =>
        nodeHello({ maxVersion, servername: 'a.test', ALPNProtocols: ['h2', 'http/1.1'] }),
      ),
    )
    for (const hello of base) assert.deepEqual(await openssl(hello, context), answer([hello]))

    let both = 0
    let refused = 0
    const hello = fc.tuple(fc.constantFrom(...base), rearranged, spoilt).map(([one, arrange, spoil]) => {
      const { front, extensions } = takeApart(one)
      return spoil(putTogether(front, arrange(extensions)))
    })
    await fuzzed(t, hello, async (all) => {
      const theirs = await openssl(all, context)
      if (!theirs) return
      const ours = answer([all])
      assert.ok(ours, 'OpenSSL had enough of it')
      if ('refused' in ours) refused++
      else {
        both++
        assert.deepEqual({ ...ours, protocols: ours.protocols.map(toAscii) }, theirs)
      }
    })
    t.diagnostic(`${both} read by both, ${refused} by OpenSSL alone`)
  })
})
