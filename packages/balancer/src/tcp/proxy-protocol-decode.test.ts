import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { crc32c } from './proxy-protocol-crc32c.ts'
import { decodeProxy } from './proxy-protocol-decode.ts'
import { encodeProxy, LOCAL_V2, SIGNATURE_V2 } from './proxy-protocol.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** The ends of a whole header, as `1.2.3.4 11 5.6.7.8 22`; `own` where the connection's own hold. */
function ends(header: Buffer): string {
  const decoded = decodeProxy(header)
  if (typeof decoded === 'string') return decoded
  assert.equal(decoded.length, header.length)
  if (!decoded.ends) return 'own'
  const { source, destination } = decoded.ends
  return [source.address, source.port, destination.address, destination.port].join(' ')
}

const v1 = (rest: string): string => ends(bytes(`PROXY ${rest}\r\n`))

/** A header of version 2: command, family, and what follows. */
function v2(command: number, family: number, block: Buffer): Buffer {
  const head = Buffer.from([...SIGNATURE_V2, command, family, block.length >> 8, block.length & 0xff])
  return Buffer.concat([head, block])
}

const IPV4 = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 0, 11, 0, 22])
const IPV4_ENDS = '1.2.3.4 11 5.6.7.8 22'

function tlv(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value])
}

/** `header`, whose last four bytes are zeros, with its CRC32C in their place. */
function summed(header: Buffer): Buffer {
  header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}

suite('a header of version 1', () => {
  test('tells addresses and ports', () => {
    assert.equal(v1('TCP4 1.2.3.4 5.6.7.8 11 22'), IPV4_ENDS)
    assert.equal(v1('TCP4 255.255.255.255 0.0.0.0 65535 0'), '255.255.255.255 65535 0.0.0.0 0')
    const longest = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    assert.equal(v1(`TCP6 ${longest} ${longest} 65535 65535`), `${longest} 65535 ${longest} 65535`)
  })

  test('tells IPv6 addresses as sockets write them', () => {
    assert.equal(v1('TCP6 2001:DB8:0:0:0:0:0:1 :: 11 22'), '2001:db8::1 11 :: 22')
    assert.equal(v1('TCP6 ::ffff:102:304 ::ffff:5.6.7.8 11 22'), '::ffff:1.2.3.4 11 ::ffff:5.6.7.8 22')
    assert.equal(v1('TCP6 0001:0002:0003:4:5:6:7:8 ::1 11 22'), '1:2:3:4:5:6:7:8 11 ::1 22')
  })

  test('may say UNKNOWN, and then anything to the end of the line', () => {
    const rest = `${'f'.repeat(39)} ${'f'.repeat(39)} 65535 65535`
    for (const header of ['UNKNOWN', 'UNKNOWN ', 'UNKNOWN any thing\n \r here\0\xff', `UNKNOWN ${rest}`])
      assert.equal(v1(header), 'own', header)
  })

  test('has 107 bytes at the most', () => {
    const line = (length: number): Buffer => bytes(`PROXY UNKNOWN ${'x'.repeat(length - 16)}\r\n`)
    assert.equal(ends(line(107)), 'own')
    assert.equal(ends(line(107).subarray(0, 106)), 'partial')
    assert.equal(ends(line(108).subarray(0, 106)), 'partial')
    assert.equal(ends(line(108).subarray(0, 107)), 'malformed')
    assert.equal(ends(line(108)), 'malformed')
  })

  test('is refused where it is not to the letter', () => {
    const malformed = [
      'TCP4 1.2.3.4 5.6.7.8 011 22|TCP4 1.2.3.4 5.6.7.8 11 00|TCP4 1.2.3.4 5.6.7.8 11 65536',
      'TCP4 1.2.3.4 5.6.7.8 +11 22|TCP4 1.2.3.4 5.6.7.8 1e1 22|TCP4 1.2.3.4 5.6.7.8 0x1 22|TCP4 1.2.3.4 5.6.7.8 -1 22',
      'TCP4 01.2.3.4 5.6.7.8 11 22|TCP4 1.2.3.04 5.6.7.8 11 22|TCP4 1.2.3.256 5.6.7.8 11 22|TCP4 1.2.3 5.6.7.8 11 22',
      'TCP4 1.2.3.4.5 5.6.7.8 11 22|TCP4 0x1.2.3.4 5.6.7.8 11 22|TCP4 16909060 5.6.7.8 11 22|TCP4 .1.2.3.4 5.6.7.8 11 22',
      'TCP4  1.2.3.4 5.6.7.8 11 22|TCP4 1.2.3.4 5.6.7.8 11 22 |TCP4 1.2.3.4\t5.6.7.8 11 22| TCP4 1.2.3.4 5.6.7.8 11 22',
      'TCP4 1.2.3.4 5.6.7.8 11|TCP4 1.2.3.4 5.6.7.8|TCP4|TCP4 |TCP4 1.2.3.4 5.6.7.8 11 22 33|',
      'TCP4 ::1 ::1 11 22|TCP4 ::ffff:1.2.3.4 ::ffff:5.6.7.8 11 22|TCP6 1.2.3.4 5.6.7.8 11 22|TCP6 ::1 5.6.7.8 11 22',
      'TCP6 1::2::3 ::1 11 22|TCP6 00001::1 ::1 11 22|TCP6 fe80::1%lo ::1 11 22|TCP6 [::1] ::1 11 22|TCP6 : ::1 11 22',
      'TCP6 1:2:3:4:5:6:7 ::1 11 22|TCP6 1:2:3:4:5:6:7:8:9 ::1 11 22|TCP6 ::ffff:01.2.3.4 ::1 11 22|TCP6 ::g ::1 11 22',
      'tcp4 1.2.3.4 5.6.7.8 11 22|TCP 1.2.3.4 5.6.7.8 11 22|UDP4 1.2.3.4 5.6.7.8 11 22|TCP5 1.2.3.4 5.6.7.8 11 22',
      'unknown|UNKNOWNX|UNKNOWN\t|UNKNOWN\n|UNIX a b 1 2|TCP4 1.2.3.4 5.6.7.8 11 22\n|TCP4 1.2.3.4 5.6.7.8 11 22\r',
    ].flatMap((row) => row.split('|'))
    for (const header of malformed) assert.equal(v1(header), 'malformed', header)
  })

  test('ends in CRLF: neither CR nor LF does alone', () => {
    for (const end of ['\r', '\n', '\n\r', ''])
      assert.equal(ends(bytes(`PROXY TCP4 1.2.3.4 5.6.7.8 11 22${end}`)), 'partial')
    assert.equal(decodeProxy(bytes('PROXY TCP4 1.2.3.4 5.6.7.8 11 22\nGET / HTTP/1.1\r\n\r\n')), 'malformed')
  })
})

suite('a header of version 2', () => {
  test('tells addresses and ports', () => {
    assert.equal(ends(v2(0x21, 0x11, IPV4)), IPV4_ENDS)
    const block = Buffer.concat([
      Buffer.from('20010db8000000000000000000000001', 'hex'),
      Buffer.from('00000000000000000000ffff01020304', 'hex'),
      Buffer.from([0xff, 0xff, 0, 0]),
    ])
    assert.equal(ends(v2(0x21, 0x21, block)), '2001:db8::1 65535 ::ffff:1.2.3.4 0')
  })

  test('of the command LOCAL leaves the own addresses, whatever else it says', () => {
    assert.equal(ends(LOCAL_V2), 'own')
    assert.equal(ends(v2(0x20, 0x11, IPV4)), 'own')
    assert.equal(ends(v2(0x20, 0x00, Buffer.alloc(100, 0xff))), 'own')
    assert.equal(ends(v2(0x20, 0xff, Buffer.alloc(3))), 'own')
  })

  test('of another protocol than TCP over IP leaves the own addresses too', () => {
    assert.equal(ends(v2(0x21, 0x00, Buffer.alloc(0))), 'own')
    assert.equal(ends(v2(0x21, 0x00, Buffer.alloc(5, 0xff))), 'own')
    assert.equal(ends(v2(0x21, 0x12, IPV4)), 'own')
    assert.equal(ends(v2(0x21, 0x22, Buffer.alloc(36))), 'own')
    assert.equal(ends(v2(0x21, 0x31, Buffer.alloc(216))), 'own')
    assert.equal(ends(v2(0x21, 0x32, Buffer.alloc(216))), 'own')
    assert.equal(ends(v2(0x21, 0x10, Buffer.alloc(2))), 'own')
  })

  test('is refused with another version, command, family or protocol, once that byte has come', () => {
    for (const command of [0x00, 0x01, 0x10, 0x11, 0x22, 0x2f, 0x31])
      assert.equal(ends(Buffer.from([...SIGNATURE_V2, command])), 'malformed')
    for (const family of [0x13, 0x1f, 0x41, 0xf1, 0x03])
      assert.equal(ends(Buffer.from([...SIGNATURE_V2, 0x21, family])), 'malformed')
  })

  test('is refused where it is shorter than its addresses', () => {
    for (const [family, size] of [
      [0x11, 12],
      [0x12, 12],
      [0x21, 36],
      [0x31, 216],
    ] as const)
      assert.equal(ends(v2(0x21, family, Buffer.alloc(size - 1))), 'malformed')
  })

  test('is refused at 16 bytes where it would have more than 4096', () => {
    const noop = (size: number): Buffer => v2(0x21, 0x11, Buffer.concat([IPV4, tlv(4, Buffer.alloc(size))]))
    const longest = noop(4096 - 16 - 12 - 3)
    assert.equal(longest.length, 4096)
    assert.equal(ends(longest), IPV4_ENDS)
    assert.equal(ends(longest.subarray(0, 4095)), 'partial')
    assert.equal(ends(noop(4096 - 16 - 12 - 2).subarray(0, 16)), 'malformed')
    assert.equal(ends(v2(0x20, 0, Buffer.alloc(0xffff)).subarray(0, 16)), 'malformed')
  })

  test('may have TLVs, which must fill it', () => {
    const tlvs = [tlv(0x01, bytes('h2')), tlv(0x02, bytes('a.example')), tlv(0xea, Buffer.alloc(0))]
    assert.equal(ends(v2(0x21, 0x11, Buffer.concat([IPV4, ...tlvs]))), IPV4_ENDS)
    for (const rest of ['04', '0400', '040001', '04000200', '040000ff'])
      assert.equal(ends(v2(0x21, 0x11, Buffer.concat([IPV4, Buffer.from(rest, 'hex')]))), 'malformed', rest)
  })

  test('is believed with a CRC32C among them only if that is right', () => {
    const sum = tlv(0x03, Buffer.alloc(4))
    const header = summed(v2(0x21, 0x11, Buffer.concat([IPV4, tlv(1, bytes('h2')), sum])))
    assert.equal(ends(header), IPV4_ENDS)
    for (const at of [16, 20, 25, 32, header.length - 1]) {
      const changed = Buffer.from(header)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.equal(ends(changed), 'malformed', `byte ${at}`)
    }
    for (const size of [0, 3, 5])
      assert.equal(ends(v2(0x21, 0x11, Buffer.concat([IPV4, tlv(0x03, Buffer.alloc(size))]))), 'malformed')
  })
})

suite('a header of either version', () => {
  const source = { address: '2001:db8::1', port: 1 }
  const destination = { address: '2001:db8::2', port: 65_535 }

  for (const version of ['v1', 'v2'] as const) {
    const header = encodeProxy(version, { source, destination })

    test(`${version} is what was encoded, whatever comes behind it`, () => {
      for (const payload of ['', 'x', '\r\n', 'PROXY UNKNOWN\r\n', '\0'.repeat(70_000)])
        assert.deepEqual(decodeProxy(Buffer.concat([header, bytes(payload)])), {
          length: header.length,
          ends: { source, destination },
        })
    })

    test(`${version} is partial until its last byte`, () => {
      for (let length = 0; length < header.length; length++)
        assert.equal(decodeProxy(header.subarray(0, length)), 'partial', `${length} bytes`)
    })
  }

  test('is refused at the first byte that no header has', () => {
    for (const other of [
      'G',
      'p',
      '\n',
      '\x16',
      'PR0',
      'PROXY\t',
      '\r\n\r\n\0\r\nQUIT\r',
      '\r\nP',
      '\0',
      'SSH-2.0',
    ])
      assert.equal(decodeProxy(bytes(other)), 'malformed', JSON.stringify(other))
  })
})
