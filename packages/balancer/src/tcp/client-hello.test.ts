import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  bytewise,
  extension,
  handshake,
  helloMessage,
  helloOf,
  records,
  serverName,
  vector,
} from '../../test/support/client-hellos.ts'
import { dice } from '../../test/support/dice.ts'
import { ClientHelloReader, HelloError, type ClientHello } from './client-hello.ts'

const A = { serverName: 'a.example', protocols: [] }

/** What is read from these parts; a hello must come with the last of them. */
function readAll(parts: readonly Buffer[]): ClientHello | undefined {
  const reader = new ClientHelloReader()
  let hello: ClientHello | undefined
  for (const part of parts) {
    assert.equal(hello, undefined, 'the hello came before its last part')
    hello = reader.push(part)
  }
  assert.ok(reader.bytes.equals(Buffer.concat(parts)))
  return hello
}

const read = (bytes: Buffer): ClientHello | undefined => new ClientHelloReader().push(bytes)

/** Asserts how bytes are refused, when they come at once and when they come one by one. */
function refused(bytes: Buffer, alert: number | undefined, kind = 'hello-malformed'): void {
  const isRefusal = (error: unknown): boolean => {
    assert.ok(error instanceof HelloError, String(error))
    assert.deepEqual([error.kind, error.alert], [kind, alert], error.message)
    return true
  }
  assert.throws(() => read(bytes), isRefusal)
  assert.throws(() => {
    const reader = new ClientHelloReader()
    for (const byte of bytewise(bytes)) reader.push(byte)
  }, isRefusal)
}

suite('a client hello', () => {
  test('tells the name and the protocols', () => {
    const protocols = ['h2', 'http/1.1']
    assert.deepEqual(read(helloOf({ name: 'a.example', protocols })), { serverName: 'a.example', protocols })
    assert.deepEqual(read(helloOf({ protocols })), { serverName: undefined, protocols })
    assert.deepEqual(read(helloOf({ name: 'a.example' })), A)
  })

  test('may have no extensions at all, as before TLS 1.3', () => {
    const bare = [
      Buffer.of(3, 0),
      Buffer.alloc(32),
      vector(1),
      vector(2, Buffer.of(0, 5)),
      vector(1, Buffer.of(0)),
    ]
    assert.deepEqual(read(records(handshake(...bare))), { serverName: undefined, protocols: [] })
    assert.deepEqual(read(records(handshake(...bare, vector(2)))), { serverName: undefined, protocols: [] })
  })

  test('comes in parts of any size, over records of any size', () => {
    const message = helloMessage({ name: 'a.example', extensions: [[21, Buffer.alloc(3000)]] })
    for (const size of [1, 2, 3, 4, 5, 100, 1000, 16_384]) {
      const bytes = records(message, size)
      assert.deepEqual(readAll([bytes]), A)
      assert.deepEqual(readAll(bytewise(bytes)), A)
    }
    const random = dice(1)
    for (let i = 0; i < 200; i++) {
      const bytes = records(message, 1 + Math.floor(random() * 2000))
      const parts = []
      for (let at = 0; at < bytes.length;) {
        const end = at + 1 + Math.floor(random() * 700)
        parts.push(bytes.subarray(at, end))
        at = end
      }
      assert.deepEqual(readAll(parts), A)
    }
  })

  test('is whole with its last byte, whatever comes behind it and whatever its record says', () => {
    const bytes = helloOf({ name: 'a.example' })
    const reader = new ClientHelloReader()
    assert.equal(reader.push(bytes.subarray(0, -1)), undefined)
    const rest = Buffer.concat([bytes.subarray(-1), Buffer.alloc(100_000, 0xff)])
    assert.deepEqual(reader.push(rest), A)
    assert.equal(reader.bytes.length, bytes.length + 100_000)

    bytes.writeUInt16BE(16_384, 3)
    assert.deepEqual(read(bytes), A)
  })

  test('may be 64 KiB long with the headers of its records, and no byte more', () => {
    const padded = (length: number): Buffer => helloOf({ extensions: [[21, Buffer.alloc(length)]] })
    const head = padded(0).length + 3 * 5
    const longest = 65_536 - head
    assert.equal(padded(longest).length, 65_536)
    assert.deepEqual(readAll([padded(longest)]), { serverName: undefined, protocols: [] })
    assert.deepEqual(readAll(bytewise(padded(longest))), { serverName: undefined, protocols: [] })
  })

  test('that says it will be longer is refused with its first bytes', () => {
    refused(Buffer.of(22, 3, 1, 0x40, 0, 1, 1, 0, 0), 50, 'hello-too-large')
    refused(Buffer.of(22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff), 50, 'hello-too-large')
  })

  test('that takes more by way of small records is refused', () => {
    const message = helloMessage({ extensions: [[21, Buffer.alloc(20_000)]] })
    refused(records(message, 1).subarray(0, 65_537), 50, 'hello-too-large')
  })

  test('names a host in any case, and with a dot at its end', () => {
    const named = (name: string | Buffer): string | undefined => read(helloOf({ name }))?.serverName
    assert.equal(named('A.Example'), 'a.example')
    assert.equal(named('a.example.'), 'a.example')
    assert.equal(named('.'), '')
    assert.equal(named('127.0.0.1'), '127.0.0.1')
    assert.equal(named('::1'), '::1')
    assert.equal(named('x'.repeat(255)), 'x'.repeat(255))
    for (const name of ['a\0.example', 'a b', 'a\n', 'é.example', '\x7f', 'x'.repeat(256)])
      refused(helloOf({ name: Buffer.from(name) }), 47)
  })

  test('has one name, of a host, of a byte at least', () => {
    const withName = (data: Buffer): Buffer => helloOf({ extensions: [[0, data]] })
    refused(helloOf({ name: '' }), 50)
    refused(withName(Buffer.alloc(0)), 50)
    refused(withName(vector(2)), 50)
    refused(withName(serverName('a.example', 'b.example')), 50)
    refused(withName(vector(2, Buffer.of(1), vector(2, Buffer.from('a')))), 50)
    refused(withName(Buffer.concat([serverName('a.example'), Buffer.of(0)])), 50)
    refused(withName(vector(2, Buffer.of(0, 0, 9), Buffer.from('a'))), 50)
    refused(helloOf({ name: 'a.example', extensions: [[0, serverName('b.example')]] }), 47)
  })

  test('has one list of protocols, and none of its names is empty', () => {
    const withProtocols = (data: Buffer): Buffer => helloOf({ extensions: [[16, data]] })
    refused(withProtocols(Buffer.alloc(0)), 50)
    refused(withProtocols(vector(2)), 50)
    refused(withProtocols(vector(2, vector(1), vector(1, Buffer.from('h2')))), 50)
    refused(withProtocols(vector(2, Buffer.of(3), Buffer.from('h2'))), 50)
    refused(helloOf({ protocols: ['h2'], extensions: [[16, vector(2, vector(1, Buffer.from('h3')))]] }), 47)
  })

  test('may have what nobody knows: GREASE (RFC 8701) and the outer hello of ECH', () => {
    const extensions = [
      [0x0a0a, Buffer.alloc(0)],
      [0xfe0d, Buffer.alloc(250, 3)],
      [0xfafa, Buffer.of(0)],
    ] as const
    const protocols = ['\x0a\x0a', 'h2']
    const suites = vector(2, Buffer.of(0x2a, 0x2a, 0x13, 0x01))
    assert.deepEqual(read(helloOf({ name: 'a.example', protocols, extensions, suites })), { ...A, protocols })
  })

  test('whose lengths lie is refused', () => {
    const front = [Buffer.of(3, 3), Buffer.alloc(32)]
    const middle = [vector(1), vector(2, Buffer.of(0, 5)), vector(1, Buffer.of(0))]
    refused(records(handshake()), 50)
    refused(records(handshake(Buffer.alloc(33))), 50)
    refused(records(handshake(...front, Buffer.of(255))), 50)
    refused(helloOf({ session: vector(1, Buffer.alloc(33)) }), 50)
    refused(helloOf({ suites: vector(2) }), 50)
    refused(records(handshake(...front, ...middle, Buffer.of(0))), 50)
    refused(records(handshake(...front, ...middle, Buffer.of(0, 9, 0))), 50)
    refused(records(handshake(...front, ...middle, vector(2), Buffer.of(0))), 50)
    refused(records(handshake(...front, ...middle, vector(2, Buffer.of(0, 0)))), 50)
    refused(records(handshake(...front, ...middle, vector(2, extension(5, Buffer.of(1)).subarray(0, 4)))), 50)
  })

  test('comes in records of a handshake, none of them empty or above 2^14 bytes', () => {
    const hello = records(helloMessage({ name: 'a.example' }), 50)
    const second = 5 + 50
    const changed = (at: number, ...bytes: number[]): Buffer => {
      const copy = Buffer.from(hello)
      copy.set(bytes, at)
      return copy
    }
    refused(changed(second, 21), 10)
    refused(changed(second, 23), 10)
    refused(changed(second + 1, 2), 10)
    refused(changed(3, 0x40, 1), 22)
    refused(changed(second + 3, 0xff, 0xff), 22)
    refused(changed(3, 0, 0), 10)
    refused(changed(5, 2), 10)
  })

  test('is nothing else: where there is no TLS, no alert is due', () => {
    refused(Buffer.from('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'), undefined)
    refused(Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), undefined)
    refused(Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'), undefined)
    refused(Buffer.of(0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10), undefined) // SSLv2
    refused(Buffer.of(22, 2, 0, 0, 1, 1), undefined)
    refused(Buffer.of(21, 3, 1, 0, 2, 1, 0), undefined)
    refused(Buffer.of(0), undefined)
  })
})
